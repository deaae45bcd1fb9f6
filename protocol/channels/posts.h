#pragma once
// The posts of a channel: read in pages, watched, and sent. Nothing here is encrypted, and a Message is never padded.
// Specification 05 sections 8.4 and 8.5.

#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "protocol/channels/counts.h"
#include "protocol/channels/metadata.h"

namespace wharf::protocol {

struct ChannelPost {
  ChannelCounts counts = {};             // with the server_id
  std::string id = {};                   // "" = not said
  std::string type = {};                 // text, media, reaction, poll; "" = not said
  std::optional<std::uint64_t> at = {};  // t
  bool own = false;                      // is_sender
  std::optional<Bytes> message = {};     // an encoded Message; nullopt when there is none or it does not decode
  std::string media_type = {};           // of what it holds: image, video, …
  friend bool operator==(const ChannelPost&, const ChannelPost&) = default;
};

// --- reading pages

/// Posts before or after one, by server_id; neither: the newest.
struct ChannelPage {
  std::variant<Jid, std::string> channel;  // or the code of an invite
  std::uint64_t count = 50;
  std::optional<std::uint64_t> before = {}, after = {};
  ChannelRole view_role{};  // unknown: not said
  friend bool operator==(const ChannelPage&, const ChannelPage&) = default;
};
Node channel_history_iq(std::string_view id, const ChannelPage& page);
/// Posts without a usable server_id are left out. Errors: as iq_refusal (protocol/stanzas/iq_reading.h), malformed (no
/// <messages>, over 1,000 rows).
Result<std::vector<ChannelPost>> read_channel_history(const Node& answer, std::uint64_t unix_seconds);

/// What changed of posts since: counts and edits. The web client always names `before` or `after`.
struct ChannelUpdatesPage {
  Jid channel;
  std::uint64_t count = 100;
  std::optional<std::uint64_t> since = {};  // unix seconds
  std::optional<std::uint64_t> before = {}, after = {};
  friend bool operator==(const ChannelUpdatesPage&, const ChannelUpdatesPage&) = default;
};
Node channel_updates_iq(std::string_view id, const ChannelUpdatesPage& page);
Result<std::vector<ChannelPost>> read_channel_updates(const Node& answer, std::uint64_t unix_seconds);

/// Watching: live updates come as notifications (ChannelMessageUpdated) for the seconds answered, 30 to 600. Ask again
/// before they end, only while somebody looks.
Node channel_live_iq(std::string_view id, const Jid& channel);
Result<std::uint64_t> read_channel_live(const Node& answer);
/// Own reactions and votes, asked for when the server calls them dirty. No page says what the answer holds.
Node channel_addons_iq(std::string_view id);

/// An ordinary <message> from a channel. nullopt when it is none, or has no server_id.
std::optional<ChannelPost> read_channel_post(const Node& message, std::uint64_t unix_seconds);

// --- sending; the ack tells the server_id of a new post

struct PublishPost {
  Bytes message;                  // encoded, unpadded
  std::string media_type = {};    // image, video, …; "" = text
  std::string media_handle = {};  // of the upload, with a media_type
  friend bool operator==(const PublishPost&, const PublishPost&) = default;
};
struct PublishPoll {
  Bytes message;
  std::string content_type = {};
  friend bool operator==(const PublishPoll&, const PublishPoll&) = default;
};
/// Under the id of the post, as DeletePost.
struct EditPost {
  Bytes message;
  friend bool operator==(const EditPost&, const EditPost&) = default;
};
struct DeletePost {
  friend bool operator==(const DeletePost&, const DeletePost&) = default;
};
struct ReactToPost {
  std::uint64_t server_id = 0;
  std::string code;  // "" takes it back
  friend bool operator==(const ReactToPost&, const ReactToPost&) = default;
};
struct VoteInPost {
  std::uint64_t server_id = 0;
  std::vector<Bytes> options;  // hashes, at most 64 of up to 64 bytes
  friend bool operator==(const VoteInPost&, const VoteInPost&) = default;
};
using ChannelSend = std::variant<PublishPost, PublishPoll, EditPost, DeletePost, ReactToPost, VoteInPost>;
Node channel_message(std::string_view id, const Jid& channel, const ChannelSend& what);
std::optional<std::uint64_t> acked_server_id(const Node& ack);

/// Once per post, and only when it was shown. 1 to 256 posts; more is a broken invariant of the caller.
Node channel_view_receipt(std::string_view id, const Jid& channel, std::span<const std::uint64_t> server_ids);

// --- the network's side

std::optional<ChannelPage> read_channel_history_query(const Node& iq);
Node channel_history_answer(const Node& request, const Jid& channel, std::span<const ChannelPost> posts);
std::optional<ChannelUpdatesPage> read_channel_updates_query(const Node& iq);
Node channel_updates_answer(const Node& request, const Jid& channel, std::span<const ChannelPost> posts);
std::optional<Jid> read_channel_live_query(const Node& iq);
Node channel_live_answer(const Node& request, std::uint64_t seconds);
/// As followers get it.
Node channel_post_stanza(const Jid& channel, const ChannelPost& post);
/// The same of one that was edited, or deleted (no message): under the id of the post, `at` is when (03 section 5.3).
Node channel_change_stanza(const Jid& channel, const ChannelPost& post);
/// nullopt when it is not sent to a channel, has no usable id, or is none of these.
std::optional<ChannelSend> read_channel_message(const Node& message);
struct ChannelViews {
  Jid channel;
  std::vector<std::uint64_t> server_ids;
};
/// At most 1,000. nullopt when it is another receipt.
std::optional<ChannelViews> read_channel_view_receipt(const Node& receipt);

}  // namespace wharf::protocol
