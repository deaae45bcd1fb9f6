#pragma once
// Removal in slices. What the user removes vanishes in its own turn, by a few rows: the session's and the device's, the
// chat's, the webhook's mark. Everything filed under it (a session can have millions of messages) would hold up the one
// writer and with it every other session, so it goes afterwards, a bounded number of rows in a batch. The tombstones
// removed_session, removed_chat and webhook.removed say what is left; they outlive a restart. For storage/*.cpp only.
//
// Session ids are never given out twice, so nothing of a removed session can be taken for another's. A chat may come
// back at once: its tombstone holds the last message row of the moment, and a message up to it is read by nobody.
// Events stay: readers of the log have their own pace, and the log ends them by its own bound (event_log.h).

#include <cstddef>

#include "protocol/binary/jid.h"
#include "storage/database.h"
#include "storage/ids.h"

namespace wharf::storage {

/// Condition on a row of `message`: its chat was not removed after it.
#define WHARF_MESSAGE_LIVES                                                                               \
  " message.row > ifnull((SELECT through_row FROM removed_chat r WHERE r.session_id = message.session_id" \
  " AND r.chat_id = message.chat_id), 0) "

/// Marks; the rows go later.
Result<void> bury_session(Database& db, SessionId session);
Result<void> bury_chat(Database& db, SessionId session, const protocol::Jid& chat);
Result<void> bury_webhook(Database& db, const std::string& id);
/// The message is one that a removed chat left behind: deletes it now and answers true.
Result<bool> exhume_message(Database& db, SessionId session, const protocol::Jid& chat, const std::string& id,
                            bool from_me);
/// All that a removed chat left behind at once, before other messages move into it.
Result<void> finish_chat(Database& db, SessionId session, std::int64_t chat_id);

/// Deletes at most `rows` rows (at least one of them when something waits). True: more is left. Throws ReadFailure.
Result<bool> purge_removed(Database& db, std::size_t rows);
bool has_removed(Database& db);

}  // namespace wharf::storage
