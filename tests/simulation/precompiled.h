#pragma once
// What most files of the simulation include, compiled once for them (wharf_precompile in cmake/modules.cmake).

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "tests/simulation/world.h"
