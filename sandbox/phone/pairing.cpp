#include "sandbox/phone/pairing.h"

#include <utility>

#include "protocol/pairing/code.h"
#include "protocol/pairing/qr.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::Key32;
using protocol::Result;

namespace {

constexpr std::int64_t code_lifetime_ms = 180'000;
constexpr std::int64_t code_answer_ms = 60'000;

}  // namespace

// --- QR

void PhonePairing::scan(std::string_view text, Done done) {
  const Result<protocol::PairingQr> qr = protocol::parse_qr_text(text);
  if (!qr) return done(Error(Errc::malformed, "not a pairing QR text: " + qr.error().detail));
  const PairingConnection* connection = c_.network.find_pairing(qr->ref);
  if (connection == nullptr)
    return done(Error(Errc::not_found, "no connection shows this QR code any more: it is expired"));
  if (connection->noise_key != qr->noise) {
    return done(Error(Errc::refused, "the QR code names another Noise key than the connection that shows it"));
  }
  companions_.link(qr->ref, qr->identity, qr->adv_secret, std::move(done));
}

// --- code

void PhonePairing::on_hello(LinkCodeHello hello) {
  end_code(Error(Errc::closed, "the companion asked for a new code"));
  code_.emplace();
  code_->hello = std::move(hello);
  code_->at_ms = c_.now_ms();
}

bool PhonePairing::code_pending() const {
  return code_ && !code_->typed && c_.now_ms() - code_->at_ms <= code_lifetime_ms;
}

void PhonePairing::enter_code(std::string_view text, Done done) {
  if (!c_.powered()) return done(Error(Errc::refused, "the phone is switched off"));
  const Result<std::string> typed = protocol::normalise_pairing_code(text);
  if (!typed) return done(typed.error());
  if (!code_ || c_.now_ms() - code_->at_ms > code_lifetime_ms) {
    return done(Error(Errc::not_found, "no companion asks to be linked to this number by code"));
  }
  if (code_->typed) return done(Error(Errc::conflict, "a code is being checked already"));
  const Result<Key32> salt = protocol::wrapped_ephemeral_salt(code_->hello.wrapped_ephemeral);
  if (!salt) return done(salt.error());

  code_->typed = true;
  code_->done = std::move(done);
  code_->ephemeral = protocol::KeyPair::generate(c_.random());
  code_->deadline = c_.network.clock().after(code_answer_ms, [this] {
    end_code(Error(Errc::timed_out, "the companion did not finish the pairing (a wrong code looks the same to it)"));
  });
  stretch(*typed, *salt);
}

void PhonePairing::stretch(const std::string& text, const Key32& their_salt) {
  auto stretched = std::make_shared<Stretched>();  // shared by the work and what follows it
  stretched->text = text;
  stretched->their_salt = their_salt;
  stretched->own_salt = c_.random().bytes<32>();
  const std::weak_ptr<int> here = c_.alive;
  off_loop(
      [stretched] {
        stretched->theirs = protocol::pairing_code_key(stretched->text, stretched->their_salt);
        stretched->own = protocol::pairing_code_key(stretched->text, stretched->own_salt);
      },
      [this, here, stretched, ref = code_->hello.ref] {
        if (here.expired() || !code_ || !code_->typed || code_->hello.ref != ref) return;
        send_hello(*stretched);
      });
}

void PhonePairing::send_hello(const Stretched& stretched) {
  const auto ephemeral = protocol::unwrap_pairing_ephemeral(stretched.theirs, code_->hello.wrapped_ephemeral);
  if (!ephemeral) return end_code(ephemeral.error());
  code_->companion_ephemeral = *ephemeral;
  const Bytes wrapped = protocol::wrap_pairing_ephemeral(stretched.own, stretched.own_salt, c_.random().bytes<16>(),
                                                         code_->ephemeral.pub);
  const Bytes ref = code_->hello.ref;
  const Result<void> relayed = c_.network.send_primary_hello(ref, wrapped, keys_.local().identity.pub);
  if (!relayed) end_code(relayed.error());
}

void PhonePairing::off_loop(std::function<void()> work, std::function<void()> done) {
  if (worker_ && *worker_) return (*worker_)(std::move(work), std::move(done));
  work();
  done();
}

void PhonePairing::on_finish(const LinkCodeFinish& finish) {
  if (!code_ || !code_->typed || code_->hello.ref != finish.ref) return;
  const Result<Key32> secret =
      protocol::open_companion_finish(finish.wrapped_bundle, keys_.local().identity, code_->ephemeral,
                                      code_->companion_ephemeral, finish.companion_identity);
  if (!secret) {
    // Nothing is sent: the companion only waits. Typing again is possible while the offer lives.
    if (secret.error().code == Errc::bad_mac) return end_code(Error(Errc::bad_mac, "wrong code"));
    return end_code(secret.error());
  }
  if (finish.companion_identity != code_->hello.companion_identity) {
    return end_code(Error(Errc::refused, "the companion registered with another identity"));
  }
  code_->deadline.reset();
  const std::weak_ptr<int> here = c_.alive;
  companions_.link(std::string(protocol::as_text(finish.ref)), finish.companion_identity, *secret,
                   [this, here](Result<Jid> outcome) {
                     if (here.expired()) return;
                     const bool linked_now = outcome.has_value();
                     end_code(std::move(outcome));
                     if (linked_now) code_.reset();
                   });
}

void PhonePairing::end_code(Result<Jid> outcome) {
  if (!code_ || !code_->typed) return;
  code_->typed = false;
  code_->deadline.reset();
  const Done done = std::exchange(code_->done, nullptr);
  if (done) done(std::move(outcome));
}

}  // namespace wharf::sandbox
