#include "protocol/account/profile_query.h"

#include <algorithm>

#include "protocol/stanzas/iq_reading.h"
#include "protocol/stanzas/node_fields.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t max_token_bytes = 4096;
constexpr std::size_t max_query_bytes = 64;

struct FieldName {
  ProfileField field;
  std::string_view name;
};
constexpr FieldName field_names[] = {
    {ProfileField::contact, "contact"},
    {ProfileField::business, "business"},
    {ProfileField::about, "status"},
    {ProfileField::picture, "picture"},
    {ProfileField::default_timer, "disappearing_mode"},
    {ProfileField::text_status, "text_status"},
    {ProfileField::username, "username"},
    {ProfileField::lid, "lid"},
};
static_assert(std::size(field_names) == profile_field_count);

std::string_view name(ProfileField field) {
  for (const FieldName& row : field_names)
    if (row.field == field) return row.name;
  return {};
}

std::optional<ProfileField> field_of(std::string_view tag) {
  for (const FieldName& row : field_names)
    if (row.name == tag) return row.field;
  return std::nullopt;
}

ProfileError error_of(ProfileField field, const Node& error) {
  ProfileError out;
  out.field = field;
  out.code = static_cast<unsigned>(std::min<std::uint64_t>(error.number("code").value_or(0), 9999));
  out.backoff_seconds = std::min(error.number("backoff").value_or(0), day_seconds);
  return out;
}

void read_about(const Node& node, Profile& out) {
  About about;
  // 401 in place of a text; any other code is an error that came without its child.
  if (node.has("code") && node.attr("code") != "401") {
    out.errors.push_back(error_of(ProfileField::about, node));
    return;
  }
  about.hidden = node.attr("code") == "401";
  if (!about.hidden) about.text = paragraph(node.text());
  if (const auto at = node.number("t"); at && *at != 0) about.set_at = at;
  out.about = std::move(about);
}

void read_field(ProfileField field, const Node& node, Profile& out) {
  switch (field) {
    case ProfileField::contact:
      out.contact_type = line_attr(node, "type", max_query_bytes);
      out.contact_query = display_line(node.text(), max_query_bytes);
      break;
    case ProfileField::business:
      if (const Node* verified = node.child("verified_name")) out.business = read_verified_name(*verified);
      break;
    case ProfileField::about: read_about(node, out); break;
    case ProfileField::picture: out.picture_id = line_attr(node, "id", 128); break;
    case ProfileField::default_timer:
      out.default_timer_seconds = expiration_attr(node, "duration");
      out.default_timer_at = node.number("t");
      break;
    case ProfileField::text_status: {
      ProfileTextStatus status;
      status.text = paragraph(node.attr("text"));
      if (const Node* emoji = node.child("emoji")) status.emoji = line_attr(*emoji, "content", 64);
      status.lasts_seconds = node.number("ephemeral_duration_sec");
      status.set_at = node.number("last_update_time");
      out.text_status = std::move(status);
      break;
    }
    case ProfileField::username: out.username = display_line(node.text(), 128); break;
    case ProfileField::lid: out.lid = lid_attr(node, "val"); break;
  }
}

Profile read_profile(const Node& user) {
  Profile out;
  // "undefined" stands for a number that is none: no JID, but the echo of the query counts.
  out.jid = user_attr(user, "jid").value_or(Jid());
  out.pn = phone_attr(user, "pn_jid");
  ProfileFields seen;  // the first of each counts
  for (const Node& node : user.children()) {
    const auto field = field_of(node.tag);
    if (!field || seen.has(*field)) continue;
    seen.add(*field);
    if (const Node* error = node.child("error")) out.errors.push_back(error_of(*field, *error));
    else read_field(*field, node, out);
  }
  return out;
}

const Node* usync_part(const Node& iq, std::string_view tag) {
  const Node* usync = iq.child("usync");
  return usync != nullptr ? usync->child(tag) : nullptr;
}

Node target_node(const ProfileTarget& target, ProfileFields fields) {
  Node user("user");
  if (target.jid) user.set("jid", target.jid->user_jid());
  // Without the plus the server completes the number with the account's own country.
  if (!target.phone.empty() && fields.has(ProfileField::contact)) user.add(Node("contact").text("+" + target.phone));
  if (!target.token.empty()) user.add(Node("tctoken").bytes(target.token));
  return user;
}

}  // namespace

Node profile_query_iq(std::string_view id, std::string_view sid, ProfileFields fields,
                      std::span<const ProfileTarget> users) {
  Node query("query"), list("list");
  for (const FieldName& row : field_names) {
    if (!fields.has(row.field)) continue;
    Node protocol(row.name);
    if (row.field == ProfileField::business) protocol.add(Node("verified_name"));
    query.add(std::move(protocol));
  }
  for (const ProfileTarget& user : users) list.add(target_node(user, fields));
  const bool look_up = fields.has(ProfileField::contact);
  Node usync("usync");
  usync.set("sid", sid).set("mode", look_up ? "query" : "full").set("last", "true").set("index", "0");
  usync.set("context", look_up ? "interactive" : "background").add(std::move(query)).add(std::move(list));
  return iq_get(id, "usync").add(std::move(usync));
}

const ProfileError* find_error(std::span<const ProfileError> errors, ProfileField field) {
  for (const ProfileError& error : errors)
    if (error.field == field) return &error;
  return nullptr;
}

