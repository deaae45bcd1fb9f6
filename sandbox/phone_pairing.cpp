// The phone's side of linking a companion: QR, the 8-character code, and the first messages to the new device.
// Specification 06 sections 3.2, 3.3 and 14.

#include <algorithm>
#include <utility>

#include "protocol/crypto/hash.h"
#include "protocol/pairing/adv.h"
#include "protocol/pairing/code.h"
#include "protocol/pairing/qr.h"
#include "sandbox/phone_state.h"
#include "sandbox/protobuf_field.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::Key32;
using protocol::Result;

namespace {

/// Under a correct HMAC, which only the phone can make: else the companion stops there and never checks the signature.
void spoil_account_signature(Bytes& container, const Key32& adv_secret) {
  const auto identity = protobuf_field(container, 1);
  const auto signature = protobuf_field(identity, 3);
  const auto hmac = protobuf_field(container, 2);
  if (signature.empty() || hmac.size() != 32) return;
  signature[0] ^= 0x01;
  const auto right = protocol::hmac_sha256(adv_secret, identity);
  std::copy(right.begin(), right.end(), hmac.begin());
}

}  // namespace

// --- signing

Bytes Phone::State::key_index_list(std::uint64_t timestamp, std::optional<std::uint32_t> added) {
  protocol::KeyIndexList list{raw_id, timestamp, last_key_index, {0}};  // index 0 is the phone: always valid
  for (const auto& [device, companion] : linked) list.valid_indexes.push_back(companion.key_index);
  if (added) list.valid_indexes.push_back(*added);
  return protocol::issue_key_index_list(local.identity, list, random());
}

void Phone::State::link(std::string ref, const protocol::PublicKey& identity, const Key32& adv_secret, Paired done) {
  if (!powered) return done(Error(Errc::refused, "the phone is switched off"));
  write_app_state();  // before linking: an official companion that finds no push name logs itself out
  PairDeviceUpload upload;
  upload.ref = std::move(ref);
  upload.timestamp = last_adv_time = std::max(now(), last_adv_time + 1);  // strictly increasing
  upload.key_index = ++last_key_index;                                    // spent even when the companion refuses
  upload.device_identity = protocol::issue_device_identity(
      local.identity, identity, {raw_id, upload.timestamp, upload.key_index}, adv_secret, random());
  if (network.faults().bad_account_signature) spoil_account_signature(upload.device_identity, adv_secret);
  upload.key_index_list = key_index_list(upload.timestamp, upload.key_index);

  core_changed();

  const Companion companion{upload.key_index, identity};
  const std::weak_ptr<int> here = alive;
  network.pair_device(account.phone, std::move(upload),
                      [this, here, companion, done = std::move(done)](Result<Jid> device) {
                        if (here.expired()) return;
                        if (device) {
                          linked[device->device] = companion;
                          core_changed();
                          device_lists.erase(account.phone);
                        }
                        done(std::move(device));
                      });
}

void Phone::State::on_removed(std::uint16_t device) {
  device_lists.erase(account.phone);
  sessions.erase({account.phone, device});
  session_changed({account.phone, device});
  waiting_bootstraps.erase(device);
  core_changed();
  if (linked.erase(device) == 0) return;
  last_adv_time = std::max(now(), last_adv_time + 1);
  account.key_index_list = key_index_list(last_adv_time, std::nullopt);
  account.key_index_time = last_adv_time;
  network.changes().changed(RowKind::account, account.phone);
}

// --- QR

void Phone::State::scan(std::string_view text, Paired done) {
  const Result<protocol::PairingQr> qr = protocol::parse_qr_text(text);
  if (!qr) return done(Error(Errc::malformed, "not a pairing QR text: " + qr.error().detail));
  const PairingConnection* connection = network.find_pairing(qr->ref);
  if (connection == nullptr)
    return done(Error(Errc::not_found, "no connection shows this QR code any more: it is expired"));
  if (connection->noise_key != qr->noise) {
    return done(Error(Errc::refused, "the QR code names another Noise key than the connection that shows it"));
  }
  link(qr->ref, qr->identity, qr->adv_secret, std::move(done));
}

// --- code

void Phone::State::off_loop(std::function<void()> work, std::function<void()> done) {
  if (worker && *worker) return (*worker)(std::move(work), std::move(done));
  work();
  done();
}

