#include "sandbox/network/usync.h"

#include <string_view>
#include <utility>

#include "sandbox/network/answers.h"
#include "sandbox/network/device_lists.h"

namespace wharf::sandbox {

namespace {

constexpr std::size_t max_users = 5'000;

Node devices_node(const Account& account, std::string_view hash) {
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

/// Whom a row of the query names: by JID, by number, or by the number beside a LID.
std::optional<Jid> user_named(const Node& user) {
  if (const auto jid = user.jid("jid")) return jid->user_jid();
  const auto* contact = user.child("contact");
  if (const auto digits = digits_of(contact ? contact->text() : std::string_view()); !digits.empty())
    return Jid(digits, protocol::server::user);
  if (const auto pn = user.jid("pn_jid")) return pn->user_jid();
  return std::nullopt;
}

/// What became of each protocol of the query.
Node outcome_of(const Node& query, bool limited) {
  Node result("result");
  for (const auto& protocol_node : query.children()) {
    Node outcome(protocol_node.tag);
    if (limited)
      outcome.add(Node("error").set("code", "429").set("backoff", std::uint64_t{rate_limit_backoff_seconds}));
    result.add(std::move(outcome));
  }
  return result;
}

}  // namespace

void Usync::on_iq(const Origin& origin, const Node& iq) {
  const auto* request = iq.child("usync");
  const auto* query = request ? request->child("query") : nullptr;
  const auto* list = request ? request->child("list") : nullptr;
  if (!query || !list || query->children().empty() || list->children().size() > max_users) {
    return c_.send(origin.key, error_of(iq, 400, "bad-request"));
  }
  const bool limited = origin.key.device != 0 && c_.faults.rate_limit_usync > 0;
  if (limited) --c_.faults.rate_limit_usync;
  Node answers("list");
  for (const auto* user : list->children("user")) answers.add(row_of(*user, *query, limited));
  Node usync("usync");
  for (const auto key : {"sid", "mode", "last", "index", "context"}) {
    if (request->has(key)) usync.set(key, request->attr(key));
  }
  usync.add(outcome_of(*query, limited)).add(std::move(answers));
  c_.send(origin.key, result_of(iq).add(std::move(usync)));
}

Node Usync::row_of(const Node& user, const Node& query, bool limited) {
  const auto jid = user_named(user);
  const auto address = jid ? accounts_.resolve_or_create(*jid) : std::nullopt;
  Node row("user");
  if (jid) row.set("jid", *jid);
  if (limited) return row;  // the result says why there is no data
  const auto* contact = user.child("contact");
  for (const auto& protocol_node : query.children()) {
    const auto& name = protocol_node.tag;
    if (name == "contact") {
      if (contact) row.add(Node("contact").set("type", address ? "in" : "out").text(contact->text()));
    } else if (address) {
      if (auto told = told_of(*address, name)) row.add(std::move(*told));
    }
  }
  return row;
}

std::optional<Node> Usync::told_of(const Address& address, const std::string& protocol) const {
  const auto& account = address.party->account;
  Node told(protocol);
  if (protocol == "devices") return devices_node(account, device_hash(account, address.lid));
  if (protocol == "lid") {
    if (!account.has_lid()) return std::nullopt;
    return told.set("val", account.lid_jid());
  }
  if (protocol == "status") return told.set("t", c_.unix_seconds()).text(address.party->about);
  if (protocol == "disappearing_mode") return told.set("duration", "0").set("t", "0");
  if (protocol == "picture" || protocol == "business") return std::nullopt;  // only where there is something to tell
  return told;
}

}  // namespace wharf::sandbox
