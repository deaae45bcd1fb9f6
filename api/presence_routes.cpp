// Handlers of presence: who is online, and what others see of the account while it is connected and writes.
#include <utility>

#include "api/contact_json.h"
#include "api/contact_request.h"
#include "api/handlers.h"
#include "api/message_page.h"
#include "api/sending.h"
#include "sessions/commands.h"

namespace wharf::api {

using protocol::ChatState;
using sessions::PresenceView;

namespace {

/// The gateway dialect's rule: nothing of a chat state can wait for a connection, so without one this server cannot
/// show it. No other request says it so.
Failure without_client(Failure failure) {
  if (failure.code != ErrorCode::session_not_ready) return failure;
  return Failure(ErrorCode::not_implemented, "the session has no connected WhatsApp client: " + failure.message);
}

void answer_presence(const CallPtr& call, const PresenceView& presence) {
  call->success(contact_presence_json(presence, call->dialect));
}

}  // namespace

void set_presence(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  const auto chat = chat_of(services, call, view->id);
  if (!chat) return;
  if (chat->is_channel())
    return refuse_field(call, "chatId", "must be a person or a group: nobody writes in a channel");
  const auto state = protocol::chat_state_named(text_of(call->body, "state"));
  ask(services, call, sessions::ShowChatState{*chat, state.value_or(ChatState::composing)},
      [call](const sessions::Outcome<>& shown) {
        if (!shown) return call->failure(without_client(failure_of(call, shown.error())));
        call->send(net::HttpResponse(204, {}, {}));
      });
}

void show_presence(const ServicesPtr& services, const CallPtr& call) {
  if (!session_of(services, call)) return;
  const bool available = text_of(call->body, "presence") == "available";
  ask_session(services, call, sessions::ShowPresence{available}, [call, available] {
    JsonWriter out(48);
    call->success(out.begin_object().text("presence", available ? "available" : "unavailable").end_object().take());
  });
}

void watch_presence(const ServicesPtr& services, const CallPtr& call) {
  const auto contact = contact_of(services, call);
  if (!contact) return;
  if (contact->is_own) return refuse_field(call, "contactId", "must not be the own account: nobody tells its presence");
  ask_session(services, call, sessions::WatchPresence{contact->jid, true},
              [call](const PresenceView& presence) { answer_presence(call, presence); });
}

void unwatch_presence(const ServicesPtr& services, const CallPtr& call) {
  if (const auto contact = contact_of(services, call))
    ask_session(services, call, sessions::WatchPresence{contact->jid, false},
                [call](const PresenceView&) { call->send(net::HttpResponse(204, {}, {})); });
}

void get_contact_presence(const ServicesPtr& services, const CallPtr& call) {
  if (const auto contact = contact_of(services, call))
    ask_session(services, call, sessions::ReadPresence{contact->jid},
                [call](const PresenceView& presence) { answer_presence(call, presence); });
}

}  // namespace wharf::api
