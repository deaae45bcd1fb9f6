#include "sandbox/network/privacy.h"

#include <array>

#include "sandbox/network/answers.h"

namespace wharf::sandbox {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 12> defaults = {{
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
    {"linked_profiles", "contacts"},
    {"pix", "contacts"},
}};
static_assert(defaults.size() == protocol::privacy_category_count);
constexpr std::size_t max_tokens = 100;
constexpr std::size_t max_excluded = 1'000;
constexpr std::string_view blacklist = "contact_blacklist";

std::vector<protocol::PrivacySetting> settings_as_told(const Privacy::Settings& settings) {
  std::vector<protocol::PrivacySetting> told;
  for (const auto& [name, value] : settings) {
    const auto category = protocol::privacy_category(name);
    const auto known = protocol::privacy_value(value);
    if (category && known) told.push_back({*category, *known});
  }
  return told;
}

}  // namespace

const Privacy::Settings& Privacy::of(std::string_view phone) const {
  static const Settings none;
  const auto found = settings_.find(phone);
  return found == settings_.end() ? none : found->second;
}

std::string_view Privacy::value_of(const Party& party, std::string_view category) const {
  const auto& own = of(party.account.phone);
  if (const auto set = own.find(category); set != own.end()) return set->second;
  for (const auto& [name, value] : defaults) {
    if (name == category) return value;
  }
  return {};
}

bool Privacy::lets_see(const Party& party, std::string_view category, const Party& viewer, bool trusted) const {
  const auto value = value_of(party, category);
  if (&party == &viewer || value == "all") return true;
  if (value == "none") return false;
  const bool contact = trusted || party.contacts.contains(viewer.account.phone);
  return contact && !(value == blacklist && excludes(party, category, viewer));
}

Privacy::Settings Privacy::all_of(const Party& party) const {
  Settings all;
  for (const auto& [name, value] : defaults) all.emplace(name, value_of(party, name));
  return all;
}

void Privacy::on_iq(Origin& origin, const Node& iq) {
  if (iq.attr("type") == "get") {
    if (const auto query = protocol::read_exclusion_list_query(iq))
      return c_.send(origin.key, exclusion_list(origin.party, iq, *query));
    const auto all = settings_as_told(all_of(origin.party));
    return c_.send(origin.key, answer_of(iq, protocol::privacy_answer(iq, all)));
  }
  if (iq.child("privacy") != nullptr) return set(origin, iq);
  if (const auto* wanted = iq.child("tokens")) return issue_tokens(origin, iq, *wanted);
  c_.send(origin.key, error_of(iq, 400, "bad-request"));
}

void Privacy::set(Origin& origin, const Node& iq) {
  if (const auto change = protocol::read_exclusions_change(iq)) {
    if (const auto code = change_exclusions(origin.party, *change); code != 0)
      return c_.send(origin.key, error_of(iq, code, code == 409 ? "conflict" : "bad-request"));
    return tell_changed(origin, iq, {{change->list.category, protocol::PrivacyValue::contact_blacklist}});
  }
  const auto wanted = protocol::read_privacy_change(iq);
  if (!wanted) return c_.send(origin.key, error_of(iq, 400, "bad-request"));
  tell_changed(origin, iq, *wanted);
}

void Privacy::tell_changed(const Origin& origin, const Node& iq,
                           const std::vector<protocol::PrivacySetting>& settings) {
  auto& kept = settings_[origin.key.phone];
  for (const auto& setting : settings) {
    kept[std::string(protocol::name(setting.category))] = protocol::name(setting.value);
    if (setting.category == protocol::PrivacyCategory::read_receipts)
      origin.party.account.read_receipts = setting.value == protocol::PrivacyValue::all;
  }
  accounts_.changed(origin.party);
  const auto answer = answer_of(iq, protocol::privacy_answer(iq, settings));
  sync_.tell_own_devices(origin, *answer.child("privacy"));
  c_.send(origin.key, answer);
}

// --- who is left out

const Privacy::Exclusions& Privacy::exclusions_of(std::string_view phone) const {
  static const Exclusions none;
  const auto found = exclusions_.find(phone);
  return found == exclusions_.end() ? none : found->second;
}

bool Privacy::excludes(const Party& party, std::string_view category, const Party& viewer) const {
  const auto& lists = exclusions_of(party.account.phone);
  const auto list = lists.find(category);
  return list != lists.end() && is_on(list->second, viewer.account);
}

