#include "sessions/pairing_flow.h"

#include <memory>
#include <utility>

#include "events/event.h"
#include "protocol/pairing/adv.h"
#include "protocol/pairing/qr.h"
#include "sessions/due.h"

namespace wharf::sessions {

using events::NextStep;

using std::chrono::duration_cast;
using std::chrono::milliseconds;

void PairingFlow::begin() {
  patience_until_.reset();
  if (c_.device.linked()) return;
  // The one in the row may be of a code that a process which is gone has finished: it vouches for no QR.
  change_adv_secret(c_.random.bytes<32>());
  patience_until_ = in(c_, c_.config.qr_timeout);
}

void PairingFlow::on_pair_device(const Node& iq) {
  c_.send(protocol::iq_result(iq));
  const auto refs = protocol::pair_device_refs(iq);
  if (refs.empty()) return;
  refs_.assign(refs.begin(), refs.end());
  first_shown_ = false;
  c_.link.greet();
  show_next_ref();
}

void PairingFlow::show_next_ref() {
  shown_.reset();
  if (refs_.empty()) {
    if (pending_) return;  // a code may still be typed on this connection
    // A new connection brings new refs; whether one is wanted is decided by the patience deadline.
    return on_refs_used ? on_refs_used() : void();
  }
  const auto lifetime = std::exchange(first_shown_, true) ? next_ref : first_ref;
  shown_.emplace();
  shown_->ref = std::move(refs_.front());
  refs_.pop_front();
  shown_->until = in(c_, lifetime);
  shown_->code.expires_at = c_.now.unix_ms + duration_cast<milliseconds>(lifetime).count();
  draw_qr();
  c_.set_status(Status::qr_ready, std::nullopt);
}

void PairingFlow::draw_qr() {
  protocol::PairingQr qr;
  qr.ref = shown_->ref;
  qr.noise = c_.device.noise.pub;
  qr.identity = c_.device.identity.pub;
  qr.adv_secret = c_.device.adv_secret;
  qr.client_type = protocol::client_type_of(c_.settings.profile.device.platform_type);
  shown_->code.text = protocol::qr_text(qr);
  c_.emit(events::QrShown{shown_->code});
}

void PairingFlow::change_adv_secret(const protocol::Key32& secret) {
  c_.device.adv_secret = secret;
  c_.device_changed();
  if (shown_) draw_qr();  // the shown code carries the secret
}

// --- the end of patience

std::optional<net::SteadyTime> PairingFlow::due() const {
  if (c_.link.offline()) return std::nullopt;
  return earliest({shown_ ? std::optional(shown_->until) : std::nullopt, pending_ ? pending_->until : std::nullopt,
                   patience_until_});
}

void PairingFlow::on_due() {
  if (c_.link.offline()) return;
  const auto now = c_.now.steady;
  if (shown_ && shown_->until <= now) show_next_ref();
  if (is_due(patience_until_, now)) on_patience_over();
  if (!pending_ || !is_due(pending_->until, now)) return;
  end_code();
}

void PairingFlow::on_patience_over() {
  if (c_.device.linked()) return give_up_login();
  if (pending_ && (pending_->finishing || pending_->finished)) {
    patience_until_ = in(c_, finish_grace);
    return;
  }
  // Without a connection there was nothing to scan: the reason of that is the true one.
  if (!c_.link.greeted() && c_.reason) return give_up(*c_.reason);
  give_up("qr_timeout", "no phone scanned a QR code or entered the pairing code in time");
}

void PairingFlow::give_up_login() {
  Reason why;
  why.code = "auth_timeout";
  why.message = "the scan was accepted but the login did not finish in time";
  // What keeps the connection from coming up is the true reason.
  if (c_.reason && !c_.link.up()) {
    why.code = c_.reason->code;
    why.message = c_.reason->message;
  }
  why.next_step = NextStep::restart;
  if (on_failed) on_failed(std::move(why));
}

void PairingFlow::give_up(const char* code, const char* message) {
  Reason reason;
  reason.code = code;
  reason.message = message;
  give_up(std::move(reason));
}

void PairingFlow::give_up(Reason reason) {
  reason.next_step = NextStep::show_new_codes;
  if (reason.code == "proxy_refused" || reason.code == "proxy_unreachable")
    reason.next_step = NextStep::correct_proxy_start;
  if (reason.code == "untrusted_network") reason.next_step = NextStep::check_clock_start;
  if (on_failed) on_failed(std::move(reason));
}

void PairingFlow::on_link_down() {
  shown_.reset();
  refs_.clear();
  drop_code();
}

// --- pair-success

void PairingFlow::refuse_pair_success(const Node& iq, const Error& error) {
  const bool wrong_hmac = error.code == Errc::bad_mac;
  const bool wrong_signature = error.code == Errc::bad_signature || error.code == Errc::invalid_key;
  if (wrong_hmac) {
    c_.send(protocol::iq_error(iq, 401, "hmac-mismatch"));
  } else if (wrong_signature) {
    c_.send(protocol::iq_error(iq, 401, "signature-mismatch"));
  } else {
    c_.send(protocol::iq_error(iq, 500, "internal-error"));
  }
  give_up("pairing_refused", wrong_hmac || wrong_signature
                                 ? "the identity the phone sent does not verify; nothing was linked"
                                 : "the pairing answer was malformed; nothing was linked");
}

void PairingFlow::on_pair_success(const Node& iq) {
  if (c_.device.linked()) return;  // a second one while the first is being finished
  if (!iq.has("id")) return;
  const auto success = protocol::read_pair_success(iq);
  if (!success) return refuse_pair_success(iq, success.error());
  if (!*success) return;
  const protocol::PairSuccess& paired = **success;
  const auto identity =
      protocol::accept_pair_success(paired.device_identity, c_.device.adv_secret, c_.device.identity, c_.random);
  if (!identity) return refuse_pair_success(iq, identity.error());

  storage::DeviceRow& device = c_.device;
  device.account = identity->account;
  device.jid = paired.jid;
  if (paired.lid) device.lid = *paired.lid;
  device.platform = paired.platform;
  device.business_name = paired.business_name;
  device.login_counter = 0;
  c_.device_changed();
  // The primary's identity vouches for every companion of the account (02 section 1, persistence order c).
  const Jid phone = directory_.canonical_device(device.jid.with_device(0));
  c_.keys.set_identity(phone, identity->account_key);
  if (paired.lid) directory_.move_own_chat();
  shown_.reset();
  refs_.clear();
  drop_code();
  patience_until_ = in(c_, c_.config.auth_timeout);
  c_.link.greet();
  c_.set_status(Status::authenticated, std::nullopt);
  c_.emit(events::Authenticated{device.jid.user_jid(), device.lid_user()});
  // The rows above are durable before this effect runs.
  c_.send(protocol::pair_device_sign(iq, identity->reply, identity->key_index));
}

// --- the 8-character code

namespace {

Error given_up() {
  return Error(Errc::closed, "the connection ended, or another number was asked for, before the code was ready");
}

/// 02 section 3.3.
Refusal hello_refused(const Node* answer) {
  const auto error = answer ? protocol::iq_error_of(*answer) : std::nullopt;
  if (!error) return Error(Errc::refused, "no pairing code: the server did not answer");
  const std::string said = error->text + " (" + std::to_string(error->code) + ")";
  if (error->code == 400 || error->code == 404) {
    return Refusal(Errc::malformed, Subject::phone,
                   "WhatsApp does not know this number or gives no code for it now: " + said);
  }
  if (error->code == 429) return Error(Errc::rate_limited, "WhatsApp wants fewer pairing codes: " + said);
  if (error->code == 452)
    return Error(Errc::refused, "WhatsApp offers no pairing code for this account, use the QR code: " + said);
  return Error(Errc::refused, "no pairing code: " + said);
}

}  // namespace

void PairingFlow::request_code(const std::string& phone, Reply<PairingCode> reply) {
  const auto refuse = [&](Errc code, std::string why) { c_.answer(std::move(reply), Error(code, std::move(why))); };
  if (c_.device.linked()) return refuse(Errc::not_ready, "the session is linked already");
  if (c_.status == Status::failed || c_.status == Status::terminated) {
    const std::string why = c_.reason ? ": " + c_.reason->message : std::string();
    return c_.answer(std::move(reply), Refusal(Errc::not_ready, Subject::ended, "the session has ended" + why));
  }
  if (!c_.link.greeted()) {
    if (!c_.reason) return refuse(Errc::not_ready, "the session is not connected yet; try again in a moment");
    return refuse(Errc::not_ready, "the session is not connected: " + c_.reason->message);
  }
  if (pending_ && (pending_->finishing || pending_->finished)) {
    return refuse(Errc::rate_limited,
                  "a phone is answering the live pairing code: wait for its outcome, a minute at most");
  }
  if (pending_ && pending_->phone == phone) {
    if (!pending_->code) return refuse(Errc::rate_limited, "a pairing code for this number is being made");
    return c_.answer(std::move(reply), *pending_->code);
  }
  drop_code();  // of another number: mistyped
  send_hello(phone, std::move(reply));
}

void PairingFlow::send_hello(const std::string& phone, Reply<PairingCode> reply) {
  auto hello = std::make_shared<Hello>();
  hello->code = protocol::pairing_code(c_.random.bytes<5>());
  hello->salt = c_.random.bytes<32>();
  hello->iv = c_.random.bytes<16>();
  pending_.emplace();
  pending_->phone = phone;
  const std::uint64_t attempt = pending_->attempt = ++attempts_;
  pending_->ephemeral = protocol::KeyPair::generate(c_.random);
  const protocol::PublicKey ephemeral = pending_->ephemeral.pub;
  // Key stretching takes tens of milliseconds: a worker does it.
  auto work = [hello, ephemeral] {
    const auto key = protocol::pairing_code_key(hello->code, hello->salt);
    hello->wrapped = protocol::wrap_pairing_ephemeral(key, hello->salt, hello->iv, ephemeral);
  };
  auto then = [this, hello, attempt, reply = std::move(reply)]() mutable {
    if (!is_pending(attempt)) return c_.answer(std::move(reply), given_up());
    protocol::CompanionHello stanza;
    stanza.phone = pending_->phone;
    stanza.wrapped_ephemeral = hello->wrapped;
    stanza.noise = c_.device.noise.pub;
    stanza.platform_id = protocol::client_type_of(c_.settings.profile.device.platform_type);
    c_.query(protocol::companion_hello_iq(c_.ids.next(), stanza),
             [this, hello, attempt, reply = std::move(reply)](const Node* answer) mutable {
               on_hello_answer(*hello, attempt, answer, std::move(reply));
             });
  };
  c_.work(std::move(work), std::move(then));
}

void PairingFlow::on_hello_answer(const Hello& hello, std::uint64_t attempt, const Node* answer,
                                  Reply<PairingCode> reply) {
  if (!is_pending(attempt)) return c_.answer(std::move(reply), given_up());
  const auto ref = answer ? protocol::companion_hello_ref(*answer) : std::nullopt;
  if (!ref) {
    end_code();
    return c_.answer(std::move(reply), hello_refused(answer));
  }
  pending_->ref = *ref;
  auto& code = pending_->code.emplace();
  code.code = hello.code;
  code.expires_at = c_.now.unix_ms + duration_cast<milliseconds>(code_lifetime).count();
  pending_->until = in(c_, code_lifetime);
  c_.answer(std::move(reply), code);
}

void PairingFlow::on_link_code_notification(const Node& notification) {
  const auto hello = protocol::read_primary_hello(notification);
  if (!hello || !pending_ || !pending_->code || pending_->finishing || pending_->ref != hello->ref) return;
  if (++pending_->hellos > max_primary_hellos) return;
  const auto salt = protocol::wrapped_ephemeral_salt(hello->wrapped_ephemeral);
  if (!salt) return;
  pending_->finishing = true;  // hellos are handled one at a time: a second would persist the wrong secret
  auto key = std::make_shared<protocol::Key32>();
  auto work = [key, code = pending_->code->code, salt = *salt] { *key = protocol::pairing_code_key(code, salt); };
  auto then = [this, key, attempt = pending_->attempt, hello = *hello] {
    if (!is_pending(attempt)) return;
    const auto ephemeral = protocol::unwrap_pairing_ephemeral(*key, hello.wrapped_ephemeral);
    if (!ephemeral) {
      pending_->finishing = false;
      return;
    }
    finish_code(hello, *ephemeral);
  };
  c_.work(std::move(work), std::move(then));
}

void PairingFlow::finish_code(const protocol::PrimaryHello& hello, const protocol::PublicKey& primary_ephemeral) {
  const auto finish = protocol::make_companion_finish(c_.device.identity, pending_->ephemeral, primary_ephemeral,
                                                      hello.identity, c_.random);
  if (!finish) {
    pending_->finishing = false;
    return;
  }
  pending_->finished = true;
  change_adv_secret(finish->adv_secret);  // durable before the stanza that depends on it
  pending_->until = in(c_, finish_patience);
  c_.query(protocol::companion_finish_iq(c_.ids.next(), pending_->phone, finish->wrapped_bundle, c_.device.identity.pub,
                                         pending_->ref),
           [this, attempt = pending_->attempt](const Node* answer) {
             if (!is_pending(attempt)) return;
             if (answer == nullptr || protocol::iq_error_of(*answer)) return end_code();
             // No pair-success follows a mistyped code: the user may type it again, in a new hello.
             pending_->finishing = false;
           });
}

void PairingFlow::end_code() {
  drop_code();
  if (c_.link.greeted() && !shown_ && refs_.empty()) show_next_ref();
}

void PairingFlow::drop_code() {
  if (pending_ && pending_->finished && !c_.device.linked()) {
    // The secret of an unfinished code must not vouch for a later QR scan.
    pending_.reset();
    change_adv_secret(c_.random.bytes<32>());
  }
  pending_.reset();
}

}  // namespace wharf::sessions
