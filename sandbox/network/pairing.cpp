#include "sandbox/network/pairing.h"

#include <algorithm>
#include <utility>

#include "protocol/pairing/adv.h"
#include "sandbox/network/answers.h"
#include "sandbox/protobuf_field.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;

namespace {

constexpr int refs_per_connection = 6;
constexpr std::int64_t refs_live_ms = 160'000;  // 60 s for the first, 20 s for each of the others
constexpr std::int64_t sign_reply_ms = 30'000;
constexpr std::uint16_t max_device = 99;

/// Reachable before its first upload: everything but one-time keys came with the registration.
Device device_of(const PendingPairing& pairing, Bytes device_identity) {
  const auto& registration = *pairing.connection.payload.registration;
  Device device;
  device.id = pairing.success->device;
  device.key_index = pairing.success->upload.key_index;
  device.noise_key = pairing.connection.noise_key;
  device.keys.registration_id = registration.keys.registration_id;
  device.keys.identity = registration.keys.identity;
  device.keys.signed_pre_key_id = registration.keys.signed_pre_key_id;
  device.keys.signed_pre_key = registration.keys.signed_pre_key;
  device.keys.signature = registration.keys.signed_pre_key_signature;
  device.has_keys = true;
  device.device_identity = std::move(device_identity);
  device.os = registration.os;
  device.platform_type = registration.platform_type;
  device.require_full_sync = registration.require_full_sync;
  return device;
}

}  // namespace

std::uint64_t Pairing::open(const protocol::PublicKey& noise_key, protocol::ParsedClientPayload payload,
                            DevicePort& port) {
  const auto refuse = [&](unsigned reason, const std::string& why) {
    c_.complain("registration refused with " + std::to_string(reason) + ": " + why);
    port.deliver(Node("failure").set("reason", std::uint64_t{reason}).set("location", "lla"));
    port.disconnect();
    return std::uint64_t{0};
  };
  if (payload.username) return refuse(400, "a login and a registration in one");
  if (payload.version < c_.settings.minimum_version)
    return refuse(405, "client version " + payload.version.to_string());
  const auto& keys = payload.registration->keys;
  if (!protocol::xeddsa_verify(keys.identity, protocol::typed(keys.signed_pre_key), keys.signed_pre_key_signature)) {
    return refuse(400, "bad signed prekey signature");
  }
  auto& pairing = pending_.add(noise_key, std::move(payload), port);
  const auto id = pairing.connection.id;
  Node device("pair-device");
  for (int i = 0; i < refs_per_connection; ++i) device.add(Node("ref").text(pending_.add_ref(pairing)));
  pairing.expiry = pending_.expire_after(id, refs_live_ms);
  Node iq("iq");
  iq.set("from", protocol::server_jid()).set("type", "set").set("xmlns", "md").set("id", c_.next_id());
  pairing.say(iq.add(std::move(device)));
  return id;
}

/// 0 when none is left. Clients cache sessions by device number, so a number freed lately is only a last resort.
std::uint16_t Pairing::free_number(const Party& party) const {
  const auto taken = [&](std::uint16_t number) {
    return party.account.devices.contains(number) || pending_.claimed(party.account.phone, number);
  };
  const auto& freed = party.freed_devices;
  for (std::uint16_t number = 1; number <= max_device; ++number) {
    if (!taken(number) && std::find(freed.begin(), freed.end(), number) == freed.end()) return number;
  }
  std::uint16_t newest = 0;
  for (const auto number : freed) {
    if (!taken(number)) newest = number;
  }
  return newest;
}

