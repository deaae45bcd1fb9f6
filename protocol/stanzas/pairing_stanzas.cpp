// The stanzas of pairing by QR and by code. Declared in iq.h. Specification 02 sections 2.2, 2.5, 3.3 to 3.5 and 18.
#include <algorithm>

#include "protocol/messages/content.h"
#include "protocol/stanzas/iq.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t max_refs = 16;
constexpr std::size_t max_ref_bytes = 1024;
constexpr std::size_t max_device_identity_bytes = 500;
constexpr std::size_t wrapped_ephemeral_bytes = 80;

bool is_from_server(const Node& node) { return node.jid("from") == server_jid(); }

bool is_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Node with_bytes(std::string_view tag, ByteView content) { return Node(tag).bytes(content); }

Node link_code_node(std::string_view phone, std::string_view stage) {
  Node node("link_code_companion_reg");
  node.set("jid", Jid(phone, server::user)).set("stage", stage);
  return node;
}

}  // namespace

std::vector<std::string> pair_device_refs(const Node& iq) {
  std::vector<std::string> refs;
  const Node* pair_device = iq.child("pair-device");
  if (!iq.is("iq") || iq.attr("type") != "set" || !is_from_server(iq) || pair_device == nullptr) return refs;
  for (const Node* ref : pair_device->children("ref")) {
    const std::string_view text = ref->text();
    // A comma would shift the fields of the QR text, and the phone could not read it.
    if (text.empty() || text.size() > max_ref_bytes || text.find(',') != std::string_view::npos) continue;
    if (displayable(text) != text) continue;
    refs.emplace_back(text);
    if (refs.size() == max_refs) break;
  }
  return refs;
}

Node pair_device_sign(const Node& pair_success_iq, ByteView device_identity, std::uint32_t key_index) {
  Node identity("device-identity");
  identity.set("key-index", key_index).bytes(device_identity);
  return iq_result(pair_success_iq).add(Node("pair-device-sign").add(std::move(identity)));
}

Result<std::optional<PairSuccess>> read_pair_success(const Node& iq) {
  const Node* success = iq.child("pair-success");
  if (!iq.is("iq") || iq.attr("type") != "set" || !is_from_server(iq) || success == nullptr || iq.attr("id").empty()) {
    return std::optional<PairSuccess>();
  }
  PairSuccess out;
  const ByteView identity = success->child_data("device-identity").value_or(ByteView());
  if (identity.empty() || identity.size() > max_device_identity_bytes) {
    return Error(Errc::malformed, "pair-success without a usable device-identity");
  }
  out.device_identity = to_bytes(identity);
  const Node* device = success->child("device");
  const auto jid = device == nullptr ? std::nullopt : device->jid("jid");
  if (!jid || !jid->is_phone_number() || !is_digits(jid->user) || jid->device == 0) {
    return Error(Errc::malformed, "pair-success without a companion JID");
  }
  out.jid = *jid;
  // A missing or odd LID is no reason to fail: success carries it again.
  if (const auto lid = device->jid("lid"); lid && lid->is_lid() && !lid->user.empty()) out.lid = lid;
  if (const Node* platform = success->child("platform")) out.platform = display_line(platform->attr("name"), 256);
  if (const Node* business = success->child("biz")) out.business_name = display_line(business->attr("name"), 256);
  out.server_time = iq.number("t").value_or(0);
  return std::optional<PairSuccess>(std::move(out));
}

Node companion_hello_iq(std::string_view id, const CompanionHello& hello) {
  Node reg = link_code_node(hello.phone, "companion_hello");
  reg.set("should_show_push_notification", "true")
      .add(with_bytes("link_code_pairing_wrapped_companion_ephemeral_pub", hello.wrapped_ephemeral))
      .add(with_bytes("companion_server_auth_key_pub", hello.noise))
      .add(Node("companion_platform_id").text(std::string_view(&hello.platform_id, 1)))
      .add(Node("companion_platform_display").text(hello.platform_display))
      .add(Node("link_code_pairing_nonce").bytes(Bytes{0}));
  return iq_set(id, "md").add(std::move(reg));
}

std::optional<Bytes> companion_hello_ref(const Node& result) {
  const Node* reg = result.child("link_code_companion_reg");
  if (result.attr("type") != "result" || reg == nullptr) return std::nullopt;
  const ByteView ref = reg->child_data("link_code_pairing_ref").value_or(ByteView());
  if (ref.empty() || ref.size() > max_ref_bytes) return std::nullopt;
  return to_bytes(ref);
}

std::optional<PrimaryHello> read_primary_hello(const Node& notification) {
  const Node* reg = notification.child("link_code_companion_reg");
  if (!notification.is("notification") || notification.attr("type") != "link_code_companion_reg" ||
      !is_from_server(notification) || reg == nullptr || reg->attr("stage") != "primary_hello") {
    return std::nullopt;
  }
  const ByteView ref = reg->child_data("link_code_pairing_ref").value_or(ByteView());
  const ByteView wrapped = reg->child_data("link_code_pairing_wrapped_primary_ephemeral_pub").value_or(ByteView());
  const auto identity = exactly<32>(reg->child_data("primary_identity_pub").value_or(ByteView()));
  if (ref.empty() || ref.size() > max_ref_bytes || wrapped.size() != wrapped_ephemeral_bytes || !identity) {
    return std::nullopt;
  }
  return PrimaryHello{to_bytes(ref), to_bytes(wrapped), *identity};
}

Node companion_finish_iq(std::string_view id, std::string_view phone, ByteView wrapped_bundle,
                         const PublicKey& identity, ByteView ref) {
  Node reg = link_code_node(phone, "companion_finish");
  reg.add(with_bytes("link_code_pairing_wrapped_key_bundle", wrapped_bundle))
      .add(with_bytes("companion_identity_public", identity))
      .add(with_bytes("link_code_pairing_ref", ref));
  return iq_set(id, "md").add(std::move(reg));
}

}  // namespace wharf::protocol
