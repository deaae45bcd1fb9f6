#include "net/websocket_handshake.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace wharf::net {
namespace {

constexpr std::string_view protocol_version = "13";
constexpr std::size_t key_characters = 24;

bool valid_key(std::string_view key) {
  return key.size() == key_characters && key.ends_with("==") &&
         std::all_of(key.begin(), key.end() - 2,
                     [](unsigned char c) { return std::isalnum(c) || c == '+' || c == '/'; });
}

}  // namespace

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
