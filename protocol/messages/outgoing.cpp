// Building the messages this gateway sends itself. Specification 03 sections 4.1 and 9.
#include "protocol/messages/building.h"
#include "protocol/messages/content.h"
#include "protocol/messages/message_shape.h"
#include "protocol/messages/wire.h"
#include "protocol/proto/message.pb.h"

namespace wharf::protocol {

namespace {

constexpr int app_state_sync_key_share = 6;  // protocolMessage.type

template <class Message>
Bytes serialise(const Message& message) {
  return to_bytes(as_bytes(message.SerializeAsString()));
}

}  // namespace

OutgoingMessage build_text(const TextContent& content, Random& random) {
  MessageFrame frame;
  frame.quote = content.quote;
  frame.mentions = content.mentions;
  return build_message(content.text, frame, random);
}

Bytes without_device_sent(ByteView message) {
  const auto envelope = merged_field(message, field_number::device_sent);
  const auto inner = envelope ? merged_field(*envelope, 2) : std::nullopt;
  return inner ? *inner : to_bytes(message);
}

Bytes wrap_device_sent(ByteView message, const Jid& destination) {
  wire::message::DeviceSentEnvelope envelope;
  envelope.mutable_device_sent()->set_destination_jid(destination.user_jid().to_string());
  envelope.mutable_device_sent()->mutable_message()->assign(as_text(message));
  if (const auto info = merged_field(message, field_number::message_context_info)) {
    envelope.mutable_message_context_info()->assign(as_text(*info));
  }
  return serialise(envelope);
}

Bytes with_sender_key(ByteView message, const Jid& chat, ByteView distribution) {
  wire::message::SenderKeyDistribution key;
  key.set_group_id(chat.to_string());
  key.mutable_axolotl_sender_key_distribution_message()->assign(as_text(distribution));

  std::size_t before = 0;  // fields are written in ascending order
  WireReader reader(message);
  for (auto field = reader.next(); field && field->number < field_number::sender_key_distribution;
       field = reader.next())
    before += field->whole.size();
  Bytes out = to_bytes(message.first(before));
  append_field(out, field_number::sender_key_distribution, as_bytes(key.SerializeAsString()));
  append(out, message.subspan(before));
  return out;
}

Bytes without_sender_key(ByteView message) {
  Bytes out;
  out.reserve(message.size());
  WireReader reader(message);
  while (const auto field = reader.next()) {
    if (field->number != field_number::sender_key_distribution &&
        field->number != field_number::fast_ratchet_sender_key_distribution)
      append(out, field->whole);
  }
  return reader.failed() ? to_bytes(message) : out;
}

Bytes build_app_state_key_share(std::span<const IncomingMessage::AppStateKey> keys) {
  wire::message::Message message;
  auto& protocol_message = *message.mutable_protocol_message();
  protocol_message.set_type(app_state_sync_key_share);
  auto& share = *protocol_message.mutable_app_state_sync_key_share();
  for (const auto& key : keys) {
    auto& entry = *share.add_keys();
    entry.mutable_key_id()->mutable_key_id()->assign(as_text(key.id));
    entry.mutable_key_data()->mutable_key_data()->assign(as_text(key.data));
    entry.mutable_key_data()->set_timestamp(static_cast<std::int64_t>(key.timestamp));
  }
  return serialise(message);
}

Bytes quotable(ByteView encoded) {
  const Result<Unwrapped> unwrapped = unwrap_message(encoded, EditedMessages::unwrap);
  if (!unwrapped) return {};
  Bytes out;
  WireReader reader(unwrapped->message);
  while (const auto field = reader.next()) {
    switch (field->number) {
      // The secret of the quoted message is not ours to repeat, and a key distribution is no content.
      case field_number::message_context_info:
      case field_number::sender_key_distribution:
      case field_number::fast_ratchet_sender_key_distribution: continue;
      default: break;
    }
    const auto context = context_info_field(field->number);
    if (!context || field->type != WireType::length) {
      append(out, field->whole);
      continue;
    }
    Bytes body;
    WireReader content(field->value);
    while (const auto inner = content.next()) {
      if (inner->number != *context) append(body, inner->whole);
    }
    if (content.failed()) return {};
    append_field(out, field->number, body);
  }
  return reader.failed() ? Bytes{} : out;
}

}  // namespace wharf::protocol
