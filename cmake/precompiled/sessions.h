#pragma once
// What most files of sessions/ include, compiled once for them where WHARF_PRECOMPILE is on.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "sessions/context.h"
#include "sessions/directory.h"
