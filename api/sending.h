#pragma once
// What the handlers of everything that is sent share: reading what stands around a content, sending the command, and
// answering for it.

#include <optional>
#include <string>

#include "api/services.h"
#include "sessions/commands.h"

namespace wharf::api {

/// What every message of its own can say beside its content; of a validated body.
sessions::SendMessage around_content(const boost::json::object& body);
/// `schema`: what the body was validated against. `content_hash`: of a file, which makes two requests different ones;
/// "" without. A file that the session does not take over is dropped.
void send_message(const ServicesPtr& services, const CallPtr& call, const Schema& schema, sessions::SendMessage message,
                  const std::string& content_hash = {});
std::string sent_message_json(const sessions::SentMessage& sent, Dialect dialect, bool timed_out);
/// "low", "normal", "high"
std::string_view priority_name(storage::Priority priority);
void refuse_field(const CallPtr& call, std::string field, std::string what);

}  // namespace wharf::api
