#include "protocol/channels/operations.h"

#include <algorithm>
#include <array>

#include "protocol/mex/fields.h"
#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t max_picture_bytes = 524'288;
constexpr std::string_view channels_key = "xwa2_newsletter_subscribed";
/// A thousand channels with long descriptions are more than any other answer.
constexpr JsonLimits list_limits{8u << 20, mex_limits.depth};

using Act = ChannelAdministration::Act;
struct ActName {
  std::string_view operation;
  Act act;
  bool names_user;
};
constexpr std::array acts = {
    ActName{"ChangeNewsletterOwner", Act::change_owner, true},
    ActName{"DemoteNewsletterAdmin", Act::demote, true},
    ActName{"CreateNewsletterAdminInvite", Act::invite, true},
    ActName{"RevokeNewsletterAdminInvite", Act::revoke_invite, true},
    ActName{"AcceptNewsletterAdminInvite", Act::accept_invite, false},
    ActName{"FetchNewsletterPendingInvites", Act::list_invites, false},
};

using Kind = FindChannels::Kind;
struct FindName {
  Kind kind;
  std::string_view operation;
};
constexpr std::array finds = {
    FindName{Kind::directory, "FetchNewsletterDirectoryList"},
    FindName{Kind::search, "FetchNewsletterDirectorySearchResults"},
    FindName{Kind::recommended, "FetchRecommendedNewsletters"},
    FindName{Kind::similar, "FetchSimilarNewsletters"},
};

Json of_channel(const Jid& channel) { return Json::object().set("newsletter_id", channel.to_string()); }
Json input(Json json) { return Json::object().set("input", std::move(json)); }

Json texts(const std::vector<std::string>& items) {
  Json out = Json::array();
  for (const std::string& item : items) out.push(item);
  return out;
}

// --- writing

