// usync: which devices, which LID, does a number exist, profile bits. Specification 06 section 7.

#include <algorithm>
#include <string>
#include <utility>

#include "sandbox/network_state.h"

namespace wharf::sandbox {

namespace {

constexpr std::size_t max_users = 5'000;

Node devices_node(const Party& party, std::string hash) {
  const auto& account = party.account;
  Node list("device-list");
  list.set("hash", hash);
  for (const auto& [id, device] : account.devices) {
    Node row("device");
    row.set("id", std::uint64_t{id});
    if (id != 0) row.set("key-index", std::uint64_t{device.key_index});
    list.add(std::move(row));
  }
  Node devices("devices");
  devices.add(std::move(list));
  if (account.devices.size() > 1 && !account.key_index_list.empty()) {
    devices.add(Node("key-index-list").set("ts", account.key_index_time).bytes(account.key_index_list));
  }
  return devices;
}

/// The digits of a contact query ("+49 …", or whatsmeow's "+digits@c.us").
std::string digits_of(std::string_view text) {
  std::string digits;
  for (char c : text.substr(0, text.find('@'))) {
    if (c >= '0' && c <= '9') digits.push_back(c);
  }
  return digits.size() >= 5 && digits.size() <= 15 ? digits : std::string();
}

}  // namespace

void Network::State::on_usync(Origin& origin, const Node& iq) {
  const auto* request = iq.child("usync");
  const auto* query = request ? request->child("query") : nullptr;
  const auto* list = request ? request->child("list") : nullptr;
  if (!query || !list || query->children().empty() || list->children().size() > max_users) {
    return answer(origin, error_of(iq, 400, "bad-request"));
  }
  const bool limited = origin.key.device != 0 && faults.rate_limit_usync > 0;
  if (limited) --faults.rate_limit_usync;
  Node answers("list");
  for (const auto* user : list->children("user")) {
    auto jid = user->jid("jid");
    const auto* contact = user->child("contact");
    const std::string contact_text(contact ? contact->text() : std::string_view());
    std::optional<Address> address;
    if (jid) {
      address = resolve_or_create(jid->user_jid());
    } else if (const auto digits = digits_of(contact_text); !digits.empty()) {
      jid = Jid(digits, protocol::server::user);
      address = resolve_or_create(*jid);
    } else if (const auto pn = user->jid("pn_jid")) {
      jid = pn->user_jid();
      address = resolve_or_create(*jid);
    }
    Node row("user");
    if (jid) row.set("jid", jid->user_jid());
    for (const auto& protocol_node : query->children()) {
      if (limited) break;  // the result says why there is no data
      const auto& name = protocol_node.tag;
      if (name == "contact") {
        if (contact) row.add(Node("contact").set("type", address ? "in" : "out").text(contact_text));
        continue;
      }
      if (!address) continue;
      auto& party = *address->party;
      if (name == "devices") {
        row.add(devices_node(party, device_hash(party, address->lid)));
      } else if (name == "lid") {
        if (party.account.has_lid()) row.add(Node("lid").set("val", party.account.lid_jid()));
      } else if (name == "status") {
        row.add(Node("status").set("t", static_cast<std::uint64_t>(now())).text(party.about));
      } else if (name == "disappearing_mode") {
        row.add(Node(name).set("duration", "0").set("t", "0"));
      } else if (name != "picture" && name != "business") {  // those only where there is something to tell
        row.add(Node(name));
      }
    }
    answers.add(std::move(row));
  }
  Node result("result");
  for (const auto& protocol_node : query->children()) {
    Node outcome(protocol_node.tag);
    if (limited)
      outcome.add(Node("error").set("code", "429").set("backoff", std::uint64_t{rate_limit_backoff_seconds}));
    result.add(std::move(outcome));
  }
  Node usync("usync");
  for (const auto key : {"sid", "mode", "last", "index", "context"}) {
    if (request->has(key)) usync.set(key, request->attr(key));
  }
  answer(origin, result_of(iq).add(usync.add(std::move(result)).add(std::move(answers))));
}

}  // namespace wharf::sandbox
