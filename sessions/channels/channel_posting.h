#pragma once
// A message as the post of a channel: in clear, unpadded, without secret, quote or receivers. Specification 03 section
// 5.3, 05 section 8.4.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/binary/node.h"
#include "sessions/commands.h"
#include "sessions/context.h"

namespace wharf::sessions {

/// Whether the account may post there, as WhatsApp has told over this connection: what was told before may have changed
/// since, and WhatsApp decides. Errors: forbidden (Subject::chat) where it follows or has left, not_found
/// (Subject::channel) of one that it has deleted.
Outcome<> may_post(const Context& context, const Jid& channel);
/// Errors: not_implemented (contents that this build does not post), unsupported (what channels do not have).
Outcome<> can_be_posted(const SendMessage& request);
/// The same of what is said about a post, which says how it can be: what is stored of the post names its server id.
Outcome<> can_be_said(const Context& context, const SendMessage& request, const Jid& channel);
/// The Message of a post, of one that was made for a chat.
protocol::Bytes post_content(protocol::ByteView message);
/// `handle`: of its uploaded file, "" of a text.
protocol::Node post_stanza(const Jid& channel, const storage::MessageRow& message, std::string_view handle = {});

/// The details of a message (sessions/message_details.h) with the server id of its post as `serverId`.
std::string with_server_id(const std::string& details, std::uint64_t server_id);
/// The same, read again; nullopt: they name none.
std::optional<std::uint64_t> server_id_in(std::string_view details);
inline bool has_server_id(std::string_view details) { return server_id_in(details).has_value(); }

}  // namespace wharf::sessions
