#include "protocol/channels/posts.h"

#include <algorithm>
#include <stdexcept>

#include "protocol/messages/content.h"
#include "protocol/stanzas/iq_reading.h"
#include "protocol/stanzas/node_fields.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr std::string_view xmlns = "newsletter";
constexpr std::uint64_t min_live_seconds = 30, max_live_seconds = 600;
constexpr std::size_t max_viewed = 256;

bool is_channel(const Jid& jid) { return jid.server == server::newsletter && !jid.user.empty(); }

std::optional<Jid> channel_attr(const Node& node, std::string_view key) {
  auto jid = node.jid(key);
  if (!jid || !is_channel(*jid)) return std::nullopt;
  return jid;
}

std::optional<ChannelPost> read_post(const Node& node, std::uint64_t now) {
  auto counts = read_channel_counts(node);
  if (!counts) return std::nullopt;
  ChannelPost post;
  post.counts = std::move(*counts);
  if (std::string id = node.attr("id"); acceptable_id(id)) post.id = std::move(id);
  post.type = line_attr(node, "type", 32);
  post.at = time_attr(node, "t", now);
  post.own = node.attr("is_sender") == "true";
  if (const Node* plain = node.child("plaintext")) {
    post.media_type = line_attr(*plain, "mediatype", 32);
    if (!plain->data().empty() && parse_message(plain->data())) post.message = to_bytes(plain->data());
  }
  return post;
}

Result<std::vector<ChannelPost>> read_posts(const Node& list, std::uint64_t now) {
  if (!within_rows(list)) return Error(Errc::malformed, "channel: too many posts");
  std::vector<ChannelPost> posts;
  for (const Node* row : list.children("message"))
    if (auto post = read_post(*row, now)) posts.push_back(std::move(*post));
  return posts;
}

Node post_node(const ChannelPost& post) {
  Node node("message");
  node.set("server_id", post.counts.server_id);
  put(put(node, "id", post.id), "type", post.type);
  put(node, "t", post.at);
  if (post.own) node.set("is_sender", "true");
  if (post.message) {
    Node plain("plaintext");
    node.add(put(plain, "mediatype", post.media_type).bytes(*post.message));
  }
  add_channel_counts(node, post.counts);
  return node;
}

Node posts_node(const Jid& channel, std::span<const ChannelPost> posts) {
  Node list("messages");
  list.set("jid", channel);
  for (const ChannelPost& post : posts) list.add(post_node(post));
  return list;
}

}  // namespace

// --- pages

Node channel_history_iq(std::string_view id, const ChannelPage& page) {
  Node messages("messages");
  if (const auto* jid = std::get_if<Jid>(&page.channel)) messages.set("type", "jid").set("jid", *jid);
  else messages.set("type", "invite").set("key", std::get<std::string>(page.channel));
  messages.set("count", page.count);
  put(put(messages, "before", page.before), "after", page.after);
  put(messages, "view_role", name(page.view_role));
  return iq_get(id, xmlns).add(std::move(messages));
}

Result<std::vector<ChannelPost>> read_channel_history(const Node& answer, std::uint64_t unix_seconds) {
  const auto messages = result_child(answer, "messages", "channel history");
  if (!messages) return messages.error();
  return read_posts(**messages, unix_seconds);
}

Node channel_updates_iq(std::string_view id, const ChannelUpdatesPage& page) {
  Node updates("message_updates");
  put(updates.set("count", page.count), "since", page.since);
  put(put(updates, "before", page.before), "after", page.after);
  return iq_get(id, xmlns).set("to", page.channel).add(std::move(updates));
}

Result<std::vector<ChannelPost>> read_channel_updates(const Node& answer, std::uint64_t unix_seconds) {
  const auto updates = result_child(answer, "message_updates", "channel updates");
  if (!updates) return updates.error();
  const Node* messages = (*updates)->child("messages");
  if (messages == nullptr) return Error(Errc::malformed, "channel updates: answer without messages");
  return read_posts(*messages, unix_seconds);
}

Node channel_live_iq(std::string_view id, const Jid& channel) {
  return iq_set(id, xmlns).set("to", channel).add(Node("live_updates"));
}

