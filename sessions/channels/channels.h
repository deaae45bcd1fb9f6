#pragma once
// Channels: which the account follows or has, what is asked of WhatsApp about them, and their posts as they come. What
// is sent to one goes through the outbox (channel_posting.h). A channel is no contact and has no devices; it is a chat
// once a post of it is stored. Specification 03 section 5.3, 05 sections 6.3 and 8.
//
// The rows (storage/channels.h) are what was told last: a notification that comes again finds them as it would leave
// them, so that nothing is told twice.

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "protocol/mex/documents.h"
#include "protocol/notifications/notification.h"
#include "protocol/stanzas/ack.h"
#include "sessions/channels/channel_commands.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "sessions/reply.h"

namespace wharf::sessions {

class Channels {
 public:
  Channels(Context& context, Directory& directory) : c_(context), directory_(directory) {}

  void list(Reply<ChannelList> reply);
  void ask(AskChannel asked, Reply<ChannelAnswer> reply);
  void read_posts(const protocol::ChannelPage& page, Reply<std::vector<protocol::ChannelPost>> reply);
  void read_updates(const protocol::ChannelUpdatesPage& page, Reply<std::vector<protocol::ChannelPost>> reply);
  void react(const ReactInChannel& reaction, Reply<void> reply);
  void view(const ViewPosts& posts, Reply<void> reply);
  void watch(const Jid& channel, Reply<std::uint64_t> reply);

  /// Whatever type it has: those that others act on say nothing here.
  void on_notification(const Node& notification);
  /// A message from a channel: stored and told when it is a post of its own that was not there, and acked. No receipt:
  /// channels take none.
  void on_post(const Node& message);
  /// True: it answered something that was said here.
  bool on_ack(const protocol::Ack& ack);
  /// The server has an own message: of a post it tells its server id.
  void on_accepted(const Node& node, const protocol::Ack& ack);
  /// The server calls what is known of channels dirty.
  void on_dirty() { listed_ = false; }
  void on_link_down();
  std::optional<net::SteadyTime> due() const;
  void on_due();

 private:
  using Metadata = protocol::ChannelMetadata;
  struct Said {
    Reply<void> reply;
    net::SteadyTime until;
  };

  // --- what is known
  std::optional<Metadata> known(const Jid& channel) const;
  void put(const Metadata& metadata);
  void remove(const Jid& channel);
  void tell(const Metadata& channel, const char* change);
  /// Of a channel that is known: told when it is another than it was. As it is now.
  Metadata learn(Metadata told);
  void take_list(std::vector<Metadata> told, std::size_t changes_before);
  /// Asks for what a notification has left open.
  void refresh(const Jid& channel);

  // --- what was asked is done
  Metadata settle(const protocol::FetchChannel& asked, Metadata told);
  Metadata settle(const protocol::CreateChannel& asked, Metadata told);
  Metadata settle(const protocol::UpdateChannel& asked, Metadata told);
  Metadata settle(const protocol::DeleteChannel& asked, Metadata told);
  Metadata settle(const protocol::FollowChannel& asked, Metadata told);
  Metadata settle(const protocol::UnfollowChannel& asked, Metadata told);
  Metadata settle(const protocol::MuteChannel& asked, Metadata told);
  Metadata leave(const Jid& channel, Metadata told, const char* change);

  /// Of a question in the namespace of channels: `read` judges the answer.
  template <class Read, class T>
  void question(const Node& iq, Read read, Reply<T> reply);
  void say(const Node& stanza, Reply<void> reply);

  void hear(const protocol::ChannelMessageUpdated& update);
  void hear(const protocol::ChannelJoined& joined);
  void hear(const protocol::ChannelLeft& left);
  void hear(const protocol::ChannelChanged& changed);
  void hear(const protocol::ChannelMuted& muted);
  template <class Other>
  void hear(const Other&) {}

  static constexpr std::size_t most_said = 64, most_counts = 512;
  static const protocol::MexDocuments& documents();

  Context& c_;
  Directory& directory_;
  bool listed_ = false;               // on this connection
  std::size_t changes_ = 0;           // of rows: an answer that was asked for before says nothing of them
  std::map<Jid, bool> refreshing_;    // true: it has changed again since
  std::map<std::string, Said> said_;  // by stanza id
  std::map<std::pair<Jid, std::uint64_t>, std::size_t> counts_;  // a hash of what was told last of each post
};

}  // namespace wharf::sessions
