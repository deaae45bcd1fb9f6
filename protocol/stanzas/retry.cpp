// Retry receipts: "I could not decrypt this, send it again". Specification 03 section 8.
#include "protocol/stanzas/attr_copy.h"
#include "protocol/stanzas/key_nodes.h"
#include "protocol/stanzas/messages.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr std::uint64_t max_retry_count = 5;

Node keys_node(const RetryKeys& keys) {
  Node node("keys");
  node.add(Node("type").bytes(Bytes{signal_key_type}))
      .add(Node("identity").bytes(keys.identity))
      .add(key_node(keys.one_time.id, keys.one_time.pair.pub))
      .add(signed_key_node(keys.signed_pre_key.id, keys.signed_pre_key.pair.pub, keys.signed_pre_key.signature));
  if (!keys.device_identity.empty()) node.add(Node("device-identity").bytes(keys.device_identity));
  return node;
}

}  // namespace

Node retry_receipt(const Node& message, std::uint32_t count, unsigned error, std::uint32_t registration_id,
                   const std::optional<RetryKeys>& keys) {
  Node receipt("receipt");
  copy_attr(receipt, message, "id");
  copy_attr(receipt, "to", message, "from");
  receipt.set("type", "retry");
  copy_attr(receipt, message, "participant");
  if (message.attr("category") == "peer") receipt.set("category", "peer");
  else copy_attr(receipt, message, "recipient");

  Node retry("retry");
  retry.set("count", count);
  copy_attr(retry, message, "id");
  copy_attr(retry, message, "t");
  retry.set("v", "1");
  if (error != 0) retry.set("error", error);
  receipt.add(std::move(retry)).add(Node("registration").bytes(big_endian(registration_id, 4)));
  if (keys) receipt.add(keys_node(*keys));
  return receipt;
}

unsigned retry_error_code(Errc code) {
  switch (code) {
    case Errc::no_session:
    case Errc::no_sender_key: return 1;
    case Errc::invalid_key: return 2;
    case Errc::invalid_key_id: return 3;
    case Errc::malformed:
    case Errc::truncated:
    case Errc::too_large:
    case Errc::unsupported: return 4;
    case Errc::bad_signature: return 5;
    case Errc::future_message: return 6;
    case Errc::bad_mac: return 7;
    default: return 0;
  }
}

Result<RetryRequest> read_retry_request(const Node& receipt) {
  const Node* retry = receipt.child("retry");
  const auto from = receipt.jid("from");
  if (!receipt.is("receipt") || receipt.attr("type") != "retry" || retry == nullptr || !from || from->user.empty()) {
    return Error(Errc::malformed, "retry receipt without from or retry");
  }
  RetryRequest out;
  out.id = retry->attr("id");
  const auto count = retry->number("count");
  if (!acceptable_id(out.id) || !count || *count == 0 || *count > max_retry_count) {
    return Error(Errc::malformed, "retry without id or with a bad count");
  }
  out.count = static_cast<std::uint32_t>(*count);
  const ByteView registration = receipt.child_data("registration").value_or(ByteView());
  if (registration.empty() || registration.size() > 4) return Error(Errc::malformed, "registration id of the retry");
  out.registration_id = static_cast<std::uint32_t>(from_big_endian(registration));

  out.requester = *from;
  if (has_participants(*from)) {
    const auto participant = receipt.jid("participant");
    if (!participant || participant->user.empty()) return Error(Errc::malformed, "participant of the retry");
    out.requester = *participant;
    out.chat = from->user_jid();
  }
  out.recipient = receipt.jid("recipient");
  if (const Node* keys = receipt.child("keys")) {
    out.keys = read_retry_keys(*keys, out.registration_id);
    if (!out.keys) return Error(Errc::malformed, "keys of the retry");
  }
  return out;
}

}  // namespace wharf::protocol
