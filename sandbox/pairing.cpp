// Linking a companion: QR refs, the 8-character code flow, pair-success and the companion's countersignature.
// Specification 06 section 3.

#include <algorithm>
#include <string>
#include <utility>

#include "protocol/pairing/adv.h"
#include "sandbox/network_state.h"
#include "sandbox/protobuf_field.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;

namespace {

constexpr int refs_per_connection = 6;
constexpr std::int64_t refs_live_ms = 160'000;  // 60 s for the first, 20 s for each of the others
constexpr std::int64_t code_lives_ms = 180'000;
constexpr std::int64_t sign_reply_ms = 30'000;
constexpr std::int64_t attempt_window_ms = 3'600'000;
constexpr std::uint16_t max_device = 99;

void say(PendingPairing& pairing, const Node& stanza) { pairing.port->deliver(stanza); }

/// "Browser (OS)", what the phone shows.
bool display_is_acceptable(std::string_view text) {
  const auto open = text.find(" (");
  return open != std::string_view::npos && open > 0 && text.size() > open + 3 && text.back() == ')' &&
         text.size() <= 100;
}

}  // namespace

std::uint64_t Network::State::open_pairing(protocol::PublicKey noise_key, protocol::ParsedClientPayload payload,
                                           DevicePort& port) {
  const auto fail = [&](unsigned reason, std::string why) {
    complain("registration refused with " + std::to_string(reason) + ": " + std::move(why));
    port.deliver(Node("failure").set("reason", std::uint64_t{reason}).set("location", "lla"));
    port.disconnect();
    return std::uint64_t{0};
  };
  if (payload.username) return fail(400, "a login and a registration in one");
  if (payload.version < settings.minimum_version) return fail(405, "client version " + payload.version.to_string());
  const auto& keys = payload.registration->keys;
  if (!protocol::xeddsa_verify(keys.identity, protocol::typed(keys.signed_pre_key), keys.signed_pre_key_signature)) {
    return fail(400, "bad signed prekey signature");
  }
  const auto id = ++last_pairing;
  auto& pairing = pairings[id];
  pairing.connection.id = id;
  pairing.connection.noise_key = noise_key;
  pairing.connection.payload = std::move(payload);
  pairing.port = &port;
  Node device("pair-device");
  for (int i = 0; i < refs_per_connection; ++i) {
    auto ref = "2@" + protocol::to_base64url(random.bytes<48>());
    refs.emplace(ref, id);
    device.add(Node("ref").text(ref));
    pairing.connection.refs.push_back(std::move(ref));
  }
  pairing.expiry = clock.after(refs_live_ms, [this, id] {
    Turn turn(*this);
    if (auto expired = pairings.find(id); expired != pairings.end()) {
      auto* gone = expired->second.port;
      drop_pairing(id, Errc::timed_out);
      gone->disconnect();
    }
  });
  Node iq("iq");
  iq.set("from", protocol::server_jid()).set("type", "set").set("xmlns", "md").set("id", next_id());
  say(pairing, iq.add(std::move(device)));
  return id;
}

void Network::State::drop_pairing(std::uint64_t id, Errc reason) {
  auto found = pairings.find(id);
  if (found == pairings.end()) return;
  for (const auto& ref : found->second.connection.refs) refs.erase(ref);
  refs.erase(found->second.code_ref);
  auto done = std::move(found->second.done);
  pairings.erase(found);
  if (done) done(Error(reason, "the companion went away before it was linked"));
}

void Network::State::handle_pairing_stanza(std::uint64_t id, const Node& stanza) {
  auto found = pairings.find(id);
  if (found == pairings.end()) return;
  auto& pairing = found->second;
  note("<", "pairing", stanza);
  if (!stanza.is("iq")) return;
  const auto type = stanza.attr("type");
  if (type == "result" || type == "error") {
    if (!pairing.success_id.empty() && stanza.attr("id") == pairing.success_id) on_pair_device_sign(id, stanza);
    return;
  }
  if (stanza.attr("id").empty()) return;
  if (stanza.attr("xmlns") == "w:p") return say(pairing, result_of(stanza));
  if (stanza.attr("xmlns") == "md" && stanza.child("link_code_companion_reg")) return on_link_code(pairing, stanza);
  say(pairing, error_of(stanza, 401, "not-authorized"));
}

