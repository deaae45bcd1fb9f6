#include "tests/simulation/timer_record.h"

#include <fmt/format.h>

#include <variant>

#include "protocol/messages/content.h"
#include "storage/messages.h"

namespace wharf::simulation {

void TimerRecord::note(storage::Database& db, const storage::Change& change) {
  if (const auto* put = std::get_if<storage::PutChatTimer>(&change)) {
    const auto before = storage::find_chat_timer(db, put->session, put->chat);
    if (put->timer.set_at < before.set_at)
      steps_back_.push_back(fmt::format("the timer of {} was set at {} and gives way to one of {}",
                                        put->chat.to_string(), before.set_at, put->timer.set_at));
    return;
  }
  const auto* inserted = std::get_if<storage::InsertMessage>(&change);
  if (inserted == nullptr || !inserted->row.from_me) return;
  const storage::MessageRow& row = inserted->row;
  if (row.target_id.empty()) {
    in_force_.try_emplace({row.session, row.id}, storage::find_chat_timer(db, row.session, row.chat));
  } else if (row.target_id == storage::about_the_chat) {
    const auto content = protocol::parse_message(row.content);
    const auto* timer = content ? std::get_if<protocol::DisappearingTimer>(&content->body) : nullptr;
    if (timer == nullptr || !set_at_.try_emplace(row.id, timer->set_at).second) return;
    // Copies from other devices leave no row: it was set here, by somebody who saw the one before.
    const auto before = storage::find_chat_timer(db, row.session, row.chat);
    if (timer->set_at < before.set_at)
      steps_back_.push_back(fmt::format("{} sets a timer as of {}, the one that it sets aside is of {}", row.id,
                                        timer->set_at, before.set_at));
  }
}

std::optional<storage::ChatTimer> TimerRecord::in_force(storage::SessionId session,
                                                        const std::string& message_id) const {
  const auto found = in_force_.find({session, message_id});
  return found == in_force_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::int64_t> TimerRecord::set_at(const std::string& message_id) const {
  const auto found = set_at_.find(message_id);
  return found == set_at_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace wharf::simulation
