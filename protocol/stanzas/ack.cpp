// <ack> in both directions. Specification 01 section 9.2 (the recommended rule set), 03 sections 4.8 and 7.1.
#include "protocol/stanzas/ack.h"

#include "protocol/stanzas/attr_copy.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

/// The one notification whose type must not be echoed: an identity change.
bool is_identity_change(const Node& stanza) {
  return stanza.is("notification") && stanza.attr("type") == "encrypt" && stanza.child("identity") != nullptr;
}

}  // namespace

Node ack_for(const Node& stanza, const std::optional<Jid>& own_device, unsigned error) {
  Node ack("ack");
  copy_attr(ack, stanza, "id");
  copy_attr(ack, "to", stanza, "from");
  ack.set("class", stanza.tag);
  if (error != 0) ack.set("error", error);
  copy_attr(ack, stanza, "participant");
  copy_attr(ack, stanza, "recipient");
  if (!is_identity_change(stanza)) copy_attr(ack, stanza, "type");
  if (stanza.is("message") && own_device) ack.set("from", *own_device);
  return ack;
}

std::optional<Ack> read_ack(const Node& ack) {
  if (!ack.is("ack") || !acceptable_id(ack.attr("id"))) return std::nullopt;
  Ack out;
  out.id = ack.attr("id");
  out.stanza = display_line(ack.attr("class"), 32);
  out.type = ack.attr("type");
  out.from = ack.jid("from").value_or(Jid());
  out.timestamp = ack.number("t").value_or(0);
  if (ack.has("error")) {
    // An error that is no number is still an error: never take a refusal for an acceptance.
    const auto error = ack.number("error");
    out.error = error && *error != 0 && *error <= 9999 ? static_cast<unsigned>(*error) : 500;
  }
  out.phash = ack.attr("phash");
  out.refresh_lid = ack.attr("refresh_lid") == "true";
  return out;
}

}  // namespace wharf::protocol
