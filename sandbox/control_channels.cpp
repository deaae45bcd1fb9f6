// Control API: channels, and what accounts do in them. The network does it for them: simulated phones do not look at
// channels.

#include <boost/json.hpp>
#include <memory>
#include <utility>

#include "protocol/media/media_kind.h"
#include "protocol/messages/building.h"
#include "protocol/messages/content.h"
#include "protocol/messages/media_location.h"
#include "protocol/stanzas/node_fields.h"
#include "sandbox/control_call.h"
#include "sandbox/network/channels/channel_store.h"
#include "sandbox/phone/media_messages.h"

namespace wharf::sandbox {

namespace json = boost::json;
using protocol::Result;

namespace {

/// The channel of the path, by its id or the digits of it; 404 and nullptr.
const Channel* channel_of(ControlCall& call) {
  const std::string& given = call.param("channel");
  const auto jid = Jid::parse(given.find('@') == std::string::npos ? given + "@newsletter" : given);
  const Channel* channel = jid ? call.network.find_channel(*jid) : nullptr;
  if (channel == nullptr) call.fail(404, "NOT_FOUND", "there is no such channel");
  return channel;
}

json::object post_json(const Network& network, const ChannelEntry& entry) {
  const auto post = post_for(entry, {});
  const auto content =
      post.message
          ? protocol::parse_message(*post.message)
          : protocol::Result<protocol::IncomingMessage>(protocol::Error(protocol::Errc::not_found, "it was deleted"));
  json::array reactions;
  for (const auto& [phone, emoji] : entry.reactions)
    reactions.push_back(json::object{{"phone", network.number_named(phone)}, {"emoji", emoji}});
  json::object out{{"serverId", std::to_string(entry.server_id)},
                   {"id", entry.id},
                   {"author", network.number_named(entry.author)},
                   {"type", entry.type},
                   {"text", content ? json::value(content->text) : json::value(nullptr)},
                   {"timestamp", entry.at},
                   {"views", entry.viewers.size()},
                   {"reactions", std::move(reactions)}};
  const auto* file = content ? std::get_if<protocol::MediaFile>(&content->body) : nullptr;
  if (file != nullptr)
    out["media"] = json::object{{"kind", protocol::name(content->kind)},
                                {"mimetype", file->mimetype},
                                {"filename", file->file_name},
                                {"size", file->length},
                                {"directPath", file->direct_path}};
  return out;
}

json::object channel_json(const Network& network, const Channel& channel) {
  json::array admins, followers;
  for (const auto& [phone, member] : channel.members) {
    followers.emplace_back(network.number_named(phone));
    if (member.admin) admins.emplace_back(network.number_named(phone));
  }
  return {{"id", channel.id.to_string()},
          {"name", channel.name},
          {"description", channel.description},
          {"owner", network.number_named(channel.owner)},
          {"invite", channel.invite},
          {"pictureId", channel.picture_id.empty() ? json::value(nullptr) : json::value(channel.picture_id)},
          {"admins", std::move(admins)},
          {"followers", std::move(followers)},
          {"posts", channel.posts.size()}};
}

/// The answer to what was done to the channel; `failed` of a refusal.
void answer(ControlCall& call, const Jid& id, const protocol::Result<void>& done) {
  if (!done) return call.fail(done.error());
  const Channel* channel = call.network.find_channel(id);
  call.succeed(channel != nullptr ? json::value(channel_json(call.network, *channel)) : json::value(nullptr));
}

/// nullopt: answered with 404.
std::optional<std::uint64_t> server_id_of(ControlCall& call) {
  auto server_id = protocol::decimal(call.param("serverId"));
  if (!server_id) call.fail(404, "NOT_FOUND", "there is no such post");
  return server_id;
}

/// With the post as it is by now; `server_id`: or why there is none.
void answer_post(ControlCall& call, const Jid& id, const Result<std::uint64_t>& server_id, unsigned status = 200) {
  if (!server_id) return call.fail(server_id.error());
  call.succeed(post_json(call.network, call.network.find_channel(id)->posts.at(*server_id)), status);
}

/// The same of a post that was there.
void answer_changed(ControlCall& call, const Jid& id, std::uint64_t server_id, const Result<void>& done) {
  answer_post(call, id, done ? Result<std::uint64_t>(server_id) : Result<std::uint64_t>(done.error()));
}

/// A post with a file: put on the media host in clear, as channels have it (04 section 3.4), past its faults.
void post_file(ControlCall& call, const Jid& id, const std::string& phone, const json::object& said) {
  if (call.media == nullptr) return call.fail(503, "UNAVAILABLE", "this network has no media host");
  for (const char* member : {"viewOnce", "album"})
    if (said.contains(member)) return call.invalid({{std::string("media.") + member, "is nothing that channels have"}});
  std::string problem;
  const PhoneMedia media = read_media(said, problem);
  if (!problem.empty()) return call.invalid({{"media.data", problem}});
  const auto kind = protocol::media_kind(media.kind);
  const auto path = kind ? protocol::newsletter_upload_path(*kind) : std::nullopt;
  if (!path) return call.invalid({{"media.kind", "is nothing that channels have"}});
  protocol::MediaContent content;
  content.kind = media.kind;
  content.caption = media.caption;
  content.file.mimetype = media.mimetype.empty() ? usual_mimetype(media.kind) : media.mimetype;
  content.file.file_name = media.file_name;
  content.file.length = media.bytes.size();
  content.file.width = media.width;
  content.file.height = media.height;
  content.file.seconds = media.seconds;
  const auto waiting = std::make_shared<ControlCall>(call);
  call.media->store().put(std::string(upload_kind(std::string(*path) + "/")), media.bytes,
                          [waiting, id, phone, content](Result<MediaFile> put) mutable {
                            if (!put) return waiting->fail(put.error());
                            content.file.sha256 = protocol::to_bytes(put->hash);
                            content.file.url = waiting->media->url_of(*put);
                            content.file.direct_path = put->direct_path();
                            answer_post(*waiting, id, waiting->network.post_in_channel(phone, id, content), 201);
                          });
}

}  // namespace

void create_channel(ControlCall& call) {
  const auto id = call.network.create_channel(call.account("phone"), std::string(web::text_of(call.body, "name")),
                                              std::string(web::text_of(call.body, "description")));
  if (!id) return call.fail(id.error());
  call.succeed(channel_json(call.network, *call.network.find_channel(*id)), 201);
}

void list_channels(ControlCall& call) {
  json::array all;
  for (const Channel* channel : call.network.channels()) all.push_back(channel_json(call.network, *channel));
  call.succeed(std::move(all));
}

void show_channel(ControlCall& call) {
  const Channel* channel = channel_of(call);
  if (channel == nullptr) return;
  json::object out = channel_json(call.network, *channel);
  json::array posts;
  for (const auto& [server_id, entry] : channel->posts) posts.push_back(post_json(call.network, entry));
  out["posts"] = std::move(posts);
  call.succeed(std::move(out));
}

void update_channel(ControlCall& call) {
  const Channel* channel = channel_of(call);
  if (channel == nullptr) return;
  const Jid id = channel->id;
  if (!call.body.if_contains("name") && !call.body.if_contains("description"))
    return call.invalid({{"body", "must set name or description"}});
  const auto given = [&](const char* member) {
    return call.body.if_contains(member) ? std::optional<std::string>(web::text_of(call.body, member)) : std::nullopt;
  };
  answer(call, id, call.network.update_channel(std::string(channel->owner), id, given("name"), given("description")));
}

void set_channel_follower(ControlCall& call) {
  const Channel* channel = channel_of(call);
  if (channel == nullptr) return;
  const Jid id = channel->id;
  const std::string phone = call.account("phone");
  if (!web::boolean_of(call.body, "on", true)) return answer(call, id, call.network.follow_channel(phone, id, false));
  const auto followed = call.network.follow_channel(phone, id, true);
  if (!followed || !call.body.if_contains("admin")) return answer(call, id, followed);
  answer(call, id, call.network.set_channel_admin(phone, id, web::boolean_of(call.body, "admin", false)));
}

void post_to_channel(ControlCall& call) {
  const Channel* channel = channel_of(call);
  if (channel == nullptr) return;
  const Jid id = channel->id;
  const std::string phone = web::text_of(call.body, "phone").empty() ? channel->owner : call.account("phone");
  const json::value* media = call.body.if_contains("media");
  const bool file = media != nullptr && media->is_object();
  const std::string text(web::text_of(call.body, "text"));
  if (file == !text.empty()) return call.invalid({{"text", "is required, or media; not both"}});
  if (file) return post_file(call, id, phone, media->get_object());
  answer_post(call, id, call.network.post_in_channel(phone, id, text), 201);
}

void edit_post(ControlCall& call) {
  const Channel* channel = channel_of(call);
  const auto server_id = channel != nullptr ? server_id_of(call) : std::nullopt;
  if (!server_id) return;
  const Jid id = channel->id;
  answer_changed(call, id, *server_id,
                 call.network.edit_in_channel(id, *server_id, std::string(web::text_of(call.body, "text"))));
}

void delete_post(ControlCall& call) {
  const Channel* channel = channel_of(call);
  const auto server_id = channel != nullptr ? server_id_of(call) : std::nullopt;
  if (!server_id) return;
  const Jid id = channel->id;
  answer_changed(call, id, *server_id, call.network.delete_in_channel(id, *server_id));
}

void react_to_post(ControlCall& call) {
  const Channel* channel = channel_of(call);
  const auto server_id = channel != nullptr ? server_id_of(call) : std::nullopt;
  if (!server_id) return;
  const Jid id = channel->id;
  answer_changed(call, id, *server_id,
                 call.network.react_in_channel(call.account("phone"), id, *server_id,
                                               std::string(web::text_of(call.body, "emoji"))));
}

}  // namespace wharf::sandbox
