#pragma once
// What most tests of sessions include, compiled once for them (wharf_precompile in cmake/modules.cmake).

#include <catch2/catch.hpp>

#include "tests/sessions/session_fixture.h"
