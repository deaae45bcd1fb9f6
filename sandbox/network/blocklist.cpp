#include "sandbox/network/blocklist.h"

#include <optional>
#include <utility>

#include "protocol/crypto/hash.h"
#include "sandbox/network/answers.h"

namespace wharf::sandbox {

namespace {

constexpr std::size_t max_blocked = 2'000;

}  // namespace

std::string dhash_of(const JidTexts& list) {
  std::string all;
  for (const auto& jid : list) all += jid;
  const auto digest = protocol::sha256(protocol::as_bytes(all));
  return protocol::to_base64(ByteView(digest).first(9));
}

bool is_on(const JidTexts& list, const Account& account) {
  return list.contains(account.pn_jid().to_string()) ||
         (account.has_lid() && list.contains(account.lid_jid().to_string()));
}

std::vector<protocol::ExcludedUser> users_of(const JidTexts& list) {
  std::vector<protocol::ExcludedUser> users;
  for (const auto& text : list) {
    if (const auto jid = Jid::parse(text)) users.push_back({*jid, {}});
  }
  return users;
}

const Blocklist::Jids& Blocklist::of(std::string_view phone) const {
  static const Jids nobody;
  const auto found = lists_.find(phone);
  return found == lists_.end() ? nobody : found->second;
}

bool Blocklist::blocks(const Party& party, const Party& sender) const {
  const auto& blocked = of(party.account.phone);
  return !blocked.empty() && is_on(blocked, sender.account);
}

void Blocklist::on_iq(Origin& origin, const Node& iq) {
  if (iq.attr("type") == "set") {
    if (const auto refusal = change(origin, iq)) return c_.send(origin.key, *refusal);
  }
  const auto& blocked = of(origin.key.phone);
  c_.send(origin.key, answer_of(iq, protocol::block_list_answer(iq, {dhash_of(blocked), users_of(blocked)})));
}

void Blocklist::rename(const Jid& from, const Jid& to) {
  for (auto& [phone, blocked] : lists_) {
    if (blocked.erase(from.to_string()) == 0) continue;
    blocked.insert(to.to_string());
    accounts_.changed(*accounts_.find(phone));
  }
}

std::optional<Node> Blocklist::change(const Origin& origin, const Node& iq) {
  const auto asked = protocol::read_block_change(iq);
  if (!asked) return error_of(iq, 400, "bad-request");
  const bool block = asked->block;
  const auto whom = asked->jid.user_jid();
  auto& blocked = lists_[origin.key.phone];
  if (block && blocked.size() >= max_blocked) return error_of(iq, 419, "resource-limit");
  // Who has a LID is blocked under it (02 section 11).
  const auto address = accounts_.resolve(whom);
  if (block && address && !address->lid && address->party->account.has_lid()) return error_of(iq, 400, "bad-request");
  const auto before = dhash_of(blocked);
  const auto text = whom.to_string();
  if (block) {
    blocked.insert(text);
  } else {
    blocked.erase(text);
  }
  accounts_.changed(origin.party);
  Node told("blocklist");
  told.set("action", "modify").set("dhash", dhash_of(blocked)).set("prev_dhash", before);
  sync_.tell_own_devices(origin, told.add(Node("item").set("jid", whom).set("action", block ? "block" : "unblock")));
  return std::nullopt;
}

}  // namespace wharf::sandbox
