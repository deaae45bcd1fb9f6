#include "sandbox/network/channels/channel_store.h"

#include <algorithm>
#include <utility>

#include "sandbox/row_values.h"

namespace wharf::sandbox {

using protocol::ChannelRole;

namespace {

constexpr std::string_view picture_prefix = "/v/channel-pictures/";

Jid channel_jid(std::string_view user) { return Jid(user, protocol::server::newsletter); }

std::string post_name(const Channel& channel, std::uint64_t server_id) {
  return channel.id.user + '\0' + row_number(server_id, 8);
}

Node node_of(const Channel& channel) {
  Node node("channel");
  node.set("name", channel.name).set("description", channel.description).set("invite", channel.invite);
  node.set("owner", channel.owner).set("created", channel.created_at).set("name_at", channel.name_at);
  node.set("description_at", channel.description_at).set("picture", channel.picture_id);
  node.set("reactions", name(channel.reactions)).set("last", channel.last_server_id);
  if (!channel.picture.empty()) node.add(Node("picture").bytes(channel.picture));
  for (const auto& [phone, member] : channel.members) {
    Node row("member");
    row.set("phone", phone).set("admin", member.admin ? "1" : "0").set("muted", member.muted ? "1" : "0");
    node.add(std::move(row));
  }
  return node;
}

Channel channel_of(const Jid& id, const Node& node) {
  if (!node.is("channel")) damaged("a channel");
  Channel channel;
  channel.id = id;
  channel.name = node.attr("name");
  channel.description = node.attr("description");
  channel.invite = node.attr("invite");
  channel.owner = node.attr("owner");
  channel.created_at = node.number("created").value_or(0);
  channel.name_at = node.number("name_at").value_or(0);
  channel.description_at = node.number("description_at").value_or(0);
  channel.picture_id = node.attr("picture");
  channel.reactions = protocol::reaction_codes(node.attr("reactions"));
  channel.last_server_id = node.number("last").value_or(0);
  if (const auto picture = node.child_data("picture")) channel.picture = protocol::to_bytes(*picture);
  for (const Node* row : node.children("member"))
    channel.members[row->attr("phone")] = {row->attr("admin") == "1", row->attr("muted") == "1"};
  return channel;
}

Node node_of(const ChannelEntry& entry) {
  Node node("post");
  node.set("id", entry.id).set("author", entry.author).set("type", entry.type).set("media", entry.media_type);
  node.set("t", entry.at).set("changed", entry.changed_at);
  if (!entry.message.empty()) node.add(Node("message").bytes(entry.message));
  for (const std::string& phone : entry.viewers) node.add(Node("view").set("phone", phone));
  for (const auto& [phone, emoji] : entry.reactions) node.add(Node("reaction").set("phone", phone).set("code", emoji));
  return node;
}

ChannelEntry entry_of(std::uint64_t server_id, const Node& node) {
  if (!node.is("post")) damaged("a post");
  ChannelEntry entry;
  entry.server_id = server_id;
  entry.id = node.attr("id");
  entry.author = node.attr("author");
  entry.type = node.attr("type");
  entry.media_type = node.attr("media");
  entry.at = node.number("t").value_or(0);
  entry.changed_at = node.number("changed").value_or(0);
  if (const auto message = node.child_data("message")) entry.message = protocol::to_bytes(*message);
  for (const Node* row : node.children("view")) entry.viewers.insert(row->attr("phone"));
  for (const Node* row : node.children("reaction")) entry.reactions[row->attr("phone")] = row->attr("code");
  return entry;
}

}  // namespace

ChannelRole Channel::role_of(std::string_view phone) const {
  if (phone == owner) return ChannelRole::owner;
  const auto member = members.find(phone);
  if (member == members.end()) return ChannelRole::guest;
  return member->second.admin ? ChannelRole::admin : ChannelRole::subscriber;
}

bool Channel::may_post(std::string_view phone) const {
  const auto role = role_of(phone);
  return role == ChannelRole::owner || role == ChannelRole::admin;
}

std::string Channel::picture_path(std::string_view picture_id) {
  return std::string(picture_prefix).append(picture_id);
}

protocol::ChannelMetadata Channel::metadata_for(std::string_view phone) const {
  protocol::ChannelMetadata out;
  out.id = id;
  out.state = protocol::ChannelState::active;
  out.name = name;
  out.description = description;
  out.name_id = std::to_string(name_at);
  out.name_at = name_at;
  if (!description.empty()) {
    out.description_id = std::to_string(description_at);
    out.description_at = description_at;
  }
  out.created_at = created_at;
  if (!picture.empty()) out.picture = protocol::ChannelPicture{picture_id, picture_path(picture_id)};
  out.invite = invite;
  out.subscribers = followers();
  out.reactions = reactions;
  out.role = role_of(phone);
  const auto member = members.find(phone);
  out.muted = member != members.end() && member->second.muted;
  return out;
}

protocol::ChannelPost post_for(const ChannelEntry& entry, std::string_view phone) {
  protocol::ChannelPost post;
  post.counts.server_id = entry.server_id;
  post.counts.views = entry.viewers.size();
  std::map<std::string, std::uint64_t> counted;
  for (const auto& [who, emoji] : entry.reactions) ++counted[emoji];
  for (const auto& [emoji, count] : counted) post.counts.reactions.push_back({emoji, count});
  post.id = entry.id;
  post.type = entry.type;
  post.at = entry.at;
  post.own = entry.author == phone;
  if (!entry.message.empty()) post.message = entry.message;
  post.media_type = entry.media_type;
  return post;
}

Channel* ChannelStore::find(const Jid& id) {
  const auto found = channels_.find(id.user_jid());
  return found == channels_.end() ? nullptr : &found->second;
}

Channel* ChannelStore::find(const std::variant<Jid, std::string>& key) {
  const auto* id = std::get_if<Jid>(&key);
  return id != nullptr ? find(*id) : find_by_invite(std::get<std::string>(key));
}

Channel* ChannelStore::find_by_invite(std::string_view code) {
  const auto found =
      std::find_if(channels_.begin(), channels_.end(), [&](const auto& one) { return one.second.invite == code; });
  return found == channels_.end() ? nullptr : &found->second;
}

std::vector<const Channel*> ChannelStore::all() const {
  std::vector<const Channel*> out;
  for (const auto& [id, channel] : channels_) out.push_back(&channel);
  return out;
}

Channel* ChannelStore::create(std::string owner) {
  if (channels_.size() >= max_channels) return nullptr;
  Jid id;
  do {
    id = channel_jid("120363" + std::to_string(100'000'000'000ULL + c_.random.below(1'000'000'000)));
  } while (channels_.contains(id));
  Channel& channel = channels_[id];
  channel.id = id;
  channel.owner = std::move(owner);
  channel.created_at = c_.unix_seconds();
  channel.name_at = channel.description_at = channel.created_at;
  channel.invite = protocol::to_base64url(c_.random.bytes<18>());
  c_.changes.created(RowKind::channel, {}, id.user);
  return &channel;
}

