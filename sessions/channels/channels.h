#pragma once
// Channels: which the account follows or has, what is asked of WhatsApp about them, and their posts as they come. What
// is sent to one goes through the outbox (channel_posting.h). A channel is no contact and has no devices; it is a chat
// once a post of it is stored. Specification 03 section 5.3, 05 sections 6.3 and 8.
//
// The rows (storage/channels.h) are what was told last: a notification that comes again finds them as it would leave
// them, so that nothing is told twice. One that leaves something open marks the row as stale before it is acked, so
// that it is asked for as soon as there is a connection, whatever ends before: the backlog comes before the session is
// online, and is not told twice.

#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "events/event.h"
#include "protocol/mex/documents.h"
#include "protocol/notifications/notification.h"
#include "protocol/stanzas/ack.h"
#include "sessions/channels/channel_commands.h"
#include "sessions/channels/channel_sayings.h"
#include "sessions/channels/post_changes.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/due.h"
#include "sessions/reply.h"

namespace wharf::sessions {

class Channels {
 public:
  Channels(Context& context, Directory& directory)
      : c_(context), directory_(directory), post_changes_(context, directory), sayings_(context) {}

  void list(Reply<ChannelList> reply);
  void ask(AskChannel asked, Reply<ChannelAnswer> reply);
  void read_posts(const protocol::ChannelPage& page, Reply<std::vector<protocol::ChannelPost>> reply);
  void read_updates(const protocol::ChannelUpdatesPage& page, Reply<std::vector<protocol::ChannelPost>> reply);
  void react(const ReactInChannel& reaction, Reply<void> reply);
  void view(const ViewPosts& posts, Reply<void> reply);
  void watch(const Jid& channel, Reply<std::uint64_t> reply);

  /// Whatever type it has: those that others act on say nothing here.
  void on_notification(const Node& notification);
  /// A message from a channel: stored and told when it is a post of its own that was not there, and acked; what changes
  /// a post changes the stored one. No receipt: channels take none.
  void on_post(const Node& message);
  /// True: it answered something that was said here.
  bool on_ack(const protocol::Ack& ack) { return sayings_.on_ack(ack); }
  /// The server has an own message: of a post it tells its server id.
  void on_accepted(const Node& node, const protocol::Ack& ack);
  /// ib dirty of type newsletter_metadata: the server says so again, at each login, until it is cleaned with this
  /// timestamp.
  void on_dirty(const std::string& timestamp);
  void on_online();
  void on_link_down();
  std::optional<net::SteadyTime> due() const { return earliest({sayings_.due(), list_again_}); }
  void on_due();

  /// Set by the session: a post was dropped as it is too large, or cannot be read; of the list only so many rows could
  /// be read.
  std::function<void(const std::string& id, std::size_t bytes)> on_too_large;
  std::function<void(const std::string& id, const std::string& why)> on_unreadable;
  std::function<void(std::size_t read)> on_rows_unread;
  /// The same: a post of this kind was stored (auto_downloads.h).
  std::function<void(const std::string& id, const std::string& kind)> on_stored;

 private:
  using Metadata = protocol::ChannelMetadata;
  using Closed = LinkState::LoggedIn::Closed;

  // --- what is known
  std::optional<Metadata> known(const Jid& channel) const;
  /// `learnt_at`: of its row, `stale` for one that is to be asked for.
  void put(const Metadata& metadata, UnixMs learnt_at);
  void remove(const Jid& channel);
  /// Now; `name` as far as it is known. What it says of a post is the caller's.
  events::ChannelUpdated about(const Jid& channel, const char* change, const std::string& name) const;
  void tell(const Metadata& channel, const char* change);
  /// Of a channel that is known: told when it is another than it was. As it is now.
  Metadata learn(Metadata told);
  Metadata learn(Metadata told, const storage::ChannelRow& row);
  /// What WhatsApp itself says of the account's role, over this connection (channel_posting.h).
  void heed_role(const Metadata& told);
  /// Something of it is not known: asked for soon, few at a time. Nothing when the channel is not known.
  void refresh(const Jid& channel);
  void ask_stale();
  void on_refreshed(const Jid& channel, const Node* answer);

  // --- all of them
  ChannelList known_ones() const;
  void ask_list();
  /// `dirty`, `changes`: as they were when it was asked.
  void on_list(const Node* answer, const std::optional<std::string>& dirty, std::size_t changes);
  void take_list(protocol::ChannelsTold told);
  /// A list that changes ran into: once more at once, then further apart each time, as the changes may go on.
  void ask_list_again();

  /// A refusal, with what the account's role in the channel makes of it.
  Refusal explained(const ChannelRequest& request, Refusal why) const;

  // --- what was asked is done
  Metadata settle(const protocol::FetchChannel& asked, Metadata told);
  Metadata settle(const protocol::CreateChannel& asked, Metadata told);
  Metadata settle(const protocol::UpdateChannel& asked, Metadata told);
  Metadata settle(const protocol::DeleteChannel& asked, Metadata told);
  Metadata settle(const protocol::FollowChannel& asked, Metadata told);
  Metadata settle(const protocol::UnfollowChannel& asked, Metadata told);
  Metadata settle(const protocol::MuteChannel& asked, Metadata told);
  /// What is told of it then; its role and state are those of before.
  Metadata leave(const Jid& channel, Metadata told, Closed how);

  /// Of a channel: its posts as they are now.
  void heed(const Jid& channel, const std::vector<protocol::ChannelPost>& posts);

  void hear(const protocol::ChannelMessageUpdated& update);
  void hear(const protocol::ChannelJoined& joined);
  void hear(const protocol::ChannelLeft& left);
  void hear(const protocol::ChannelChanged& changed);
  void hear(const protocol::ChannelMuted& muted);
  template <class Other>
  void hear(const Other&) {}

  static constexpr std::size_t most_counts = 512, most_refreshing = 4;
  static constexpr UnixMs stale = 0;
  static const protocol::MexDocuments& documents();

  Context& c_;
  Directory& directory_;
  PostChanges post_changes_;
  ChannelSayings sayings_;
  bool listed_ = false;                      // on this connection
  bool listing_ = false;                     // asked, not answered
  std::vector<Reply<ChannelList>> waiting_;  // for that answer
  std::optional<std::string> dirty_;
  std::chrono::seconds list_delay_{0};         // to the next question for a list that is dirty still
  std::optional<net::SteadyTime> list_again_;  // not before
  std::size_t changes_ = 0;                    // of rows: an answer that was asked for before says nothing of them
  std::set<Jid> stale_;                        // to be asked for, of those whose rows say so
  std::map<Jid, bool> refreshing_;             // asked for; true: it has changed again since
  std::map<std::pair<Jid, std::uint64_t>, std::size_t> counts_;  // a hash of what was told last of each post
};

}  // namespace wharf::sessions