Result<std::uint64_t> read_channel_live(const Node& answer) {
  const auto live = result_child(answer, "live_updates", "channel live updates");
  if (!live) return live.error();
  const auto seconds = (*live)->number("duration");
  if (!seconds) return Error(Errc::malformed, "channel live updates: answer without a duration");
  return std::clamp(*seconds, min_live_seconds, max_live_seconds);
}

Node channel_addons_iq(std::string_view id) { return iq_get(id, xmlns).add(Node("my_addons").set("limit", "1")); }

std::optional<ChannelPost> read_channel_post(const Node& message, std::uint64_t unix_seconds) {
  if (!message.is("message") || !channel_attr(message, "from")) return std::nullopt;
  return read_post(message, unix_seconds);
}

// --- sending

namespace {

constexpr std::string_view edited = "3", taken_back = "7", deleted = "8";
constexpr std::size_t max_vote_options = 64, max_vote_bytes = 64;

struct SendWriter {
  Node& out;

  void operator()(const PublishPost& send) {
    out.set("type", send.media_type.empty() ? "text" : "media");
    put(out, "media_id", send.media_handle);
    Node plain("plaintext");
    out.add(put(plain, "mediatype", send.media_type).bytes(send.message));
  }
  void operator()(const PublishPoll& send) {
    Node meta("meta");
    put(meta.set("polltype", "creation"), "contenttype", send.content_type);
    out.set("type", "poll").add(Node("plaintext").bytes(send.message)).add(std::move(meta));
  }
  void operator()(const EditPost& send) {
    out.set("type", "text").set("edit", edited).add(Node("plaintext").bytes(send.message));
  }
  void operator()(const DeletePost&) { out.set("type", "text").set("edit", deleted).add(Node("plaintext")); }
  void operator()(const ReactToPost& send) {
    out.set("type", "reaction").set("server_id", send.server_id);
    Node reaction("reaction");
    if (send.code.empty()) out.set("edit", taken_back);
    out.add(put(reaction, "code", send.code));
  }
  void operator()(const VoteInPost& send) {
    Node votes("votes");
    for (const Bytes& option : send.options) votes.add(Node("vote").bytes(option));
    out.set("type", "poll").set("server_id", send.server_id).add(std::move(votes));
    out.add(Node("meta").set("polltype", "vote"));
  }
};

/// nullopt without content, or with one that is no Message.
std::optional<Bytes> plain_message(const Node& stanza) {
  const auto plain = stanza.child_data("plaintext");
  if (!plain || plain->empty() || !parse_message(*plain)) return std::nullopt;
  return to_bytes(*plain);
}

std::optional<ChannelSend> read_vote(const Node& stanza, std::uint64_t server_id) {
  const Node* votes = stanza.child("votes");
  if (votes == nullptr || votes->children().size() > max_vote_options) return std::nullopt;
  VoteInPost vote{server_id, {}};
  for (const Node* row : votes->children("vote")) {
    if (row->data().empty() || row->data().size() > max_vote_bytes) return std::nullopt;
    vote.options.push_back(to_bytes(row->data()));
  }
  return vote;
}

std::optional<ChannelSend> read_reaction(const Node& stanza, std::uint64_t server_id) {
  const Node* reaction = stanza.child("reaction");
  if (reaction == nullptr) return std::nullopt;
  ReactToPost react{server_id, line_attr(*reaction, "code", 64)};
  // Without code it is only taken back when the stanza says so.
  if (react.code.empty() != (stanza.attr("edit") == taken_back)) return std::nullopt;
  return react;
}

}  // namespace

Node channel_message(std::string_view id, const Jid& channel, const ChannelSend& what) {
  Node message("message");
  message.set("to", channel).set("id", id);
  std::visit(SendWriter{message}, what);
  return message;
}

std::optional<std::uint64_t> acked_server_id(const Node& ack) { return ack.number("server_id"); }

Node channel_view_receipt(std::string_view id, const Jid& channel, std::span<const std::uint64_t> server_ids) {
  if (server_ids.empty() || server_ids.size() > max_viewed)
    throw std::logic_error("a view receipt names 1 to 256 posts");
  Node list("list");
  for (const std::uint64_t server_id : server_ids) list.add(Node("item").set("server_id", server_id));
  return Node("receipt").set("to", channel).set("id", id).set("type", "view").add(std::move(list));
}

// --- the network's side

