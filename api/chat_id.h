#pragma once
// Every spelling of an id that callers may use (docs/api.md "Dialects"), and the spellings the dialects answer with.

#include <optional>
#include <string>
#include <string_view>

#include "api/dialect_choice.h"
#include "protocol/binary/jid.h"

namespace wharf::api {

inline constexpr std::string_view chat_id_allowed =
    "a phone number with country code (with or without +, spaces, dashes, dots and parentheses), …@c.us, "
    "…@s.whatsapp.net, …@lid, …@g.us or …@newsletter";

/// A chat or a user: the JID without device, c.us mapped to s.whatsapp.net. nullopt for anything else.
std::optional<protocol::Jid> parse_chat_id(std::string_view text);

/// Why a text is no chat ("must be …"), with the way out where it names something that is written to otherwise.
std::string chat_id_problem(std::string_view text);
/// The same of a person: also of a chat that is none.
std::string person_id_problem(std::string_view text);

/// The same of a group.
std::string group_id_problem(std::string_view text);

/// The WhatsApp id in `true_<chat>_<id>`, `false_<chat>_<id>[_<participant>]` or a bare id. nullopt when it is none, or
/// its chat is none.
std::optional<std::string> parse_message_id(std::string_view text);

/// false of `false_…`, which names a received message. Of any other id nothing: the first API generation shows `true_`
/// for both sides.
std::optional<bool> side_of_message_id(std::string_view text);

/// The chat that such an id names; nullopt of a bare one.
std::optional<protocol::Jid> chat_of_message_id(std::string_view text);

/// "true_<chat>_<id>" for openwa, the WhatsApp id for gateway. The first API generation shows the prefix `true_` for
/// received messages as well; whose message it is says `fromMe`.
std::string message_id_text(std::string_view chat_text, std::string_view id, Dialect dialect);

/// A user's or chat's JID text as the dialect spells it: the phone number when it is known.
std::string jid_text(std::string_view jid, std::string_view phone_number_jid, Dialect dialect);

/// 1-64 of A-Z a-z 0-9 . _ -
bool is_session_name(std::string_view text);

}  // namespace wharf::api