struct RequestWriter {
  MexRequest operator()(const CreateChannel& o) const {
    Json json = Json::object().set("name", o.name);
    if (!o.description.empty()) json.set("description", o.description);
    if (!o.picture.empty()) json.set("picture", to_base64(o.picture));
    return {"CreateNewsletter", input(std::move(json))};
  }
  MexRequest operator()(const UpdateChannel& o) const {
    Json updates = Json::object().set_if("name", o.name).set_if("description", o.description);
    if (o.picture) updates.set("picture", to_base64(*o.picture));
    if (o.reactions) {
      Json codes = Json::object().set("value", name(*o.reactions));
      updates.set("settings", Json::object().set("reaction_codes", std::move(codes)));
    }
    return {"UpdateNewsletter", of_channel(o.channel).set("updates", std::move(updates))};
  }
  MexRequest operator()(const DeleteChannel& o) const { return {"DeleteNewsletter", of_channel(o.channel)}; }
  MexRequest operator()(const FetchChannel& o) const {
    const auto* jid = std::get_if<Jid>(&o.key);
    Json json = Json::object().set("key", jid != nullptr ? jid->to_string() : std::get<std::string>(o.key));
    json.set("type", jid != nullptr ? "JID" : "INVITE").set("view_role", name(o.view_role));
    Json variables = input(std::move(json));
    variables.set("fetch_viewer_metadata", true).set("fetch_full_image", true).set("fetch_creation_time", true);
    variables.set("fetch_wamo_sub", false).set("fetch_status_metadata", false).set("fetch_pinned_messages", false);
    return {"FetchNewsletter", std::move(variables)};
  }
  MexRequest operator()(const FetchFollowedChannels&) const {
    return {"FetchAllNewslettersMetadata",
            Json::object().set("fetch_wamo_sub", false).set("fetch_status_metadata", false)};
  }
  MexRequest operator()(const FollowChannel& o) const { return {"JoinNewsletter", of_channel(o.channel)}; }
  MexRequest operator()(const UnfollowChannel& o) const { return {"LeaveNewsletter", of_channel(o.channel)}; }
  MexRequest operator()(const MuteChannel& o) const {
    Json json = of_channel(o.channel).set("type", o.as_admin ? "MUTE_ADMIN_ACTIVITY" : "MUTE_FOLLOWER_ACTIVITY");
    return {"UpdateNewsletterUserSetting", input(std::move(json.set("value", o.muted ? "ON" : "OFF")))};
  }
  MexRequest operator()(const FetchChannelFollowers& o) const {
    return {"FetchNewsletterFollowers", input(of_channel(o.channel).set("count", o.count))};
  }
  MexRequest operator()(const FetchChannelAdmins& o) const {
    return {o.capabilities ? "FetchNewsletterAdminCapabilities" : "FetchNewsletterAdminInfo", of_channel(o.channel)};
  }
  MexRequest operator()(const ChannelAdministration& o) const {
    const auto row = std::find_if(acts.begin(), acts.end(), [&](const ActName& act) { return act.act == o.act; });
    Json variables = of_channel(o.channel);
    if (row->names_user && o.user) variables.set("user_id", o.user->user_jid().to_string());
    return {std::string(row->operation), std::move(variables)};
  }
  MexRequest operator()(const FindChannels& o) const {
    const auto row =
        std::find_if(finds.begin(), finds.end(), [&](const FindName& find) { return find.kind == o.kind; });
    Json json = Json::object().set("limit", o.limit);
    switch (o.kind) {
      case Kind::directory: {
        Json filters = Json::object().set("country_codes", texts(o.countries)).set("categories", texts(o.categories));
        json.set("view", o.view).set("filters", std::move(filters)).set("start_cursor", o.cursor);
        break;
      }
      case Kind::search:
        json.set("search_text", o.text).set("categories", texts(o.categories)).set("start_cursor", o.cursor);
        break;
      case Kind::recommended: json.set("country_codes", texts(o.countries)); break;
      case Kind::similar:
        json.set("country_codes", texts(o.countries));
        json.set("newsletter_id", o.similar_to.value_or(Jid()).to_string());
        break;
    }
    return {std::string(row->operation), input(std::move(json))};
  }
  MexRequest operator()(const FetchReactionSenders& o) const {
    return {"FetchNewsletterMessageReactionSenderList",
            input(Json::object().set("id", o.channel.to_string()).set("server_id", o.server_id))};
  }
  MexRequest operator()(const FetchPollVoters& o) const {
    Json json = of_channel(o.channel).set("server_id", o.server_id).set("vote_hash", o.vote_hash);
    return {"FetchNewsletterPollVoters", input(std::move(json.set("limit", o.limit)))};
  }
  MexRequest operator()(const FetchInsights& o) const {
    return {"FetchNewsletterInsights", input(of_channel(o.channel).set("metrics", texts(o.metrics)))};
  }
  MexRequest operator()(const PinPosts& o) const {
    Json json = Json::object().set("message_ids", texts(o.message_ids));
    return {o.pin ? "NewsletterPinMessages" : "NewsletterUnpinMessages",
            of_channel(o.channel).set("input", std::move(json))};
  }
};

// --- reading

std::vector<std::string> read_texts(const Json& list) {
  std::vector<std::string> out;
  for (const Json& item : list.items()) {
    if (out.size() == max_list_rows) break;
    if (const auto text = item.text()) out.push_back(paragraph(*text, 128));
  }
  return out;
}

/// nullopt: no base64, or too large.
std::optional<Bytes> read_picture(const Json& json) {
  if (json.is_null()) return Bytes();
  const auto text = json.text();
  if (!text || text->size() / 4 * 3 > max_picture_bytes) return std::nullopt;
  return from_base64(*text);
}

std::uint64_t read_limit(const Json& json, std::uint64_t otherwise) {
  return std::min<std::uint64_t>(json.number().value_or(otherwise), max_list_rows);
}

using Read = std::optional<ChannelOperation>;

Read read_create(const Json& json) {
  CreateChannel out;
  out.name = line_in(json, "name");
  out.description = paragraph(json["description"].text().value_or(std::string_view()));
  auto picture = read_picture(json["picture"]);
  if (out.name.empty() || !picture) return std::nullopt;
  out.picture = std::move(*picture);
  return out;
}

Read read_update(const Jid& channel, const Json& updates) {
  UpdateChannel out;
  out.channel = channel;
  if (updates["name"].text()) out.name = line_in(updates, "name");
  if (const auto text = updates["description"].text()) out.description = paragraph(*text);
  if (updates.has("picture")) {
    out.picture = read_picture(updates["picture"]);
    if (!out.picture) return std::nullopt;
  }
  // One client puts it into settings, another beside the name.
  const Json& settings = updates["settings"];
  const Json& codes = settings.has("reaction_codes") ? settings["reaction_codes"] : updates["reaction_codes"];
  const ReactionCodes reactions = reaction_codes(line_in(codes, "value", 32));
  if (reactions != ReactionCodes::unknown) out.reactions = reactions;
  return out;
}