std::optional<ChannelPage> read_channel_history_query(const Node& iq) {
  const Node* messages = is_request(iq, "get", xmlns) ? iq.child("messages") : nullptr;
  if (messages == nullptr) return std::nullopt;
  ChannelPage page;
  if (messages->attr("type") == "invite") {
    const auto invite = channel_invite(messages->attr("key"));
    if (!invite) return std::nullopt;
    page.channel = *invite;
  } else {
    const auto jid = channel_attr(*messages, "jid");
    if (!jid) return std::nullopt;
    page.channel = *jid;
  }
  page.count = std::min<std::uint64_t>(messages->number("count").value_or(page.count), max_list_rows);
  page.before = messages->number("before");
  page.after = messages->number("after");
  page.view_role = channel_role(messages->attr("view_role"));
  return page;
}

Node channel_history_answer(const Node& request, const Jid& channel, std::span<const ChannelPost> posts) {
  return iq_result(request).add(posts_node(channel, posts));
}

std::optional<ChannelUpdatesPage> read_channel_updates_query(const Node& iq) {
  const Node* updates = is_request(iq, "get", xmlns) ? iq.child("message_updates") : nullptr;
  const auto channel = channel_attr(iq, "to");
  if (updates == nullptr || !channel) return std::nullopt;
  ChannelUpdatesPage page;
  page.channel = *channel;
  page.count = std::min<std::uint64_t>(updates->number("count").value_or(page.count), max_list_rows);
  page.since = updates->number("since");
  page.before = updates->number("before");
  page.after = updates->number("after");
  return page;
}

Node channel_updates_answer(const Node& request, const Jid& channel, std::span<const ChannelPost> posts) {
  return iq_result(request).add(Node("message_updates").add(posts_node(channel, posts)));
}

std::optional<Jid> read_channel_live_query(const Node& iq) {
  if (!is_request(iq, "set", xmlns) || iq.child("live_updates") == nullptr) return std::nullopt;
  return channel_attr(iq, "to");
}

Node channel_live_answer(const Node& request, std::uint64_t seconds) {
  return iq_result(request).add(Node("live_updates").set("duration", seconds));
}

Node channel_post_stanza(const Jid& channel, const ChannelPost& post) { return post_node(post).set("from", channel); }

Node channel_change_stanza(const Jid& channel, const ChannelPost& post) {
  Node stanza = channel_post_stanza(channel, post).set("edit", post.message ? edited : deleted);
  if (!post.message) stanza.set("type", "text").add(Node("plaintext"));
  return stanza;
}

std::optional<ChannelSend> read_channel_message(const Node& stanza) {
  if (!stanza.is("message") || !channel_attr(stanza, "to") || !acceptable_id(stanza.attr("id"))) return std::nullopt;
  const std::string type = stanza.attr("type"), edit = stanza.attr("edit");
  const auto server_id = stanza.number("server_id");
  const Node* meta = stanza.child("meta");
  const std::string poll = meta != nullptr ? meta->attr("polltype") : std::string();
  if (type == "reaction") return server_id ? read_reaction(stanza, *server_id) : std::nullopt;
  if (type == "poll" && poll == "vote") return server_id ? read_vote(stanza, *server_id) : std::nullopt;
  if (edit == deleted) return DeletePost{};
  auto message = plain_message(stanza);
  if (!message || (!edit.empty() && edit != edited)) return std::nullopt;
  if (edit == edited) return EditPost{std::move(*message)};
  if (type == "poll" && poll == "creation")
    return PublishPoll{std::move(*message), line_attr(*meta, "contenttype", 32)};
  const std::string media = line_attr(*stanza.child("plaintext"), "mediatype", 32);
  if (type != (media.empty() ? "text" : "media")) return std::nullopt;
  return PublishPost{std::move(*message), media, line_attr(stanza, "media_id", 4096)};
}

std::optional<ChannelViews> read_channel_view_receipt(const Node& receipt) {
  const auto channel = channel_attr(receipt, "to");
  const Node* list = receipt.is("receipt") && receipt.attr("type") == "view" ? receipt.child("list") : nullptr;
  if (!channel || list == nullptr || !within_rows(*list)) return std::nullopt;
  ChannelViews views{*channel, {}};
  for (const Node* row : list->children("item"))
    if (const auto server_id = row->number("server_id")) views.server_ids.push_back(*server_id);
  return views;
}

}  // namespace wharf::protocol
