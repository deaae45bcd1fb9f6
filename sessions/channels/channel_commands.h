#pragma once
// What may be asked of a session about channels (sessions/commands.h). Unless said otherwise each is asked of WhatsApp
// and may fail with not_ready (not connected), timed_out, not_found, conflict, malformed, forbidden, rate_limited,
// refused, about Subject::channel. Specification 05 section 8.

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "protocol/channels/operations.h"
#include "protocol/channels/posts.h"

namespace wharf::sessions {

using protocol::Jid;

/// The channels that the account follows or has: those that WhatsApp names, asked for once a connection; else those
/// that are known.
struct ChannelList {
  std::vector<protocol::ChannelMetadata> channels;  // at most max_channels
  bool fresh = false;                               // WhatsApp was asked on this connection
};
/// Errors: those of all only when no channel is known; without a connection it is what is known.
struct ListChannels {
  using Answer = ChannelList;
  static constexpr const char* name = "list_channels";
  friend bool operator==(const ListChannels&, const ListChannels&) = default;
};

using ChannelRequest =
    std::variant<protocol::FetchChannel, protocol::CreateChannel, protocol::UpdateChannel, protocol::DeleteChannel,
                 protocol::FollowChannel, protocol::UnfollowChannel, protocol::MuteChannel>;
/// What is known of the channel behind what was done: of one that is left no more than WhatsApp says of it.
struct ChannelAnswer {
  protocol::ChannelMetadata metadata;
  bool fresh = true;  // false: there is no connection, and this is what was known
};
/// Without a connection a channel that is known is told by its JID as it was known. Errors: malformed also when
/// WhatsApp tells of another channel.
struct AskChannel {
  using Answer = ChannelAnswer;
  static constexpr const char* name = "ask_channel";
  ChannelRequest request;
  friend bool operator==(const AskChannel&, const AskChannel&) = default;
};
/// The https address of a channel's picture, which is in clear on the media hosts: of the direct path that the channel
/// says, on the host that WhatsApp names for downloads. Specification 05 section 8.3. Errors: not_ready; malformed
/// about Subject::media (no path).
struct LocatePicture {
  using Answer = std::string;
  static constexpr const char* name = "locate_picture";
  std::string direct_path;
  friend bool operator==(const LocatePicture&, const LocatePicture&) = default;
};
/// A page of posts as WhatsApp has them: with their counts, the order is its.
struct ReadPosts {
  using Answer = std::vector<protocol::ChannelPost>;
  static constexpr const char* name = "read_posts";
  protocol::ChannelPage page;
  friend bool operator==(const ReadPosts&, const ReadPosts&) = default;
};
/// The file of a post, stored or not, is in the vault once this is answered, verified (stored_media() of `content` in
/// this channel tells which). Errors: as FetchMedia, about Subject::media.
struct FetchPostFile {
  using Answer = void;
  static constexpr const char* name = "fetch_post_file";
  Jid channel;
  std::uint64_t server_id = 0;
  protocol::Bytes content = {};  // an encoded Message, as a page shows it
  friend bool operator==(const FetchPostFile&, const FetchPostFile&) = default;
};
/// What changed of posts: counts, edits, deletions. The web client always names `before` or `after`.
struct ReadPostUpdates {
  using Answer = std::vector<protocol::ChannelPost>;
  static constexpr const char* name = "read_post_updates";
  protocol::ChannelUpdatesPage page;
  friend bool operator==(const ReadPostUpdates&, const ReadPostUpdates&) = default;
};
/// Said at once, never queued; answered when WhatsApp has it. Errors: not_found about Subject::message when the channel
/// is known here, so that it is the post that is missing.
struct ReactInChannel {
  using Answer = void;
  static constexpr const char* name = "react_in_channel";
  Jid channel;
  std::uint64_t server_id = 0;
  std::string emoji;  // "" takes the reaction back
  friend bool operator==(const ReactInChannel&, const ReactInChannel&) = default;
};
/// The account has seen these posts: WhatsApp counts a view of each. The same.
struct ViewPosts {
  using Answer = void;
  static constexpr const char* name = "view_posts";
  Jid channel;
  std::vector<std::uint64_t> server_ids;  // at most max_viewed
  friend bool operator==(const ViewPosts&, const ViewPosts&) = default;
};
/// Counts of its posts are told as they change (channel_update), for the seconds answered.
struct WatchChannel {
  using Answer = std::uint64_t;
  static constexpr const char* name = "watch_channel";
  Jid channel;
  friend bool operator==(const WatchChannel&, const WatchChannel&) = default;
};

inline constexpr std::size_t max_channels = 1'000;
inline constexpr std::size_t max_viewed = 256;
inline constexpr std::size_t max_posts_of_page = 100;

}  // namespace wharf::sessions
