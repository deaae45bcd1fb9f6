#pragma once
// The beginning and the end of connections: login, replacement, kicks, detachment. Specification 06 sections 4 and 17.

#include <optional>
#include <string>
#include <string_view>

#include "protocol/noise/client_payload.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"
#include "sandbox/network/groups/group_dirt.h"
#include "sandbox/network/presence.h"

namespace wharf::sandbox {

class Login {
 public:
  Login(NetworkContext& context, Accounts& accounts, Delivery& delivery, Presence& presence, const GroupDirt& dirt)
      : c_(context), accounts_(accounts), delivery_(delivery), presence_(presence), dirt_(dirt) {}

  /// As Network::login.
  std::optional<DeviceKey> log_in(const protocol::PublicKey& noise_key, const protocol::ParsedClientPayload& payload,
                                  DevicePort& port);
  void attach_phone(const std::string& phone, DevicePort& port);
  /// The connection ended by itself. A port that was replaced means nothing any more.
  void detach(const DeviceKey& key, DevicePort& port);
  /// The server ends it, after `last`.
  void end_connection(const DeviceKey& key, const Node* last);
  /// As Network::kick.
  void kick(const DeviceKey& key, std::string_view how);

 private:
  struct Refusal {
    unsigned reason = 0;
    std::string why;
  };
  /// Who may log in with this payload and key, or why nobody may.
  std::optional<Refusal> check(const protocol::PublicKey& noise_key, const protocol::ParsedClientPayload& payload,
                               DeviceKey& admitted);
  Node success(const Account& account, const DeviceKey& key) const;

  NetworkContext& c_;
  Accounts& accounts_;
  Delivery& delivery_;
  Presence& presence_;
  const GroupDirt& dirt_;
};

}  // namespace wharf::sandbox
