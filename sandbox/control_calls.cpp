// Control API: the calls of a phone.

#include <boost/json.hpp>
#include <utility>

#include "sandbox/control_call.h"

namespace wharf::sandbox {

namespace json = boost::json;

namespace {

json::object call_json(const Phone& phone, const PhoneCall& call) {
  return {{"id", call.id},
          {"with", phone.number_named(call.with)},
          {"outgoing", call.outgoing},
          {"video", call.video},
          {"state", call.state},
          {"at", call.at}};
}

const PhoneCall* known_call(const Phone& phone, std::string_view id) {
  for (const auto& call : phone.calls())
    if (call.id == id) return &call;
  return nullptr;
}

/// By number or by either id, as messages name people; nullptr of nobody, and of a group.
const Account* account_of(Network& network, std::string_view given) {
  const std::string_view user = given.substr(0, given.find('@'));
  if (given.ends_with("@lid")) return network.find_account(Jid(std::string(user), "lid"));
  const auto number = normalise_phone(user);
  return number && !given.ends_with("@g.us") ? network.find_number(*number) : nullptr;
}

void act(ControlCall& call, Phone::CallAction action) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const std::string& id = call.param("call");
  if (const auto done = phone->act_on_call(id, action); !done) return call.fail(done.error());
  call.succeed(call_json(*phone, *known_call(*phone, id)));
}

}  // namespace

void place_phone_call(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const Account* whom = account_of(call.network, web::text_of(call.body, "to"));
  if (whom == nullptr) return call.fail(404, "NOT_FOUND", "to: nobody has this number or LID");
  const auto id = phone->place_call(*whom, web::boolean_of(call.body, "video", false));
  if (!id) return call.fail(id.error());
  call.succeed(call_json(*phone, *known_call(*phone, *id)), 201);
}

void list_phone_calls(ControlCall& call) {
  const Phone* phone = call.phone();
  if (phone == nullptr) return;
  json::array all;
  for (const auto& one : phone->calls()) all.push_back(call_json(*phone, one));
  call.succeed(std::move(all));
}

void cancel_phone_call(ControlCall& call) { act(call, Phone::CallAction::cancel); }
void accept_phone_call(ControlCall& call) { act(call, Phone::CallAction::accept); }
void reject_phone_call(ControlCall& call) { act(call, Phone::CallAction::reject); }

}  // namespace wharf::sandbox