void Network::State::pair_device(const std::string& phone, PairDeviceUpload upload,
                                 std::function<void(protocol::Result<Jid>)> done) {
  auto* party = find(phone);
  auto ref = refs.find(upload.ref);
  auto found = ref == refs.end() ? pairings.end() : pairings.find(ref->second);
  if (!party || found == pairings.end()) return done(Error(Errc::not_found, "the code is expired"));
  auto& pairing = found->second;
  const auto id = found->first;
  if (!pairing.success_id.empty()) return done(Error(Errc::refused, "this companion is being linked already"));

  const auto taken = [&](std::uint16_t number) {
    if (party->account.devices.contains(number)) return true;
    return std::any_of(pairings.begin(), pairings.end(),
                       [&](const auto& other) { return other.second.phone == phone && other.second.device == number; });
  };
  // Clients cache sessions by device number, so a number freed lately is only a last resort.
  std::uint16_t device = 0;
  for (std::uint16_t number = 1; number <= max_device && device == 0; ++number) {
    const auto& freed = party->freed_devices;
    if (!taken(number) && std::find(freed.begin(), freed.end(), number) == freed.end()) device = number;
  }
  if (device == 0) {
    for (auto number : party->freed_devices) {
      if (!taken(number)) device = number;
    }
  }
  if (device == 0) return done(Error(Errc::refused, "the account has no device number left"));

  if (faults.bad_hmac) {
    if (const auto hmac = protobuf_field(upload.device_identity, 2); !hmac.empty()) hmac[0] ^= 0x01;
  }
  pairing.phone = phone;
  pairing.device = device;
  pairing.upload = std::move(upload);
  pairing.done = std::move(done);
  pairing.success_id = next_id();

  const auto& account = party->account;
  Node success("pair-success");
  Node named("device");
  named.set("jid", account.pn_jid(device));
  if (account.has_lid()) named.set("lid", account.lid_jid(device));
  success.add(std::move(named));
  success.add(Node("platform").set("name", "android"));
  success.add(Node("device-identity").bytes(pairing.upload.device_identity));
  success.add(Node("client-props").bytes(Bytes{0x08, 0x01}));  // ClientPairingProps.isChatDbLidMigrated
  success.add(Node("key-index-list").set("ts", pairing.upload.timestamp).bytes(pairing.upload.key_index_list));
  Node iq("iq");
  iq.set("from", protocol::server_jid()).set("type", "set").set("xmlns", "md").set("id", pairing.success_id);
  say(pairing, iq.set("t", static_cast<std::uint64_t>(now())).add(std::move(success)));
  pairing.reply_timer = clock.after(sign_reply_ms, [this, id] {
    Turn turn(*this);
    if (auto silent = pairings.find(id); silent != pairings.end()) {
      auto* port = silent->second.port;
      drop_pairing(id, Errc::timed_out);
      port->disconnect();
    }
  });
}

void Network::State::on_pair_device_sign(std::uint64_t id, const Node& reply) {
  auto& pairing = pairings.at(id);
  auto* port = pairing.port;
  const auto fail = [&](const std::string& why) {
    complain("pairing failed: " + why);
    auto done = std::exchange(pairing.done, nullptr);
    drop_pairing(id);
    port->disconnect();
    if (done) done(Error(Errc::refused, why));
  };
  if (reply.attr("type") == "error") {
    const auto* error = reply.child("error");
    return fail("the companion refused: " +
                (error ? error->attr("code") + " " + error->attr("text") : std::string("?")));
  }
  const auto* sign = reply.child("pair-device-sign");
  const auto* signed_identity = sign ? sign->child("device-identity") : nullptr;
  if (!signed_identity) return fail("the reply holds no device-identity");
  if (signed_identity->number("key-index") != pairing.upload.key_index) return fail("key index of another device");
  const auto& registration = *pairing.connection.payload.registration;
  auto identity = protocol::complete_device_identity(signed_identity->data(), pairing.upload.device_identity,
                                                     registration.keys.identity);
  if (!identity) return fail("device signature: " + identity.error().detail);

  auto& party = *find(pairing.phone);
  const DeviceKey key{pairing.phone, pairing.device};
  Device device;
  device.id = pairing.device;
  device.key_index = pairing.upload.key_index;
  device.noise_key = pairing.connection.noise_key;
  // Reachable before its first upload: everything but one-time keys came with the registration.
  device.keys.registration_id = registration.keys.registration_id;
  device.keys.identity = registration.keys.identity;
  device.keys.signed_pre_key_id = registration.keys.signed_pre_key_id;
  device.keys.signed_pre_key = registration.keys.signed_pre_key;
  device.keys.signature = registration.keys.signed_pre_key_signature;
  device.has_keys = true;
  device.device_identity = std::move(*identity);
  device.os = registration.os;
  device.platform_type = registration.platform_type;
  device.require_full_sync = registration.require_full_sync;
  party.account.devices[device.id] = std::move(device);
  party.slots.insert_or_assign(key.device, Slot());
  party.account.key_index_list = pairing.upload.key_index_list;
  party.account.key_index_time = pairing.upload.timestamp;
  auto done = std::exchange(pairing.done, nullptr);
  const auto key_index = pairing.upload.key_index;
  drop_pairing(id);

  port->deliver(stream_error("515"));
  port->disconnect();
  announce_devices(party, "add", key.device, key_index);
  device_changed(key);
  account_changed(party);
  if (done) done(party.account.pn_jid(key.device));
  if (network.on_device_linked) network.on_device_linked(key);
}

