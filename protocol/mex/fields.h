#pragma once
// Members of mex JSON, read within bounds as fields of stanzas are (protocol/stanzas/node_fields.h).

#include <optional>
#include <string>
#include <string_view>

#include "protocol/binary/jid.h"
#include "protocol/mex/json.h"

namespace wharf::protocol {

/// A JID with a user; nullopt for anything else.
std::optional<Jid> user_in(const Json& json, std::string_view name);
std::optional<Jid> lid_in(const Json& json, std::string_view name);
std::optional<Jid> channel_in(const Json& json, std::string_view name);
/// Whether `body` says that something failed. An `errors` that is no list does, too.
bool has_errors(const Json& body);
/// A text as one displayable line, "" when it is none.
std::string line_in(const Json& json, std::string_view name, std::size_t max_bytes = 1024);

}  // namespace wharf::protocol
