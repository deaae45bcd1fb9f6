#pragma once
// What the account's own requests will be told of. A change that a request makes comes as a notification like everybody
// else's, before or behind the answer, and with no word of the request (05 section 4). So what the account is said to
// have done within a minute of asking for it is taken for that, once, and its events name the request behind it. Where
// a phone of the account does the same in that minute, the wrong one of the two may be named. Nothing of it outlives
// the process.

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "sessions/context.h"

namespace wharf::sessions {

class OwnChanges {
 public:
  explicit OwnChanges(Context& context) : c_(context) {}

  /// This request leaves now, for the cause that is at work; nothing without one, and for what changes nothing.
  void asked(const Node& iq);
  /// The server refused it.
  void refused(std::string_view iq_id);
  /// The request behind a w:gp2 notification of this group by the own account; "" where none is known.
  std::string behind(const Jid& group, const Node& notification);
  /// The same of the group's picture.
  std::string behind_picture(const Jid& group);
  void forget_all() { expected_.clear(); }

 private:
  static constexpr std::size_t most_expected = 64;  // the oldest go
  static constexpr std::chrono::seconds expected_for{60};

  struct Expected {
    std::string iq_id, cause;
    std::optional<Jid> group;  // nullopt: its answer tells
    std::string tag;           // of the change
    std::string key;           // of a creation, which says it again
    net::SteadyTime until;
  };
  void expect(const Node& iq, std::optional<Jid> group, std::string_view tag, std::string key = {});
  std::string take(const Jid& group, std::string_view tag, const std::string& key);

  Context& c_;
  std::deque<Expected> expected_;
};

}  // namespace wharf::sessions
