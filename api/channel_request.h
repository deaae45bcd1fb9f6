#pragma once
// What handlers of channels share: which one the path names, and asking the session about it.

#include <cstdint>
#include <optional>
#include <string_view>

#include "api/services.h"
#include "sessions/commands.h"

namespace wharf::api {

/// The channel of the path parameter channelId; answers and returns nullopt when it is none, or there is no session.
std::optional<protocol::Jid> channel_of(const ServicesPtr& services, const CallPtr& call);
/// The server id of a post, of `field`; nullopt: answered.
std::optional<std::uint64_t> server_id_of(const CallPtr& call, const char* field, std::string_view text);
/// Answers with the channel as it is then.
void ask_channel(const ServicesPtr& services, const CallPtr& call, sessions::ChannelRequest request,
                 unsigned status = 200);

}  // namespace wharf::api
