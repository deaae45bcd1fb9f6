// Handlers of channels. Which are followed is known here and asked of WhatsApp once a connection; what is changed,
// reactions, views and pages of posts are asked of WhatsApp. Posts leave through the queue, as messages do.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/channel_json.h"
#include "api/channel_request.h"
#include "api/chat_id.h"
#include "api/emoji.h"
#include "api/handlers.h"
#include "api/iso_time.h"
#include "api/name_fields.h"
#include "api/page_cursor.h"
#include "api/schemas.h"
#include "api/sending.h"
#include "protocol/stanzas/node_fields.h"

namespace wharf::api {

using protocol::Jid;
using sessions::AskChannel;
using sessions::ChannelAnswer;

namespace {

/// A channel by its JID, or by the code or link of an invite. nullopt: answered.
std::optional<std::variant<Jid, std::string>> channel_or_invite(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return std::nullopt;
  const std::string& given = call->param("channelId");
  const auto parsed = parse_chat_id(given);
  if (parsed && parsed->is_channel()) return *parsed;
  // Digits alone are a number, or the id without its end: no invite is, and a mistake is not to be asked of WhatsApp.
  const bool digits = given.find_first_not_of("0123456789") == std::string::npos;
  if (!parsed && !digits && given.find('@') == std::string::npos)
    if (auto invite = protocol::channel_invite(given)) return std::move(*invite);
  return refuse_field(call, "channelId",
                      "must be the id of a channel, …@newsletter, or the code or link of its invite"),
         std::nullopt;
}

}  // namespace

void with_channel(const ServicesPtr& services, const CallPtr& call, std::function<void(const Jid&)> then) {
  auto key = channel_or_invite(services, call);
  if (!key) return;
  if (const auto* channel = std::get_if<Jid>(&*key)) return then(*channel);
  ask_session(services, call, AskChannel{protocol::FetchChannel{std::move(*key), protocol::ChannelRole::guest}},
              [call, then = std::move(then)](const ChannelAnswer& answer) {
                run_guarded(call, [&] { then(answer.metadata.id); });
              });
}

std::optional<std::uint64_t> server_id_of(const CallPtr& call, const char* field, std::string_view text) {
  const auto number = protocol::decimal(text);
  if (number && *number != 0) return number;
  return refuse_field(call, field, "must be the serverId of a post: a number above 0"), std::nullopt;
}

void ask_channel(const ServicesPtr& services, const CallPtr& call, sessions::ChannelRequest request, unsigned status) {
  ask_session(services, call, AskChannel{std::move(request)}, [call, status](const ChannelAnswer& answer) {
    call->success(channel_json(answer.metadata, &answer.fresh), Beside{status, {}, {}});
  });
}

// --- channels

void list_channels(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  ask_session(services, call, sessions::ListChannels{}, [call](const sessions::ChannelList& list) {
    call->success(channels_json(list.channels, list.fresh), Beside{200, {}, "null"});
  });
}

void create_channel(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  protocol::CreateChannel create;
  create.name = text_of(call->body, "name");
  if (!shows_something(call, create.name)) return;
  create.description = text_of(call->body, "description");
  ask_channel(services, call, std::move(create), 201);
}

void get_channel(const ServicesPtr& services, const CallPtr& call) {
  if (auto key = channel_or_invite(services, call))
    ask_channel(services, call, protocol::FetchChannel{std::move(*key), protocol::ChannelRole::guest});
}

void update_channel(const ServicesPtr& services, const CallPtr& call) {
  protocol::UpdateChannel update;
  if (const auto name = text_of(call->body, "name"); !name.empty()) update.name = name;
  if (update.name && !shows_something(call, *update.name)) return;
  if (call->body.if_contains("description")) update.description = text_of(call->body, "description");
  if (const auto codes = text_of(call->body, "reactionCodes"); !codes.empty())
    update.reactions = protocol::reaction_codes(codes);
  if (!update.name && !update.description && !update.reactions) return refuse_field(call, "body", "must set something");
  with_channel(services, call, [=](const Jid& channel) mutable {
    update.channel = channel;
    ask_channel(services, call, std::move(update));
  });
}

void delete_channel(const ServicesPtr& services, const CallPtr& call) {
  with_channel(services, call,
               [=](const Jid& channel) { ask_channel(services, call, protocol::DeleteChannel{channel}); });
}
void follow_channel(const ServicesPtr& services, const CallPtr& call) {
  with_channel(services, call,
               [=](const Jid& channel) { ask_channel(services, call, protocol::FollowChannel{channel}); });
}
void unfollow_channel(const ServicesPtr& services, const CallPtr& call) {
  with_channel(services, call,
               [=](const Jid& channel) { ask_channel(services, call, protocol::UnfollowChannel{channel}); });
}
void mute_channel(const ServicesPtr& services, const CallPtr& call) {
  with_channel(services, call, [=](const Jid& channel) {
    ask_channel(services, call, protocol::MuteChannel{channel, true, false});
  });
}
void unmute_channel(const ServicesPtr& services, const CallPtr& call) {
  with_channel(services, call, [=](const Jid& channel) {
    ask_channel(services, call, protocol::MuteChannel{channel, false, false});
  });
}

// --- posts

namespace {

constexpr std::string_view newer = "after-", older = "before-";  // of a cursor, with the serverId behind it

/// What a page begins behind, and which way. False: answered.
template <class Page>
bool read_place(const CallPtr& call, Page& page) {
  page.count = static_cast<std::uint64_t>(call->query.integer("limit", 50));
  for (const auto& [field, place] : {std::pair{"before", &page.before}, std::pair{"after", &page.after}}) {
    const auto text = call->query.text(field);
    if (text.empty()) continue;
    *place = server_id_of(call, field, text);
    if (!*place) return false;
  }
  if (page.before && page.after) return refuse_field(call, "after", "must not stand beside before"), false;
  const std::string cursor(call->query.text("cursor"));
  if (cursor.empty()) return true;
  if (page.before || page.after)
    return refuse_field(call, "cursor", "must not stand beside before and after: it goes on behind its page"), false;
  for (const auto& [way, place] : {std::pair{newer, &page.after}, std::pair{older, &page.before}}) {
    const auto id =
        cursor.starts_with(way) ? protocol::decimal(std::string_view(cursor).substr(way.size())) : std::nullopt;
    if (id && *id != 0) return *place = *id, true;
  }
  return call->failure(bad_cursor()), false;
}

/// Behind a page that holds anything there may be more: WhatsApp does not say, and may tell fewer than were asked for.
std::string next_place(const std::vector<protocol::ChannelPost>& posts, bool onwards) {
  if (posts.empty()) return "null";
  const auto by_id = [](const auto& a, const auto& b) { return a.counts.server_id < b.counts.server_id; };
  const auto [oldest, newest] = std::minmax_element(posts.begin(), posts.end(), by_id);
  return cursor_json(onwards ? fmt::format("{}{}", newer, newest->counts.server_id)
                             : fmt::format("{}{}", older, oldest->counts.server_id));
}

/// Reads them of the session, and answers with them.
template <class Read>
void answer_posts(const ServicesPtr& services, const CallPtr& call, const Jid& channel, Read read) {
  const bool onwards = read.page.after.has_value();
  ask_session(services, call, std::move(read), [=](const std::vector<protocol::ChannelPost>& posts) {
    call->success(posts_json(posts, channel, call->param("sessionId"), call->dialect),
                  Beside{200, {}, next_place(posts, onwards)});
  });
}

}  // namespace

void list_posts(const ServicesPtr& services, const CallPtr& call) {
  protocol::ChannelPage page;
  if (!read_place(call, page)) return;
  with_channel(services, call, [=](const Jid& channel) mutable {
    page.channel = channel;
    answer_posts(services, call, channel, sessions::ReadPosts{page});
  });
}

void list_post_updates(const ServicesPtr& services, const CallPtr& call) {
  protocol::ChannelUpdatesPage page;
  if (!read_place(call, page)) return;
  if (!page.before && !page.after) return refuse_field(call, "after", "is required, or before: the serverId of a post");
  if (const auto since = call->query.text("since"); !since.empty()) {
    const auto time = parse_time(since, call->dialect == Dialect::gateway ? 1 : 1'000);
    if (!time || *time < 0)
      return refuse_field(call, "since", "must be a unix time in the unit of the dialect, a date or a UTC time");
    page.since = static_cast<std::uint64_t>(*time) / 1'000;
  }
  with_channel(services, call, [=](const Jid& channel) mutable {
    page.channel = channel;
    answer_posts(services, call, channel, sessions::ReadPostUpdates{page});
  });
}

namespace {

/// Answers 501 when the body says something that messages elsewhere know and posts do not.
bool refuses_what_posts_lack(const CallPtr& call) {
  if (says(call->body, "chatId"))
    return refuse_field(call, "chatId", "is not taken by a post: the channel stands in the path"), true;
  const auto& taken = schemas::post_in_channel.fields;
  for (const Field& field : schemas::send_any.fields) {
    const auto same = [&](const Field& one) { return one.name == field.name; };
    if (std::any_of(taken.begin(), taken.end(), same) || !says(call->body, field.name)) continue;
    if (field.name == "type" && text_of(call->body, "type") == "text") continue;
    const std::string name(field.name);
    call->failure(Failure(
        ErrorCode::not_implemented,
        name + " is not posted to channels yet: this route takes plain texts, and send-image and the others files",
        {{name, "is not posted to channels yet"}}));
    return true;
  }
  return false;
}

}  // namespace

void post_in_channel(const ServicesPtr& services, const CallPtr& call) {
  if (refuses_what_posts_lack(call)) return;
  with_channel(services, call, [=](const Jid& channel) {
    sessions::SendMessage message;
    message.chat = channel;
    message.content = std::string(text_of(call->body, "content"));
    // The channel stands in the path, and tells two requests of one key apart.
    send_message(services, call, schemas::post_in_channel, std::move(message), channel.to_string());
  });
}

namespace {

/// Whether WhatsApp took what was said about posts, which `field` names; false: answered.
bool took(const CallPtr& call, const sessions::Outcome<>& said, const char* field) {
  if (said) return true;
  Failure failure = failure_of(call, said.error());
  if (failure.code == ErrorCode::message_not_found)
    failure.details.emplace_back(field, "must be the serverId of a post that the channel has");
  return call->failure(failure), false;
}

}  // namespace

void react_in_channel(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  const auto server_id = server_id_of(call, "serverId", call->param("serverId"));
  if (!server_id) return;
  const std::string emoji(text_of(call->body, "emoji"));
  if (!emoji.empty() && !is_emoji(emoji)) return refuse_field(call, "emoji", "must be one emoji, or empty");
  with_channel(services, call, [=, server_id = *server_id](const Jid& channel) {
    ask(services, call, sessions::ReactInChannel{channel, server_id, emoji}, [=](const sessions::Outcome<>& said) {
      if (!took(call, said, "serverId")) return;
      JsonWriter out(64);
      out.begin_object().text("serverId", std::to_string(server_id)).text("emoji", emoji);
      call->success(out.end_object().take());
    });
  });
}

void view_posts(const ServicesPtr& services, const CallPtr& call) {
  std::vector<std::uint64_t> server_ids;
  const auto given = texts_of(call->body, "serverIds");
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::string field = fmt::format("serverIds[{}]", i);
    const auto server_id = server_id_of(call, field.c_str(), given[i]);
    if (!server_id) return;
    if (std::find(server_ids.begin(), server_ids.end(), *server_id) == server_ids.end())
      server_ids.push_back(*server_id);
  }
  const auto count = static_cast<std::int64_t>(server_ids.size());
  with_channel(services, call, [=](const Jid& channel) {
    ask(services, call, sessions::ViewPosts{channel, server_ids}, [call, count](const sessions::Outcome<>& said) {
      if (!took(call, said, "serverIds")) return;
      JsonWriter out(32);
      call->success(out.begin_object().number("viewed", count).end_object().take());
    });
  });
}

void watch_channel(const ServicesPtr& services, const CallPtr& call) {
  with_channel(services, call, [=](const Jid& channel) {
    ask_session(services, call, sessions::WatchChannel{channel}, [call](const std::uint64_t& seconds) {
      JsonWriter out(32);
      call->success(out.begin_object().number("seconds", static_cast<std::int64_t>(seconds)).end_object().take());
    });
  });
}

}  // namespace wharf::api
