#pragma once
// Files that are fetched without being asked for, as the session's configuration says: of which kinds, up to which
// size. They come after what somebody waits for, a few at a time, once: what fails is logged, and fetched when it is
// asked for. What the end of the connection cuts off is begun again on the next one. What waits when the process ends
// is not fetched by itself any more.

#include <cstdint>
#include <deque>
#include <set>
#include <string>

#include "sessions/context.h"
#include "sessions/media/downloads.h"

namespace wharf::sessions {

class AutoDownloads {
 public:
  static constexpr std::size_t at_once = 2;          // of one session
  static constexpr std::size_t max_waiting = 1'000;  // the oldest is left out

  AutoDownloads(Context& context, Downloads& downloads);

  /// A message was stored in this turn, an own one from another device too. What can be seen once only is left to
  /// whoever asks for it.
  void consider(const std::string& id, const std::string& kind);
  /// The session came online.
  void on_online();

 private:
  void wait(const std::string& id);
  void go_on();

  Context& c_;
  Downloads& downloads_;
  std::deque<std::string> waiting_;  // WhatsApp ids, the newest last
  /// Those that were cut off: begun again with the next connection, not before, as this one may not serve them. No more
  /// than max_waiting either.
  std::deque<std::string> cut_off_;
  std::set<std::string> under_way_;
  bool going_on_ = false;
};

}  // namespace wharf::sessions
