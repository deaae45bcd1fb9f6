#include "net/base64.h"

#include <openssl/evp.h>

namespace wharf::net {

std::string base64_encode(std::span<const std::uint8_t> bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');  // OpenSSL ends with a NUL
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes.data(), static_cast<int>(bytes.size()));
  out.resize(static_cast<std::size_t>(size));
  return out;
}

std::string basic_authorization(std::string_view username, std::string_view password) {
  const std::string pair = std::string(username) + ":" + std::string(password);
  return "Basic " + base64_encode({reinterpret_cast<const std::uint8_t*>(pair.data()), pair.size()});
}

}  // namespace wharf::net
