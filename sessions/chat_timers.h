#pragma once
// The disappearing timer of a chat: learnt from who sets it and from what the messages of the chat say, told when it
// changes. What is sent into the chat reads it from the rows (Composer). Specification 03 section 5.5.

#include "protocol/messages/body.h"
#include "sessions/context.h"
#include "sessions/directory.h"

namespace wharf::sessions {

class ChatTimers {
 public:
  ChatTimers(Context& context, Directory& directory) : c_(context), directory_(directory) {}

  /// Somebody, us included, has set it; `at`: when the server had that. One that was set before the known one changes
  /// nothing.
  void on_set(const Jid& chat, const protocol::DisappearingTimer& timer, UnixMs at);
  /// What a message of the chat says about it. One that does not say since when counts only where nobody said so yet;
  /// one that says nothing (a bot's plain text) means nothing.
  void on_message(const Jid& chat, const protocol::MessageTraits& traits, UnixMs at);

 private:
  void put(const Jid& chat, storage::ChatTimer timer, UnixMs at);
  Context& c_;
  Directory& directory_;
};

}  // namespace wharf::sessions
