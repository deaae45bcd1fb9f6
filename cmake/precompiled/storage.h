#pragma once
// What most files of storage/ include, compiled once for them where WHARF_PRECOMPILE is on.

#include <algorithm>
#include <utility>

#include "storage/changes.h"
#include "storage/statement.h"
