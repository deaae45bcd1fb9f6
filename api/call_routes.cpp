// Handlers of calls.
#include "api/handlers.h"
#include "api/json_writer.h"
#include "api/services.h"
#include "sessions/commands.h"

namespace wharf::api {

void reject_call(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  const std::string id = call->param("callId");
  ask_session(services, call, sessions::RejectCall{id}, [call, id] {
    JsonWriter out(id.size() + 48);
    call->success(out.begin_object().text("id", id).boolean("rejected", true).end_object().take());
  });
}

}  // namespace wharf::api
