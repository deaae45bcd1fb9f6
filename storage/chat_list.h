#pragma once
// Every chat of a session at once, for readers that know no pages: first the ids as they stand now, then slices of
// rows. Paging by time (page_chats) would miss a chat that gets a message meanwhile and moves in front of the page.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "storage/chats.h"

namespace wharf::storage {

/// Newest first; 8 bytes a chat, so 800 KB at most. The numbers mean something to read_chats alone. nullopt: there are
/// more chats than `most`; only paging reads them.
inline constexpr std::size_t most_listed_chats = 100'000;
std::optional<std::vector<std::int64_t>> list_chats(Database& db, SessionId session,
                                                    std::size_t most = most_listed_chats);
/// Of list_chats; those that are gone since are left out.
std::vector<ChatRow> read_chats(Database& db, SessionId session, std::span<const std::int64_t> chats);

/// The people of the chats with one person, at most `most`, whom something was written to or from last first. Those
/// alone to whose chat a message has come since the device of today was linked: after a log-out it may be another
/// account's.
std::vector<protocol::Jid> chat_partners(Database& db, SessionId session, std::size_t most);

}  // namespace wharf::storage
