// Control API: the calls of a phone.

#include <boost/json.hpp>
#include <utility>

#include "sandbox/control_call.h"

namespace wharf::sandbox {

namespace json = boost::json;

namespace {

json::object call_json(const PhoneCall& call) {
  return {{"id", call.id},       {"with", call.with},   {"outgoing", call.outgoing},
          {"video", call.video}, {"state", call.state}, {"at", call.at}};
}

const PhoneCall* known_call(const Phone& phone, std::string_view id) {
  for (const auto& call : phone.calls())
    if (call.id == id) return &call;
  return nullptr;
}

void act(ControlCall& call, Phone::CallAction action) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const std::string& id = call.param("call");
  if (const auto done = phone->act_on_call(id, action); !done) return call.fail(done.error());
  call.succeed(call_json(*known_call(*phone, id)));
}

}  // namespace

void place_phone_call(ControlCall& call) {
  Phone* phone = call.phone();
  if (phone == nullptr) return;
  const std::string number = call.phone_number("to");
  const Account* whom = call.network.find_account(std::string_view(number));
  if (whom == nullptr) return call.fail(404, "NOT_FOUND", "to: nobody has this number");
  const auto id = phone->place_call(*whom, web::boolean_of(call.body, "video", false));
  if (!id) return call.fail(id.error());
  call.succeed(call_json(*known_call(*phone, *id)), 201);
}

void list_phone_calls(ControlCall& call) {
  const Phone* phone = call.phone();
  if (phone == nullptr) return;
  json::array all;
  for (const auto& one : phone->calls()) all.push_back(call_json(one));
  call.succeed(std::move(all));
}

void cancel_phone_call(ControlCall& call) { act(call, Phone::CallAction::cancel); }
void accept_phone_call(ControlCall& call) { act(call, Phone::CallAction::accept); }
void reject_phone_call(ControlCall& call) { act(call, Phone::CallAction::reject); }

}  // namespace wharf::sandbox
