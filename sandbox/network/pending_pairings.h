#pragma once
// Connections that are not linked yet: what each shows (QR refs, a code) and how far its pairing is. Specification 06
// section 3.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/linking.h"
#include "sandbox/network/context.h"
#include "sandbox/network_ports.h"

namespace wharf::sandbox {

struct PendingPairing {
  PairingConnection connection;
  DevicePort* port = nullptr;
  std::shared_ptr<void> expiry;
  /// It asked for a code: the ref of the code, and the account it is for.
  struct Code {
    std::string ref;
    std::string phone;
  };
  std::optional<Code> code;
  /// pair-success was sent: what it waits to have signed.
  struct Success {
    std::string iq_id;
    std::string phone;
    std::uint16_t device = 0;
    PairDeviceUpload upload;
    std::function<void(protocol::Result<Jid>)> done;
    std::shared_ptr<void> reply_timer;
  };
  std::optional<Success> success;

  void say(const Node& stanza) const { port->deliver(stanza); }
};

class PendingPairings {
 public:
  explicit PendingPairings(NetworkContext& context) : c_(context) {}

  PendingPairing& add(const protocol::PublicKey& noise_key, protocol::ParsedClientPayload payload, DevicePort& port);
  PendingPairing* find(std::uint64_t id);
  /// By a ref of its QR texts or of its code.
  PendingPairing* find_ref(std::string_view ref);
  const PairingConnection* find_connection(std::string_view ref) const;
  /// Somebody is being linked under this number already.
  bool claimed(std::string_view phone, std::uint16_t device) const;

  /// A ref for another QR text.
  std::string add_ref(PendingPairing& pairing);
  /// A code in place of the one before.
  void set_code(PendingPairing& pairing, const std::string& phone);

  /// Forgets it; whoever waits for its end hears `reason`.
  void drop(std::uint64_t id, protocol::Errc reason = protocol::Errc::refused);
  /// Drops it after so long, and ends its connection.
  std::shared_ptr<void> expire_after(std::uint64_t id, std::int64_t ms);

 private:
  NetworkContext& c_;
  std::map<std::uint64_t, PendingPairing> pairings_;
  std::map<std::string, std::uint64_t, std::less<>> refs_;  // of QR texts and codes
  std::uint64_t last_ = 0;
};

}  // namespace wharf::sandbox
