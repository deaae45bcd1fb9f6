#include "protocol/stanzas/iq.h"

#include <algorithm>

#include "protocol/crypto/random.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr std::uint64_t unified_session_period_ms = 604'800'000;  // a week
constexpr std::uint64_t unified_session_shift_ms = 259'200'000;   // that begins on a Sunday

Node iq(std::string_view id, std::string_view type, std::string_view xmlns) {
  Node node("iq");
  node.set("id", id).set("to", server_jid()).set("type", type).set("xmlns", xmlns);
  return node;
}

Node answer_to(const Node& request, std::string_view type) {
  Node node("iq");
  node.set("to", request.jid("from").value_or(server_jid())).set("type", type).set("id", request.attr("id"));
  return node;
}

}  // namespace

StanzaIds::StanzaIds(Random& random) {
  const auto bytes = random.bytes<2>();
  prefix_ = std::to_string(bytes[0]) + "." + std::to_string(bytes[1]) + "-";
}

std::string StanzaIds::next() { return prefix_ + std::to_string(++counter_); }

Node iq_get(std::string_view id, std::string_view xmlns) { return iq(id, "get", xmlns); }
Node iq_set(std::string_view id, std::string_view xmlns) { return iq(id, "set", xmlns); }
Node iq_result(const Node& request) { return answer_to(request, "result"); }

Node iq_error(const Node& request, unsigned code, std::string_view text) {
  return answer_to(request, "error").add(Node("error").set("code", code).set("text", text));
}

std::optional<IqError> iq_error_of(const Node& answer) {
  if (!answer.is("iq") || answer.attr("type") != "error") return std::nullopt;
  IqError error;
  if (const Node* child = answer.child("error")) {
    error.code = static_cast<unsigned>(std::min<std::uint64_t>(child->number("code").value_or(0), 9999));
    error.text = display_line(child->attr("text"), 256);
    error.backoff_seconds = child->number("backoff").value_or(0);
  }
  return error;
}

Node ping_iq(std::string_view id) { return iq_get(id, "w:p"); }

Node set_active_iq(std::string_view id) { return iq_set(id, "passive").add(Node("active")); }

Node unified_session_ib(std::uint64_t now_ms) {
  const std::uint64_t session = (now_ms + unified_session_shift_ms) % unified_session_period_ms;
  return Node("ib").add(Node("unified_session").set("id", session));
}

Node offline_batch_ib(unsigned count) { return Node("ib").add(Node("offline_batch").set("count", count)); }

Node clean_dirty_iq(std::string_view id, std::string_view type, std::string_view timestamp) {
  return iq_set(id, "urn:xmpp:whatsapp:dirty").add(Node("clean").set("type", type).set("timestamp", timestamp));
}

Node remove_companion_iq(std::string_view id, const Jid& own_device, std::string_view reason) {
  return iq_set(id, "md").add(Node("remove-companion-device").set("jid", own_device).set("reason", reason));
}

Node presence(std::string_view type, std::string_view push_name) {
  Node node("presence");
  node.set("type", type);
  std::string name(push_name);
  std::erase(name, '@');  // a name with '@' would look like an address to some clients
  if (!name.empty()) node.set("name", name);
  return node;
}

}  // namespace wharf::protocol
