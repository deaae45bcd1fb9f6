#include "protocol/channels/metadata.h"

#include <algorithm>
#include <array>

#include "protocol/media/media_urls.h"
#include "protocol/mex/fields.h"
#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol {

namespace {

constexpr std::string_view link_prefix = "https://whatsapp.com/channel/";
constexpr std::size_t min_invite_bytes = 10, max_invite_bytes = 64;
constexpr std::size_t max_id_text_bytes = 128;

constexpr std::array<std::string_view, 6> states = {"",        "ACTIVE",      "SUSPENDED", "GEOSUSPENDED",
                                                    "DELETED", "NON_EXISTING"};
constexpr std::array<std::string_view, 5> roles = {"", "GUEST", "SUBSCRIBER", "ADMIN", "OWNER"};
constexpr std::array<std::string_view, 5> codes = {"", "ALL", "BASIC", "NONE", "BLOCKLIST"};

std::string upper(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

/// 0, unknown, for a name that is none.
template <class Enum, std::size_t N>
Enum named(const std::array<std::string_view, N>& names, std::string_view name) {
  const auto at = std::find(names.begin(), names.end(), upper(name));
  return at == names.end() ? Enum{} : static_cast<Enum>(at - names.begin());
}

template <std::size_t N>
std::string_view name_at(const std::array<std::string_view, N>& names, std::size_t index) {
  return index < N ? names[index] : std::string_view();
}

std::optional<ChannelPicture> read_picture(const Json& json) {
  ChannelPicture picture;
  picture.id = line_in(json, "id", max_id_text_bytes);
  const std::string_view path = json["direct_path"].text().value_or(std::string_view());
  if (!acceptable_direct_path(path)) return std::nullopt;
  picture.direct_path = path;
  return picture;
}

std::optional<bool> read_muted(const Json& viewer) {
  const std::string mute = upper(line_in(viewer, "mute", 16));
  if (mute == "ON" || mute == "OFF") return mute == "ON";
  // The newer form lists settings, one of them for who only follows.
  const auto& settings = viewer["settings"].items();
  for (std::size_t i = 0; i < std::min(settings.size(), max_list_rows); ++i) {
    if (line_in(settings[i], "type", 64) != "MUTE_FOLLOWER_ACTIVITY") continue;
    const std::string value = upper(line_in(settings[i], "value", 16));
    if (value == "ON" || value == "OFF") return value == "ON";
  }
  return std::nullopt;
}

bool is_invite_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

}  // namespace

std::string_view name(ChannelState state) { return name_at(states, static_cast<std::size_t>(state)); }
std::string_view name(ChannelRole role) { return name_at(roles, static_cast<std::size_t>(role)); }
std::string_view name(ReactionCodes reactions) { return name_at(codes, static_cast<std::size_t>(reactions)); }
ChannelRole channel_role(std::string_view text) { return named<ChannelRole>(roles, text); }
ReactionCodes reaction_codes(std::string_view text) { return named<ReactionCodes>(codes, text); }

std::string ChannelMetadata::link() const { return invite.empty() ? std::string() : std::string(link_prefix) + invite; }

std::optional<ChannelMetadata> read_channel_metadata(const Json& json) {
  const auto id = channel_in(json, "id");
  if (!id) return std::nullopt;
  ChannelMetadata out;
  out.id = *id;
  out.state = named<ChannelState>(states, line_in(json["state"], "type", 64));
  const Json& thread = json["thread_metadata"];
  out.name = line_in(thread["name"], "text");
  out.name_id = line_in(thread["name"], "id", max_id_text_bytes);
  out.name_at = thread["name"]["update_time"].number();
  out.description = paragraph(thread["description"]["text"].text().value_or(std::string_view()));
  out.description_id = line_in(thread["description"], "id", max_id_text_bytes);
  out.description_at = thread["description"]["update_time"].number();
  out.created_at = thread["creation_time"].number();
  out.picture = read_picture(thread["picture"]);
  out.preview = read_picture(thread["preview"]);
  if (auto invite = channel_invite(thread["invite"].text().value_or(std::string_view()))) out.invite = *invite;
  out.handle = line_in(thread, "handle", max_id_text_bytes);
  out.subscribers = thread["subscribers_count"].number();
  out.verified = upper(line_in(thread, "verification", 32)) == "VERIFIED";
  out.reactions = reaction_codes(line_in(thread["settings"]["reaction_codes"], "value", 32));
  const Json& viewer = json["viewer_metadata"];
  out.role = channel_role(line_in(viewer, "role", 32));
  out.muted = read_muted(viewer);
  return out;
}

namespace {

Json text_json(const std::string& text, const std::string& id, const std::optional<std::uint64_t>& at) {
  Json json = Json::object().set("text", text);
  if (!id.empty()) json.set("id", id);
  if (at) json.set("update_time", std::to_string(*at));  // numbers are texts there
  return json;
}

Json picture_json(const ChannelPicture& picture) {
  return Json::object().set("id", picture.id).set("direct_path", picture.direct_path).set("type", "IMAGE");
}

}  // namespace

Json channel_metadata_json(const ChannelMetadata& metadata) {
  Json thread = Json::object();
  thread.set("name", text_json(metadata.name, metadata.name_id, metadata.name_at));
  thread.set("description", text_json(metadata.description, metadata.description_id, metadata.description_at));
  if (metadata.created_at) thread.set("creation_time", std::to_string(*metadata.created_at));
  if (metadata.picture) thread.set("picture", picture_json(*metadata.picture));
  if (metadata.preview) thread.set("preview", picture_json(*metadata.preview));
  if (!metadata.invite.empty()) thread.set("invite", metadata.invite);
  if (!metadata.handle.empty()) thread.set("handle", metadata.handle);
  if (metadata.subscribers) thread.set("subscribers_count", std::to_string(*metadata.subscribers));
  thread.set("verification", metadata.verified ? "VERIFIED" : "UNVERIFIED");
  if (metadata.reactions != ReactionCodes::unknown) {
    Json value = Json::object().set("value", name(metadata.reactions));
    thread.set("settings", Json::object().set("reaction_codes", std::move(value)));
  }
  Json out = Json::object().set("id", metadata.id.to_string());
  if (metadata.state != ChannelState::unknown) out.set("state", Json::object().set("type", name(metadata.state)));
  out.set("thread_metadata", std::move(thread));
  if (metadata.role != ChannelRole::unknown || metadata.muted) {
    Json viewer = Json::object();
    if (metadata.role != ChannelRole::unknown) viewer.set("role", name(metadata.role));
    if (metadata.muted) viewer.set("mute", *metadata.muted ? "ON" : "OFF");
    out.set("viewer_metadata", std::move(viewer));
  }
  return out;
}

std::optional<std::string> channel_invite(std::string_view text) {
  if (text.starts_with(link_prefix)) text.remove_prefix(link_prefix.size());
  text = text.substr(0, text.find_first_of("?#/"));
  if (text.size() < min_invite_bytes || text.size() > max_invite_bytes) return std::nullopt;
  if (!std::all_of(text.begin(), text.end(), is_invite_character)) return std::nullopt;
  return std::string(text);
}

}  // namespace wharf::protocol