void Phone::State::enter_code(std::string_view text, Paired done) {
  if (!powered) return done(Error(Errc::refused, "the phone is switched off"));
  const Result<std::string> typed = protocol::normalise_pairing_code(text);
  if (!typed) return done(typed.error());
  if (!code || now_ms() - code->at_ms > PhoneLimits::code_lifetime_ms) {
    return done(Error(Errc::not_found, "no companion asks to be linked to this number by code"));
  }
  if (code->typed) return done(Error(Errc::conflict, "a code is being checked already"));
  const Result<Key32> salt = protocol::wrapped_ephemeral_salt(code->hello.wrapped_ephemeral);
  if (!salt) return done(salt.error());

  code->typed = true;
  code->done = std::move(done);
  code->ephemeral = protocol::KeyPair::generate(random());
  code->deadline = network.clock().after(PhoneLimits::code_answer_ms, [this] {
    end_code(Error(Errc::timed_out, "the companion did not finish the pairing (a wrong code looks the same to it)"));
  });

  struct Stretched {
    std::string text;
    Key32 their_salt, own_salt;
    Key32 theirs{}, own{};
  };
  auto stretched = std::make_shared<Stretched>();  // shared by the work and what follows it
  stretched->text = *typed;
  stretched->their_salt = *salt;
  stretched->own_salt = random().bytes<32>();
  const std::weak_ptr<int> here = alive;
  off_loop(
      [stretched] {
        stretched->theirs = protocol::pairing_code_key(stretched->text, stretched->their_salt);
        stretched->own = protocol::pairing_code_key(stretched->text, stretched->own_salt);
      },
      [this, here, stretched, ref = code->hello.ref] {
        if (here.expired() || !code || !code->typed || code->hello.ref != ref) return;
        const auto ephemeral = protocol::unwrap_pairing_ephemeral(stretched->theirs, code->hello.wrapped_ephemeral);
        if (!ephemeral) return end_code(ephemeral.error());
        code->companion_ephemeral = *ephemeral;
        const Bytes wrapped = protocol::wrap_pairing_ephemeral(stretched->own, stretched->own_salt,
                                                               random().bytes<16>(), code->ephemeral.pub);
        const Result<void> relayed = network.send_primary_hello(ref, wrapped, local.identity.pub);
        if (!relayed) end_code(relayed.error());
      });
}

void Phone::State::on_code_finish(const LinkCodeFinish& finish) {
  if (!code || !code->typed || code->hello.ref != finish.ref) return;
  const Result<Key32> secret = protocol::open_companion_finish(finish.wrapped_bundle, local.identity, code->ephemeral,
                                                               code->companion_ephemeral, finish.companion_identity);
  if (!secret) {
    // Nothing is sent: the companion only waits. Typing again is possible while the offer lives.
    if (secret.error().code == Errc::bad_mac) return end_code(Error(Errc::bad_mac, "wrong code"));
    return end_code(secret.error());
  }
  if (finish.companion_identity != code->hello.companion_identity) {
    return end_code(Error(Errc::refused, "the companion registered with another identity"));
  }
  code->deadline.reset();
  const std::weak_ptr<int> here = alive;
  link(std::string(protocol::as_text(finish.ref)), finish.companion_identity, *secret,
       [this, here](Result<Jid> outcome) {
         if (here.expired()) return;
         const bool linked_now = outcome.has_value();
         end_code(std::move(outcome));
         if (linked_now) code.reset();
       });
}

void Phone::State::end_code(Result<Jid> outcome) {
  if (!code || !code->typed) return;
  code->typed = false;
  code->deadline.reset();
  const Paired done = std::exchange(code->done, nullptr);
  if (done) done(std::move(outcome));
}

// --- bootstrap

void Phone::State::bootstrap(std::uint16_t device) {
  if (!powered) {
    waiting_bootstraps.insert(device);
    return core_changed();
  }
  share_keys(device);
  send_peer(device, protocol::build_empty_initial_history());
}

void Phone::State::share_keys(std::uint16_t device, const std::vector<Bytes>& asked) {
  make_app_state_key();
  protocol::AppStateKeyShare share = *app_state_key;
  for (const Bytes& id : asked) {
    if (!protocol::equal(id, app_state_key->key_id)) share.missing.push_back(id);
  }
  share.raw_id = raw_id;
  share.current_index = last_key_index;
  share.device_indexes = {0};
  for (const auto& [other, companion] : linked) share.device_indexes.push_back(companion.key_index);
  send_peer(device, protocol::build_key_share(share));
}

// --- wiring

void Phone::on_link_code_hello(LinkCodeHello hello) {
  state_->end_code(Error(Errc::closed, "the companion asked for a new code"));
  state_->code.emplace();
  state_->code->hello = std::move(hello);
  state_->code->at_ms = state_->now_ms();
}

bool Phone::code_pending() const {
  const auto& code = state_->code;
  return code && !code->typed && state_->now_ms() - code->at_ms <= PhoneLimits::code_lifetime_ms;
}

void Phone::on_link_code_finish(LinkCodeFinish finish) { state_->on_code_finish(finish); }

void Phone::on_device_linked(std::uint16_t) { state_->device_lists.erase(number()); }

void Phone::on_first_prekeys(std::uint16_t device) { state_->bootstrap(device); }

void Phone::on_device_removed(std::uint16_t device) { state_->on_removed(device); }

}  // namespace wharf::sandbox
