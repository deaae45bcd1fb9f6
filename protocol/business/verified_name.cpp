#include "protocol/business/verified_name.h"

#include "protocol/messages/wire.h"
#include "protocol/stanzas/iq_reading.h"
#include "protocol/stanzas/node_fields.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t max_certificate_bytes = 16'384;
constexpr std::size_t max_name_bytes = 512;

// VerifiedNameCertificate and its details.
constexpr std::uint32_t details_field = 1;
constexpr std::uint32_t serial_field = 1, issuer_field = 2, name_field = 4, issued_field = 10;

std::string line_of(ByteView message, std::uint32_t field, std::size_t max_bytes) {
  const auto value = bytes_field(message, field);
  return value ? display_line(as_text(*value), max_bytes) : std::string();
}

}  // namespace

std::optional<VerifiedName> read_verified_name(const Node& node) {
  if (node.data().size() > max_certificate_bytes) return std::nullopt;
  const auto details = bytes_field(node.data(), details_field);
  if (!details) return std::nullopt;
  VerifiedName out;
  out.name = line_of(*details, name_field, max_name_bytes);
  if (out.name.empty()) return std::nullopt;
  out.issuer = line_of(*details, issuer_field, 64);
  out.level = line_attr(node, "verified_level", 64);
  out.serial = varint_field(*details, serial_field);
  out.issued_at = varint_field(*details, issued_field);
  if (out.issued_at && *out.issued_at > INT64_MAX) out.issued_at.reset();
  out.certificate = to_bytes(node.data());
  return out;
}

Bytes unsigned_name_certificate(const VerifiedName& name) {
  Bytes details, certificate;
  if (name.serial) append_varint_field(details, serial_field, *name.serial);
  append_field(details, issuer_field, as_bytes(name.issuer));
  append_field(details, name_field, as_bytes(name.name));
  if (name.issued_at) append_varint_field(details, issued_field, *name.issued_at);
  append_field(certificate, details_field, details);
  return certificate;
}

Node verified_name_node(const VerifiedName& name) {
  Node node("verified_name");
  node.set("v", "1");
  put(node, "verified_level", name.level);
  return node.bytes(name.certificate.empty() ? unsigned_name_certificate(name) : name.certificate);
}

Node verified_name_iq(std::string_view id, const Jid& jid) {
  return iq_get(id, "w:biz").add(Node("verified_name").set("jid", jid.user_jid()));
}

Result<std::optional<VerifiedName>> read_verified_name_answer(const Node& answer) {
  auto refusal = iq_refusal(answer, "verified name");
  if (refusal && refusal->code == Errc::not_found) return std::optional<VerifiedName>();
  if (auto done = result_only(answer, "verified name"); !done) return done.error();
  const Node* node = answer.child("verified_name");
  return node != nullptr ? read_verified_name(*node) : std::nullopt;
}

std::optional<Jid> read_verified_name_query(const Node& iq) {
  const Node* node = is_request(iq, "get", "w:biz") ? iq.child("verified_name") : nullptr;
  return node != nullptr ? user_attr(*node, "jid") : std::nullopt;
}

Node verified_name_answer(const Node& request, const std::optional<VerifiedName>& name) {
  Node result = iq_result(request);
  return name ? result.add(verified_name_node(*name)) : result;
}

}  // namespace wharf::protocol
