#pragma once
// The header lines of one part of a form (RFC 7578 section 4). Internal to web/.

#include <string_view>

#include "web/multipart_reader.h"

namespace wharf::web {

/// `block` is lines that each end in CRLF, without the empty one. The detail of an error goes behind "part 3 ".
protocol::Result<PartHead> parse_part_head(std::string_view block);

}  // namespace wharf::web
