#pragma once
// WebSocket bytes made by hand (RFC 6455 4.2.2 and 5), for peers that say exactly what a test wants said.

#include <openssl/evp.h>

#include <array>
#include <initializer_list>
#include <string>
#include <string_view>

#include "net/base64.h"

namespace wharf::test {

inline std::string bytes_of(std::initializer_list<unsigned> values) {
  std::string out;
  for (const unsigned value : values) out += static_cast<char>(value);
  return out;
}

inline std::string frame_header(unsigned first, std::size_t size, bool masked) {
  const unsigned mask_bit = masked ? 0x80 : 0;
  std::string out = bytes_of({first});
  if (size < 126) return out + bytes_of({mask_bit | static_cast<unsigned>(size)});
  const int length_bytes = size < 65536 ? 2 : 8;
  out += bytes_of({mask_bit | (length_bytes == 2 ? 126u : 127u)});
  for (int i = length_bytes - 1; i >= 0; --i) out += bytes_of({static_cast<unsigned>(size >> (8 * i)) & 0xff});
  return out;
}

/// As a server sends it.
inline std::string server_frame(unsigned first, std::string_view payload) {
  return frame_header(first, payload.size(), false).append(payload);
}

/// As a client sends it.
inline std::string client_frame(unsigned first, std::string_view payload) {
  constexpr std::array<unsigned, 4> key{0x37, 0xfa, 0x21, 0x3d};
  std::string out = frame_header(first, payload.size(), true) + bytes_of({key[0], key[1], key[2], key[3]});
  for (std::size_t i = 0; i < payload.size(); ++i)
    out += static_cast<char>(static_cast<unsigned char>(payload[i]) ^ key[i % 4]);
  return out;
}

/// Sec-WebSocket-Accept for a key.
inline std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return net::base64_encode(std::span(digest).first(size));
}

}  // namespace wharf::test
