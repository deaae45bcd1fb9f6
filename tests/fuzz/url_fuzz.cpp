// URLs and addresses as users and peers write them. What parses is complete, and its parts written together parse to
// the same parts.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/url.h"

using namespace wharf::net;

namespace {

void check(bool invariant) {
  if (!invariant) std::abort();
}

void check_url(std::string_view text) {
  const auto url = parse_url(text);
  if (!url) return check(!url.error().empty());
  check(!url->host.empty() && url->port != 0 && url->target.starts_with('/'));
  const std::string written =
      url->scheme + "://" + (url->userinfo.empty() ? "" : url->userinfo + "@") + url->authority() + url->target;
  const auto again = parse_url(written);
  check(again && again->scheme == url->scheme && again->host == url->host && again->port == url->port &&
        again->target == url->target);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_url(text);
  const auto at = parse_host_port(text);
  check(at ? !at->host.empty() : !at.error().empty());
  boost::system::error_code bad;
  const auto address = boost::asio::ip::make_address(std::string(text.substr(0, 64)), bad);
  if (!bad && address.is_v6() && address.to_v6().is_v4_mapped()) {
    const auto inner = boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, address.to_v6());
    check(globally_routable(address) == globally_routable(inner));
  }
  return 0;
}
