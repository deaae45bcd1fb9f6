#include "net/websocket_handshake.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "net/base64.h"
#include "net/loop.h"

namespace wharf::net {
namespace {

constexpr std::string_view accept_guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::string_view protocol_version = "13";
constexpr std::size_t key_bytes = 16;
constexpr std::size_t key_characters = 24;

bool valid_key(std::string_view key) {
  return key.size() == key_characters && key.ends_with("==") &&
         std::all_of(key.begin(), key.end() - 2,
                     [](unsigned char c) { return std::isalnum(c) || c == '+' || c == '/'; });
}

}  // namespace

std::string make_websocket_key() {
  std::array<std::uint8_t, key_bytes> random{};
  system_random(random);
  return base64_encode(random);
}

std::string websocket_accept(std::string_view key) {
  const std::string text = std::string(key) + std::string(accept_guid);
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha1(), nullptr);
  return base64_encode(std::span(digest).first(size));
}

std::string make_upgrade_request(const Url& url, const HttpHeaders& headers, std::string_view key) {
  std::string out = "GET " + url.target + " HTTP/1.1\r\nHost: " + url.authority() +
                    "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + std::string(key) +
                    "\r\nSec-WebSocket-Version: " + std::string(protocol_version) + "\r\n";
  for (const auto& [name, value] : headers) {
    if (valid_header(name, value) && !handshake_field(name)) out += name + ": " + value + "\r\n";
  }
  out += "\r\n";
  return out;
}

std::string check_upgrade_response(unsigned status, const HttpHeaders& headers, std::string_view key) {
  if (status != 101) return "the server refused the WebSocket: HTTP " + std::to_string(status);
  if (!header_has_token(headers, "upgrade", "websocket") || !header_has_token(headers, "connection", "upgrade")) {
    return "the server's 101 answer is not for a WebSocket";
  }
  if (find_header(headers, "sec-websocket-accept") != websocket_accept(key))
    return "the server's Sec-WebSocket-Accept is wrong";
  // We offered none; using one nobody agreed to would change the framing.
  if (!find_header(headers, "sec-websocket-extensions").empty())
    return "the server chose an extension that was not offered";
  return "";
}

bool is_upgrade_request(std::string_view method, bool http_1_1, const HttpHeaders& headers) {
  return method == "GET" && http_1_1 && header_has_token(headers, "connection", "upgrade") &&
         header_has_token(headers, "upgrade", "websocket") &&
         find_header(headers, "sec-websocket-version") == protocol_version &&
         valid_key(find_header(headers, "sec-websocket-key"));
}

bool handshake_field(std::string_view name) {
  static constexpr std::array<std::string_view, 9> own = {"host",
                                                          "upgrade",
                                                          "connection",
                                                          "sec-websocket-key",
                                                          "sec-websocket-version",
                                                          "sec-websocket-accept",
                                                          "sec-websocket-extensions",
                                                          "content-length",
                                                          "transfer-encoding"};
  return std::any_of(own.begin(), own.end(), [name](std::string_view field) {
    return std::equal(field.begin(), field.end(), name.begin(), name.end(),
                      [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
  });
}

}  // namespace wharf::net
