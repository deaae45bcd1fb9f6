#pragma once
// What is known of a channel, and what an answer or a list adds to it. Pure. Specification 05 section 8.

#include <cstdint>
#include <optional>

#include "protocol/binary/node.h"
#include "sessions/channels/channel_commands.h"
#include "storage/channels.h"

namespace wharf::sessions {

/// What the answer to a request tells; of what is only done (deleted, muted) the id alone. Errors: those of the answer,
/// malformed when it is about another channel.
protocol::Result<protocol::ChannelMetadata> read_answer_to(const ChannelRequest& request, const protocol::Node& answer);

/// As the row has it; of one that cannot be read the id alone.
protocol::ChannelMetadata metadata_of(const storage::ChannelRow& row);

/// What is told, with what is known where it says nothing: an answer may name the channel alone.
protocol::ChannelMetadata complete_with(protocol::ChannelMetadata told, const protocol::ChannelMetadata& known);

/// Whether nothing is left open: an answer may name the channel alone, and who looks as a guest is told no role.
bool tells_all(const protocol::ChannelMetadata& told);

/// Of two counts of followers. How many follow it is another number every time, and not worth a write for each in a
/// hundred.
bool far_apart(const std::optional<std::uint64_t>& one, const std::optional<std::uint64_t>& other);

/// But for how many follow it.
bool same_but_followers(protocol::ChannelMetadata one, const protocol::ChannelMetadata& other);

}  // namespace wharf::sessions
