#pragma once
// Linking a companion: QR refs, pair-success, and the companion's countersignature that makes it a device.
// Specification 06 section 3.2.

#include <functional>
#include <string>

#include "sandbox/linking.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/device_lists.h"
#include "sandbox/network/groups/group_dirt.h"
#include "sandbox/network/groups/group_store.h"
#include "sandbox/network/pending_pairings.h"

namespace wharf::sandbox {

class Pairing {
 public:
  using Done = std::function<void(protocol::Result<Jid>)>;

  Pairing(NetworkContext& context, Accounts& accounts, PendingPairings& pending, DeviceLists& lists,
          const GroupStore& groups, GroupDirt& dirt)
      : c_(context), accounts_(accounts), pending_(pending), lists_(lists), groups_(groups), dirt_(dirt) {}

  /// Pushes pair-device. The number of the pairing; 0 when it was refused.
  std::uint64_t open(const protocol::PublicKey& noise_key, protocol::ParsedClientPayload payload, DevicePort& port);
  /// As Network::pair_device.
  void pair_device(const std::string& phone, PairDeviceUpload upload, Done done);
  /// An answer of the companion; only that to pair-success means anything.
  void on_reply(PendingPairing& pairing, const Node& reply);

 private:
  std::uint16_t free_number(const Party& party) const;
  Node pair_success(const Account& account, const PendingPairing::Success& success);
  void sign(PendingPairing& pairing, const Node& reply);
  void fail(PendingPairing& pairing, const std::string& why);
  void add_device(PendingPairing& pairing, Device device);

  NetworkContext& c_;
  Accounts& accounts_;
  PendingPairings& pending_;
  DeviceLists& lists_;
  const GroupStore& groups_;
  GroupDirt& dirt_;
};

}  // namespace wharf::sandbox
