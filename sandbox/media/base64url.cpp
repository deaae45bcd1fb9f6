#include "sandbox/media/base64url.h"

#include <algorithm>
#include <string>

namespace wharf::sandbox {

std::optional<protocol::Bytes> from_base64url(std::string_view text) {
  if (text.find_first_of("+/") != std::string_view::npos) return std::nullopt;
  std::string standard(text);
  std::replace(standard.begin(), standard.end(), '-', '+');
  std::replace(standard.begin(), standard.end(), '_', '/');
  if (!standard.ends_with('=')) standard.append((4 - standard.size() % 4) % 4, '=');
  return protocol::from_base64(standard);
}

}  // namespace wharf::sandbox
