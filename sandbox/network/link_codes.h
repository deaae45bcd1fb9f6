#pragma once
// Linking by the 8 characters of a code: the server relays between the companion that shows it and the phone of the
// account. Specification 06 section 3.3.

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/pending_pairings.h"

namespace wharf::sandbox {

class LinkCodes {
 public:
  LinkCodes(NetworkContext& context, Accounts& accounts, PendingPairings& pending)
      : c_(context), accounts_(accounts), pending_(pending) {}

  /// `reg`: the <link_code_companion_reg> of `iq`.
  void on_iq(PendingPairing& pairing, const Node& iq, const Node& reg);
  /// From the phone to the companion that owns `ref`. Errors: not_found.
  protocol::Result<void> send_primary_hello(ByteView ref, ByteView wrapped_ephemeral,
                                            const protocol::PublicKey& identity);

 private:
  void on_hello(PendingPairing& pairing, const Node& iq, const Node& reg);
  void on_finish(const PendingPairing& pairing, const Node& iq, const Node& reg);
  bool may_try(const std::string& phone);

  NetworkContext& c_;
  Accounts& accounts_;
  PendingPairings& pending_;
  std::map<std::string, std::deque<std::int64_t>> attempts_ms_;  // by phone
};

}  // namespace wharf::sandbox
