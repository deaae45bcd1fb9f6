#pragma once
// What most files of protocol/notifications/ include, compiled once for them where WHARF_PRECOMPILE is on.

#include "protocol/notifications/readers.h"
#include "protocol/stanzas/node_fields.h"
