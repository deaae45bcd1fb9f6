#include "net/websocket_frame.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace wharf::net {
namespace {

constexpr std::uint8_t fin_bit = 0x80;
constexpr std::uint8_t reserved_bits = 0x70;
constexpr std::uint8_t opcode_bits = 0x0f;
constexpr std::uint8_t mask_bit = 0x80;
constexpr std::uint8_t length_bits = 0x7f;
constexpr std::uint64_t max_control_bytes = 125;
// A message announces its size; memory is given only as bytes arrive, in steps that keep copying rare.
constexpr std::size_t growth_bytes = 256u << 10;

bool control(std::uint8_t opcode) { return (opcode & 0x08) != 0; }

}  // namespace

void apply_mask(std::span<std::uint8_t> payload, const std::array<std::uint8_t, 4>& key) {
  std::array<std::uint8_t, 8> twice{};
  std::memcpy(twice.data(), key.data(), 4);
  std::memcpy(twice.data() + 4, key.data(), 4);
  std::uint64_t word_key = 0;
  std::memcpy(&word_key, twice.data(), 8);
  std::size_t at = 0;
  for (; at + 8 <= payload.size(); at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, payload.data() + at, 8);
    word ^= word_key;
    std::memcpy(payload.data() + at, &word, 8);
  }
  for (; at < payload.size(); ++at) payload[at] = static_cast<std::uint8_t>(payload[at] ^ key[at & 3]);
}

// The well-formed sequences of Unicode table 3-7: no surrogates, no overlong forms, nothing past U+10FFFF.
bool valid_utf8(std::span<const std::uint8_t> text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const std::uint8_t lead = text[at];
    if (lead < 0x80) {
      ++at;
      continue;
    }
    std::size_t more = 0;
    std::uint8_t low = 0x80, high = 0xbf;  // of the second byte
    if (lead >= 0xc2 && lead <= 0xdf) {
      more = 1;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2;
      if (lead == 0xe0) low = 0xa0;
      if (lead == 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3;
      if (lead == 0xf0) low = 0x90;
      if (lead == 0xf4) high = 0x8f;
    } else {
      return false;
    }
    if (text.size() - at <= more) return false;
    if (text[at + 1] < low || text[at + 1] > high) return false;
    for (std::size_t i = 2; i <= more; ++i) {
      if ((text[at + i] & 0xc0) != 0x80) return false;
    }
    at += more + 1;
  }
  return true;
}

bool valid_close_code(std::uint16_t code) {
  if (code >= 3000 && code <= 4999) return true;
  return code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006;
}

FrameHeader make_frame_header(Opcode opcode, std::uint64_t payload_bytes, const std::array<std::uint8_t, 4>& mask) {
  FrameHeader header;
  auto put = [&header](std::uint64_t byte) { header.bytes[header.size++] = static_cast<std::uint8_t>(byte & 0xff); };
  put(fin_bit | static_cast<unsigned>(opcode));
  if (payload_bytes < 126) {
    put(mask_bit | payload_bytes);
  } else if (payload_bytes <= 0xffff) {
    put(mask_bit | 126u);
    put(payload_bytes >> 8);
    put(payload_bytes);
  } else {
    put(mask_bit | 127u);
    for (int shift = 56; shift >= 0; shift -= 8) put(payload_bytes >> shift);
  }
  for (const std::uint8_t byte : mask) put(byte);
  return header;
}

std::size_t FrameDecoder::header_size() const {
  if (header_bytes_ < 2) return 2;
  const std::uint8_t length = header_raw_[1] & length_bits;
  return 2u + (length == 126 ? 2u : length == 127 ? 8u : 0u);
}

