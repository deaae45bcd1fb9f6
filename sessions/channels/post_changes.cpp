#include "sessions/channels/post_changes.h"

#include <algorithm>
#include <utility>

#include "protocol/messages/content.h"
#include "sessions/channels/channel_posting.h"
#include "sessions/message_details.h"

namespace wharf::sessions {

using storage::MessageRow;

events::About PostChanges::about(const MessageRow& post, UnixMs at) const {
  events::About out;
  out.id = out.target_id = post.id;
  out.chat = post.chat;
  out.chat_ids = directory_.person(post.chat);
  out.from_me = out.target_from_me = post.from_me;
  out.author = post.author;
  out.author_ids = directory_.person(post.author);
  out.at = at;
  return out;
}

void PostChanges::on_seen(const Jid& channel, const protocol::ChannelPost& post, UnixMs at) {
  if (post.id.empty() || !post.message || post.message->size() > max_post_bytes) return;
  const auto row = c_.records.find_message(channel, post.id);
  if (!row || row->revoked_at != 0 || row->content.empty()) return;
  const auto now = protocol::parse_message(*post.message), before = protocol::parse_message(row->content);
  // It shows something else under the same kind: nothing else can be made of a post.
  if (!now || !before || now->kind != before->kind) return;
  if (now->text == (row->edited_at != 0 ? row->body : before->text)) return;
  // The order of changes is the server's: its clock and ours say nothing about it.
  storage::EditMessage change{c_.id(), row->chat, row->id, row->from_me, now->text, {}, std::max(at, row->edited_at)};
  change.details = with_server_id(message_details(*now), post.counts.server_id);
  // What was posted from here has the key of its file, by which it lies in the vault.
  if (!row->from_me) change.content = *post.message;
  const bool words =
      now->kind == protocol::MessageKind::text;  // a preview may stand beside them; a file stays the same
  c_.records.add(std::move(change));
  c_.emit(events::MessageEdited{about(*row, at), now->text, words ? message_details(*now) : std::string()});
}

void PostChanges::on_deleted(const Jid& channel, const std::string& id, UnixMs at) {
  const auto row = c_.records.find_message(channel, id);
  if (!row || row->revoked_at != 0) return;
  c_.records.add(storage::RevokeMessage{c_.id(), row->chat, row->id, row->from_me, at});
  // By that pages and counts name it, also when it is gone.
  if (const auto server_id = server_id_in(row->details))
    c_.records.add(storage::PutDetails{c_.id(), row->chat, row->id, row->from_me, with_server_id({}, *server_id)});
  c_.emit(events::MessageRevoked{about(*row, at)});
}

}  // namespace wharf::sessions
