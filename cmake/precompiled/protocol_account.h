#pragma once
// What most files of protocol/account/, business/, channels/ and calls/ include, compiled once for them where
// WHARF_PRECOMPILE is on.

#include <algorithm>

#include "protocol/stanzas/iq_reading.h"
#include "protocol/stanzas/node_fields.h"
