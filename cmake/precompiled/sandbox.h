#pragma once
// What most files of sandbox/ include, compiled once for them where WHARF_PRECOMPILE is on.

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "sandbox/phone.h"
