#pragma once
// IQ conventions and the small queries. Specification 01 section 7, 02 sections 2, 3, 5, 14.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/binary/node.h"
#include "protocol/crypto/curve25519.h"

namespace wharf::protocol {

/// `a.b-n`: unique in the process; one counter for all stanza kinds of a connection.
class StanzaIds {
 public:
  explicit StanzaIds(Random& random);
  std::string next();

 private:
  std::string prefix_;
  std::uint64_t counter_ = 0;
};

Node iq_get(std::string_view id, std::string_view xmlns);  // to the server; add the child yourself
Node iq_set(std::string_view id, std::string_view xmlns);
Node iq_result(const Node& request);  // empty result to the sender of a server request
Node iq_error(const Node& request, unsigned code, std::string_view text);

/// The error of an IQ answer of type error: code, text, backoff seconds.
struct IqError {
  unsigned code = 0;
  std::string text;
  std::uint64_t backoff_seconds = 0;
};
std::optional<IqError> iq_error_of(const Node& answer);

Node ping_iq(std::string_view id);              // w:p get
Node set_active_iq(std::string_view id);        // passive/active
Node unified_session_ib(std::uint64_t now_ms);  // ib, no id
Node offline_batch_ib(unsigned count);
Node clean_dirty_iq(std::string_view id, std::string_view type, std::string_view timestamp);
Node remove_companion_iq(std::string_view id, const Jid& own_device, std::string_view reason = "user_initiated");
Node presence(std::string_view type, std::string_view push_name);  // available / unavailable

// --- pairing
std::vector<std::string> pair_device_refs(const Node& iq);  // empty when it is no pair-device
Node pair_device_sign(const Node& pair_success_iq, ByteView device_identity, std::uint32_t key_index);
struct PairSuccess {
  Jid jid;
  std::optional<Jid> lid;
  std::string platform;
  std::string business_name;
  Bytes device_identity;
  std::uint64_t server_time = 0;
};
/// nullopt when `iq` holds no pair-success; Errors: malformed (no device-identity, jid missing, device 0).
Result<std::optional<PairSuccess>> read_pair_success(const Node& iq);

struct CompanionHello {
  std::string phone;        // digits
  Bytes wrapped_ephemeral;  // 80
  PublicKey noise{};
  char platform_id = '1';
  std::string platform_display = "Chrome (Linux)";
};
Node companion_hello_iq(std::string_view id, const CompanionHello& hello);
std::optional<Bytes> companion_hello_ref(const Node& result);
struct PrimaryHello {
  Bytes ref;
  Bytes wrapped_ephemeral;
  PublicKey identity{};
};
/// From a link_code_companion_reg notification of stage primary_hello; nullopt for anything else.
std::optional<PrimaryHello> read_primary_hello(const Node& notification);
Node companion_finish_iq(std::string_view id, std::string_view phone, ByteView wrapped_bundle,
                         const PublicKey& identity, ByteView ref);

}  // namespace wharf::protocol
