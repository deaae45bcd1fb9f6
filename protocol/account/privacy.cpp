#include "protocol/account/privacy.h"

#include "protocol/stanzas/iq_reading.h"
#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t max_hash_bytes = 128;
constexpr std::size_t max_username_bytes = 128;
constexpr std::size_t max_blocked = 20'000;

std::optional<PrivacySetting> setting_of(const Node& category) {
  const auto name = privacy_category(category.attr("name"));
  const auto value = privacy_value(category.attr("value"));
  if (!name || !value) return std::nullopt;
  return PrivacySetting{*name, *value};
}

Node category_node(PrivacySetting setting) {
  return Node("category").set("name", name(setting.category)).set("value", name(setting.value));
}

std::vector<ExcludedUser> users_of(const Node& list, std::string_view tag) {
  std::vector<ExcludedUser> users;
  for (const Node* row : list.children(tag)) {
    if (auto jid = user_attr(*row, "jid"))
      users.push_back({std::move(*jid), line_attr(*row, "username", max_username_bytes)});
  }
  return users;
}

Node user_node(std::string_view tag, const ExcludedUser& user) {
  Node node(tag);
  return put(node.set("jid", user.jid), "username", user.username);
}

}  // namespace

// --- settings

Node privacy_iq(std::string_view id) { return iq_get(id, "privacy").add(Node("privacy")); }

Node set_privacy_iq(std::string_view id, PrivacySetting setting) {
  return iq_set(id, "privacy").add(Node("privacy").add(category_node(setting)));
}

Result<std::vector<PrivacySetting>> read_privacy(const Node& answer) {
  const auto privacy = result_child(answer, "privacy", "privacy");
  if (!privacy) return privacy.error();
  std::vector<PrivacySetting> settings;
  for (const Node* row : (*privacy)->children("category")) {
    const auto setting = setting_of(*row);
    if (setting && settings.size() < max_list_rows) settings.push_back(*setting);
  }
  return settings;
}

std::optional<std::vector<PrivacySetting>> read_privacy_change(const Node& iq) {
  const Node* privacy = is_request(iq, "set", "privacy") ? iq.child("privacy") : nullptr;
  if (privacy == nullptr || privacy->children().empty() || !within_rows(*privacy)) return std::nullopt;
  std::vector<PrivacySetting> settings;
  for (const Node& row : privacy->children()) {
    const auto setting = row.is("category") ? setting_of(row) : std::nullopt;
    if (!setting || !allowed(*setting) || row.has("dhash")) return std::nullopt;
    settings.push_back(*setting);
  }
  return settings;
}

Node privacy_answer(const Node& request, std::span<const PrivacySetting> settings) {
  Node privacy("privacy");
  for (const PrivacySetting& setting : settings) privacy.add(category_node(setting));
  return iq_result(request).add(std::move(privacy));
}

// --- exclusions

namespace {

Node privacy_by(PrivacyAddressing addressing) {
  Node privacy("privacy");
  if (addressing == PrivacyAddressing::by_lid) privacy.set("addressing_mode", "lid");
  return privacy;
}

PrivacyAddressing addressing_of(const Node& privacy) {
  return privacy.attr("addressing_mode") == "lid" ? PrivacyAddressing::by_lid : PrivacyAddressing::by_number;
}

/// The category of a row with contact_blacklist, when that has such a list.
std::optional<PrivacyCategory> excluding(const Node& row) {
  const auto setting = setting_of(row);
  if (!setting || setting->value != PrivacyValue::contact_blacklist || !allowed(*setting)) return std::nullopt;
  return setting->category;
}

}  // namespace

Node exclusion_list_iq(std::string_view id, ExclusionListQuery query) {
  Node list("list");
  list.set("name", name(query.category)).set("value", name(PrivacyValue::contact_blacklist));
  return iq_get(id, "privacy").add(privacy_by(query.addressing).add(std::move(list)));
}

Result<std::optional<ExclusionList>> read_exclusion_list(const Node& answer) {
  const auto privacy = result_child(answer, "privacy", "privacy list");
  if (!privacy) return privacy.error();
  const Node* list = (*privacy)->child("list");
  if (list == nullptr) return std::optional<ExclusionList>();
  if (!within_rows(*list)) return Error(Errc::malformed, "privacy list: too many users");
  return std::optional(ExclusionList{line_attr(*list, "dhash", max_hash_bytes), users_of(*list, "user")});
}

