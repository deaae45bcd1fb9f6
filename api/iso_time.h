#pragma once
// ISO 8601 UTC times as the API shows them.

#include <string>

#include "storage/ids.h"

namespace wharf::api {

std::string iso_seconds(storage::UnixMs at);  // 2025-07-20T16:03:18Z
std::string iso_millis(storage::UnixMs at);   // 2025-07-20T16:03:18.123Z

}  // namespace wharf::api
