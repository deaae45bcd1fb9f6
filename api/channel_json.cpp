#include "api/channel_json.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "api/chat_id.h"
#include "api/dialect.h"
#include "api/iso_time.h"
#include "api/json_writer.h"
#include "protocol/messages/content.h"
#include "sessions/message_details.h"
#include "sessions/server_time.h"

namespace wharf::api {

using protocol::ChannelMetadata;
using protocol::ChannelPost;

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

void write_picture(JsonWriter& out, std::string_view name, const std::optional<protocol::ChannelPicture>& picture) {
  if (!picture) return;
  out.key(name).begin_object().text("id", picture->id).text("directPath", picture->direct_path).end_object();
}

void write_channel(JsonWriter& out, const ChannelMetadata& channel, const bool* fresh) {
  out.begin_object().text("id", channel.id.to_string()).text("name", channel.name);
  out.text("description", channel.description);
  out.text_if("state", lower(name(channel.state))).text_if("role", lower(name(channel.role)));
  if (channel.muted) out.boolean("muted", *channel.muted);
  out.boolean("verified", channel.verified);
  if (channel.subscribers) out.number("subscribers", static_cast<std::int64_t>(*channel.subscribers));
  out.text_if("invite", channel.invite).text_if("link", channel.link()).text_if("handle", channel.handle);
  out.text_if("reactionCodes", lower(name(channel.reactions)));
  if (channel.created_at && *channel.created_at != 0 && *channel.created_at <= sessions::max_unix_s)
    out.text("createdAt", iso_seconds(static_cast<std::int64_t>(*channel.created_at) * 1000));
  write_picture(out, "picture", channel.picture);
  write_picture(out, "preview", channel.preview);
  if (fresh != nullptr) out.boolean("fresh", *fresh);
  out.end_object();
}

/// The members of a message's details (sessions/message_details.h); a file, the first of them, says where it is read,
/// too.
void write_details(JsonWriter& out, std::string_view details, std::string_view media_url) {
  if (details.size() <= 2) return;
  std::string_view members = details.substr(1, details.size() - 2);
  constexpr std::string_view file = R"("media":{)";
  if (!media_url.empty() && members.starts_with(file)) {
    members.remove_prefix(file.size());
    out.key("media").begin_object().text("url", media_url);
  }
  out.raw(members);
}

void write_post(JsonWriter& out, const ChannelPost& post, std::string_view channel, std::string_view session_name,
                Dialect dialect) {
  out.begin_object().text("serverId", std::to_string(post.counts.server_id));
  if (!post.id.empty()) out.text("id", message_id_text(channel, post.id, dialect));
  const auto content = post.message ? protocol::parse_message(*post.message)
                                    : protocol::Result<protocol::IncomingMessage>(
                                          protocol::Error(protocol::Errc::not_found, "a post without content"));
  out.text("type", type_name(content ? protocol::name(content->kind) : "unknown", dialect));
  out.text("body", content ? content->text : "");
  out.boolean("fromMe", post.own);
  const bool has_media = content && is_media_kind(protocol::name(content->kind));
  if (has_media || dialect == Dialect::gateway) out.boolean("hasMedia", has_media);
  if (post.at && *post.at != 0 && *post.at <= sessions::max_unix_s) {
    out.number("timestamp", in_units(static_cast<std::int64_t>(*post.at) * 1000, dialect));
  }
  if (post.counts.views) out.number("views", static_cast<std::int64_t>(*post.counts.views));
  out.key("reactions").begin_array();
  for (const protocol::ReactionCount& one : post.counts.reactions)
    out.begin_object().text("emoji", one.code).number("count", static_cast<std::int64_t>(one.count)).end_object();
  out.end_array();
  if (content)
    write_details(out, sessions::message_details(*content),
                  has_media ? fmt::format("/api/v1/sessions/{}/channels/{}/messages/{}/media", session_name, channel,
                                          post.counts.server_id)
                            : std::string());
  out.end_object();
}

}  // namespace

std::string channel_json(const ChannelMetadata& channel, const bool* fresh) {
  JsonWriter out(768);
  write_channel(out, channel, fresh);
  return out.take();
}

std::string channels_json(const std::vector<ChannelMetadata>& channels, bool fresh) {
  JsonWriter out(channels.size() * 768 + 16);
  out.begin_array();
  for (const ChannelMetadata& channel : channels) write_channel(out, channel, &fresh);
  return out.end_array().take();
}

std::string posts_json(const std::vector<ChannelPost>& posts, const protocol::Jid& channel,
                       std::string_view session_name, Dialect dialect) {
  const std::string id = channel.to_string();
  JsonWriter out(posts.size() * 512 + 16);
  out.begin_array();
  for (const ChannelPost& post : posts) write_post(out, post, id, session_name, dialect);
  return out.end_array().take();
}

}  // namespace wharf::api
