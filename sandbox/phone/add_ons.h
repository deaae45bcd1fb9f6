#pragma once
// What a phone does with what is said about a message that it shows: reactions, edits, revokes, votes, answers and
// pins, its own and those that it gets, sealed ones too. Specification 03 sections 10 and 11. And the reverse: the
// Message that its user's saying makes.

#include <string>
#include <string_view>
#include <vector>

#include "protocol/messages/add_on_secret.h"
#include "protocol/messages/building.h"
#include "sandbox/phone/chats.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/log.h"

namespace wharf::sandbox {

class PhoneAddOns {
 public:
  PhoneAddOns(PhoneContext& context, PhoneLog& log, const PhoneGroups& groups)
      : c_(context), log_(log), groups_(groups) {}

  /// Of a body about another message: sets `target`, of a vote `options`, of an answer `answer`, and of what came
  /// sealed what it is, once it can be opened; of a message of its own what the log shows of an event or a poll.
  void describe(PhoneMessage& said, const protocol::MessageBody& body) const;
  /// What it does to the message that it is about, when this phone has that: of edits the newest by the clocks of who
  /// made them counts, of pins the newest by the server's, and nothing brings back what was taken back.
  void take_effect(const PhoneMessage& said, const protocol::MessageBody& body);
  /// The server's answer to what was said here is there: what depends on its time is looked at once more.
  void on_answered(const std::string& id);
  /// This message is in the log now: what was said about it before takes effect.
  void on_arrived(const PhoneMessage& message);

  /// The Message of what this phone's user says about a message of the chat. Errors: not_found (the message),
  /// malformed (that cannot be said about it).
  protocol::Result<protocol::OutgoingMessage> build(const Phone::Send& send, const PhoneChat& chat) const;

 private:
  /// The newest of the chat, of either side; nullptr: not shown, or not read yet.
  const PhoneMessage* find(const std::string& id, std::string_view chat) const;
  void pin(PhoneMessage& target);
  /// Only one's own message is edited or taken back; in a group an admin takes back what others wrote (03 section 11).
  bool may_change(const PhoneMessage& shown, const PhoneMessage& said, const protocol::MessageBody& body) const;
  protocol::Result<protocol::OutgoingMessage> vote(const PhoneVote& vote, const PhoneMessage& poll,
                                                   const protocol::MessageKey& key, const PhoneChat& chat) const;
  std::vector<std::string> choices(const PhoneMessage& said, const protocol::PollVote& vote) const;
  protocol::Result<protocol::OutgoingMessage> answer(const PhoneAnswer& answer, const PhoneMessage& event,
                                                     const protocol::MessageKey& key, const PhoneChat& chat) const;
  protocol::Result<protocol::OutgoingMessage> sealed(protocol::Sealed::What what, protocol::ByteView plain,
                                                     const PhoneMessage& target, const protocol::MessageKey& key,
                                                     const PhoneChat& chat) const;
  /// Errors: malformed: the message has no secret.
  protocol::Result<protocol::SealedAddOn> seal(std::string_view use, protocol::ByteView plain,
                                               const PhoneMessage& target, const PhoneChat& chat) const;
  /// What was sealed for the message that `said` is about. Errors: not_found (it is not here), bad_mac, malformed.
  protocol::Result<Bytes> open(const PhoneMessage& said, const std::string& target_id, std::string_view use,
                               protocol::ByteView payload, protocol::ByteView iv) const;
  protocol::Result<protocol::IncomingMessage> in_clear(const PhoneMessage& said, const protocol::Sealed& sealed) const;

  PhoneContext& c_;
  PhoneLog& log_;
  const PhoneGroups& groups_;
};

}  // namespace wharf::sandbox
