#include "sessions/channels/channel_posting.h"

#include <charconv>
#include <utility>

#include "protocol/channels/posts.h"
#include "protocol/media/media_kind.h"
#include "protocol/messages/content.h"
#include "protocol/messages/media_location.h"
#include "protocol/messages/stanza_kind.h"

namespace wharf::sessions {

Outcome<> may_post(const Context& context, const Jid& channel) {
  using Closed = LinkState::LoggedIn::Closed;
  const auto* login = context.link.login();
  if (login == nullptr) return {};
  const auto closed = login->closed_channels.find(channel);
  if (closed == login->closed_channels.end()) return {};
  if (closed->second == Closed::deleted) return Refusal(Errc::not_found, Subject::channel, "the channel is deleted");
  return Refusal(Errc::forbidden, Subject::chat,
                 closed->second == Closed::left ? "the account has left the channel"
                                                : "only admins of the channel may post there");
}

Outcome<> can_be_posted(const SendMessage& request) {
  const auto missing = [](std::string what) { return Refusal(Error(Errc::not_implemented, std::move(what))); };
  if (about_message(request.content) != nullptr)
    return missing(
        "channels: editing, deleting and marking posts is not implemented yet; reactions are set by server id");
  if (std::holds_alternative<SetDisappearing>(request.content))
    return Refusal(Errc::unsupported, Subject::chat, "a channel has no disappearing messages");
  if (const auto* media = std::get_if<SendMedia>(&request.content)) {
    if (!media->upload) return missing("a channel is not shown a file that is uploaded already: send the file itself");
    if (media->view_once || !request.album.empty())
      return missing("albums and what can be seen once are not posted to channels");
  } else if (!std::holds_alternative<std::string>(request.content) &&
             !std::holds_alternative<protocol::PreviewedText>(request.content)) {
    return missing("channels take texts and files only yet, no other kinds");
  }
  if (request.quoted_id) return missing("quoting in a channel is not implemented");
  if (!request.mentions.empty() || request.mention_all) return missing("mentions in a channel are not implemented");
  return {};
}

Outcome<> can_be_said(const Context& context, const SendMessage& request, const Jid& channel) {
  auto possible = can_be_posted(request);
  const auto* react = std::get_if<React>(&request.content);
  if (possible || react == nullptr) return possible;
  const auto post = context.records.find_message(channel, react->message);
  const auto server_id = post ? server_id_in(post->details) : std::nullopt;
  return Refusal(Error(Errc::not_implemented,
                       "a post of a channel is reacted to by its server id: POST "
                       "/channels/{channelId}/messages/" +
                           (server_id ? std::to_string(*server_id) : std::string("{serverId}")) + "/reactions"));
}

protocol::Bytes post_content(protocol::ByteView message) { return protocol::quotable(message); }

protocol::Node post_stanza(const Jid& channel, const storage::MessageRow& message, std::string_view handle) {
  protocol::PublishPost post{message.content, {}, {}};
  if (!handle.empty()) {
    post.message = protocol::without_media_key(message.content);
    post.media_type = protocol::stanza_kind(post.message).media_type;
    post.media_handle = handle;
  }
  return protocol::channel_message(message.id, channel, post);
}

namespace {

constexpr std::string_view member = R"("serverId":")";

}  // namespace

std::string with_server_id(const std::string& details, std::uint64_t server_id) {
  std::string out = details.size() > 2 ? details.substr(0, details.size() - 1) + "," : "{";
  return out.append(member).append(std::to_string(server_id)).append("\"}");
}

// It is written last, behind what people may have written.
std::optional<std::uint64_t> server_id_in(std::string_view details) {
  const std::size_t at = details.rfind(member);
  if (at == std::string_view::npos || !details.ends_with("\"}")) return std::nullopt;
  const std::string_view digits = details.substr(at + member.size(), details.size() - at - member.size() - 2);
  std::uint64_t id = 0;
  const auto [end, failed] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
  if (failed != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return id;
}

}  // namespace wharf::sessions
