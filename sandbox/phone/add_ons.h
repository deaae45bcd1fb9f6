#pragma once
// What a phone does with what is said about a message that it shows: reactions, edits, revokes, votes and pins, its
// own and those that it gets. Specification 03 sections 10 and 11. And the reverse: the Message that its user's saying
// makes.

#include <string>
#include <vector>

#include "protocol/messages/building.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/log.h"

namespace wharf::sandbox {

class PhoneAddOns {
 public:
  PhoneAddOns(PhoneContext& context, PhoneLog& log) : c_(context), log_(log) {}

  /// Of a body about another message: sets `target`, and of a vote `options`.
  void describe(PhoneMessage& said, const protocol::MessageBody& body) const;
  /// What it does to the message that it is about, when this phone has that: of edits the newest by the clocks of who
  /// made them counts, and nothing brings back what was taken back.
  void take_effect(const PhoneMessage& said, const protocol::MessageBody& body);
  /// This message is in the log now: what was said about it before takes effect.
  void on_arrived(const PhoneMessage& message);

  /// The Message of what this phone's user says about a message of the chat with `peer`. Errors: not_found (the
  /// message), malformed (that cannot be said about it).
  protocol::Result<protocol::OutgoingMessage> build(const Phone::Send& send, const Account& peer) const;

 private:
  /// The newest of the chat, of either side; nullptr: not shown, or not read yet.
  const PhoneMessage* find(const std::string& id, std::string_view chat) const;
  protocol::Result<protocol::OutgoingMessage> vote(const PhoneVote& vote, const PhoneMessage& poll,
                                                   const protocol::MessageKey& key, const Account& peer) const;
  std::vector<std::string> choices(const PhoneMessage& said, const protocol::PollVote& vote) const;

  PhoneContext& c_;
  PhoneLog& log_;
};

}  // namespace wharf::sandbox
