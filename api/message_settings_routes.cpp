// Handlers of what is set on messages and chats, beside what is sent (send_routes.cpp) and read (message_routes.cpp).
#include <utility>

#include "api/chat_id.h"
#include "api/handlers.h"
#include "api/json_writer.h"
#include "api/schemas.h"
#include "api/sending.h"

namespace wharf::api {

using sessions::SendMessage;

void set_disappearing(const ServicesPtr& services, const CallPtr& call) {
  const auto chat = parse_chat_id(call->param("chatId"));
  if (!chat)
    return call->failure(
        failure_of({FieldProblem{"chatId", chat_id_problem(call->param("chatId")), &formats::chat_id, false}}));
  if (chat->is_group())
    return refuse_field(call, "chatId", "is a group, whose timer is one of its settings: PATCH …/groups/{groupId}");
  const std::int64_t seconds = integer_of(call->body, "seconds").value_or(0);  // validated
  SendMessage message;
  message.chat = *chat;
  message.content = sessions::SetDisappearing{static_cast<std::uint32_t>(seconds)};
  send_message(services, call, schemas::set_disappearing, std::move(message));
}

namespace {

Failure local_failure(const CallPtr& call, const sessions::Refusal& refusal) {
  if (refusal.subject != sessions::Subject::message) return failure_of(call, refusal);
  const bool unknown = refusal.code == protocol::Errc::not_found;
  return Failure(unknown ? ErrorCode::message_not_found : ErrorCode::validation, "messageId: " + refusal.detail,
                 {{"messageId", refusal.detail}});
}

}  // namespace

void star_message(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  auto id = message_of_path(services, call);
  if (!id) return;
  const bool starred = boolean_of(call->body, "starred", true);
  ask(services, call,
      sessions::StarMessage{std::move(id->id), starred, side_of_message_id(call->param("messageId")),
                            std::move(id->chat)},
      [call, starred](const sessions::Outcome<>& done) {
        if (!done) return call->failure(local_failure(call, done.error()));
        JsonWriter out(128);
        out.begin_object().text("messageId", call->param("messageId")).boolean("starred", starred).end_object();
        call->success(out.take());
      });
}

void remove_message(const ServicesPtr& services, const CallPtr& call, NamedMessage named) {
  if (!session_of(services, call)) return;
  for (const char* name : {"waitFor", "timeout"})
    if (call->query.has(name)) return refuse_field(call, name, "is for what WhatsApp is told: this is done here alone");
  ask(services, call,
      sessions::RemoveMessage{std::move(named.id), side_of_message_id(call->param("messageId")), std::move(named.chat)},
      [call](const sessions::Outcome<>& removed) {
        if (!removed) return call->failure(local_failure(call, removed.error()));
        call->send(net::HttpResponse(204, {}, {}));
      });
}

}  // namespace wharf::api
