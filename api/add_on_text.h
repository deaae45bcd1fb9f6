#pragma once
// What was said about one message, as it is shown with it: its reactions, its texts before it was edited, the results
// of a poll. Of each person the newest reaction and the newest vote count.

#include <functional>
#include <vector>

#include "api/dialect.h"
#include "storage/messages.h"

namespace wharf::api {

using IdsOf = std::function<events::PersonIds(const protocol::Jid& user)>;

/// The message object with `reactions`, `edits`, `originalBody` and, of a poll, `pollResults`. `said`: storage::add_ons
/// of it. Of a row that is itself about a message: that message's id.
void write_message_with_add_ons(JsonWriter& out, const storage::MessageRow& message,
                                const std::vector<storage::MessageRow>& said, const IdsOf& ids_of,
                                std::string_view session_name, Dialect dialect, bool pinned);
/// {name, selectableCount, voters, options: [{option, count, voters}]}
void write_poll_results(JsonWriter& out, const events::Message& poll, const std::vector<storage::MessageRow>& said,
                        const IdsOf& ids_of, Dialect dialect);

}  // namespace wharf::api
