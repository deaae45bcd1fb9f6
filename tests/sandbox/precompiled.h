#pragma once
// What most tests of the sandbox include, compiled once for them (wharf_precompile in cmake/modules.cmake).

#include <catch2/catch.hpp>

#include "sandbox/phone.h"
#include "tests/sandbox/fixture.h"
