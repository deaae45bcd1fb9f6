#pragma once
// What is said in a channel that is no message of the chat: reactions to posts, and that posts were seen. The server's
// ack answers whoever asked. Nothing of it outlives the connection. Specification 05 section 8.

#include <map>
#include <optional>
#include <string>

#include "protocol/stanzas/ack.h"
#include "sessions/context.h"
#include "sessions/reply.h"

namespace wharf::sessions {

class ChannelSayings {
 public:
  explicit ChannelSayings(Context& context) : c_(context) {}

  /// `reply`: by the ack of this stanza; not_ready, rate_limited when too much waits, timed_out.
  void say(const Jid& channel, const Node& stanza, Reply<void> reply);
  /// True: it answered something that was said here.
  bool on_ack(const protocol::Ack& ack);
  std::optional<net::SteadyTime> due() const;
  void on_due();
  void on_link_down();

 private:
  struct Said {
    Reply<void> reply;
    net::SteadyTime until;
    Jid channel;
  };

  Context& c_;
  std::map<std::string, Said> said_;  // by stanza id
};

}  // namespace wharf::sessions
