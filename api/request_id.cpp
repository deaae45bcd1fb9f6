#include "api/request_id.h"

#include <algorithm>
#include <cctype>

#include "protocol/bytes.h"

namespace wharf::api {

bool is_request_id(std::string_view text) {
  constexpr std::size_t max_chars = 128;
  const auto allowed = [](unsigned char c) {
    return c < 0x80 && (std::isalnum(c) || c == '.' || c == '_' || c == ':' || c == '-');
  };
  return !text.empty() && text.size() <= max_chars && std::all_of(text.begin(), text.end(), allowed);
}

std::string request_id_of(const net::HttpRequest& request, protocol::Random& random) {
  const std::string_view given = request.header("x-request-id");
  return is_request_id(given) ? std::string(given) : protocol::to_hex(random.bytes<12>());
}

}  // namespace wharf::api
