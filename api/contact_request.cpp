#include "api/contact_request.h"

#include <fmt/format.h>

#include <algorithm>

#include "api/chat_id.h"
#include "api/dialect.h"
#include "api/sending.h"
#include "protocol/appstate/actions.h"
#include "protocol/text.h"

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

bool acceptable_name(const CallPtr& call, const std::string& field, const std::string& name) {
  const bool visible = name.find_first_not_of(' ') != std::string::npos;
  if (visible && protocol::display_line(name, protocol::max_action_name_bytes) == name) return true;
  refuse_field(call, field, "must be one line that is not blank");
  return false;
}

bool shows_something(const CallPtr& call, std::string_view name) {
  const bool visible = protocol::display_line(name, name.size()).find_first_not_of(' ') != std::string::npos;
  const bool one_line =
      std::none_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (visible && one_line) return true;
  refuse_field(call, "name", "must be one line that is not blank");
  return false;
}

std::optional<sessions::SessionView> linked_session_of(const ServicesPtr& services, const CallPtr& call) {
  auto view = session_of(services, call);
  if (!view || !view->jid.empty()) return view;
  call->failure(
      Failure(ErrorCode::session_not_ready,
              fmt::format("Session '{}' is not linked to an account (status {})", view->name, name(view->status))));
  return std::nullopt;
}

}  // namespace wharf::api
