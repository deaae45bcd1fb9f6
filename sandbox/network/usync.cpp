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

constexpr std::size_t min_digits = 7, max_digits = 15;
constexpr std::size_t max_token = 4'096;

/// The digits of a contact query ("+49 …", or whatsmeow's "+digits@c.us"); "" when it is no number.
std::string digits_of(std::string_view text) {
  std::string digits;
  for (const char c : text.substr(0, text.find('@'))) {
    if (c >= '0' && c <= '9') digits.push_back(c);
    else if (std::string_view("+ -.()").find(c) == std::string_view::npos) return {};
  }
  const bool number = digits.size() >= min_digits && digits.size() <= max_digits && digits.front() != '0';
  return number ? digits : std::string();
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

/// With the text of the query, which clients know the answer by.
Node contact_node(const Node& asked, bool named, bool known) {
  // Nobody has a username here: who is looked for by one is not found.
  const bool invalid = !named && !asked.has("username");
  return Node("contact").set("type", known ? "in" : invalid ? "invalid" : "out").text(asked.text());
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
  for (const auto* user : list->children("user")) answers.add(row_of(origin.party, *user, *query, limited));
  Node usync("usync");
  for (const auto key : {"sid", "mode", "last", "index", "context"}) {
    if (request->has(key)) usync.set(key, request->attr(key));
  }
  usync.add(outcome_of(*query, limited)).add(std::move(answers));
  c_.send(origin.key, result_of(iq).add(std::move(usync)));
}

Node Usync::row_of(const Party& viewer, const Node& user, const Node& query, bool limited) {
  const auto jid = user_named(user);
  const auto address = jid ? accounts_.resolve_or_create(*jid) : std::nullopt;
  Node row("user");
  if (jid) row.set("jid", *jid);
  if (limited) return row;  // the result says why there is no data
  const auto* contact = user.child("contact");
  const auto shown = user.child_data("tctoken").value_or(ByteView());
  const auto token = shown.size() <= max_token ? shown : ByteView();
  for (const auto& protocol_node : query.children()) {
    const auto& name = protocol_node.tag;
    if (name == "contact") {
      if (contact) row.add(contact_node(*contact, jid.has_value(), address.has_value()));
    } else if (address) {
      if (auto told = told_of(*address, name, viewer, token)) row.add(std::move(*told));
    }
  }
  return row;
}

std::optional<Node> Usync::told_of(const Address& address, const std::string& protocol, const Party& viewer,
                                   ByteView token) const {
  const auto& party = *address.party;
  const auto& account = party.account;
  Node told(protocol);
  if (protocol == "devices") return devices_node(account, device_hash(account, address.lid));
  if (protocol == "lid") {
    if (!account.has_lid()) return std::nullopt;
    return told.set("val", account.lid_jid());
  }
  if (protocol == "status") return profiles_.about_for(party, viewer, token);
  if (protocol == "text_status") return profiles_.text_status_for(party, viewer, token);
  if (protocol == "disappearing_mode") return profiles_.timer_of(party);
  if (protocol == "business") return businesses_.verified_name_of(party);
  if (protocol == "picture") {
    const auto id = pictures_.id_for(party, viewer, token);
    if (id.empty()) return std::nullopt;
    return told.set("id", id);
  }
  return told;
}

}  // namespace wharf::sandbox