Result<Profiles> read_profiles(const Node& answer) {
  if (auto refusal = iq_refusal(answer, "usync")) return std::move(*refusal);
  const Node* list = usync_part(answer, "list");
  if (list == nullptr) return Error(Errc::malformed, "usync: answer without list");
  if (!within_rows(*list)) return Error(Errc::malformed, "usync: more users than can have been asked for");
  Profiles out;
  if (const Node* result = usync_part(answer, "result")) {
    ProfileFields seen;
    for (const Node& protocol : result->children()) {
      const auto field = field_of(protocol.tag);
      const Node* error = protocol.child("error");
      if (!field || error == nullptr || seen.has(*field)) continue;
      seen.add(*field);
      out.errors.push_back(error_of(*field, *error));
    }
  }
  for (const Node* user : list->children("user")) {
    Profile profile = read_profile(*user);
    if (!profile.jid.empty() || !profile.contact_query.empty()) out.users.push_back(std::move(profile));
  }
  return out;
}

std::optional<ProfileQuery> read_profile_query(const Node& iq) {
  const Node* query = is_request(iq, "get", "usync") ? usync_part(iq, "query") : nullptr;
  const Node* list = query != nullptr ? usync_part(iq, "list") : nullptr;
  if (list == nullptr || !within_rows(*list) || !within_rows(*query)) return std::nullopt;
  ProfileQuery out;
  const Node& usync = *iq.child("usync");
  out.sid = line_attr(usync, "sid", 128);
  out.mode = line_attr(usync, "mode", 32);
  out.context = line_attr(usync, "context", 32);
  for (const Node& protocol : query->children())
    if (const auto field = field_of(protocol.tag)) out.fields.add(*field);
  for (const Node* user : list->children("user")) {
    ProfileTarget target;
    target.jid = user_attr(*user, "jid");
    std::string_view phone;
    if (const Node* contact = user->child("contact")) phone = contact->text();
    if (phone.starts_with('+')) phone.remove_prefix(1);
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    // whatsmeow writes it as an address.
    if (const std::size_t at = phone.find('@'); at != std::string_view::npos) phone = phone.substr(0, at);
    if (phone.size() <= 20 && std::all_of(phone.begin(), phone.end(), is_digit)) target.phone = phone;
    if (const auto token = user->child_data("tctoken"); token && token->size() <= max_token_bytes)
      target.token = to_bytes(*token);
    if (target.jid || !target.phone.empty()) out.users.push_back(std::move(target));
  }
  return out;
}

namespace {

Node error_node(const ProfileError& error) {
  Node node("error");
  node.set("code", std::uint64_t{error.code});
  if (error.backoff_seconds != 0) node.set("backoff", error.backoff_seconds);
  return node;
}

/// nullopt: this user has no such field in the answer.
std::optional<Node> field_node(ProfileField field, const Profile& profile) {
  Node node(name(field));
  if (const ProfileError* error = find_error(profile.errors, field)) return node.add(error_node(*error));
  switch (field) {
    case ProfileField::contact:
      if (profile.contact_query.empty()) return std::nullopt;
      return node.set("type", profile.contact_type).text(profile.contact_query);
    case ProfileField::business:
      if (!profile.business) return std::nullopt;
      return node.add(verified_name_node(*profile.business));
    case ProfileField::about:
      if (!profile.about) return std::nullopt;
      if (profile.about->hidden) return node.set("code", "401").set("t", "0");
      return put(node, "t", profile.about->set_at).text(profile.about->text);
    case ProfileField::picture:
      if (!profile.picture_id) return std::nullopt;
      return put(node, "id", *profile.picture_id);
    case ProfileField::default_timer:
      if (!profile.default_timer_seconds) return std::nullopt;
      node.set("duration", std::uint64_t{*profile.default_timer_seconds});
      return put(node, "t", profile.default_timer_at);
    case ProfileField::text_status: {
      if (!profile.text_status) return std::nullopt;
      const ProfileTextStatus& status = *profile.text_status;
      put(put(node, "text", status.text), "ephemeral_duration_sec", status.lasts_seconds);
      put(node, "last_update_time", status.set_at);
      return status.emoji.empty() ? node : node.add(Node("emoji").set("content", status.emoji));
    }
    case ProfileField::username:
      if (!profile.username) return std::nullopt;
      return profile.username->empty() ? node : node.text(*profile.username);
    case ProfileField::lid: return put(node, "val", profile.lid);
  }
  return std::nullopt;
}

}  // namespace

Node profiles_answer(const Node& request, const ProfileQuery& query, const Profiles& profiles) {
  Node result("result"), list("list");
  for (const FieldName& row : field_names) {
    if (!query.fields.has(row.field)) continue;
    Node protocol(row.name);
    if (const ProfileError* error = find_error(profiles.errors, row.field)) protocol.add(error_node(*error));
    result.add(std::move(protocol));
  }
  for (const Profile& profile : profiles.users) {
    Node user("user");
    if (!profile.jid.empty()) user.set("jid", profile.jid);
    put(user, "pn_jid", profile.pn);
    for (const FieldName& row : field_names) {
      if (!query.fields.has(row.field) || find_error(profiles.errors, row.field) != nullptr) continue;
      if (auto node = field_node(row.field, profile)) user.add(std::move(*node));
    }
    list.add(std::move(user));
  }
  Node usync("usync");
  usync.set("sid", query.sid).set("index", "0").set("last", "true").set("mode", query.mode);
  usync.set("context", query.context).add(std::move(result)).add(std::move(list));
  return iq_result(request).add(std::move(usync));
}

}  // namespace wharf::protocol
