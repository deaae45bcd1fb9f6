#pragma once
// What most files of api/ include, compiled once for them where WHARF_PRECOMPILE is on.

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "api/handlers.h"
