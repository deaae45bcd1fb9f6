#pragma once
// What a post of a channel counts. Specification 05 sections 8.4 and 8.5.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/binary/node.h"

namespace wharf::protocol {

struct ReactionCount {
  std::string code;  // an emoji, one line
  std::uint64_t count = 0;
  friend bool operator==(const ReactionCount&, const ReactionCount&) = default;
};

struct ChannelCounts {
  std::uint64_t server_id = 0;         // orders the posts of a channel
  std::optional<std::uint64_t> views;  // nullopt: not said this time
  std::vector<ReactionCount> reactions;
  friend bool operator==(const ChannelCounts&, const ChannelCounts&) = default;
};

/// Of a <message server_id>; nullopt without a usable server_id. Of more reactions than 1,000 none is read.
std::optional<ChannelCounts> read_channel_counts(const Node& message);
/// Adds <views_count> and <reactions> to a <message>.
void add_channel_counts(Node& message, const ChannelCounts& counts);

}  // namespace wharf::protocol
