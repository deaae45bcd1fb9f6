#pragma once
// What most files of protocol/groups/ include, compiled once for them where WHARF_PRECOMPILE is on.

#include <algorithm>

#include "protocol/groups/fields.h"
