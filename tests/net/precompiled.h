#pragma once
// What most tests of the network include, compiled once for them (wharf_precompile in cmake/modules.cmake).

#include <catch2/catch.hpp>

#include "net/http_server.h"
#include "tests/net/loopback.h"