Read read_fetch(const Json& json) {
  FetchChannel out;
  const ChannelRole role = channel_role(line_in(json, "view_role", 32));
  if (role != ChannelRole::unknown) out.view_role = role;
  const std::string type = line_in(json, "type", 16);
  if (type == "JID") {
    const auto jid = channel_in(json, "key");
    if (!jid) return std::nullopt;
    out.key = *jid;
    return out;
  }
  const auto invite = channel_invite(json["key"].text().value_or(std::string_view()));
  if (type != "INVITE" || !invite) return std::nullopt;
  out.key = *invite;
  return out;
}

Read read_find(Kind kind, const Json& json) {
  FindChannels out;
  out.kind = kind;
  out.limit = read_limit(json["limit"], out.limit);
  switch (kind) {
    case Kind::directory:
      out.view = line_in(json, "view", 64);
      out.countries = read_texts(json["filters"]["country_codes"]);
      out.categories = read_texts(json["filters"]["categories"]);
      out.cursor = line_in(json, "start_cursor", 1024);
      break;
    case Kind::search:
      out.text = line_in(json, "search_text", 256);
      out.categories = read_texts(json["categories"]);
      out.cursor = line_in(json, "start_cursor", 1024);
      break;
    case Kind::recommended: out.countries = read_texts(json["country_codes"]); break;
    case Kind::similar:
      out.countries = read_texts(json["country_codes"]);
      out.similar_to = channel_in(json, "newsletter_id");
      if (!out.similar_to) return std::nullopt;
      break;
  }
  return out;
}

Read read_mute(const Jid& channel, const Json& json) {
  const std::string type = line_in(json, "type", 64), value = line_in(json, "value", 16);
  if (value != "ON" && value != "OFF") return std::nullopt;
  if (type != "MUTE_FOLLOWER_ACTIVITY" && type != "MUTE_ADMIN_ACTIVITY") return std::nullopt;
  return MuteChannel{channel, value == "ON", type == "MUTE_ADMIN_ACTIVITY"};
}

Read read_poll_voters(const Jid& channel, const Json& json) {
  const auto server_id = json["server_id"].number();
  FetchPollVoters out{channel, server_id.value_or(0), line_in(json, "vote_hash", 128), 100};
  out.limit = read_limit(json["limit"], out.limit);
  return server_id ? Read(std::move(out)) : std::nullopt;
}

Read read_administration(const ActName& row, const Jid& channel, const Json& variables) {
  ChannelAdministration out{row.act, channel, std::nullopt};
  if (row.names_user) {
    const auto user = user_in(variables, "user_id");
    if (!user) return std::nullopt;
    out.user = user->user_jid();
  }
  return out;
}

/// Operations that name a channel in `variables`.
Read read_about(const Jid& channel, std::string_view operation, const Json& variables) {
  if (operation == "UpdateNewsletter") return read_update(channel, variables["updates"]);
  if (operation == "DeleteNewsletter") return DeleteChannel{channel};
  if (operation == "JoinNewsletter") return FollowChannel{channel};
  if (operation == "LeaveNewsletter") return UnfollowChannel{channel};
  if (operation == "FetchNewsletterAdminInfo") return FetchChannelAdmins{channel, false};
  if (operation == "FetchNewsletterAdminCapabilities") return FetchChannelAdmins{channel, true};
  if (operation == "NewsletterPinMessages" || operation == "NewsletterUnpinMessages")
    return PinPosts{channel, operation == "NewsletterPinMessages", read_texts(variables["input"]["message_ids"])};
  for (const ActName& row : acts)
    if (row.operation == operation) return read_administration(row, channel, variables);
  return std::nullopt;
}

