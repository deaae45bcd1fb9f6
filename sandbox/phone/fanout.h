#pragma once
// One message encrypted for every device that must get it: the recipient's and the own companions. Specification 03
// section 4; addressed by LID where both have one (06 section 8.2). What goes to a group is groups/group_fanout.h.

#include <functional>
#include <optional>
#include <string>

#include "protocol/stanzas/messages.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/device_lists.h"
#include "sandbox/phone/groups/group_fanout.h"
#include "sandbox/phone/sent_messages.h"
#include "sandbox/phone/sessions.h"

namespace wharf::sandbox {

class PhoneFanout {
 public:
  PhoneFanout(PhoneContext& context, PhoneDeviceLists& lists, PhoneSessions& sessions, PhoneGroupFanout& groups)
      : c_(context), lists_(lists), sessions_(sessions), groups_(groups) {}

  using Then = std::function<void(protocol::Result<void>)>;
  /// Makes known whom the message needs: lists and sessions. Errors: closed, timed_out, what the server answered.
  void prepare(const SentMessage& message, Then then);
  /// Encrypts for the devices that got nothing yet, and notes them in the message. nullopt: there is none. Errors:
  /// no_session (nobody would get it), not_found.
  protocol::Result<std::optional<Node>> seal(SentMessage& message);
  /// The server has taken it.
  void acknowledged(const SentMessage& message);
  /// The server knows other devices than it went to: who they are is asked again.
  void distrust(const SentMessage& message);
  /// It went to a group under names that are stale: to be sealed anew.
  void readdress(SentMessage& message) { groups_.readdress(message); }

 private:
  protocol::Result<std::optional<Node>> seal_for_peer(SentMessage& message);
  protocol::OutgoingStanza envelope(const SentMessage& message, const Account& peer) const;
  /// True when the message had a device to go to.
  bool add_devices(SentMessage& message, protocol::OutgoingStanza& stanza, const Account& owner, bool lid,
                   ByteView plaintext);

  PhoneContext& c_;
  PhoneDeviceLists& lists_;
  PhoneSessions& sessions_;
  PhoneGroupFanout& groups_;
};

}  // namespace wharf::sandbox
