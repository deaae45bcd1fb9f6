#pragma once
// Which edits count: those of the author, made soon enough. Specification 03 section 11. A calendar event may be moved
// or called off at any time: what the window is for (nobody shall rewrite what was long said) is no matter there.

#include "storage/messages.h"

namespace wharf::sessions {

/// After a message was sent its sender may edit it, with some slack for clocks and for what waited on its way.
inline constexpr storage::UnixMs edit_window_ms = 1'200'000, edit_slack_ms = 600'000;

/// The time of an own message is that of this machine's clock until the server has said its own.
inline bool has_server_time(const storage::MessageRow& message) {
  return !message.from_me || message.ack >= storage::AckLevel::server;
}

/// `canonical` gives the one name of a person: rows older than a mapping have the number where later ones have the LID.
template <class Canonical>
bool is_by_author(const storage::MessageRow& said, const storage::MessageRow& target, Canonical canonical) {
  return said.from_me == target.from_me && (said.from_me || canonical(said.author) == canonical(target.author));
}
/// Of an edit that was told by the server, of a message that may not have been yet: two clocks say nothing then, and
/// whoever made the edit has asked his own (composer.cpp).
template <class Canonical>
bool edit_counts(const storage::MessageRow& edit, const storage::MessageRow& target, Canonical canonical) {
  const bool in_time = target.kind == "event" || edit.timestamp - target.timestamp <= edit_window_ms + edit_slack_ms;
  return is_by_author(edit, target, canonical) && (in_time || !has_server_time(target));
}

}  // namespace wharf::sessions
