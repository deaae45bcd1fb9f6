// What users ask of a session about channels.
#include <utility>
#include <vector>

#include "protocol/media/media_urls.h"
#include "sessions/server_refusal.h"
#include "sessions/session.h"

namespace wharf::sessions {

void Session::carry_out(const ListChannels&, Reply<ChannelList> reply) { channels_.list(std::move(reply)); }
void Session::carry_out(AskChannel& ask, Reply<ChannelAnswer> reply) {
  channels_.ask(std::move(ask), std::move(reply));
}
void Session::carry_out(const LocatePicture& locate, Reply<std::string> reply) {
  if (!context_.link.online()) return context_.answer(std::move(reply), not_connected());
  if (!protocol::acceptable_direct_path(locate.direct_path))
    return context_.answer(
        std::move(reply), Refusal(Errc::malformed, Subject::media, "the channel names no usable place of its picture"));
  media_hosts_.get(
      [this, path = locate.direct_path, reply = std::move(reply)](const protocol::MediaConn* hosts) mutable {
        auto names = hosts != nullptr ? hosts->download_hosts() : media_hosts_.download_hosts();
        std::erase_if(names, [](const std::string& name) { return !protocol::acceptable_media_host(name); });
        const std::string host = names.empty() ? std::string(protocol::default_media_hosts[0]) : names.front();
        context_.answer(std::move(reply), "https://" + host + path);
      });
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
