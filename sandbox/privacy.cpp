// Privacy settings, trusted-contact tokens and the blocklist. Specification 06 section 5.

#include <array>
#include <string>
#include <utility>

#include "protocol/crypto/hash.h"
#include "sandbox/network_state.h"

namespace wharf::sandbox {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 10> defaults = {{
    {"readreceipts", "all"},
    {"last", "all"},
    {"online", "all"},
    {"profile", "all"},
    {"status", "contacts"},
    {"groupadd", "all"},
    {"calladd", "all"},
    {"messages", "all"},
    {"defense", "off"},
    {"stickers", "contacts"},
}};
constexpr std::size_t max_value = 64;
constexpr std::size_t max_blocked = 2'000;
constexpr std::size_t max_tokens = 100;
constexpr std::uint64_t token_bucket_seconds = 7 * 86'400, token_buckets = 4;

std::string dhash_of(const Party& party) {
  std::string all;
  for (const auto& jid : party.blocked) all += jid;
  const auto digest = protocol::sha256(protocol::as_bytes(all));
  return protocol::to_base64(ByteView(digest).first(9));
}

Node blocklist_of(const Party& party) {
  Node list("list");
  list.set("dhash", dhash_of(party));
  for (const auto& text : party.blocked) {
    if (const auto jid = Jid::parse(text)) list.add(Node("item").set("jid", *jid));
  }
  return list;
}

}  // namespace

bool Network::State::blocks(const Party& party, const Party& sender) {
  const auto& account = sender.account;
  return party.blocked.contains(account.pn_jid().to_string()) ||
         (account.has_lid() && party.blocked.contains(account.lid_jid().to_string()));
}

std::string_view Network::State::privacy_of(const Party& party, std::string_view category) {
  if (const auto set = party.privacy.find(category); set != party.privacy.end()) return set->second;
  for (const auto& [name, value] : defaults) {
    if (name == category) return value;
  }
  return {};
}

// Opaque to clients, checked again when it comes back: its time, and a MAC over issuer, holder and time.
Bytes Network::State::make_token(const Party& issuer, const Party& holder, std::uint64_t t) const {
  Bytes token = protocol::to_bytes(row_number(t, 8));
  const auto text = issuer.account.lid + "|" + holder.account.lid + "|" + std::to_string(t);
  const auto mac = protocol::hmac_sha256(token_secret, protocol::as_bytes(text));
  protocol::append(token, ByteView(mac).first(16));
  return token;
}

bool Network::State::valid_token(const Party& issuer, const Party& holder, ByteView token) const {
  if (token.size() < 8) return false;
  const auto t = protocol::from_big_endian(token.first(8));
  // 03 section 4.6: time is cut in buckets, four of them count.
  const auto bucket = static_cast<std::uint64_t>(now()) / token_bucket_seconds;
  if (bucket >= token_buckets && t < (bucket - (token_buckets - 1)) * token_bucket_seconds) return false;
  return protocol::equal_constant_time(token, make_token(issuer, holder, t));
}

void Network::State::tell_own_devices(const Origin& origin, const Node& change) {
  const auto& account = origin.party.account;
  for (const auto& [device, known] : account.devices) {
    if (device == origin.key.device) continue;
    Node notification("notification");
    notification.set("from", account.pn_jid()).set("type", "account_sync").set("id", next_id());
    enqueue({account.phone, device}, notification.set("t", static_cast<std::uint64_t>(now())).add(change));
  }
}

void Network::State::on_privacy(Origin& origin, const Node& iq) {
  auto& party = origin.party;
  if (iq.attr("type") == "get") {
    Node all("privacy");
    for (const auto& [name, value] : defaults)
      all.add(Node("category").set("name", name).set("value", privacy_of(party, name)));
    return answer(origin, result_of(iq).add(std::move(all)));
  }
  if (const auto* settings_node = iq.child("privacy")) {
    Node echo("privacy");
    for (const auto* category : settings_node->children("category")) {
      const auto name = category->attr("name");
      const auto value = category->attr("value");
      bool known = false;
      for (const auto& entry : defaults) known |= entry.first == name;
      if (!known || value.empty() || value.size() > max_value) return answer(origin, error_of(iq, 400, "bad-request"));
      party.privacy[name] = value;
      if (name == "readreceipts") party.account.read_receipts = value == "all";
      echo.add(Node("category").set("name", name).set("value", value));
    }
    account_changed(party);
    tell_own_devices(origin, echo);
    return answer(origin, result_of(iq).add(std::move(echo)));
  }
  if (const auto* tokens = iq.child("tokens")) {
    const auto rows = tokens->children("token");
    if (rows.size() > max_tokens) return answer(origin, error_of(iq, 400, "bad-request"));
    answer(origin, result_of(iq));
    for (const auto* row : rows) {
      const auto jid = row->jid("jid");
      const auto target = jid ? resolve(*jid) : std::nullopt;
      if (!target || target->party == &party) continue;
      const auto t = row->number("t").value_or(static_cast<std::uint64_t>(now()));
      Node token("token");
      token.set("type", "trusted_contact").set("t", t).bytes(make_token(party, *target->party, t));
      Node tokens_node("tokens");
      tokens_node.add(std::move(token));
      for (const auto& [device, known] : target->party->account.devices) {
        Node notification("notification");
        notification.set("from", party.account.pn_jid());
        if (party.account.has_lid()) notification.set("sender_lid", party.account.lid_jid());
        notification.set("type", "privacy_token").set("id", next_id()).set("t", static_cast<std::uint64_t>(now()));
        enqueue({target->party->account.phone, device}, notification.add(tokens_node));
      }
    }
    return;
  }
  answer(origin, error_of(iq, 400, "bad-request"));
}

void Network::State::on_blocklist(Origin& origin, const Node& iq) {
  auto& party = origin.party;
  if (iq.attr("type") == "set") {
    const auto* item = iq.child("item");
    const auto jid = item ? item->jid("jid") : std::nullopt;
    const auto action = item ? item->attr("action") : std::string();
    if (!jid || (action != "block" && action != "unblock")) return answer(origin, error_of(iq, 400, "bad-request"));
    if (action == "block" && party.blocked.size() >= max_blocked)
      return answer(origin, error_of(iq, 419, "resource-limit"));
    // Who has a LID is blocked under it (02 section 11).
    const auto address = resolve(jid->user_jid());
    if (action == "block" && address && !address->lid && address->party->account.has_lid())
      return answer(origin, error_of(iq, 400, "bad-request"));
    const auto before = dhash_of(party);
    const auto text = jid->user_jid().to_string();
    if (action == "block") {
      party.blocked.insert(text);
    } else {
      party.blocked.erase(text);
    }
    account_changed(party);
    Node change("blocklist");
    change.set("action", "modify").set("dhash", dhash_of(party)).set("prev_dhash", before);
    tell_own_devices(origin, change.add(Node("item").set("jid", jid->user_jid()).set("action", action)));
  }
  answer(origin, result_of(iq).add(blocklist_of(party)));
}

}  // namespace wharf::sandbox