Node change_exclusions_iq(std::string_view id, const ExclusionListChange& change) {
  Node category = category_node({change.list.category, PrivacyValue::contact_blacklist});
  category.set("dhash", change.dhash.empty() ? std::string_view("none") : change.dhash);
  for (const ExclusionChange& row : change.changes) {
    Node user("user");
    user.set("action", row.add ? "add" : "remove").set("jid", row.jid.user_jid());
    if (row.pn) user.set("pn_jid", row.pn->user_jid());
    else put(user, "username", row.username);
    category.add(std::move(user));
  }
  return iq_set(id, "privacy").add(privacy_by(change.list.addressing).add(std::move(category)));
}

std::optional<ExclusionListQuery> read_exclusion_list_query(const Node& iq) {
  const Node* privacy = is_request(iq, "get", "privacy") ? iq.child("privacy") : nullptr;
  const Node* list = privacy != nullptr ? privacy->child("list") : nullptr;
  const auto category = list != nullptr ? excluding(*list) : std::nullopt;
  if (!category) return std::nullopt;
  return ExclusionListQuery{*category, addressing_of(*privacy)};
}

Node exclusion_list_answer(const Node& request, ExclusionListQuery query, const ExclusionList& excluded) {
  Node list("list");
  list.set("name", name(query.category)).set("value", name(PrivacyValue::contact_blacklist));
  put(list, "dhash", excluded.dhash);
  for (const ExcludedUser& user : excluded.users) list.add(user_node("user", user));
  return iq_result(request).add(privacy_by(query.addressing).add(std::move(list)));
}

std::optional<ExclusionListChange> read_exclusions_change(const Node& iq) {
  const Node* privacy = is_request(iq, "set", "privacy") ? iq.child("privacy") : nullptr;
  const Node* row = privacy != nullptr ? privacy->child("category") : nullptr;
  const auto category = row != nullptr ? excluding(*row) : std::nullopt;
  if (!category || !row->has("dhash") || !within_rows(*row)) return std::nullopt;
  ExclusionListChange change;
  change.list = {*category, addressing_of(*privacy)};
  change.dhash = line_attr(*row, "dhash", max_hash_bytes);
  if (change.dhash == "none") change.dhash.clear();
  for (const Node& user : row->children()) {
    const auto jid = user_attr(user, "jid");
    const std::string action = user.attr("action");
    if (!user.is("user") || !jid || (action != "add" && action != "remove")) return std::nullopt;
    change.changes.push_back(
        {action == "add", *jid, phone_attr(user, "pn_jid"), line_attr(user, "username", max_username_bytes)});
  }
  return change;
}

// --- the block list

Node block_list_iq(std::string_view id) { return iq_get(id, "blocklist"); }

Result<BlockList> read_block_list(const Node& answer) {
  if (auto done = result_only(answer, "block list"); !done) return done.error();
  // Some answers have the items without the list around them.
  const Node* list = answer.child("list");
  const Node& items = list != nullptr ? *list : answer;
  if (items.children().size() > max_blocked) return Error(Errc::malformed, "block list: too many rows");
  BlockList out{line_attr(items, "dhash", max_hash_bytes), users_of(items, "item")};
  out.unread = items.children("item").size() - out.users.size();
  return out;
}

Node block_iq(std::string_view id, const BlockChange& change) {
  Node item("item");
  item.set("action", change.block ? "block" : "unblock").set("jid", change.jid.user_jid());
  if (change.block && change.jid.is_lid()) {
    // Exactly one of them.
    if (change.pn) item.set("pn_jid", change.pn->user_jid());
    else if (!change.username.empty()) item.set("username", change.username);
    else if (!change.display_name.empty()) item.set("display_name", change.display_name);
    else item.set("unknown_identifier", "true");
  }
  return iq_set(id, "blocklist").add(std::move(item));
}

bool is_block_list_query(const Node& iq) { return is_request(iq, "get", "blocklist"); }

std::optional<BlockChange> read_block_change(const Node& iq) {
  const Node* item = is_request(iq, "set", "blocklist") ? iq.child("item") : nullptr;
  const auto jid = item != nullptr ? user_attr(*item, "jid") : std::nullopt;
  if (!jid) return std::nullopt;
  const std::string action = item->attr("action");
  if (action != "block" && action != "unblock") return std::nullopt;
  BlockChange change;
  change.block = action == "block";
  change.jid = *jid;
  change.pn = phone_attr(*item, "pn_jid");
  change.username = line_attr(*item, "username", max_username_bytes);
  change.display_name = line_attr(*item, "display_name", max_username_bytes);
  return change;
}

Node block_list_answer(const Node& request, const BlockList& blocked) {
  Node list("list");
  put(list, "dhash", blocked.dhash);
  for (const ExcludedUser& user : blocked.users) list.add(user_node("item", user));
  return iq_result(request).add(std::move(list));
}

}  // namespace wharf::protocol
