#include "protocol/signal/message_codec.h"

#include <algorithm>
#include <string>
#include <utility>

#include "protocol/proto/signal.pb.h"

namespace wharf::protocol {

namespace detail {

namespace {

/// What all kinds have in common: bounds and the version byte. Returns what follows that byte.
Result<ByteView> open_envelope(ByteView body, std::size_t min_bytes) {
  if (body.size() < min_bytes) return Error(Errc::malformed, "Signal message is too short");
  if (body.size() > max_message_bytes) return Error(Errc::too_large, "Signal message is over 16 MiB");
  if (body[0] >> 4 != message_version >> 4) return Error(Errc::unsupported, "Signal message version is not 3");
  return body.subspan(1);
}

template <class Message>
bool parse(Message& message, ByteView bytes) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

template <class Message>
Bytes write(const Message& message, std::size_t spare) {
  const std::size_t length = message.ByteSizeLong();
  Bytes out;
  out.reserve(1 + length + spare);
  out.push_back(message_version);
  out.resize(1 + length);
  message.SerializeWithCachedSizesToArray(out.data() + 1);
  return out;
}

/// Protobuf frees its copy of a secret as it is.
void wipe_field(std::string* field) { wipe({reinterpret_cast<std::uint8_t*>(field->data()), field->size()}); }

void assign_typed(std::string* field, const PublicKey& key) {
  const auto bytes = typed(key);
  field->assign(as_text(bytes));
}

}  // namespace

Result<SignalMessage> parse_signal_message(ByteView body) {
  const Result<ByteView> rest = open_envelope(body, min_message_bytes);
  if (!rest) return rest.error();

  wire::signal::SignalMessage fields;
  if (!parse(fields, rest->first(rest->size() - mac_bytes)))
    return Error(Errc::malformed, "SignalMessage is not a valid protobuf");
  if (!fields.has_ratchet_key() || !fields.has_counter() || !fields.has_ciphertext())
    return Error(Errc::malformed, "SignalMessage lacks ratchet key, counter or ciphertext");
  const auto ratchet_key = untyped(as_bytes(fields.ratchet_key()));
  if (!ratchet_key) return Error(Errc::invalid_key, "ratchet key is not 05 and 32 bytes");

  SignalMessage message;
  message.ratchet_key = *ratchet_key;
  message.counter = fields.counter();
  message.previous_counter = fields.previous_counter();
  message.ciphertext = to_bytes(fields.ciphertext());
  message.authenticated = body.first(body.size() - mac_bytes);
  message.mac = body.last(mac_bytes);
  return message;
}

Bytes write_signal_message(const PublicKey& ratchet_key, std::uint32_t counter, std::uint32_t previous_counter,
                           ByteView ciphertext) {
  wire::signal::SignalMessage fields;
  assign_typed(fields.mutable_ratchet_key(), ratchet_key);
  fields.set_counter(counter);
  fields.set_previous_counter(previous_counter);
  fields.mutable_ciphertext()->assign(as_text(ciphertext));
  return write(fields, mac_bytes);
}

Result<PreKeySignalMessage> parse_pre_key_signal_message(ByteView body) {
  const Result<ByteView> rest = open_envelope(body, min_message_bytes);
  if (!rest) return rest.error();

  wire::signal::PreKeySignalMessage fields;
  if (!parse(fields, *rest)) return Error(Errc::malformed, "PreKeySignalMessage is not a valid protobuf");
  if (!fields.has_base_key() || !fields.has_identity_key() || !fields.has_message() || !fields.has_signed_pre_key_id())
    return Error(Errc::malformed, "PreKeySignalMessage lacks base key, identity key, signed prekey id or message");
  const auto base_key = untyped(as_bytes(fields.base_key()));
  if (!base_key) return Error(Errc::invalid_key, "base key is not 05 and 32 bytes");
  const auto identity = untyped(as_bytes(fields.identity_key()));
  if (!identity) return Error(Errc::invalid_key, "identity key is not 05 and 32 bytes");

  PreKeySignalMessage message;
  message.header.registration_id = fields.registration_id();
  message.header.identity = *identity;
  message.header.base_key = *base_key;
  if (fields.has_pre_key_id()) message.header.one_time_id = fields.pre_key_id();
  message.header.signed_pre_key_id = fields.signed_pre_key_id();
  message.message = to_bytes(fields.message());
  return message;
}

Bytes write_pre_key_signal_message(const PreKeyMessageHeader& header, ByteView message) {
  wire::signal::PreKeySignalMessage fields;
  if (header.one_time_id) fields.set_pre_key_id(*header.one_time_id);
  assign_typed(fields.mutable_base_key(), header.base_key);
  assign_typed(fields.mutable_identity_key(), header.identity);
  fields.mutable_message()->assign(as_text(message));
  fields.set_registration_id(header.registration_id);
  fields.set_signed_pre_key_id(header.signed_pre_key_id);
  return write(fields, 0);
}

Result<SenderKeyMessage> parse_sender_key_message(ByteView body) {
  const Result<ByteView> rest = open_envelope(body, 1 + signature_bytes);
  if (!rest) return rest.error();

  wire::signal::SenderKeyMessage fields;
  if (!parse(fields, rest->first(rest->size() - signature_bytes)))
    return Error(Errc::malformed, "SenderKeyMessage is not a valid protobuf");
  if (!fields.has_id() || !fields.has_iteration() || !fields.has_ciphertext())
    return Error(Errc::malformed, "SenderKeyMessage lacks id, iteration or ciphertext");

  SenderKeyMessage message;
  message.id = fields.id();
  message.iteration = fields.iteration();
  message.ciphertext = to_bytes(fields.ciphertext());
  message.authenticated = body.first(body.size() - signature_bytes);
  message.signature = body.last(signature_bytes);
  return message;
}

Bytes write_sender_key_message(std::uint32_t id, std::uint32_t iteration, ByteView ciphertext) {
  wire::signal::SenderKeyMessage fields;
  fields.set_id(id);
  fields.set_iteration(iteration);
  fields.mutable_ciphertext()->assign(as_text(ciphertext));
  return write(fields, signature_bytes);
}

Result<SenderKeyDistribution> parse_sender_key_distribution(ByteView body) {
  const Result<ByteView> rest = open_envelope(body, 1);
  if (!rest) return rest.error();

  wire::signal::SenderKeyDistributionMessage fields;
  if (!parse(fields, *rest)) return Error(Errc::malformed, "SenderKeyDistributionMessage is not a valid protobuf");
  if (!fields.has_id() || !fields.has_chain_key() || !fields.has_signing_key())
    return Error(Errc::malformed, "SenderKeyDistributionMessage lacks id, chain key or signing key");
  SenderKeyDistribution distribution;
  distribution.id = fields.id();
  distribution.iteration = fields.iteration();
  if (fields.chain_key().size() != distribution.chain_key.bytes.size())
    return Error(Errc::invalid_key, "chain key is not 32 bytes");
  const auto signing_key = untyped(as_bytes(fields.signing_key()));
  if (!signing_key) return Error(Errc::invalid_key, "signing key is not 05 and 32 bytes");
  distribution.signing_key = *signing_key;
  std::copy_n(fields.chain_key().begin(), distribution.chain_key.bytes.size(), distribution.chain_key.bytes.begin());
  wipe_field(fields.mutable_chain_key());
  return distribution;
}

Bytes write_sender_key_distribution(const SenderKeyDistribution& distribution) {
  wire::signal::SenderKeyDistributionMessage fields;
  fields.set_id(distribution.id);
  fields.set_iteration(distribution.iteration);
  fields.mutable_chain_key()->assign(as_text(distribution.chain_key.bytes));
  assign_typed(fields.mutable_signing_key(), distribution.signing_key);
  Bytes out = write(fields, 0);
  wipe_field(fields.mutable_chain_key());
  return out;
}

}  // namespace detail

Result<PreKeyMessageHeader> read_pre_key_message(ByteView body) {
  const auto message = detail::parse_pre_key_signal_message(body);
  if (!message) return message.error();
  return message->header;
}

Result<MessageKeyIdentity> read_message_key(CiphertextKind kind, ByteView body) {
  Bytes inner;
  if (kind == CiphertextKind::pre_key_message) {
    auto outer = detail::parse_pre_key_signal_message(body);
    if (!outer) return outer.error();
    inner = std::move(outer->message);
    body = inner;
  }
  const auto message = detail::parse_signal_message(body);
  if (!message) return message.error();
  return MessageKeyIdentity{message->ratchet_key, message->counter};
}

}  // namespace wharf::protocol