/// Operations that name a channel in their input.
Read read_about_input(const Jid& channel, std::string_view operation, const Json& json) {
  if (operation == "UpdateNewsletterUserSetting") return read_mute(channel, json);
  if (operation == "FetchNewsletterFollowers") return FetchChannelFollowers{channel, read_limit(json["count"], 0)};
  if (operation == "FetchNewsletterPollVoters") return read_poll_voters(channel, json);
  if (operation == "FetchNewsletterInsights") return FetchInsights{channel, read_texts(json["metrics"])};
  return std::nullopt;
}

}  // namespace

MexRequest channel_request(const ChannelOperation& operation) { return std::visit(RequestWriter{}, operation); }

std::optional<ChannelOperation> read_channel_request(const MexRequest& request) {
  const std::string_view operation = request.operation;
  const Json& variables = request.variables;
  const Json& in = variables["input"];
  if (operation == "CreateNewsletter") return read_create(in);
  if (operation == "FetchNewsletter" || operation == "FetchNewsletterDehydrated") return read_fetch(in);
  if (operation == "FetchAllNewslettersMetadata") return FetchFollowedChannels{};
  for (const FindName& row : finds)
    if (row.operation == operation) return read_find(row.kind, in);
  if (operation == "FetchNewsletterMessageReactionSenderList") {
    const auto channel = channel_in(in, "id");
    const auto server_id = in["server_id"].number();
    if (!channel || !server_id) return std::nullopt;
    return FetchReactionSenders{*channel, *server_id};
  }
  if (const auto channel = channel_in(variables, "newsletter_id")) return read_about(*channel, operation, variables);
  if (const auto channel = channel_in(in, "newsletter_id")) return read_about_input(*channel, operation, in);
  return std::nullopt;
}

// --- answers

namespace {

/// Where the answer has the channel. Operations that tell none have no key.
std::string_view key_of(const ChannelOperation& operation) {
  if (std::holds_alternative<CreateChannel>(operation)) return "xwa2_newsletter_create";
  if (std::holds_alternative<UpdateChannel>(operation)) return "xwa2_newsletter_update";
  if (std::holds_alternative<FetchChannel>(operation)) return "xwa2_newsletter";
  if (std::holds_alternative<FollowChannel>(operation)) return "xwa2_newsletter_join_v2";
  if (std::holds_alternative<UnfollowChannel>(operation)) return "xwa2_newsletter_leave_v2";
  return {};
}

}  // namespace

Result<ChannelMetadata> read_channel_answer(const Node& answer) {
  const auto data = read_mex_answer(answer);
  if (!data) return data.error();
  for (const JsonMember& member : data->members()) {
    if (!member.name.starts_with("xwa2_newsletter")) continue;
    if (member.value.is_null()) return Error(Errc::not_found, "channel: there is none");
    auto metadata = read_channel_metadata(member.value);
    if (!metadata) break;
    if (metadata->state == ChannelState::non_existing) return Error(Errc::not_found, "channel: there is none");
    return std::move(*metadata);
  }
  return Error(Errc::malformed, "channel: answer without one");
}

Result<ChannelsTold> read_channels_answer(const Node& answer) {
  const auto data = read_mex_answer(answer, list_limits);
  if (!data) return data.error();
  if (!data->has(channels_key)) return Error(Errc::malformed, "channels: answer without a list");
  const Json& list = (*data)[channels_key];
  ChannelsTold told;
  told.whole = list == Json::array() || !list.items().empty();  // what is no list tells of none, but not that of all
  for (const Json& row : list.items()) {
    auto metadata = told.channels.size() < max_list_rows ? read_channel_metadata(row) : std::nullopt;
    if (metadata) told.channels.push_back(std::move(*metadata));
    else told.whole = false;
    if (told.channels.size() == max_list_rows && !told.whole) break;
  }
  return told;
}

Node channel_answer(const Node& request, const ChannelOperation& operation,
                    const std::optional<ChannelMetadata>& metadata) {
  Json data = Json::object();
  const std::string_view key = key_of(operation);
  if (!key.empty()) data.set(key, metadata ? channel_metadata_json(*metadata) : Json());
  return mex_answer(request, std::move(data));
}

Node channels_answer(const Node& request, const std::vector<ChannelMetadata>& channels) {
  Json list = Json::array();
  for (const ChannelMetadata& channel : channels) list.push(channel_metadata_json(channel));
  return mex_answer(request, Json::object().set(channels_key, std::move(list)));
}

}  // namespace wharf::protocol
