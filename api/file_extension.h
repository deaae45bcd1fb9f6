#pragma once
// What a file is called behind its dot, by its bytes alone.

#include <string>
#include <vector>

#include "protocol/bytes.h"

namespace wharf::api {

/// ".jpg"; "" for what is not known. Blocking, as media::sniff_type().
std::string file_extension(protocol::ByteView head);
/// All that it may give, and others.
std::vector<std::string> file_extensions();

}  // namespace wharf::api
