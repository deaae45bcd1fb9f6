#include "sessions/channels/channel_knowledge.h"

#include <algorithm>
#include <utility>
#include <variant>

#include "protocol/mex/json.h"
#include "protocol/mex/query.h"

namespace wharf::sessions {

using protocol::ChannelRole;
using protocol::Errc;
using protocol::Error;
using protocol::Node;
using protocol::Result;

namespace {

/// The channel that a request names; nullptr where it names none, or by an invite.
struct NamedChannel {
  const Jid* operator()(const protocol::FetchChannel& asked) const { return std::get_if<Jid>(&asked.key); }
  const Jid* operator()(const protocol::CreateChannel&) const { return nullptr; }
  template <class OfOne>
  const Jid* operator()(const OfOne& asked) const {
    return &asked.channel;
  }
};

}  // namespace

Result<protocol::ChannelMetadata> read_answer_to(const ChannelRequest& request, const Node& answer) {
  const Jid* named = std::visit(NamedChannel(), request);
  if (std::holds_alternative<protocol::DeleteChannel>(request) ||
      std::holds_alternative<protocol::MuteChannel>(request)) {
    const auto done = protocol::read_mex_answer(answer);
    if (!done) return done.error();
    protocol::ChannelMetadata metadata;
    metadata.id = *named;
    return metadata;
  }
  auto told = protocol::read_channel_answer(answer);
  if (told && named != nullptr && told->id != *named)
    return Error(Errc::malformed, "channel: the answer is about another one");
  return told;
}

protocol::ChannelMetadata complete_with(protocol::ChannelMetadata told, const protocol::ChannelMetadata& known) {
  if (told.name.empty()) {
    protocol::ChannelMetadata out = known;
    if (told.role != ChannelRole::unknown && told.role != ChannelRole::guest) out.role = told.role;
    if (told.muted) out.muted = told.muted;
    if (told.state != protocol::ChannelState::unknown) out.state = told.state;
    return out;
  }
  // Who looks as a guest may be told to be one.
  if (told.role == ChannelRole::unknown || told.role == ChannelRole::guest) told.role = known.role;
  if (!told.muted) told.muted = known.muted;
  if (!told.subscribers) told.subscribers = known.subscribers;
  if (told.invite.empty()) told.invite = known.invite;
  return told;
}

protocol::ChannelMetadata metadata_of(const storage::ChannelRow& row) {
  const auto json = protocol::parse_json(protocol::as_bytes(row.metadata), protocol::mex_limits);
  if (auto metadata = json ? protocol::read_channel_metadata(*json) : std::nullopt) return std::move(*metadata);
  protocol::ChannelMetadata metadata;
  metadata.id = row.channel;
  return metadata;
}

bool tells_all(const protocol::ChannelMetadata& told) {
  return !told.name.empty() && told.role != ChannelRole::unknown && told.role != ChannelRole::guest;
}

bool far_apart(const std::optional<std::uint64_t>& one, const std::optional<std::uint64_t>& other) {
  if (!one || !other) return one.has_value() != other.has_value();
  return std::max(*one, *other) - std::min(*one, *other) > std::min(*one, *other) / 100;
}

bool same_but_followers(protocol::ChannelMetadata one, const protocol::ChannelMetadata& other) {
  one.subscribers = other.subscribers;
  return one == other;
}

}  // namespace wharf::sessions
