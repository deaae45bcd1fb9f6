// mex: notices whose content is JSON, {"data": {KEY: {…}}, "errors": […]}, routed by the operation they name or, when
// that is not known, by the key of their data. Specification 05 section 6.3; what cannot be read is an
// UnknownNotification (05 section 17).

#include "protocol/mex/fields.h"
#include "protocol/notifications/readers.h"
#include "protocol/stanzas/node_fields.h"
#include "protocol/text.h"

namespace wharf::protocol::notifications {

namespace {

constexpr std::size_t max_operation_bytes = 128;

struct Notice {
  std::string operation;  // displayable
  std::uint64_t now = 0;
};

// Each gives nullopt for a member that is missing or of the wrong kind.
using Read = std::optional<NotificationEvent> (*)(const Json&, const Notice&);

std::optional<NotificationEvent> restriction_notice(const Json& json, const Notice& notice) {
  return read_restriction(json, notice.now);
}

std::optional<NotificationEvent> quota_notice(const Json& json, const Notice&) { return read_quota(json); }

std::optional<NotificationEvent> read_join(const Json& json, const Notice&) {
  const auto channel = channel_in(json, "id");
  if (!channel) return std::nullopt;
  return ChannelJoined{*channel};
}

std::optional<NotificationEvent> read_leave(const Json& json, const Notice&) {
  const auto channel = channel_in(json, "id");
  if (!channel) return std::nullopt;
  return ChannelLeft{*channel, line_in(json, "role", 64)};
}

std::optional<NotificationEvent> read_mute(const Json& json, const Notice& notice) {
  const auto channel = channel_in(json, "id");
  if (!channel) return std::nullopt;
  const std::string mute = line_in(json, "mute", 16);
  if (mute == "ON" || mute == "OFF") return ChannelMuted{*channel, mute == "ON"};
  return ChannelChanged{*channel, notice.operation};
}

std::optional<NotificationEvent> read_channel_change(const Json& json, const Notice& notice) {
  const auto channel = channel_in(json, "id");
  if (!channel) return std::nullopt;
  return ChannelChanged{*channel, notice.operation};
}

std::optional<NotificationEvent> read_linked_profiles(const Json& json, const Notice&) {
  const auto lid = lid_in(json, "jid");
  if (!lid) return std::nullopt;
  return LinkedProfilesChanged{*lid};
}

std::optional<NotificationEvent> read_lid_change(const Json& json, const Notice&) {
  const auto before = lid_in(json, "old"), after = lid_in(json, "new");
  if (!before || !after) return std::nullopt;
  return LidChanged{*before, *after};
}

std::optional<NotificationEvent> read_username(const Json& json, const Notice&) {
  const auto lid = lid_in(json, "lid");
  UsernameChanged event{lid, line_in(json, "username", 128), {}, false};
  if (!lid || event.username.empty()) return std::nullopt;
  return event;
}

std::optional<NotificationEvent> read_username_removal(const Json& json, const Notice&) {
  const auto lid = lid_in(json, "lid");
  if (!lid) return std::nullopt;
  return UsernameChanged{lid, {}, {}, false};
}

std::optional<NotificationEvent> read_username_of_side_contact(const Json& json, const Notice&) {
  UsernameChanged event{std::nullopt, {}, line_in(json, "hash", 128), false};
  if (event.hash.empty()) return std::nullopt;
  return event;
}

std::optional<NotificationEvent> read_own_username(const Json& json, const Notice&) {
  const auto lid = lid_in(json, "lid_jid");
  if (!lid) return std::nullopt;
  return UsernameChanged{lid, line_in(json["username_info"], "username", 128), {}, true};
}

std::optional<NotificationEvent> read_text_status(const Json& json, const Notice& notice) {
  TextStatusChanged event;
  event.jid = user_in(json, "jid");
  event.hash = line_in(json, "hash", 128);
  if (!event.jid && event.hash.empty()) return std::nullopt;
  event.text = paragraph(json["text"].text().value_or(std::string_view()));
  event.emoji = line_in(json["emoji"], "content", 64);
  event.lasts_seconds = json["ephemeral_duration_sec"].number();
  if (const auto at = json["last_update_time"].number()) event.at = believable(*at, notice.now);
  return event;
}

struct Operation {
  std::string_view name, key;
  Read read;
};
constexpr Operation operations[] = {
    {"NotificationUserReachoutTimelockUpdate", "xwa2_notify_account_reachout_timelock", restriction_notice},
    {"MessageCappingInfoNotification", "xwa2_notify_new_chat_messages_capping_info_update", quota_notice},
    {"NotificationNewsletterJoin", "xwa2_notify_newsletter_on_join", read_join},
    {"NotificationNewsletterLeave", "xwa2_notify_newsletter_on_leave", read_leave},
    {"NotificationNewsletterUserSettingChange", "xwa2_notify_newsletter_on_mute_change", read_mute},
    {"NotificationNewsletterUpdate", "xwa2_notify_newsletter_on_metadata_update", read_channel_change},
    {"NotificationNewsletterAdminMetadataUpdate", "xwa2_notify_newsletter_on_admin_metadata_update",
     read_channel_change},
    {"NotificationNewsletterStateChange", "xwa2_notify_newsletter_on_state_change", read_channel_change},
    // No source names the keys of these: whatever object their data holds.
    {"NotificationNewsletterOwnerUpdate", "", read_channel_change},
    {"NotificationNewsletterAdminPromote", "", read_channel_change},
    {"NotificationNewsletterAdminDemote", "", read_channel_change},
    {"NotificationNewsletterAdminInviteRevoke", "", read_channel_change},
    {"NotificationNewsletterBlockUser", "", read_channel_change},
    {"NotificationNewsletterMilestone", "", read_channel_change},
    {"NotificationNewsletterPaidPartnership", "", read_channel_change},
    {"NotificationNewsletterWamoSubStatusChange", "", read_channel_change},
    {"NotificationLinkedProfilesUpdates", "xwa2_notify_linked_profiles", read_linked_profiles},
    {"LidChangeNotification", "xwa2_notify_lid_change", read_lid_change},
    {"UsernameSetNotification", "xwa2_notify_username_on_change", read_username},
    {"UsernameDeleteNotification", "xwa2_notify_username_delete", read_username_removal},
    {"UsernameUpdateNotification", "xwa2_notify_username_on_update_side_sub", read_username_of_side_contact},
    {"AccountSyncUsernameNotification", "xwa2_notify_wa_user", read_own_username},
    {"TextStatusUpdateNotification", "xwa2_notify_text_status_on_update", read_text_status},
    {"TextStatusUpdateNotificationSideSub", "xwa2_notify_text_status_on_update_side_sub", read_text_status},
};

const Operation* by_name(std::string_view name) {
  for (const Operation& operation : operations)
    if (operation.name == name) return &operation;
  return nullptr;
}

const Operation* by_key(const Json& data) {
  for (const Operation& operation : operations)
    if (!operation.key.empty() && data.has(operation.key)) return &operation;
  return nullptr;
}

/// The member an operation is about: under its key, or the only one when that is not known.
const Json& payload(const Json& data, const Operation& operation) {
  if (!operation.key.empty() && data.has(operation.key)) return data[operation.key];
  static const Json nothing;
  return data.members().size() == 1 ? data.members().front().value : nothing;
}

std::optional<NotificationEvent> read_update(std::string_view name, const Json& body, const Notice& notice) {
  if (has_errors(body)) return std::nullopt;
  const Json& data = body["data"];
  const Operation* operation = by_name(name);
  if (operation == nullptr) operation = by_key(data);
  if (operation == nullptr) return std::nullopt;
  const Json& json = payload(data, *operation);
  return json.is_object() ? operation->read(json, notice) : std::nullopt;
}

/// {"operation": NAME, "updates": [{"jid": CHANNEL, …}]}: the older form, of channels alone.
void read_legacy(const Incoming& in, const Node& node, Events& out) {
  const auto body = parse_json(node.data());
  const std::string name = body ? line_in(*body, "operation", max_operation_bytes) : std::string();
  const Operation* operation = by_name(name);
  const std::size_t before = out.size();
  if (operation != nullptr && name.starts_with("NotificationNewsletter")) {
    const auto& updates = (*body)["updates"].items();
    for (const Json& update : updates) {
      if (updates.size() > max_list_rows) break;
      const auto channel = channel_in(update, "jid");
      if (channel) out.push_back(ChannelChanged{*channel, name});
    }
  }
  if (out.size() == before)
    out.push_back(UnknownNotification{in.type, name.empty() ? std::nullopt : std::optional(name), {}});
}

}  // namespace

void read_mex(const Incoming& in, Events& out) {
  if (!in.from_server()) return;
  for (const Node& child : in.node.children()) {
    if (child.is("mex")) {
      read_legacy(in, child, out);
      continue;
    }
    if (!child.is("update")) {
      add_unknown(in, out, child.tag);
      continue;
    }
    const std::string name = child.attr("op_name");
    const Notice notice{display_line(name, max_operation_bytes), in.reader.unix_seconds};
    const auto body = parse_json(child.data());
    auto event = body ? read_update(name, *body, notice) : std::nullopt;
    if (event) out.push_back(std::move(*event));
    else
      out.push_back(
          UnknownNotification{in.type, notice.operation.empty() ? std::nullopt : std::optional(notice.operation), {}});
  }
}

namespace {

MexNotice notice_of(std::string_view name, Json json) {
  const Operation* operation = by_name(name);
  const std::string_view key = operation->key.empty() ? "xwa2_notify_newsletter" : operation->key;
  Json data = Json::object().set(key, std::move(json));
  return {std::string(name), write_json(Json::object().set("data", std::move(data)))};
}

}  // namespace

std::optional<MexNotice> mex_notice(const NotificationEvent& event) {
  if (const auto* e = std::get_if<AccountRestricted>(&event))
    return notice_of("NotificationUserReachoutTimelockUpdate", restriction_json(*e));
  if (const auto* e = std::get_if<NewChatQuota>(&event))
    return notice_of("MessageCappingInfoNotification", quota_json(*e));
  if (const auto* e = std::get_if<ChannelJoined>(&event))
    return notice_of("NotificationNewsletterJoin", Json::object().set("id", e->channel.to_string()));
  if (const auto* e = std::get_if<ChannelLeft>(&event)) {
    Json json = Json::object().set("id", e->channel.to_string());
    if (!e->role.empty()) json.set("role", e->role);
    return notice_of("NotificationNewsletterLeave", std::move(json));
  }
  if (const auto* e = std::get_if<ChannelMuted>(&event)) {
    Json json = Json::object().set("id", e->channel.to_string()).set("mute", e->muted ? "ON" : "OFF");
    return notice_of("NotificationNewsletterUserSettingChange", std::move(json));
  }
  if (const auto* e = std::get_if<ChannelChanged>(&event)) {
    const bool known = by_name(e->operation) != nullptr;
    return notice_of(known ? std::string_view(e->operation) : "NotificationNewsletterUpdate",
                     Json::object().set("id", e->channel.to_string()));
  }
  if (const auto* e = std::get_if<LidChanged>(&event)) {
    Json json = Json::object().set("old", e->old_lid.to_string()).set("new", e->new_lid.to_string());
    return notice_of("LidChangeNotification", std::move(json));
  }
  if (const auto* e = std::get_if<LinkedProfilesChanged>(&event))
    return notice_of("NotificationLinkedProfilesUpdates",
                     Json::object().set("jid", e->lid.to_string()).set("added_profiles", Json::array()));
  if (const auto* e = std::get_if<UsernameChanged>(&event)) {
    if (!e->lid) return notice_of("UsernameUpdateNotification", Json::object().set("hash", e->hash));
    if (e->own) {
      Json info = Json::object().set("username", e->username);
      return notice_of("AccountSyncUsernameNotification",
                       Json::object().set("lid_jid", e->lid->to_string()).set("username_info", std::move(info)));
    }
    Json json = Json::object().set("lid", e->lid->to_string());
    if (e->username.empty()) return notice_of("UsernameDeleteNotification", std::move(json));
    return notice_of("UsernameSetNotification", std::move(json.set("username", e->username)));
  }
  if (const auto* e = std::get_if<TextStatusChanged>(&event)) {
    Json json = Json::object();
    if (e->jid) json.set("jid", e->jid->to_string());
    if (!e->hash.empty()) json.set("hash", e->hash);
    json.set("text", e->text);
    if (!e->emoji.empty()) json.set("emoji", Json::object().set("content", e->emoji));
    json.set_if("ephemeral_duration_sec", e->lasts_seconds).set_if("last_update_time", e->at);
    return notice_of(e->jid ? "TextStatusUpdateNotification" : "TextStatusUpdateNotificationSideSub", std::move(json));
  }
  return std::nullopt;
}

}  // namespace wharf::protocol::notifications
