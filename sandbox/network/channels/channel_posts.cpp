#include "sandbox/network/channels/channel_posts.h"

#include <algorithm>
#include <utility>

#include "protocol/messages/content.h"
#include "protocol/messages/message_id.h"
#include "protocol/messages/stanza_kind.h"

namespace wharf::sandbox {

void ChannelPosts::on_message(const Origin& origin, const Node& message, const Jid& to) {
  const auto refuse = [&](unsigned code, const char* why) { answers_.refuse(origin, message, {code, why}); };
  if (message.attr("id").empty()) return c_.complain("message without id from " + origin.key.phone);
  Channel* channel = store_.find(to);
  if (channel == nullptr) return refuse(404, "no such channel");
  const auto what = protocol::read_channel_message(message);
  if (!what) return refuse(400, "no message that a channel takes");
  const std::string id = message.attr("id");
  const std::string& phone = origin.key.phone;
  const auto accept = [&](std::uint64_t server_id, std::uint64_t at) {
    Node ack = MessageAnswers::ack_of(message);
    ack.set("server_id", server_id);
    answers_.accept(origin, std::move(ack), static_cast<std::int64_t>(at), {});
  };
  if (const auto* reaction = std::get_if<protocol::ReactToPost>(&*what)) {
    if (!react(*channel, reaction->server_id, phone, reaction->code)) return refuse(404, "no such post");
    return accept(reaction->server_id, c_.unix_seconds());
  }
  if (const auto* vote = std::get_if<protocol::VoteInPost>(&*what)) {  // taken, and not counted
    if (!channel->posts.contains(vote->server_id)) return refuse(404, "no such post");
    return accept(vote->server_id, c_.unix_seconds());
  }
  if (!channel->may_post(phone)) return refuse(403, "only admins post");
  ChannelEntry* before = find_own(*channel, phone, id);
  if (const auto* edit = std::get_if<protocol::EditPost>(&*what)) {
    if (before == nullptr) return refuse(404, "no such post");
    change(*channel, *before, edit->message, &origin.key);
    return accept(before->server_id, c_.unix_seconds());
  }
  if (std::holds_alternative<protocol::DeletePost>(*what)) {
    if (before == nullptr) return refuse(404, "no such post");
    change(*channel, *before, {}, &origin.key);
    return accept(before->server_id, c_.unix_seconds());
  }
  if (before != nullptr) {  // sent again
    ++c_.stats.duplicate_sends;
    return accept(before->server_id, before->at);
  }
  ++c_.stats.messages_accepted;
  const auto* post = std::get_if<protocol::PublishPost>(&*what);
  const auto* poll = std::get_if<protocol::PublishPoll>(&*what);
  const ChannelEntry& entry = publish(*channel, phone, id, message.attr("type"), post ? post->message : poll->message,
                                      post ? post->media_type : std::string(), &origin.key);
  accept(entry.server_id, entry.at);
}

ChannelEntry* ChannelPosts::find_own(Channel& channel, const std::string& author, std::string_view id) {
  for (auto it = channel.posts.rbegin(); it != channel.posts.rend(); ++it)
    if (it->second.id == id && it->second.author == author) return &it->second;
  return nullptr;
}

ChannelEntry& ChannelPosts::publish(Channel& channel, const std::string& author, std::string id, std::string type,
                                    Bytes message, std::string media_type, const DeviceKey* spared) {
  ChannelEntry& entry = store_.add_post(channel);
  entry.id = std::move(id);
  entry.author = author;
  entry.type = std::move(type);
  entry.message = std::move(message);
  entry.media_type = std::move(media_type);
  tell(channel, entry, false, spared);
  return entry;
}

namespace {

/// As channels have it: without its secret.
Bytes content_of(const protocol::OutgoingBody& body, protocol::Random& random) {
  return protocol::quotable(protocol::build_message(body, {}, random).encoded);
}

}  // namespace

ChannelEntry& ChannelPosts::publish(Channel& channel, const Party& author, const protocol::OutgoingBody& body) {
  Bytes message = content_of(body, c_.random);
  std::string media = protocol::stanza_kind(message).media_type;
  auto id = protocol::new_message_id(c_.unix_seconds(), author.account.pn_jid(), c_.random);
  const char* type = media.empty() ? "text" : "media";
  return publish(channel, author.account.phone, std::move(id), type, std::move(message), std::move(media), nullptr);
}

bool ChannelPosts::edit(const Channel& channel, ChannelEntry& entry, const std::string& text) {
  const auto content = protocol::parse_message(entry.message);
  if (entry.message.empty() || !content) return false;
  protocol::OutgoingBody body = text;
  if (const auto* file = std::get_if<protocol::MediaFile>(&content->body))
    body = protocol::MediaContent{content->kind, *file, text};
  change(channel, entry, content_of(body, c_.random), nullptr);
  return true;
}

void ChannelPosts::change(const Channel& channel, ChannelEntry& entry, Bytes message, const DeviceKey* spared) {
  entry.message = std::move(message);
  changed(channel, entry);
  tell(channel, entry, true, spared);
}

void ChannelPosts::tell(const Channel& channel, const ChannelEntry& entry, bool changed, const DeviceKey* spared) {
  for (const auto& device : desk_.audience(channel)) {
    if (spared != nullptr && device == *spared) continue;
    auto post = post_for(entry, device.phone);
    if (changed) post.at = entry.changed_at;
    delivery_.enqueue(device, changed ? protocol::channel_change_stanza(channel.id, post)
                                      : protocol::channel_post_stanza(channel.id, post));
  }
}

bool ChannelPosts::react(Channel& channel, std::uint64_t server_id, const std::string& phone,
                         const std::string& emoji) {
  const auto post = channel.posts.find(server_id);
  if (post == channel.posts.end() || channel.reactions == protocol::ReactionCodes::none) return false;
  ChannelEntry& entry = post->second;
  const auto before = entry.reactions.find(phone);
  if (emoji.empty()) {
    if (before == entry.reactions.end()) return true;
    entry.reactions.erase(before);
  } else {
    if (before != entry.reactions.end() && before->second == emoji) return true;
    entry.reactions[phone] = emoji;
  }
  counts_changed(channel, entry);
  return true;
}

void ChannelPosts::on_receipt(const Origin& origin, const Node& receipt) {
  const auto views = protocol::read_channel_view_receipt(receipt);
  Channel* channel = views ? store_.find(views->channel) : nullptr;
  if (channel == nullptr) return;
  for (const auto server_id : views->server_ids) {
    const auto post = channel->posts.find(server_id);
    if (post == channel->posts.end() || !post->second.viewers.insert(origin.key.phone).second) continue;
    counts_changed(*channel, post->second);
  }
}

void ChannelPosts::changed(const Channel& channel, ChannelEntry& entry) {
  entry.changed_at = c_.unix_seconds();
  store_.post_changed(channel, entry.server_id);
}

void ChannelPosts::counts_changed(const Channel& channel, ChannelEntry& entry) {
  changed(channel, entry);
  const auto now = c_.unix_seconds();
  for (auto it = watching_.begin(); it != watching_.end();) {
    if (it->second < now) {
      it = watching_.erase(it);
      continue;
    }
    if (it->first.first == channel.id)
      desk_.tell(it->first.second, protocol::ChannelMessageUpdated{channel.id, post_for(entry, {}).counts});
    ++it;
  }
}

std::vector<protocol::ChannelPost> ChannelPosts::updates(const Channel& channel, std::string_view viewer,
                                                         const protocol::ChannelUpdatesPage& asked) const {
  auto posts = page(channel, viewer, Channel::max_posts, asked.before, asked.after);
  std::erase_if(posts, [&](const protocol::ChannelPost& post) {
    return channel.posts.at(post.counts.server_id).changed_at < asked.since.value_or(0);
  });
  if (posts.size() > asked.count) posts.resize(asked.count);
  return posts;
}

void ChannelPosts::watch(const DeviceKey& device, const Channel& channel) {
  watching_[{channel.id, device}] = c_.unix_seconds() + live_seconds;
}

std::vector<protocol::ChannelPost> ChannelPosts::page(const Channel& channel, std::string_view viewer,
                                                      std::uint64_t count, std::optional<std::uint64_t> before,
                                                      std::optional<std::uint64_t> after) const {
  std::vector<protocol::ChannelPost> out;
  const auto& posts = channel.posts;
  if (after) {
    for (auto it = posts.upper_bound(*after); it != posts.end() && out.size() < count; ++it)
      out.push_back(post_for(it->second, viewer));
    return out;
  }
  auto it = before ? posts.lower_bound(*before) : posts.end();
  while (it != posts.begin() && out.size() < count) out.push_back(post_for((--it)->second, viewer));
  std::reverse(out.begin(), out.end());
  return out;
}

}  // namespace wharf::sandbox
