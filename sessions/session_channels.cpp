// What users ask of a session about channels.
#include <utility>

#include "sessions/session.h"

namespace wharf::sessions {

void Session::carry_out(const ListChannels&, Reply<ChannelList> reply) { channels_.list(std::move(reply)); }
void Session::carry_out(AskChannel& ask, Reply<ChannelAnswer> reply) {
  channels_.ask(std::move(ask), std::move(reply));
}
void Session::carry_out(const ReadPosts& read, Reply<std::vector<protocol::ChannelPost>> reply) {
  channels_.read_posts(read.page, std::move(reply));
}
void Session::carry_out(const FetchPostFile& wanted, Reply<void> reply) { downloads_.fetch(wanted, std::move(reply)); }
void Session::carry_out(const ReadPostUpdates& read, Reply<std::vector<protocol::ChannelPost>> reply) {
  channels_.read_updates(read.page, std::move(reply));
}
void Session::carry_out(const ReactInChannel& reaction, Reply<void> reply) {
  channels_.react(reaction, std::move(reply));
}
void Session::carry_out(const ViewPosts& posts, Reply<void> reply) { channels_.view(posts, std::move(reply)); }
void Session::carry_out(const WatchChannel& watch, Reply<std::uint64_t> reply) {
  channels_.watch(watch.channel, std::move(reply));
}

}  // namespace wharf::sessions
