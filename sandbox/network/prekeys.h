#pragma once
// The prekey store: upload, count, digest, rotation and the dispensing of bundles. Specification 06 section 6.

#include <map>
#include <optional>
#include <set>
#include <string_view>

#include "protocol/stanzas/prekeys.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"
#include "sandbox/network/groups/group_store.h"

namespace wharf::sandbox {

class PreKeys {
 public:
  PreKeys(NetworkContext& context, Accounts& accounts, Delivery& delivery, const GroupStore& groups)
      : c_(context), accounts_(accounts), delivery_(delivery), groups_(groups) {}

  void on_iq(Origin& origin, const Node& iq);
  /// Takes over what a device publishes. Another identity or registration id: it was installed anew, and its contacts
  /// hear of that when it is a phone.
  void publish(Party& party, Device& device, const protocol::UploadedKeys& upload);
  /// All one-time keys are gone at once.
  void drain(const DeviceKey& key);
  /// The device is about to go.
  void forget(const DeviceKey& key);

  // --- rows: one_time_key, and a word in the device's
  bool uploaded(const DeviceKey& key) const;
  void restore_uploaded(const DeviceKey& key, bool uploaded) { states_[key].uploaded = uploaded; }
  std::optional<Bytes> row(const DeviceKey& key, std::uint64_t number) const;
  void restore(const DeviceKey& key, std::uint64_t number, ByteView row);
  void restored();

 private:
  struct State {
    bool uploaded = false;
    bool low_notified = false, empty_notified = false;
  };
  void digest(const Origin& origin, const Node& iq);
  void fetch(const Origin& origin, const Node& iq);
  void fetch_missing(const Origin& origin, const Node& iq, const Node& request);
  Node devices_of_user(const Jid& jid, const Node& asked, std::set<DeviceKey>& dispensed);
  void rotate(Origin& origin, const Node& iq, const Node& rotation);
  void upload(Origin& origin, const Node& iq);
  protocol::PreKeyBundle dispense(const DeviceKey& key, Device& device);
  void tell_of_low_prekeys(const std::set<DeviceKey>& dispensed);
  void tell_of_new_identity(const Party& party);
  void note_stock(const DeviceKey& key, const Device& device);
  void row_changed(const DeviceKey& key, std::uint64_t number);

  NetworkContext& c_;
  Accounts& accounts_;
  Delivery& delivery_;
  const GroupStore& groups_;
  std::map<DeviceKey, State> states_;
};

}  // namespace wharf::sandbox
