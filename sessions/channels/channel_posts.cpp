// Posts of channels: those that come, and the ack of an own one.
#include "protocol/messages/body.h"
#include "protocol/messages/content.h"
#include "sessions/channels/channel_posting.h"
#include "sessions/channels/channels.h"
#include "sessions/message_details.h"
#include "sessions/server_time.h"

namespace wharf::sessions {

using protocol::MessageKind;

namespace {

constexpr std::string_view post_edited = "3", post_deleted = "8";  // 03 section 5.3

}  // namespace

void Channels::on_post(const Node& message) {
  c_.send(protocol::ack_for(message, c_.device.jid));
  const auto unreadable = [&](const char* why) {
    if (on_unreadable) on_unreadable(message.attr("id"), why);
  };
  const auto post = protocol::read_channel_post(message, c_.unix_seconds());
  if (!post || post->id.empty()) return unreadable("it is no post");
  const Node* plain = message.child("plaintext");
  const std::string change = message.attr("edit");
  const Jid channel = message.jid("from").value_or(Jid()).user_jid();
  const UnixMs at = stated_ms(post->at.value_or(0), c_.now.unix_ms);
  if (change == post_deleted) return post_changes_.on_deleted(channel, post->id, at);
  // What is said of a post has no contents.
  if (plain == nullptr || !(change.empty() || change == post_edited)) return;
  if (const std::size_t bytes = plain->data().size(); bytes > PostChanges::max_post_bytes)
    return on_too_large ? on_too_large(post->id, bytes) : void();
  if (!post->message) return unreadable("what it holds is no message");
  if (!change.empty()) return post_changes_.on_seen(channel, *post, at);
  if (c_.records.has_message(channel, post->id)) return;
  const auto content = protocol::parse_message(*post->message);
  if (!content || protocol::target_of(content->body) != nullptr) return;
  if (content->kind == MessageKind::protocol || content->kind == MessageKind::disappearing ||
      content->kind == MessageKind::sender_key_only)
    return;
  storage::MessageRow row;
  row.session = c_.id();
  row.chat = channel;
  row.id = post->id;
  row.from_me = post->own;
  row.author = post->own ? directory_.canonical_user(c_.device.jid) : channel;
  if (const auto known_one = known(channel)) row.push_name = known_one->name;
  row.kind = protocol::name(content->kind);
  row.body = content->text;
  row.content = *post->message;
  row.details = with_server_id(message_details(*content), post->counts.server_id);
  row.ack = post->own ? storage::AckLevel::server : storage::AckLevel::delivered;
  row.timestamp = at;
  row.created_at = c_.now.unix_ms;
  const events::Message& told = row;
  c_.emit(events::NewMessage{told, {}, directory_.person(row.author)});
  c_.records.add(storage::InsertMessage{std::move(row), !post->own, std::nullopt});
  if (on_stored) on_stored(post->id, protocol::name(content->kind));
}

void Channels::on_accepted(const Node& node, const protocol::Ack& ack) {
  const auto server_id = ack.error == 0 ? protocol::acked_server_id(node) : std::nullopt;
  if (!server_id) return;
  const auto row = c_.records.find_message_by_id(ack.id, true);
  if (!row || !row->chat.is_channel() || has_server_id(row->details)) return;
  c_.records.add(storage::PutDetails{c_.id(), row->chat, row->id, true, with_server_id(row->details, *server_id)});
  const auto channel = known(row->chat);
  events::ChannelUpdated told = about(row->chat, "posted", channel ? channel->name : std::string());
  told.message_id = row->id;
  told.server_id = std::to_string(*server_id);
  c_.emit(std::move(told));
}

}  // namespace wharf::sessions
