#pragma once
// What most tests of the API include, compiled once for them (wharf_precompile in cmake/modules.cmake).

#include <catch2/catch.hpp>

#include "tests/api/api_daemon.h"
