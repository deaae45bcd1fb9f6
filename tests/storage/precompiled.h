#pragma once
// What most tests of the store include, compiled once for them (wharf_precompile in cmake/modules.cmake).

#include <catch2/catch.hpp>

#include "tests/storage/fixture.h"
