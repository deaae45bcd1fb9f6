#include "sandbox/network/link_codes.h"

#include <string_view>
#include <utility>

#include "sandbox/network/answers.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;

namespace {

constexpr std::int64_t code_lives_ms = 180'000;
constexpr std::int64_t attempt_window_ms = 3'600'000;

/// "Browser (OS)", what the phone shows.
bool display_is_acceptable(std::string_view text) {
  const auto open = text.find(" (");
  return open != std::string_view::npos && open > 0 && text.size() > open + 3 && text.back() == ')' &&
         text.size() <= 100;
}

ByteView field(const Node& reg, std::string_view name) { return reg.child_data(name).value_or(ByteView()); }

}  // namespace

void LinkCodes::on_iq(PendingPairing& pairing, const Node& iq, const Node& reg) {
  const auto stage = reg.attr("stage");
  if (stage == "companion_hello") return on_hello(pairing, iq, reg);
  if (stage == "companion_finish") return on_finish(pairing, iq, reg);
  if (stage != "get_country_code") return pairing.say(error_of(iq, 400, "bad-request"));
  Node country("link_code_companion_reg");
  country.set("stage", stage).add(Node("country_code").set("iso", "US"));
  pairing.say(result_of(iq).add(std::move(country)));
}

bool LinkCodes::may_try(const std::string& phone) {
  auto& attempts = attempts_ms_[phone];
  const auto now_ms = c_.clock.unix_ms();
  while (!attempts.empty() && attempts.front() + attempt_window_ms < now_ms) attempts.pop_front();
  if (attempts.size() >= c_.settings.code_attempts_per_hour) return false;
  attempts.push_back(now_ms);
  return true;
}

void LinkCodes::on_hello(PendingPairing& pairing, const Node& iq, const Node& reg) {
  const auto wrapped = field(reg, "link_code_pairing_wrapped_companion_ephemeral_pub");
  const auto noise = protocol::exactly<32>(field(reg, "companion_server_auth_key_pub"));
  const auto display = std::string(protocol::as_text(field(reg, "companion_platform_display")));
  const auto number = reg.jid("jid");
  if (wrapped.size() != 80 || !noise || *noise != pairing.connection.noise_key || !display_is_acceptable(display) ||
      !number || !number->is_phone_number()) {
    return pairing.say(error_of(iq, 400, "bad-request"));
  }
  const auto address = accounts_.resolve_or_create(number->user_jid());
  if (!address) return pairing.say(error_of(iq, 404, "item-not-found"));
  const auto& phone = address->party->account.phone;
  if (!may_try(phone)) return pairing.say(error_of(iq, 429, "rate-overlimit"));

  pending_.set_code(pairing, phone);
  pairing.expiry = pending_.expire_after(pairing.connection.id, code_lives_ms);
  LinkCodeHello hello;
  hello.ref = protocol::to_bytes(pairing.code->ref);
  hello.wrapped_ephemeral = protocol::to_bytes(wrapped);
  hello.companion_noise = *noise;
  hello.companion_identity = pairing.connection.payload.registration->keys.identity;
  hello.display = display;
  Node answer("link_code_companion_reg");
  answer.set("stage", "companion_hello").add(Node("link_code_pairing_ref").text(pairing.code->ref));
  pairing.say(result_of(iq).add(std::move(answer)));
  if (c_.listeners.on_link_code_hello) c_.listeners.on_link_code_hello(phone, std::move(hello));
}

void LinkCodes::on_finish(const PendingPairing& pairing, const Node& iq, const Node& reg) {
  const auto bundle = field(reg, "link_code_pairing_wrapped_key_bundle");
  const auto identity = protocol::exactly<32>(field(reg, "companion_identity_public"));
  const auto ref = field(reg, "link_code_pairing_ref");
  if (bundle.size() != 156 || !identity || *identity != pairing.connection.payload.registration->keys.identity ||
      !pairing.code || protocol::as_text(ref) != pairing.code->ref) {
    return pairing.say(error_of(iq, 400, "bad-request"));
  }
  LinkCodeFinish finish{protocol::to_bytes(ref), protocol::to_bytes(bundle), *identity};
  pairing.say(result_of(iq));
  if (c_.listeners.on_link_code_finish) c_.listeners.on_link_code_finish(pairing.code->phone, std::move(finish));
}

protocol::Result<void> LinkCodes::send_primary_hello(ByteView ref, ByteView wrapped,
                                                     const protocol::PublicKey& identity) {
  const auto* pairing = pending_.find_ref(protocol::as_text(ref));
  if (!pairing || !pairing->code || pairing->code->ref != protocol::as_text(ref)) {
    return Error(Errc::not_found, "the code is expired");
  }
  Node reg("link_code_companion_reg");
  reg.set("stage", "primary_hello");
  reg.add(Node("link_code_pairing_ref").bytes(ref));
  reg.add(Node("link_code_pairing_wrapped_primary_ephemeral_pub").bytes(wrapped));
  reg.add(Node("primary_identity_pub").bytes(identity));
  Node hello("notification");
  hello.set("from", protocol::server_jid()).set("type", "link_code_companion_reg").set("id", c_.next_id());
  pairing->say(hello.set("t", c_.unix_seconds()).add(std::move(reg)));
  return {};
}

}  // namespace wharf::sandbox
