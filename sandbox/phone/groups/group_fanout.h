#pragma once
// One message of a phone to a group, or a status post to its audience: one ciphertext for all, and the sender key for
// each device that does not have it. Specification 03 sections 2, 4.5, 5.1, 5.2 and 8.2.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "protocol/stanzas/messages.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/device_lists.h"
#include "sandbox/phone/groups/groups.h"
#include "sandbox/phone/groups/sender_keys.h"
#include "sandbox/phone/log.h"
#include "sandbox/phone/sent_messages.h"
#include "sandbox/phone/sessions.h"

namespace wharf::sandbox {

class PhoneGroupFanout {
 public:
  PhoneGroupFanout(PhoneContext& context, PhoneGroups& groups, PhoneSenderKeys& keys, PhoneDeviceLists& lists,
                   PhoneSessions& sessions, PhoneLog& log)
      : c_(context), groups_(groups), keys_(keys), lists_(lists), sessions_(sessions), log_(log) {}

  using Then = std::function<void(protocol::Result<void>)>;
  /// As PhoneFanout::prepare: who is in the group, their devices, sessions with those that need the key.
  void prepare(const SentMessage& message, Then then);
  /// As PhoneFanout::seal. What all get is made once for a message and stays the same when it goes out once more.
  /// Errors: not_found (the phone is not in the group any more).
  protocol::Result<std::optional<Node>> seal(SentMessage& message);
  /// The server has it: whom it went to holds the key.
  void acknowledged(const SentMessage& message);
  /// The server knows other devices.
  void distrust(const SentMessage& message);
  /// The group names its members otherwise by now: all is sealed anew (05 section 5.7).
  void readdress(SentMessage& message);

  /// For a device of a member, or of this account, that could not read it; nullopt when nothing can be sealed for it.
  std::optional<Node> resend(const SentMessage& message, const protocol::RetryRequest& request,
                             const DeviceKey& requester);

 private:
  /// The group that a message is to; of a status post its audience as one. nullptr: the phone is not in it. The pointer
  /// lives until the next call.
  const PhoneGroup* room_of(const SentMessage& message);
  Node status_of(const SentMessage& message, const PhoneGroup& audience,
                 std::vector<protocol::EncryptedFor> keys) const;
  void prepare_devices(const std::string& chat, const std::vector<DeviceKey>& all, Then then);
  std::vector<DeviceKey> devices(const PhoneGroup& group) const;
  protocol::Result<void> seal_shared(SentMessage& message, const PhoneGroup& group);
  std::vector<protocol::EncryptedFor> distribute(SentMessage& message, const PhoneGroup& group, bool again);
  Node stanza_of(const SentMessage& message, const PhoneGroup& group, std::vector<protocol::EncryptedFor> keys) const;
  std::string participant_hash(const PhoneGroup& group) const;
  void note_recipients(const SentMessage& message, const PhoneGroup& group);

  PhoneContext& c_;
  PhoneGroups& groups_;
  PhoneSenderKeys& keys_;
  PhoneDeviceLists& lists_;
  PhoneSessions& sessions_;
  PhoneLog& log_;
  PhoneGroup audience_;  // of the last status post that was asked for
};

}  // namespace wharf::sandbox
