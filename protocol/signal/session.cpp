// What a caller does with a session, composed of X3DH, the ratchet and the record. Specification 03 sections 1.3, 1.6.

#include "protocol/signal/session.h"

#include <algorithm>
#include <utility>

#include "protocol/signal/message_codec.h"
#include "protocol/signal/ratchet.h"
#include "protocol/signal/ratchet_state.h"
#include "protocol/signal/x3dh.h"

namespace wharf::protocol {

using detail::Opened;
using detail::RatchetState;
using detail::SignalMessage;

namespace {

Decrypted to_decrypted(Opened&& opened, const SignalMessage& message) {
  Decrypted decrypted;
  decrypted.plaintext = std::move(opened.plaintext);
  decrypted.counter = message.counter;
  return decrypted;
}

/// A message was read by states()[index]: the peer knows that session, so prekeys need not be repeated.
Result<Decrypted> commit(SessionRecord& record, std::size_t index, const SignalMessage& message, Opened&& opened,
                         Random& random) {
  RatchetState& state = record.states()[index];
  const Result<void> committed = detail::commit_opened(state, message, opened, random);
  if (!committed) return committed.error();
  state.pending.reset();
  const auto current_identity = record.remote_identity();
  if (!current_identity || *current_identity == state.remote_identity) record.promote(index);
  if (!opened.passed.empty()) record.forget_surplus_keys();
  return to_decrypted(std::move(opened), message);
}

/// The session a repeated pkmsg belongs to.
std::optional<std::size_t> find_peer_session(const SessionRecord& record, const PreKeyMessageHeader& header) {
  const auto& states = record.states();
  const auto found = std::find_if(states.begin(), states.end(), [&](const RatchetState& state) {
    return state.initiated_by_peer && state.base_key == header.base_key && state.remote_identity == header.identity;
  });
  if (found == states.end()) return std::nullopt;
  return static_cast<std::size_t>(found - states.begin());
}

/// The responder's state before the first message: its ratchet key is the signed prekey.
Result<RatchetState> accept_session(const LocalIdentity& local, const OwnPreKeys& keys,
                                    const PreKeyMessageHeader& header) {
  const auto held = [](const auto& look_up, PreKeyId id) { return look_up ? look_up(id) : std::nullopt; };
  const std::optional<KeyPair> signed_pre_key = held(keys.signed_pre_key, header.signed_pre_key_id);
  if (!signed_pre_key) return Error(Errc::invalid_key_id, "the signed prekey is not held");
  std::optional<KeyPair> one_time;
  if (header.one_time_id) {
    one_time = held(keys.one_time, *header.one_time_id);
    if (!one_time) return Error(Errc::invalid_key_id, "the one-time prekey is not held");
  }

  const auto agreed = detail::x3dh_responder(local.identity, *signed_pre_key, one_time ? &*one_time : nullptr,
                                             header.identity, header.base_key);
  if (!agreed) return agreed.error();
  RatchetState state;
  state.initiated_by_peer = true;
  state.remote_identity = header.identity;
  state.remote_registration_id = header.registration_id;
  state.base_key = header.base_key;
  state.root_key = agreed->root_key;
  state.sending.ratchet = *signed_pre_key;
  return state;
}

}  // namespace

Result<void> start_session(SessionRecord& record, const LocalIdentity& local, const PreKeyBundle& bundle,
                           Random& random) {
  if (!xeddsa_verify(bundle.identity, typed(bundle.signed_pre_key), bundle.signed_pre_key_signature))
    return Error(Errc::bad_signature, "the signed prekey is not signed by the identity key");

  const KeyPair base = KeyPair::generate(random);
  const KeyPair ratchet = KeyPair::generate(random);
  const auto agreed = detail::x3dh_initiator(local.identity, base, bundle);
  if (!agreed) return agreed.error();
  const auto step = detail::root_step(agreed->root_key, ratchet.secret, bundle.signed_pre_key);
  if (!step) return step.error();

  RatchetState state;
  state.remote_identity = bundle.identity;
  state.remote_registration_id = bundle.registration_id;
  state.base_key = base.pub;
  auto& pending = state.pending.emplace();
  pending.signed_pre_key_id = bundle.signed_pre_key_id;
  if (bundle.one_time) pending.one_time_id = bundle.one_time->id;
  state.root_key = step->root_key;
  state.sending.ratchet = ratchet;
  state.sending.chain_key = step->chain_key;
  record.make_current(std::move(state));
  return {};
}

Result<Ciphertext> encrypt(SessionRecord& record, const LocalIdentity& local, ByteView plaintext) {
  if (!record.has_current()) return Error(Errc::no_session, "no session to encrypt with");
  RatchetState& state = record.states().front();
  Result<Bytes> message = detail::seal_message(state, local.identity.pub, plaintext);
  if (!message) return message.error();
  if (!state.pending) return Ciphertext{CiphertextKind::message, std::move(*message)};

  PreKeyMessageHeader header;
  header.registration_id = local.registration_id;
  header.identity = local.identity.pub;
  header.base_key = state.base_key;
  header.one_time_id = state.pending->one_time_id;
  header.signed_pre_key_id = state.pending->signed_pre_key_id;
  return Ciphertext{CiphertextKind::pre_key_message, detail::write_pre_key_signal_message(header, *message)};
}

Result<Decrypted> decrypt_pre_key_message(SessionRecord& record, const LocalIdentity& local, const OwnPreKeys& keys,
                                          ByteView body, Random& random) {
  const auto outer = detail::parse_pre_key_signal_message(body);
  if (!outer) return outer.error();
  const PreKeyMessageHeader& header = outer->header;
  const auto message = detail::parse_signal_message(outer->message);
  if (!message) return message.error();
  std::uint32_t derivations_left = SessionLimits::max_forward_jump;

  // Repeated before our reply arrived: the one-time prekey is gone, the session exists.
  if (const auto known = find_peer_session(record, header)) {
    auto opened = detail::open_message(record.states()[*known], local.identity.pub, *message, derivations_left);
    if (!opened) return opened.error();
    return commit(record, *known, *message, std::move(*opened), random);
  }

  Result<RatchetState> state = accept_session(local, keys, header);
  if (!state) return state.error();
  auto opened = detail::open_message(*state, local.identity.pub, *message, derivations_left);
  if (!opened) return opened.error();
  const Result<void> committed = detail::commit_opened(*state, *message, *opened, random);
  if (!committed) return committed.error();

  Decrypted decrypted = to_decrypted(std::move(*opened), *message);
  decrypted.used_one_time = header.one_time_id;
  decrypted.identity_changed = !record.states().empty() && record.states().front().remote_identity != header.identity;
  record.make_current(std::move(*state));
  record.forget_surplus_keys();
  return decrypted;
}

Result<Decrypted> decrypt_message(SessionRecord& record, const LocalIdentity& local, ByteView body, Random& random) {
  const auto message = detail::parse_signal_message(body);
  if (!message) return message.error();
  if (record.states().empty()) return Error(Errc::no_session, "no session to decrypt with");

  // A counter that a candidate consumed before, or one too far ahead, says more than "does not verify".
  const auto weight = [](Errc code) {
    return code == Errc::duplicate_message ? 2 : code == Errc::future_message ? 1 : 0;
  };
  std::optional<Error> failure;
  std::uint32_t derivations_left = SessionLimits::max_forward_jump;
  for (std::size_t index = 0; index < record.states().size(); ++index) {
    auto opened = detail::open_message(record.states()[index], local.identity.pub, *message, derivations_left);
    if (opened) return commit(record, index, *message, std::move(*opened), random);
    if (opened.error().code == Errc::invalid_key) return opened.error();  // low order with every session alike
    if (!failure || weight(opened.error().code) > weight(failure->code)) failure = opened.error();
  }
  return *failure;
}

}  // namespace wharf::protocol
