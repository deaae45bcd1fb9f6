#include "protocol/channels/counts.h"

#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t max_code_bytes = 64;

}  // namespace

std::optional<ChannelCounts> read_channel_counts(const Node& message) {
  const auto server_id = message.number("server_id");
  if (!server_id) return std::nullopt;
  ChannelCounts counts;
  counts.server_id = *server_id;
  if (const Node* views = message.child("views_count")) counts.views = views->number("count");
  const Node* reactions = message.child("reactions");
  if (reactions == nullptr || !within_rows(*reactions)) return counts;
  for (const Node* reaction : reactions->children("reaction")) {
    std::string code = line_attr(*reaction, "code", max_code_bytes);
    const auto count = reaction->number("count");
    if (!code.empty() && count) counts.reactions.push_back({std::move(code), *count});
  }
  return counts;
}

void add_channel_counts(Node& message, const ChannelCounts& counts) {
  if (counts.views) message.add(Node("views_count").set("count", *counts.views));
  if (counts.reactions.empty()) return;
  Node reactions("reactions");
  for (const ReactionCount& reaction : counts.reactions)
    reactions.add(Node("reaction").set("code", reaction.code).set("count", reaction.count));
  message.add(std::move(reactions));
}

}  // namespace wharf::protocol
