#pragma once
// What handlers of channels share: which one the path names, and asking the session about it.

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "api/services.h"
#include "sessions/commands.h"

namespace wharf::api {

/// Runs `then` with the channel of the path parameter channelId: at once when its id stands there; when it is the code
/// or the link of an invite, WhatsApp is asked first whose that is. Answers instead when it is none of these, when
/// there is no session, and what WhatsApp refuses.
void with_channel(const ServicesPtr& services, const CallPtr& call, std::function<void(const protocol::Jid&)> then);
/// The server id of a post, of `field`; nullopt: answered.
std::optional<std::uint64_t> server_id_of(const CallPtr& call, const char* field, std::string_view text);
/// Answers with the channel as it is then.
void ask_channel(const ServicesPtr& services, const CallPtr& call, sessions::ChannelRequest request,
                 unsigned status = 200);

}  // namespace wharf::api
