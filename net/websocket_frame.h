#pragma once
// The client's framing of RFC 6455 section 5, without I/O: bytes in, messages and control frames out. Internal to net/.
//
// Ours instead of Beast's stream because of what an idle link costs, and a process holds thousands: Beast keeps read
// and write buffers per stream and masks client payloads in pieces of its write buffer; this keeps only the incomplete
// frame, delivers a message that came whole without copying it, and leaves the gathering of several messages to the
// send queue.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "net/websocket.h"

namespace wharf::net {

/// RFC 6455 7.4.1, the ones we send.
namespace close_code {
constexpr std::uint16_t normal = 1000;
constexpr std::uint16_t protocol_error = 1002;
constexpr std::uint16_t no_status = 1005;  // never on the wire: the close frame had no code
constexpr std::uint16_t bad_payload = 1007;
constexpr std::uint16_t too_big = 1009;
}  // namespace close_code

class FrameDecoder {
 public:
  explicit FrameDecoder(std::size_t max_message_bytes) : max_message_bytes_(max_message_bytes) {}

  struct NeedMore {};  // all input was taken
  struct Message {
    MessageType type = MessageType::binary;
    std::span<const std::uint8_t> payload;  // into the input or the decoder; valid until the next call
  };
  struct Ping {
    std::span<const std::uint8_t> payload;
  };
  struct Pong {};
  struct Close {
    std::uint16_t code = close_code::no_status;
    std::string_view reason;
  };
  struct Violation {  // terminal: close with `code`
    std::uint16_t code = close_code::protocol_error;
    const char* what = "";
  };
  using Event = std::variant<NeedMore, Message, Ping, Pong, Close, Violation>;

  /// The next event from the front of `input`, which is shortened by what was taken.
  Event next(std::span<const std::uint8_t>& input);

 private:
  struct Header {
    std::uint8_t opcode = 0;
    bool final = false;
    std::uint64_t payload_bytes = 0;
  };
  static constexpr std::size_t max_header_bytes = 10;
  std::size_t header_size() const;                                        // as far as the bytes seen tell
  const Violation* parse_header();                                        // null: header_ is set
  std::optional<Event> take_frame(std::span<const std::uint8_t>& input);  // empty: a fragment ended, go on
  std::optional<Event> finish_frame(std::span<const std::uint8_t> payload);
  Event finish_control(std::span<const std::uint8_t> payload);
  Event finish_message(std::span<const std::uint8_t> payload);

  MessageType message_type_ = MessageType::binary;
  bool in_message_ = false;    // fragments of a message are in message_
  bool in_payload_ = false;    // header_ is complete
  bool delivered_ = false;     // message_ was handed out by the last event
  bool control_done_ = false;  // so was control_
  std::uint8_t header_bytes_ = 0;
  std::array<std::uint8_t, max_header_bytes> header_raw_{};
  Header header_;
  std::size_t max_message_bytes_;
  std::size_t fragment_start_ = 0;     // where the current frame's payload starts in message_
  std::vector<std::uint8_t> message_;  // unfinished data message
  std::vector<std::uint8_t> control_;  // unfinished control frame, at most 125 bytes
};

/// XOR with the key, starting at its first byte (RFC 6455 5.3).
void apply_mask(std::span<std::uint8_t> payload, const std::array<std::uint8_t, 4>& key);

bool valid_utf8(std::span<const std::uint8_t> text);

/// Whether a peer may send this code in a close frame.
bool valid_close_code(std::uint16_t code);

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

/// The header of one final frame.
struct FrameHeader {
  std::array<std::uint8_t, 14> bytes{};
  std::size_t size = 0;
  std::span<const std::uint8_t> view() const { return std::span(bytes).first(size); }
};
FrameHeader make_frame_header(Opcode opcode, std::uint64_t payload_bytes, const std::array<std::uint8_t, 4>& mask);

}  // namespace wharf::net
