#include "protocol/messages/message_shape.h"

#include <array>
#include <utility>

#include "protocol/messages/wire.h"

namespace wharf::protocol {

namespace {

/// FutureProofMessage {message 1}.
bool is_future_proof(std::uint32_t number) {
  switch (number) {
    case 37:
    case 40:
    case 53:
    case 55:
    case 58:
    case 59:
    case 62:
    case 67:
    case 74:
    case 85:
    case 87:
    case 91:
    case 92:
    case 93:
    case 96:
    case 103: return true;
    default: return false;
  }
}

/// Those that are looked through: the message inside is what the sender said. Not an event's cover image (85), nor
/// the notices about a status mention (87, 92), whose inner message belongs to something else.
bool is_wrapper(std::uint32_t number) {
  return is_future_proof(number) && number != 85 && number != 87 && number != 92;
}

enum class Shape { message, future_proof, device_sent, protocol_message, context_info, content, comment, leaf };

struct Child {
  Shape shape;
  std::uint32_t context_field = 0;  // of content
};

std::optional<Child> child_of(const Child& parent, std::uint32_t number) {
  switch (parent.shape) {
    case Shape::message:
      if (is_future_proof(number)) return Child{Shape::future_proof};
      if (number == field_number::device_sent) return Child{Shape::device_sent};
      if (number == field_number::protocol_message) return Child{Shape::protocol_message};
      if (number == 77) return Child{Shape::comment};
      if (number == field_number::sender_key_distribution ||
          number == field_number::fast_ratchet_sender_key_distribution ||
          number == field_number::message_context_info || number == field_number::reaction ||
          number == field_number::poll_update) {
        return Child{Shape::leaf};
      }
      if (const auto context = context_info_field(number)) return Child{Shape::content, *context};
      return std::nullopt;
    case Shape::future_proof:
    case Shape::comment: return number == 1 ? std::optional(Child{Shape::message}) : std::nullopt;
    case Shape::device_sent: return number == 2 ? std::optional(Child{Shape::message}) : std::nullopt;
    case Shape::protocol_message:
      if (number == 14) return Child{Shape::message};
      return number == 1 ? std::optional(Child{Shape::leaf}) : std::nullopt;
    case Shape::context_info: return number == 3 ? std::optional(Child{Shape::message}) : std::nullopt;
    case Shape::content:
      return number == parent.context_field ? std::optional(Child{Shape::context_info}) : std::nullopt;
    case Shape::leaf: return std::nullopt;
  }
  return std::nullopt;
}

/// Recursion is bounded by max_message_depth; skipping a field costs nothing, so the work is linear.
bool well_formed(ByteView bytes, const Child& shape, std::size_t depth) {
  if (depth > max_message_depth) return false;
  WireReader reader(bytes);
  while (const auto field = reader.next()) {
    if (field->type != WireType::length) continue;
    const auto child = child_of(shape, field->number);
    if (child && !well_formed(field->value, *child, depth + 1)) return false;
  }
  return !reader.failed();
}

/// The wrapper of a level with the message in it.
struct Wrapper {
  std::uint32_t number;
  Bytes body;
  Bytes message;
};
std::optional<Wrapper> find_wrapper(ByteView message, EditedMessages edited) {
  // Each kind is looked into once, all its occurrences merged: a level of nothing but empty wrappers is a contact's to
  // make, and merging again for each of them would take hours.
  constexpr std::size_t wrapper_numbers = 104;
  std::array<bool, wrapper_numbers> looked{};
  WireReader reader(message);
  while (const auto field = reader.next()) {
    if (field->type != WireType::length) continue;
    const bool device_sent = field->number == field_number::device_sent;
    if (!device_sent && !is_wrapper(field->number)) continue;
    if (field->number == field_number::edited_message && edited == EditedMessages::keep) continue;
    if (std::exchange(looked.at(field->number), true)) continue;
    auto body = merged_field(message, field->number);
    auto inner = merged_field(*body, device_sent ? 2 : 1);
    if (inner) return Wrapper{field->number, std::move(*body), std::move(*inner)};
  }
  return std::nullopt;
}

/// What rides beside the content: innermost secret wins, outermost key distribution wins.
void take_companions(Unwrapped& out, ByteView message) {
  if (const auto info = merged_field(message, field_number::message_context_info)) {
    const auto secret = bytes_field(*info, 3);
    if (secret && secret->size() == 32) out.secret = to_bytes(*secret);
  }
  if (!out.sender_key_distribution.empty()) return;
  for (const std::uint32_t number :
       {field_number::sender_key_distribution, field_number::fast_ratchet_sender_key_distribution}) {
    if (auto distribution = merged_field(message, number)) {
      out.sender_key_distribution = std::move(*distribution);
      return;
    }
  }
}

}  // namespace

std::optional<std::uint32_t> wrapped_message_field(std::uint32_t number) {
  if (number == field_number::device_sent) return 2;
  if (is_wrapper(number)) return 1;
  return std::nullopt;
}

std::optional<std::uint32_t> context_info_field(std::uint32_t number) {
  switch (number) {
    case field_number::image:
    case field_number::contact:
    case field_number::location:
    case field_number::extended_text:
    case field_number::document:
    case field_number::audio:
    case field_number::video:
    case field_number::contacts_array:
    case field_number::live_location:
    case field_number::sticker:
    case field_number::ptv:
    case 30:
    case 38:
    case 83: return 17;  // product, order, album
    case field_number::group_invite: return 7;
    case field_number::poll_creation:
    case field_number::poll_creation_v2:
    case field_number::poll_creation_v3:
    case field_number::poll_creation_v5: return 5;
    case 36:
    case 42: return 8;  // list, buttons
    case 39: return 4;  // listResponse
    case 25:
    case 29:
    case 43:
    case 88: return 3;  // template, its reply, buttonsResponse, results
    case 45:
    case 48: return 15;  // interactive and its response
    case 75: return 1;   // event
    default: return std::nullopt;
  }
}

Result<void> check_message(ByteView encoded) {
  if (encoded.size() > max_message_bytes) return Error(Errc::too_large, "message is over 16 MiB");
  if (!well_formed(encoded, Child{Shape::message}, 0)) return Error(Errc::malformed, "message protobuf");
  return {};
}

Result<Unwrapped> unwrap_message(ByteView encoded, EditedMessages edited) {
  Unwrapped out;
  out.message = to_bytes(encoded);
  take_companions(out, out.message);
  for (std::size_t level = 0;; ++level) {
    auto wrapper = find_wrapper(out.message, edited);
    if (!wrapper) return out;
    if (level == max_wrappers) return Error(Errc::malformed, "message has more than 10 wrappers");
    if (wrapper->number == field_number::device_sent && !out.device_sent) {
      out.device_sent = true;
      if (const auto destination = bytes_field(wrapper->body, 1)) out.destination = to_bytes(*destination);
    }
    out.edited = out.edited || wrapper->number == field_number::edited_message;
    out.view_once = out.view_once || wrapper->number == 37 || wrapper->number == 55 || wrapper->number == 59;
    out.message = std::move(wrapper->message);
    take_companions(out, out.message);
  }
}

}  // namespace wharf::protocol
