#include "sessions/channels/channel_sayings.h"

#include <chrono>
#include <utility>

#include "sessions/server_refusal.h"

namespace wharf::sessions {

namespace {

constexpr std::chrono::seconds patience{32};
constexpr std::size_t most_said = 64;

}  // namespace

void ChannelSayings::say(const Jid& channel, const Node& stanza, Reply<void> reply) {
  if (!c_.link.online()) return c_.answer(std::move(reply), not_connected());
  if (said_.size() >= most_said)
    return c_.answer(std::move(reply),
                     Refusal(Errc::rate_limited, Subject::channel, "too much is being said in channels at once"));
  c_.send(stanza);
  said_.insert_or_assign(stanza.attr("id"), Said{std::move(reply), in(c_, patience), channel});
}

bool ChannelSayings::on_ack(const protocol::Ack& ack) {
  auto found = said_.find(ack.id);
  if (found == said_.end()) return false;
  Said said = std::move(found->second);
  said_.erase(found);
  if (ack.error == 0) {
    c_.answer(std::move(said.reply), Outcome<>());
    return true;
  }
  const Errc why = errc_of_server(ack.error);
  const std::string code = " (" + std::to_string(ack.error) + ")";
  // The code does not say what is missing: of a channel that is known here it is the post.
  const bool post = why == Errc::not_found && c_.records.find_channel(said.channel).has_value();
  c_.answer(std::move(said.reply),
            post ? Refusal(why, Subject::message, "WhatsApp knows no such post of this channel" + code)
                 : Refusal(why, Subject::channel, "WhatsApp refused it" + code));
  return true;
}

std::optional<net::SteadyTime> ChannelSayings::due() const {
  std::optional<net::SteadyTime> first;
  for (const auto& [id, said] : said_)
    if (!first || said.until < *first) first = said.until;
  return first;
}

void ChannelSayings::on_due() {
  for (auto it = said_.begin(); it != said_.end();) {
    if (it->second.until > c_.now.steady) {
      ++it;
      continue;
    }
    c_.answer(std::move(it->second.reply), no_answer());
    it = said_.erase(it);
  }
}

void ChannelSayings::on_link_down() {
  for (auto& [id, said] : said_)
    c_.answer(std::move(said.reply), Error(Errc::timed_out, "the connection ended before WhatsApp answered"));
  said_.clear();
}

}  // namespace wharf::sessions
