#pragma once
// What a session has accepted to send later, by its time. Times are those of the wall clock, which may be set and which
// stands still for nobody: they are looked at once a minute at least.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sessions/alarms.h"
#include "sessions/context.h"
#include "sessions/sending_terms.h"

namespace wharf::sessions {

class Schedule {
 public:
  struct Item {
    std::int64_t row = 0;  // of the outbox
    Jid chat;              // canonical when it was accepted
    std::string message_id;
    std::string request_id;  // of the command that asked for it; "" after a restart
    UnixMs send_at = 0;
    SendingTerms terms;
  };

  void add(Item item);
  std::size_t size() const { return items_.size(); }
  const std::map<std::int64_t, Item>& items() const { return items_; }

  std::optional<UnixMs> earliest() const { return times_.earliest(); }
  /// Takes the earliest whose time has come.
  std::optional<Item> take_due(UnixMs now);
  std::optional<Item> take(std::string_view message_id);

 private:
  std::optional<Item> take_row(std::int64_t row);

  std::map<std::int64_t, Item> items_;
  std::map<std::string_view, std::int64_t> by_id_;  // Item::message_id, a view of it -> row
  Alarms<std::int64_t, UnixMs> times_;
};

}  // namespace wharf::sessions
