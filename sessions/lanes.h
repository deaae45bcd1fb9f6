#pragma once
// Messages that wait to be sealed, by chat. A chat is a lane: its messages go in order of acceptance, one lane does not
// hold up another, and next() says whose turn it is: the lane with the most urgent message, of equals the one whose
// first message was accepted first. A lane that cannot go (its keys are fetched, it tries again later, the file of its
// first message is uploaded) has no turn. A lane that is empty and prepares nothing is gone. Every operation is O(log
// n).

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "protocol/binary/jid.h"
#include "sessions/alarms.h"
#include "storage/outbox.h"

namespace wharf::sessions {

using protocol::Jid;

class Lanes {
 public:
  struct Waiting {
    storage::Priority priority = storage::Priority::normal;
    bool ready = true;  // false: its file is still to be uploaded
  };
  struct Turn {
    Jid chat;
    std::int64_t row = 0;  // of the outbox
  };

  bool contains(const Jid& chat) const { return lanes_.contains(chat); }
  std::size_t size() const { return lanes_.size(); }
  std::optional<Turn> next() const;

  void add(const Jid& chat, std::int64_t row, Waiting waiting);
  /// Nothing when it does not wait there.
  void remove(const Jid& chat, std::int64_t row);
  void make_ready(const Jid& chat, std::int64_t row);
  /// All that waits there, out of it.
  std::vector<std::int64_t> take_all(const Jid& chat);
  /// The lane is that of another chat from now on, in order among what waits there: its rows. Not while it prepares.
  std::vector<std::int64_t> rename(const Jid& from, const Jid& to);

  void begin_preparing(const Jid& chat);
  bool preparing(const Jid& chat) const;
  /// Of lanes that have gone, nothing.
  void end_preparing(const Jid& chat);
  /// The failures of the lane in a row, counted by who asks; nullptr: there is no such lane.
  unsigned* failures(const Jid& chat);
  void delay(const Jid& chat, net::SteadyTime until);
  /// When on_due() lets a delayed lane go on.
  std::optional<net::SteadyTime> due() const { return delays_.earliest(); }
  void on_due(net::SteadyTime now);
  /// The connection is gone: nothing is prepared or delayed any more.
  void reset();

 private:
  using Place = std::pair<int, std::int64_t>;  // the less urgent the later, then the first row
  struct Lane {
    std::map<std::int64_t, Waiting> waiting;
    std::array<std::uint32_t, 3> of_priority{};
    bool preparing = false;
    unsigned failures = 0;
    std::optional<Place> place;  // in order_
  };
  using ByChat = std::map<Jid, Lane>;

  std::optional<Place> place_of(const Jid& chat, const Lane& lane) const;
  /// Puts the lane where it belongs by now.
  void arrange(ByChat::iterator lane);
  static void count(Lane& lane, Waiting waiting, int by);

  ByChat lanes_;
  std::map<Place, ByChat::iterator> order_;  // of those that can go
  Alarms<Jid> delays_;
};

}  // namespace wharf::sessions
