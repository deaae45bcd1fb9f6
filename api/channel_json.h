#pragma once
// Channels and their posts as callers see them (api/schemas_channels.cpp).

#include <string>
#include <vector>

#include "api/dialect_choice.h"
#include "protocol/channels/metadata.h"
#include "protocol/channels/posts.h"

namespace wharf::api {

/// `fresh`: WhatsApp was asked; nullptr: it is not said.
std::string channel_json(const protocol::ChannelMetadata& channel, const bool* fresh);
std::string channels_json(const std::vector<protocol::ChannelMetadata>& channels, bool fresh);
/// In the order given. Ids, types and times as the dialect shows those of messages.
std::string posts_json(const std::vector<protocol::ChannelPost>& posts, const protocol::Jid& channel, Dialect dialect);

}  // namespace wharf::api
