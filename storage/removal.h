#pragma once
// Removal in slices. What the user removes vanishes in its own turn, by a few rows: the session's and the device's, the
// chat's, the webhook's mark. Everything filed under it (a session can have millions of messages) would hold up the one
// writer and with it every other session, so it goes afterwards, a bounded number of rows in a batch. The tombstones
// say what is left; they outlive a restart, and each slice is a transaction that leaves them true. For storage/*.cpp
// only.
//
// removed_session, webhook.removed: their ids are never given out twice, so nothing can be taken for another's.
// removed_device: a session that was logged out can be linked again at once, under keys that the old device's rows
//   still have. So the keys of a device are not filed under the session but under a device number: the
//   session's id for its first device, then a number that counts down from -1 (table device_number). A log-out takes
//   the next number; nobody can reach the rows of the old one any more, and the slices delete them.
// removed_chat: a chat may come back at once. Its messages up to through_row are no longer at home in it.
// removed_message: its row is gone, what was said about it is not yet.
// removed_reach: the row of an own message to a group is gone, what its members said of it is not yet (a trigger leaves
//   the mark; member_receipts.h).
// merged_chat: of those, the messages after after_row up to through_row belong to another chat; the slices file them
//   there, and until then readers ask WHARF_CHAT_OF. The copy that the target has of a message wins. Only phone
//   numbers merge, and only into LIDs: what a chat waits for (its own tombstone, before older rows are filed in it)
//   never waits for it.
// folder_removal stays: what it tells of lies in files, and is ended when they are gone (folder_removals.h).
// Events stay: readers of the log have their own pace, and the log ends them by its own bound (event_log.h).

#include <cstddef>

#include "protocol/binary/jid.h"
#include "storage/database.h"
#include "storage/ids.h"

namespace wharf::storage {

/// SQL: the device number of a session (an expression), and the same on both ends of row keys (session << 32 | low).
#define WHARF_DEVICE(session) "ifnull((SELECT number FROM device_number WHERE session_id = " #session "), " #session ")"
#define WHARF_DEVICE_KEY(key) "(" WHARF_DEVICE((key >> 32)) " << 32 | (" #key " & 0xffffffff))"
/// Condition behind the name of a key column, with the parameters of Statement::keys().
#define WHARF_DEVICE_KEYS " BETWEEN " WHARF_DEVICE_KEY(?1) " AND " WHARF_DEVICE_KEY(?2)

/// Conditions on a row `m` of `message`: it is in the chat that it is filed under; merge `g` makes it another's.
#define WHARF_MESSAGE_AT_HOME(m)                                                          \
  " " #m ".row > ifnull((SELECT through_row FROM removed_chat r WHERE r.session_id = " #m \
  ".session_id AND r.chat_id = " #m ".chat_id), 0) "
#define WHARF_MESSAGE_IN_MERGE(m, g)                                                               \
  " " #m ".row > " #g ".after_row AND " #m ".row <= " #g                                           \
  ".through_row"                                                                                   \
  " AND NOT EXISTS (SELECT 1 FROM message d WHERE d.session_id = " #m ".session_id AND d.id = " #m \
  ".id AND d.chat_id = " #g ".to_id AND d.from_me = " #m ".from_me AND" WHARF_MESSAGE_AT_HOME(d) ") "
/// The chat that a row of `message` belongs to; NULL when that was removed after it.
#define WHARF_CHAT_OF(m)                                                                              \
  "(CASE WHEN" WHARF_MESSAGE_AT_HOME(m) "THEN " #m                                                    \
                                        ".chat_id ELSE (SELECT g.to_id FROM merged_chat g"            \
                                        " WHERE g.session_id = " #m ".session_id AND g.from_id = " #m \
                                        ".chat_id AND" WHARF_MESSAGE_IN_MERGE(m, g) ") END)"
/// Condition on a row `m` of `message`: pages, chats and counts show it. By its kind, which stands before the content:
/// what is said about other messages and about the chat (MessageRow::target_id) is not; nor what was not sent yet
/// (events::in_conversation).
#define WHARF_MESSAGE_SHOWN(m)                                                      \
  " " #m ".ack >= -1 AND " #m                                                       \
  ".kind NOT IN ('reaction', 'edit', 'revoke', 'poll_vote', 'pin', 'disappearing'," \
  " 'sealed', 'event_answer') "
/// Condition on a row of `message`: it was not removed. Its chat is WHARF_CHAT_OF(message), not always chat_id.
#define WHARF_MESSAGE_LIVES " " WHARF_CHAT_OF(message) " IS NOT NULL "

/// Marks; the rows go later.
Result<void> bury_session(Database& db, SessionId session);
/// The session goes on, with the next device number.
Result<void> bury_device(Database& db, SessionId session);
Result<void> bury_chat(Database& db, SessionId session, const protocol::Jid& chat);
/// What was said about a message of the chat, which the caller has deleted.
Result<void> bury_add_ons(Database& db, SessionId session, const protocol::Jid& chat, const std::string& id,
                          bool from_me);
Result<void> bury_webhook(Database& db, const std::string& id);
/// The messages of chat `from` become those of chat `to`; the rows of both chats are the caller's.
Result<void> divert_chat(Database& db, SessionId session, std::int64_t from, std::int64_t to);
/// The message is one that a removed chat left behind: deletes it now and answers true.
Result<bool> exhume_message(Database& db, SessionId session, const protocol::Jid& chat, const std::string& id,
                            bool from_me);

/// Deletes or files at most `rows` rows (at least one of them when something waits), and messages no further than the
/// one with which their texts reach `bytes`: the index of words follows each of them. True: more is left. Throws
/// ReadFailure.
Result<bool> purge_removed(Database& db, std::size_t rows, std::size_t bytes);
bool has_removed(Database& db);

}  // namespace wharf::storage
