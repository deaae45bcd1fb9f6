#pragma once
// Channels and their posts as callers see them (api/schemas_channels.cpp).

#include <string>
#include <string_view>
#include <vector>

#include "api/dialect_choice.h"
#include "protocol/channels/metadata.h"
#include "protocol/channels/posts.h"

namespace wharf::api {

/// `fresh`: WhatsApp was asked; nullptr: it is not said.
std::string channel_json(const protocol::ChannelMetadata& channel, const bool* fresh);
std::string channels_json(const std::vector<protocol::ChannelMetadata>& channels, bool fresh);
/// In the order given. Ids, types, times and what a post holds beside its text as the dialect shows those of messages.
std::string posts_json(const std::vector<protocol::ChannelPost>& posts, const protocol::Jid& channel,
                       std::string_view session_name, Dialect dialect);

}  // namespace wharf::api