void ChannelStore::remove(const Jid& id) {
  const auto found = channels_.find(id);
  if (found == channels_.end()) return;
  for (const auto& [server_id, entry] : found->second.posts) post_changed(found->second, server_id);
  changed(found->second);
  channels_.erase(found);
}

void ChannelStore::changed(const Channel& channel) { c_.changes.changed(RowKind::channel, {}, channel.id.user); }

void ChannelStore::post_changed(const Channel& channel, std::uint64_t server_id) {
  c_.changes.changed(RowKind::channel_post, {}, post_name(channel, server_id));
}

ChannelEntry& ChannelStore::add_post(Channel& channel) {
  while (channel.posts.size() >= Channel::max_posts) {
    post_changed(channel, channel.posts.begin()->first);
    channel.posts.erase(channel.posts.begin());
  }
  ChannelEntry& entry = channel.posts[++channel.last_server_id];
  entry.server_id = channel.last_server_id;
  entry.at = entry.changed_at = c_.unix_seconds();
  changed(channel);
  post_changed(channel, entry.server_id);
  return entry;
}

const Bytes* ChannelStore::media(std::string_view direct_path) const {
  direct_path = direct_path.substr(0, direct_path.find('?'));
  if (!direct_path.starts_with(picture_prefix)) return nullptr;
  const auto id = direct_path.substr(picture_prefix.size());
  for (const auto& [jid, channel] : channels_)
    if (!channel.picture.empty() && channel.picture_id == id) return &channel.picture;
  return nullptr;
}

// --- rows

std::optional<Bytes> ChannelStore::row(const RowKey& key) const {
  const auto end = key.name.find('\0');
  const auto found = channels_.find(channel_jid(key.name.substr(0, end)));
  if (found == channels_.end()) return std::nullopt;
  if (key.kind == RowKind::channel) return protocol::encode_node(node_of(found->second));
  if (end == std::string::npos) return std::nullopt;
  const auto post = found->second.posts.find(number_after(key.name, end + 1));
  if (post == found->second.posts.end()) return std::nullopt;
  return protocol::encode_node(node_of(post->second));
}

void ChannelStore::restore(const RowKey& key, ByteView row) {
  const auto end = key.name.find('\0');
  const Jid id = channel_jid(key.name.substr(0, end));
  if (key.kind == RowKind::channel) {
    channels_[id] = channel_of(id, stanza_of(row));
    return;
  }
  const auto found = channels_.find(id);
  if (found == channels_.end() || end == std::string::npos) damaged("a post of no channel");
  const auto server_id = number_after(key.name, end + 1);
  found->second.posts[server_id] = entry_of(server_id, stanza_of(row));
}

}  // namespace wharf::sandbox