void Pairing::pair_device(const std::string& phone, PairDeviceUpload upload, Done done) {
  auto* party = accounts_.find(phone);
  auto* pairing = pending_.find_ref(upload.ref);
  if (!party || !pairing) return done(Error(Errc::not_found, "the code is expired"));
  if (pairing->success) return done(Error(Errc::refused, "this companion is being linked already"));
  const auto device = free_number(*party);
  if (device == 0) return done(Error(Errc::refused, "the account has no device number left"));
  if (c_.faults.bad_hmac) {
    if (const auto hmac = protobuf_field(upload.device_identity, 2); !hmac.empty()) hmac[0] ^= 0x01;
  }
  pairing->success = {c_.next_id(), phone, device, std::move(upload), std::move(done), nullptr};
  pairing->say(pair_success(party->account, *pairing->success));
  pairing->success->reply_timer = pending_.expire_after(pairing->connection.id, sign_reply_ms);
}

Node Pairing::pair_success(const Account& account, const PendingPairing::Success& success) {
  Node body("pair-success");
  Node named("device");
  named.set("jid", account.pn_jid(success.device));
  if (account.has_lid()) named.set("lid", account.lid_jid(success.device));
  body.add(std::move(named));
  body.add(Node("platform").set("name", "android"));
  body.add(Node("device-identity").bytes(success.upload.device_identity));
  body.add(Node("client-props").bytes(Bytes{0x08, 0x01}));  // ClientPairingProps.isChatDbLidMigrated
  body.add(Node("key-index-list").set("ts", success.upload.timestamp).bytes(success.upload.key_index_list));
  Node iq("iq");
  iq.set("from", protocol::server_jid()).set("type", "set").set("xmlns", "md").set("id", success.iq_id);
  return iq.set("t", c_.unix_seconds()).add(std::move(body));
}

void Pairing::on_reply(PendingPairing& pairing, const Node& reply) {
  if (pairing.success && reply.attr("id") == pairing.success->iq_id) sign(pairing, reply);
}

void Pairing::fail(PendingPairing& pairing, const std::string& why) {
  c_.complain("pairing failed: " + why);
  auto* port = pairing.port;
  const auto done = std::exchange(pairing.success->done, nullptr);
  pending_.drop(pairing.connection.id);
  port->disconnect();
  if (done) done(Error(Errc::refused, why));
}

void Pairing::sign(PendingPairing& pairing, const Node& reply) {
  if (reply.attr("type") == "error") {
    const auto* error = reply.child("error");
    return fail(pairing, "the companion refused: " +
                             (error ? error->attr("code") + " " + error->attr("text") : std::string("?")));
  }
  const auto* sign = reply.child("pair-device-sign");
  const auto* signed_identity = sign ? sign->child("device-identity") : nullptr;
  if (!signed_identity) return fail(pairing, "the reply holds no device-identity");
  const auto& upload = pairing.success->upload;
  if (signed_identity->number("key-index") != upload.key_index) return fail(pairing, "key index of another device");
  auto identity = protocol::complete_device_identity(signed_identity->data(), upload.device_identity,
                                                     pairing.connection.payload.registration->keys.identity);
  if (!identity) return fail(pairing, "device signature: " + identity.error().detail);
  add_device(pairing, device_of(pairing, std::move(*identity)));
}

void Pairing::add_device(PendingPairing& pairing, Device device) {
  auto& party = *accounts_.find(pairing.success->phone);
  const DeviceKey key{pairing.success->phone, device.id};
  const auto key_index = device.key_index;
  party.account.devices[key.device] = std::move(device);
  party.account.key_index_list = pairing.success->upload.key_index_list;
  party.account.key_index_time = pairing.success->upload.timestamp;
  auto* port = pairing.port;
  const auto done = std::exchange(pairing.success->done, nullptr);
  pending_.drop(pairing.connection.id);

  port->deliver(stream_error("515"));
  port->disconnect();
  lists_.announce(party, {"add", key.device, key_index});
  accounts_.device_changed(key);
  accounts_.changed(party);
  if (!groups_.of(key.phone).empty()) dirt_.mark(key);  // it knows of none yet
  if (done) done(party.account.pn_jid(key.device));
  if (c_.listeners.on_device_linked) c_.listeners.on_device_linked(key);
}

}  // namespace wharf::sandbox