const FrameDecoder::Violation* FrameDecoder::parse_header() {
  static constexpr Violation reserved{close_code::protocol_error, "reserved bits are set"};
  static constexpr Violation unknown{close_code::protocol_error, "unknown opcode"};
  static constexpr Violation masked{close_code::protocol_error, "frame from a server is masked"};
  static constexpr Violation long_length{close_code::protocol_error, "length is not in its shortest form"};
  static constexpr Violation bad_control{close_code::protocol_error, "control frame is fragmented or too long"};
  static constexpr Violation no_start{close_code::protocol_error, "continuation without a message"};
  static constexpr Violation interrupted{close_code::protocol_error, "new message inside a fragmented one"};
  static constexpr Violation too_big{close_code::too_big, "message is larger than allowed"};

  const std::uint8_t first = header_raw_[0], second = header_raw_[1];
  if ((first & reserved_bits) != 0) return &reserved;
  header_.opcode = first & opcode_bits;
  header_.final = (first & fin_bit) != 0;
  if ((second & mask_bit) != 0) return &masked;

  std::size_t at = 2;
  header_.payload_bytes = second & length_bits;
  if (header_.payload_bytes >= 126) {
    const std::size_t count = header_.payload_bytes == 126 ? 2 : 8;
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < count; ++i) value = value << 8 | header_raw_[at++];
    if (count == 2 ? value < 126 : value <= 0xffff) return &long_length;
    header_.payload_bytes = value;
  }

  if (control(header_.opcode)) {
    if (header_.opcode > static_cast<std::uint8_t>(Opcode::pong)) return &unknown;
    if (!header_.final || header_.payload_bytes > max_control_bytes) return &bad_control;
    return nullptr;
  }
  if (header_.opcode > static_cast<std::uint8_t>(Opcode::binary)) return &unknown;
  if (header_.opcode == static_cast<std::uint8_t>(Opcode::continuation)) {
    if (!in_message_) return &no_start;
  } else {
    if (in_message_) return &interrupted;
    message_type_ = header_.opcode == static_cast<std::uint8_t>(Opcode::text) ? MessageType::text : MessageType::binary;
  }
  if (header_.payload_bytes > max_message_bytes_ - std::min(message_.size(), max_message_bytes_)) return &too_big;
  return nullptr;
}

FrameDecoder::Event FrameDecoder::next(std::span<const std::uint8_t>& input) {
  if (std::exchange(delivered_, false)) std::vector<std::uint8_t>().swap(message_);  // gives large buffers back
  if (std::exchange(control_done_, false)) std::vector<std::uint8_t>().swap(control_);
  for (;;) {
    if (std::optional<Event> event = take_frame(input)) return *event;
  }
}

std::optional<FrameDecoder::Event> FrameDecoder::take_frame(std::span<const std::uint8_t>& input) {
  if (!in_payload_) {
    while (header_bytes_ < header_size()) {
      if (input.empty()) return NeedMore();
      header_raw_[header_bytes_++] = input.front();
      input = input.subspan(1);
    }
    if (const Violation* violation = parse_header()) return *violation;
    in_payload_ = true;
    header_bytes_ = 0;
    fragment_start_ = message_.size();
  }

  const bool is_control = control(header_.opcode);
  std::vector<std::uint8_t>& store = is_control ? control_ : message_;
  const std::size_t have = is_control ? control_.size() : message_.size() - fragment_start_;
  const std::size_t want = static_cast<std::size_t>(header_.payload_bytes) - have;
  const std::size_t take = std::min(want, input.size());
  const std::span<const std::uint8_t> piece = input.first(take);
  input = input.subspan(take);
  // The usual case: the whole message is in the input and nothing needs to be stored.
  const bool whole = have == 0 && take == want;
  if (whole && (is_control || (header_.final && !in_message_))) return finish_frame(piece);

  if (store.capacity() - store.size() < take) {
    store.reserve(store.size() + std::max(take, std::min(want, std::max(growth_bytes, store.size()))));
  }
  store.insert(store.end(), piece.begin(), piece.end());
  if (take < want) return NeedMore();
  return finish_frame(std::span<const std::uint8_t>(store).subspan(is_control ? 0 : fragment_start_));
}

std::optional<FrameDecoder::Event> FrameDecoder::finish_frame(std::span<const std::uint8_t> payload) {
  in_payload_ = false;
  if (control(header_.opcode)) {
    control_done_ = true;
    return finish_control(payload);
  }
  if (!header_.final) {
    in_message_ = true;
    return std::nullopt;
  }
  delivered_ = true;
  if (!std::exchange(in_message_, false)) return finish_message(payload);
  return finish_message(message_);
}

FrameDecoder::Event FrameDecoder::finish_message(std::span<const std::uint8_t> payload) {
  if (message_type_ == MessageType::text && !valid_utf8(payload)) {
    return Violation{close_code::bad_payload, "text is not UTF-8"};
  }
  return Message{message_type_, payload};
}

FrameDecoder::Event FrameDecoder::finish_control(std::span<const std::uint8_t> payload) {
  switch (static_cast<Opcode>(header_.opcode)) {
    case Opcode::ping: return Ping{payload};
    case Opcode::pong: return Pong();
    default: break;
  }
  if (payload.empty()) return Close();
  if (payload.size() == 1) return Violation{close_code::protocol_error, "close frame of one byte"};
  Close close;
  close.code = static_cast<std::uint16_t>(payload[0] << 8 | payload[1]);
  if (!valid_close_code(close.code)) return Violation{close_code::protocol_error, "invalid close code"};
  if (!valid_utf8(payload.subspan(2))) return Violation{close_code::bad_payload, "close reason is not UTF-8"};
  close.reason = {reinterpret_cast<const char*>(payload.data()) + 2, payload.size() - 2};
  return close;
}

}  // namespace wharf::net
