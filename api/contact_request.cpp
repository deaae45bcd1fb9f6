#include "api/contact_request.h"

#include "api/chat_id.h"
#include "api/sending.h"

namespace wharf::api {

std::optional<ContactOfPath> contact_of(const ServicesPtr& services, const CallPtr& call) {
  auto view = session_of(services, call);
  if (!view) return std::nullopt;
  const auto parsed = parse_chat_id(call->param("contactId"));
  if (!parsed || !parsed->has_devices())
    return refuse_id(call, "contactId", person_id_problem(call->param("contactId"))), std::nullopt;
  const auto& supervisor = services->ports.supervisor;
  ContactOfPath out;
  out.jid = supervisor.canonical_chat(view->id, *parsed);
  out.ids = supervisor.person(view->id, out.jid);
  const auto is = [&](const protocol::Jid& own) {
    return !own.empty() && (own.user_jid() == out.jid || own.user_jid() == *parsed);
  };
  out.is_own = is(view->jid) || is(view->lid);
  out.session = std::move(*view);
  return out;
}

}  // namespace wharf::api
