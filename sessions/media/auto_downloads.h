#pragma once
// Files that are fetched without being asked for, as the session's configuration says: of which kinds, up to which
// size. They come after what somebody waits for, a few at a time, once: what fails is logged, and fetched when it is
// asked for. What waits when the process ends is not fetched by itself any more.

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
  /// The session came online, or a file is through.
  void go_on();

 private:
  Context& c_;
  Downloads& downloads_;
  std::deque<std::string> waiting_;  // WhatsApp ids, the newest last
  std::set<std::string> under_way_;
};

}  // namespace wharf::sessions