void Network::State::on_link_code(PendingPairing& pairing, const Node& iq) {
  const auto* reg = iq.child("link_code_companion_reg");
  const auto stage = reg->attr("stage");
  const auto id = pairing.connection.id;
  if (stage == "get_country_code") {
    return say(pairing,
               result_of(iq).add(
                   Node("link_code_companion_reg").set("stage", stage).add(Node("country_code").set("iso", "US"))));
  }
  if (stage == "companion_hello") {
    const auto wrapped = reg->child_data("link_code_pairing_wrapped_companion_ephemeral_pub").value_or(ByteView());
    const auto noise = protocol::exactly<32>(reg->child_data("companion_server_auth_key_pub").value_or(ByteView()));
    const auto display =
        std::string(protocol::as_text(reg->child_data("companion_platform_display").value_or(ByteView())));
    const auto number = reg->jid("jid");
    if (wrapped.size() != 80 || !noise || *noise != pairing.connection.noise_key || !display_is_acceptable(display) ||
        !number || !number->is_phone_number()) {
      return say(pairing, error_of(iq, 400, "bad-request"));
    }
    const auto address = resolve_or_create(number->user_jid());
    if (!address) return say(pairing, error_of(iq, 404, "item-not-found"));
    auto& attempts = address->party->code_attempts_ms;
    const auto now_ms = clock.unix_ms();
    while (!attempts.empty() && attempts.front() + attempt_window_ms < now_ms) attempts.pop_front();
    if (attempts.size() >= settings.code_attempts_per_hour) return say(pairing, error_of(iq, 429, "rate-overlimit"));
    attempts.push_back(now_ms);

    refs.erase(pairing.code_ref);
    pairing.code_ref = "3@" + protocol::to_base64url(random.bytes<24>());
    pairing.code_phone = address->party->account.phone;
    refs.emplace(pairing.code_ref, id);
    pairing.expiry = clock.after(code_lives_ms, [this, id] {
      Turn turn(*this);
      if (auto expired = pairings.find(id); expired != pairings.end()) {
        auto* gone = expired->second.port;
        drop_pairing(id, Errc::timed_out);
        gone->disconnect();
      }
    });
    LinkCodeHello hello;
    hello.ref = protocol::to_bytes(pairing.code_ref);
    hello.wrapped_ephemeral = protocol::to_bytes(wrapped);
    hello.companion_noise = *noise;
    hello.companion_identity = pairing.connection.payload.registration->keys.identity;
    hello.display = display;
    Node answer_reg("link_code_companion_reg");
    answer_reg.set("stage", stage).add(Node("link_code_pairing_ref").text(pairing.code_ref));
    say(pairing, result_of(iq).add(std::move(answer_reg)));
    if (network.on_link_code_hello) network.on_link_code_hello(pairing.code_phone, std::move(hello));
    return;
  }
  if (stage == "companion_finish") {
    const auto bundle = reg->child_data("link_code_pairing_wrapped_key_bundle").value_or(ByteView());
    const auto identity = protocol::exactly<32>(reg->child_data("companion_identity_public").value_or(ByteView()));
    const auto ref = reg->child_data("link_code_pairing_ref").value_or(ByteView());
    if (bundle.size() != 156 || !identity || *identity != pairing.connection.payload.registration->keys.identity ||
        pairing.code_ref.empty() || protocol::as_text(ref) != pairing.code_ref) {
      return say(pairing, error_of(iq, 400, "bad-request"));
    }
    LinkCodeFinish finish{protocol::to_bytes(ref), protocol::to_bytes(bundle), *identity};
    say(pairing, result_of(iq));
    if (network.on_link_code_finish) network.on_link_code_finish(pairing.code_phone, std::move(finish));
    return;
  }
  say(pairing, error_of(iq, 400, "bad-request"));
}

protocol::Result<void> Network::State::send_primary_hello(ByteView ref, ByteView wrapped,
                                                          const protocol::PublicKey& identity) {
  auto known = refs.find(protocol::as_text(ref));
  auto found = known == refs.end() ? pairings.end() : pairings.find(known->second);
  if (found == pairings.end() || found->second.code_ref != protocol::as_text(ref)) {
    return Error(Errc::not_found, "the code is expired");
  }
  Node reg("link_code_companion_reg");
  reg.set("stage", "primary_hello");
  reg.add(Node("link_code_pairing_ref").bytes(ref));
  reg.add(Node("link_code_pairing_wrapped_primary_ephemeral_pub").bytes(wrapped));
  reg.add(Node("primary_identity_pub").bytes(identity));
  Node hello("notification");
  hello.set("from", protocol::server_jid()).set("type", "link_code_companion_reg").set("id", next_id());
  say(found->second, hello.set("t", static_cast<std::uint64_t>(now())).add(std::move(reg)));
  return {};
}

}  // namespace wharf::sandbox
