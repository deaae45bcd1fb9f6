#pragma once
// What was said about one message, as it is shown with it: its reactions, its texts before it was edited, the results
// of a poll, the answers to an event. Of each person the newest reaction, vote and answer count.

#include <functional>
#include <vector>

#include "api/dialect.h"
#include "storage/member_receipts.h"
#include "storage/messages.h"

namespace wharf::api {

using IdsOf = std::function<events::PersonIds(const protocol::Jid& user)>;

/// How far an own message got in a group.
struct InGroup {
  storage::GroupReach reach;
  std::vector<storage::MemberReceipt> members;
};
/// The message object with `recipients` of an own one, `reactions`, `edits`, `originalBody` and `pollResults` of a
/// poll, `eventAnswers` of an event. `said`: storage::add_ons of it. Of a row that is itself about a message: that
/// message's id.
void write_message_with_add_ons(JsonWriter& out, const storage::MessageRow& message,
                                const std::vector<storage::MessageRow>& said, const std::optional<InGroup>& in_group,
                                const IdsOf& ids_of, std::string_view session_name, Dialect dialect, bool pinned);
/// {name, selectableCount, voters, options: [{option, count, voters, voterLids}]}
void write_poll_results(JsonWriter& out, const events::Message& poll, const std::vector<storage::MessageRow>& said,
                        const IdsOf& ids_of, Dialect dialect);
/// {going, notGoing, maybe, extraGuests, answers: [{from, fromLid, fromMe, response, extraGuests, timestamp}]}
void write_event_answers(JsonWriter& out, const std::vector<storage::MessageRow>& said, const IdsOf& ids_of,
                         Dialect dialect);

}  // namespace wharf::api
