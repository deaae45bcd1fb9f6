// WebSocket frames (RFC 6455 section 5) from a server, in pieces: the same events however the bytes are
// cut, nothing over the limit, text that is UTF-8, and nothing after a violation.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "net/websocket_frame.h"

using namespace wharf::net;

namespace {

constexpr std::size_t max_message_bytes = 4096;

void check(bool invariant) {
  if (!invariant) std::abort();
}

/// One line per event.
std::string decode(std::span<const std::uint8_t> bytes, std::size_t piece) {
  FrameDecoder decoder(max_message_bytes);
  std::string events;
  for (std::size_t at = 0; at < bytes.size(); at += piece) {
    std::span<const std::uint8_t> input = bytes.subspan(at, std::min(piece, bytes.size() - at));
    while (true) {
      const auto event = decoder.next(input);
      if (std::holds_alternative<FrameDecoder::NeedMore>(event)) {
        check(input.empty());
        break;
      }
      if (const auto* message = std::get_if<FrameDecoder::Message>(&event)) {
        check(message->payload.size() <= max_message_bytes);
        if (message->type == MessageType::text) check(valid_utf8(message->payload));
        events += "message " + std::string(message->payload.begin(), message->payload.end()) + "\n";
      } else if (const auto* ping = std::get_if<FrameDecoder::Ping>(&event)) {
        check(ping->payload.size() <= 125);
        events += "ping " + std::string(ping->payload.begin(), ping->payload.end()) + "\n";
      } else if (std::holds_alternative<FrameDecoder::Pong>(event)) {
        events += "pong\n";
      } else if (const auto* close = std::get_if<FrameDecoder::Close>(&event)) {
        check(close->code == close_code::no_status || valid_close_code(close->code));
        return events + "close " + std::to_string(close->code) + " " + std::string(close->reason);
      } else if (const auto* violation = std::get_if<FrameDecoder::Violation>(&event)) {
        return events + "violation " + std::to_string(violation->code);
      }
    }
  }
  return events;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::span<const std::uint8_t> bytes(data + 1, size - 1);
  const std::string whole = decode(bytes, bytes.size());
  check(decode(bytes, 1 + data[0] / 2 % 16) == whole);
  return 0;
}
