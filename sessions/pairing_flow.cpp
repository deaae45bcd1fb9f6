#include "sessions/pairing_flow.h"

#include <memory>
#include <utility>

#include "events/event.h"
#include "protocol/pairing/adv.h"
#include "protocol/pairing/qr.h"
#include "storage/peers.h"

namespace wharf::sessions {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

void PairingFlow::begin() {
  // The one in the row may be of a code that a process which is gone has finished: it vouches for no QR.
  change_adv_secret(c_.random.bytes<32>());
  if (!c_.deadlines.armed(Deadline::qr_patience)) c_.deadlines.set(Deadline::qr_patience, in(c_, c_.config.qr_timeout));
}

void PairingFlow::on_pair_device(const Node& iq) {
  c_.send(protocol::iq_result(iq));
  const auto refs = protocol::pair_device_refs(iq);
  if (refs.empty()) return;
  refs_.assign(refs.begin(), refs.end());
  first_shown_ = false;
  connected_ = true;
  c_.deadlines.clear(Deadline::first_stanza);
  show_next_ref();
}

void PairingFlow::show_next_ref() {
  if (refs_.empty()) {
    hide_qr();
    if (pending_) return;  // a code may still be typed on this connection
    // A new connection brings new refs; whether one is wanted is decided by the patience deadline.
    return on_refs_used ? on_refs_used() : void();
  }
  shown_ref_ = std::move(refs_.front());
  refs_.pop_front();
  const auto lifetime = std::exchange(first_shown_, true) ? next_ref : first_ref;
  c_.deadlines.set(Deadline::qr_rotation, in(c_, lifetime));
  draw_qr(c_.now.unix_ms + duration_cast<milliseconds>(lifetime).count());
  c_.set_status(Status::qr_ready, Connection::connected, std::nullopt);
}

void PairingFlow::draw_qr(UnixMs expires_at) {
  protocol::PairingQr qr;
  qr.ref = shown_ref_;
  qr.noise = c_.device.noise.pub;
  qr.identity = c_.device.identity.pub;
  qr.adv_secret = c_.device.adv_secret;
  qr.client_type = protocol::client_type_of(c_.settings.profile.device.platform_type);
  qr_.emplace();
  qr_->text = protocol::qr_text(qr);
  qr_->expires_at = expires_at;
  c_.emit(events::QrShown{*qr_});
}

void PairingFlow::change_adv_secret(const protocol::Key32& secret) {
  c_.device.adv_secret = secret;
  c_.device_changed();
  if (qr_) draw_qr(qr_->expires_at);  // the shown code carries the secret
}

void PairingFlow::hide_qr() {
  qr_.reset();
  c_.deadlines.clear(Deadline::qr_rotation);
}

void PairingFlow::on_deadline(Deadline deadline) {
  switch (deadline) {
    case Deadline::qr_rotation: return show_next_ref();
    case Deadline::pairing_code:
      drop_code();
      if (!qr_ && refs_.empty()) show_next_ref();
      return;
    case Deadline::qr_patience:
      if (pending_ && (pending_->finishing || pending_->finished))
        return c_.deadlines.set(Deadline::qr_patience, in(c_, milliseconds(10'000)));
      // Without a connection there was nothing to scan: the reason of that is the true one.
      if (!connected_ && c_.reason) return give_up(*c_.reason);
      return give_up("qr_timeout", "no phone scanned a QR code or entered the pairing code in time");
    default: return;
  }
}

void PairingFlow::give_up(const char* code, const char* message) {
  Reason reason;
  reason.code = code;
  reason.message = message;
  give_up(std::move(reason));
}

void PairingFlow::give_up(Reason reason) {
  on_link_down();
  c_.deadlines.clear(Deadline::qr_patience);
  c_.turn.effects.emplace_back(CloseLink{});
  const std::string start = "POST /api/v1/sessions/" + c_.row.name + "/start shows new codes";
  reason.next_step = start;
  if (reason.code == "proxy_refused" || reason.code == "proxy_unreachable") {
    reason.next_step =
        "correct config.proxyServerCredentials with PATCH /api/v1/sessions/" + c_.row.name + ", then " + start;
  }
  if (reason.code == "untrusted_network") {
    reason.next_step = "check the clock, and that nothing intercepts the connection, then " + start;
  }
  c_.set_status(Status::failed, Connection::offline, std::move(reason));
}

void PairingFlow::on_link_down() {
  hide_qr();
  refs_.clear();
  drop_code();
  connected_ = false;
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
  if (paired.lid) c_.turn.changes.add(storage::PutLid{c_.id(), device.jid.user_jid(), device.lid.user_jid()});
  hide_qr();
  refs_.clear();
  drop_code();
  c_.deadlines.clear(Deadline::qr_patience);
  c_.deadlines.set(Deadline::authentication, in(c_, c_.config.auth_timeout));
  c_.set_status(Status::authenticated, Connection::connected, std::nullopt);
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
Error hello_refused(const Node* answer) {
  const auto error = answer ? protocol::iq_error_of(*answer) : std::nullopt;
  if (!error) return Error(Errc::refused, "no pairing code: the server did not answer");
  const std::string said = error->text + " (" + std::to_string(error->code) + ")";
  if (error->code == 400 || error->code == 404) {
    return Error(Errc::malformed, "WhatsApp does not know this number or gives no code for it now: " + said);
  }
  if (error->code == 429) return Error(Errc::rate_limited, "WhatsApp wants fewer pairing codes: " + said);
  if (error->code == 452)
    return Error(Errc::refused, "WhatsApp offers no pairing code for this account, use the QR code: " + said);
  return Error(Errc::refused, "no pairing code: " + said);
}

}  // namespace

void PairingFlow::request_code(const std::string& phone, Done<PairingCode> done) {
  if (c_.device.linked()) return done(Error(Errc::not_ready, "the session is linked already"));
  if (c_.status == Status::failed || c_.status == Status::terminated) {
    const std::string why = c_.reason ? c_.reason->message + "; " : std::string();
    return done(Error(Errc::not_ready,
                      "the session has ended: " + why + "POST /api/v1/sessions/" + c_.row.name + "/start first"));
  }
  if (!connected_) {
    if (!c_.reason) return done(Error(Errc::not_ready, "the session is not connected yet; try again in a moment"));
    return done(
        Error(Errc::not_ready, "the session is not connected: " + c_.reason->message + "; " + c_.reason->next_step));
  }
  if (pending_ && (pending_->finishing || pending_->finished)) {
    return done(Error(Errc::rate_limited,
                      "a phone is answering the live pairing code: wait for its outcome, a minute at most"));
  }
  if (pending_ && pending_->phone == phone) {
    if (!code_) return done(Error(Errc::rate_limited, "a pairing code for this number is being made"));
    return c_.answer([done = std::move(done), shown = *code_](const Error* failure) {
      if (failure) return done(*failure);
      done(shown);
    });
  }
  drop_code();  // of another number: mistyped
  send_hello(phone, std::move(done));
}

void PairingFlow::send_hello(const std::string& phone, Done<PairingCode> done) {
  struct Hello {
    std::string code;
    protocol::Key32 salt;
    std::array<std::uint8_t, 16> iv;
    protocol::Bytes wrapped;
  };
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
  RunWork work;
  work.work = [hello, ephemeral] {
    const auto key = protocol::pairing_code_key(hello->code, hello->salt);
    hello->wrapped = protocol::wrap_pairing_ephemeral(key, hello->salt, hello->iv, ephemeral);
  };
  work.then = [this, hello, attempt, done = std::move(done)] {
    if (!is_pending(attempt)) return c_.answer([done](const Error* failure) { done(failure ? *failure : given_up()); });
    protocol::CompanionHello stanza;
    stanza.phone = pending_->phone;
    stanza.wrapped_ephemeral = hello->wrapped;
    stanza.noise = c_.device.noise.pub;
    stanza.platform_id = protocol::client_type_of(c_.settings.profile.device.platform_type);
    c_.query(protocol::companion_hello_iq(c_.ids.next(), stanza), [this, hello, attempt, done](const Node* answer) {
      if (!is_pending(attempt))
        return c_.answer([done](const Error* failure) { done(failure ? *failure : given_up()); });
      const auto ref = answer ? protocol::companion_hello_ref(*answer) : std::nullopt;
      if (!ref) {
        drop_code();
        return c_.answer([done, why = hello_refused(answer)](const Error* failure) { done(failure ? *failure : why); });
      }
      pending_->ref = *ref;
      code_.emplace();
      code_->code = hello->code;
      code_->expires_at = c_.now.unix_ms + duration_cast<milliseconds>(code_lifetime).count();
      c_.deadlines.set(Deadline::pairing_code, in(c_, code_lifetime));
      c_.answer([done, shown = *code_](const Error* failure) {
        if (failure) return done(*failure);
        done(shown);
      });
    });
  };
  c_.turn.effects.emplace_back(std::move(work));
}

void PairingFlow::on_link_code_notification(const Node& notification) {
  const auto hello = protocol::read_primary_hello(notification);
  if (!hello || !pending_ || !code_ || pending_->finishing || pending_->ref != hello->ref) return;
  if (++pending_->hellos > max_primary_hellos) return;
  const auto salt = protocol::wrapped_ephemeral_salt(hello->wrapped_ephemeral);
  if (!salt) return;
  pending_->finishing = true;  // hellos are handled one at a time: a second would persist the wrong secret
  auto key = std::make_shared<protocol::Key32>();
  RunWork work;
  work.work = [key, code = code_->code, salt = *salt] { *key = protocol::pairing_code_key(code, salt); };
  work.then = [this, key, attempt = pending_->attempt, hello = *hello] {
    if (!is_pending(attempt)) return;
    const auto ephemeral = protocol::unwrap_pairing_ephemeral(*key, hello.wrapped_ephemeral);
    if (!ephemeral) {
      pending_->finishing = false;
      return;
    }
    finish_code(hello, *ephemeral);
  };
  c_.turn.effects.emplace_back(std::move(work));
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
  c_.deadlines.set(Deadline::pairing_code, in(c_, milliseconds(60'000)));
  c_.query(protocol::companion_finish_iq(c_.ids.next(), pending_->phone, finish->wrapped_bundle, c_.device.identity.pub,
                                         pending_->ref),
           [this, attempt = pending_->attempt](const Node* answer) {
             if (!is_pending(attempt)) return;
             if (answer == nullptr || protocol::iq_error_of(*answer)) return drop_code();
             // No pair-success follows a mistyped code: the user may type it again, in a new hello.
             pending_->finishing = false;
           });
}

void PairingFlow::drop_code() {
  if (pending_ && pending_->finished && !c_.device.linked()) {
    // The secret of an unfinished code must not vouch for a later QR scan.
    pending_.reset();
    change_adv_secret(c_.random.bytes<32>());
  }
  pending_.reset();
  code_.reset();
  c_.deadlines.clear(Deadline::pairing_code);
}

}  // namespace wharf::sessions
