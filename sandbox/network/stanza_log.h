#pragma once
// The wire log: the newest stanzas as summaries, both directions, and what clients did wrong.

#include <cstddef>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/binary/node.h"

namespace wharf::sandbox {

class StanzaLog {
 public:
  /// `limit` lines are kept, 0: nothing is noted at all. `told` hears each line as long as it is set.
  StanzaLog(std::size_t limit, const std::function<void(const std::string&)>& told) : limit_(limit), told_(told) {}

  /// False: whoever names the other side for note() may spare it.
  bool on() const { return limit_ != 0; }
  void note(std::string_view direction, std::string_view who, const protocol::Node& stanza);
  /// Something a client did wrong: into the process' log too.
  void complain(std::string text);
  /// Oldest first.
  std::vector<std::string> lines() const { return {lines_.begin(), lines_.end()}; }

 private:
  void record(std::string line);

  std::size_t limit_;
  const std::function<void(const std::string&)>& told_;
  std::deque<std::string> lines_;
};

}  // namespace wharf::sandbox
