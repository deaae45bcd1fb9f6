#pragma once
// Where the file of a message to be sent comes from: the body of the request, an address, or a message that is stored.

#include <functional>
#include <string>
#include <variant>

#include "api/services.h"
#include "sessions/media/stored_media.h"

namespace wharf::api {

/// A file that has come, or one that lies on WhatsApp's servers already and is announced again.
using MediaSource = std::variant<TakenFile, sessions::StoredMedia, Failure>;

/// Reads `data`, `url` or `mediaMessageId` of a validated body, of which there must be one; files of call->files move
/// out. `kind`: as what it will be kept. `done` runs once.
void find_source(const ServicesPtr& services, const CallPtr& call, protocol::MessageKind kind,
                 std::function<void(MediaSource)> done);

/// The file of a stored message as plain bytes, fetched from WhatsApp's servers when it is not here.
void open_media(const ServicesPtr& services, const CallPtr& call, const std::string& message,
                const sessions::StoredMedia& media,
                std::function<void(std::variant<std::shared_ptr<sessions::MediaReader>, Failure>)> done);

}  // namespace wharf::api
