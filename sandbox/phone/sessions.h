#pragma once
// A phone's Signal sessions, filed under (account, device): both JID forms of a device name the same ratchet.
// Specification 02 section 8, 03 section 1.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/signal/session.h"
#include "protocol/stanzas/messages.h"
#include "protocol/stanzas/prekeys.h"
#include "sandbox/phone/account_keys.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/device_lists.h"
#include "sandbox/phone/keys.h"

namespace wharf::sandbox {

class PhoneSessions {
 public:
  PhoneSessions(PhoneContext& context, PhoneKeys& keys, PhoneAccountKeys& account_keys, PhoneDeviceLists& lists)
      : c_(context), keys_(keys), account_keys_(account_keys), lists_(lists) {}

  bool has(const DeviceKey& peer) const;
  /// Fetches what is missing; devices without a usable bundle stay without a session. Errors: closed, timed_out.
  void with_sessions(const std::vector<DeviceKey>& devices, std::function<void(protocol::Result<void>)> then);
  /// nullopt: no session, or one that cannot send.
  std::optional<protocol::Ciphertext> seal(const DeviceKey& device, ByteView message);
  /// `device_identity`: what came along to vouch for a companion.
  protocol::Result<protocol::Decrypted> decrypt(const DeviceKey& author, const protocol::ReceivedEnc& enc,
                                                ByteView device_identity);
  /// What a retry request wants of the session with its sender: begun from the keys it brings, or anew when this one
  /// did not help. False: its keys are not to be used. `failed_on`: base key of the session that its last copy was
  /// sealed on, empty when nobody knows; one that another message's request has begun since is used.
  bool renew(const DeviceKey& requester, const protocol::RetryRequest& request, ByteView failed_on);
  /// Of the current session with a device; empty without one.
  Bytes base_key(const DeviceKey& device) const;

  /// The contact installed anew: sessions with its phone are dead, and what it vouched for.
  void archive(const DeviceKey& peer);
  void erase(const DeviceKey& peer);
  void forget(const std::string& phone);
  /// Damages the ratchets with every device of an account in both directions.
  void corrupt(const std::string& phone);
  void clear();

  // --- row: phone_session
  std::optional<Bytes> row(std::string_view name) const;
  void restore(std::string_view name, ByteView row);

 private:
  void changed(const DeviceKey& peer) { c_.changed(RowKind::phone_session, text_of(peer)); }
  void use_bundles(const Node& answer);
  void start_from(const DeviceKey& peer, const protocol::PreKeyBundle& bundle);
  protocol::Result<protocol::Decrypted> decrypt_pre_key(const DeviceKey& author, ByteView body,
                                                        ByteView device_identity);

  PhoneContext& c_;
  PhoneKeys& keys_;
  PhoneAccountKeys& account_keys_;
  PhoneDeviceLists& lists_;
  std::map<DeviceKey, protocol::SessionRecord> sessions_;
};

}  // namespace wharf::sandbox
