#pragma once
// Base64 in the URL alphabet, read as clients write it: whatsmeow pads, the others do not (04 section 3.1).

#include <optional>
#include <string_view>

#include "protocol/bytes.h"

namespace wharf::sandbox {

/// Either without padding or with all of it. nullopt for anything else, the standard alphabet's + and / included.
std::optional<protocol::Bytes> from_base64url(std::string_view text);

}  // namespace wharf::sandbox
