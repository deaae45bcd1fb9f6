#pragma once
// Ids of events, and places in the event log, as everything outside sees them: opaque strings. A client may compare two
// for equality and send one back; several logs can stand behind them later. Nothing but this file knows that such a
// text is the decimal number of one log today.

#include <optional>
#include <string>
#include <string_view>

#include "storage/ids.h"

namespace wharf::api {

/// What the API promises of the length, for columns of clients; today's are shorter.
inline constexpr std::size_t max_event_id_chars = 64;

std::string event_id_text(storage::EventId id);
/// A text that event_id_text() gives, of an event that may not be there. "0" stands before the oldest event. nullopt
/// for every other text: a sign, a zero in front, a number that no log reaches.
std::optional<storage::EventId> parse_event_id(std::string_view text);

}  // namespace wharf::api