namespace {

/// Who has a LID keeps LIDs, in questions too.
bool speaks_of_its_own(const Account& account, protocol::PrivacyAddressing addressing) {
  return account.has_lid() == (addressing == protocol::PrivacyAddressing::by_lid);
}

/// A list that holds nobody is none.
std::string version_of(const JidTexts& list) { return list.empty() ? std::string() : dhash_of(list); }

}  // namespace

Node Privacy::exclusion_list(const Party& party, const Node& iq, protocol::ExclusionListQuery query) const {
  if (!speaks_of_its_own(party.account, query.addressing)) return error_of(iq, 400, "bad-request");
  protocol::ExclusionList told;
  const auto& lists = exclusions_of(party.account.phone);
  if (const auto list = lists.find(protocol::name(query.category)); list != lists.end()) {
    told.dhash = version_of(list->second);
    told.users = users_of(list->second);
  }
  return answer_of(iq, protocol::exclusion_list_answer(iq, query, told));
}

unsigned Privacy::change_exclusions(const Party& party, const protocol::ExclusionListChange& change) {
  if (!speaks_of_its_own(party.account, change.list.addressing)) return 400;
  auto& kept = exclusions_[party.account.phone][std::string(protocol::name(change.list.category))];
  if (change.dhash != version_of(kept)) return 409;
  auto list = kept;
  for (const auto& row : change.changes) {
    const auto jid = row.jid.user_jid();
    if (jid.is_lid() != party.account.has_lid()) return 400;
    if (row.add) list.insert(jid.to_string());
    else list.erase(jid.to_string());
  }
  if (list.size() > max_excluded) return 400;
  kept = std::move(list);
  return 0;
}

void Privacy::rename(const Jid& from, const Jid& to) {
  for (auto& [phone, lists] : exclusions_) {
    const auto& owner = *accounts_.find(phone);
    if (!owner.account.has_lid()) continue;
    bool any = false;
    for (auto& [category, list] : lists) {
      if (list.erase(from.to_string()) == 0) continue;
      list.insert(to.to_string());
      any = true;
    }
    if (any) accounts_.changed(owner);
  }
}

void Privacy::speak_by_lid(const Party& party) {
  const auto own = exclusions_.find(party.account.phone);
  if (own == exclusions_.end()) return;
  for (auto& [category, list] : own->second) {
    JidTexts by_lid;
    for (const auto& text : list) {
      const auto jid = Jid::parse(text);
      const auto known = jid ? accounts_.resolve(*jid) : std::nullopt;
      by_lid.insert(known ? known->party->account.jid().to_string() : text);
    }
    list = std::move(by_lid);
  }
  accounts_.changed(party);
}

void Privacy::restore(const std::string& phone, Settings settings, Exclusions exclusions) {
  settings_[phone] = std::move(settings);
  exclusions_[phone] = std::move(exclusions);
}

// --- tokens

void Privacy::issue_tokens(const Origin& origin, const Node& iq, const Node& wanted) {
  const auto rows = wanted.children("token");
  if (rows.size() > max_tokens) return c_.send(origin.key, error_of(iq, 400, "bad-request"));
  c_.send(origin.key, result_of(iq));
  for (const auto* row : rows) {
    const auto jid = row->jid("jid");
    const auto target = jid ? accounts_.resolve(*jid) : std::nullopt;
    if (!target || target->party == &origin.party) continue;
    hand_over(origin.party, *target->party, row->number("t").value_or(c_.unix_seconds()));
  }
}

void Privacy::hand_over(const Party& issuer, const Party& holder, std::uint64_t t) {
  Node token("token");
  // Whose it is from now on: some clients keep none without (05 section 6.2).
  token.set("jid", holder.account.jid());
  token.set("type", "trusted_contact").set("t", t).bytes(tokens_.make(issuer, holder, t));
  Node tokens("tokens");
  tokens.add(std::move(token));
  for (const auto& [device, known] : holder.account.devices) {
    Node notification("notification");
    notification.set("from", issuer.account.pn_jid());
    if (issuer.account.has_lid()) notification.set("sender_lid", issuer.account.lid_jid());
    notification.set("type", "privacy_token").set("id", c_.next_id()).set("t", c_.unix_seconds());
    delivery_.enqueue({holder.account.phone, device}, notification.add(tokens));
  }
}

}  // namespace wharf::sandbox
