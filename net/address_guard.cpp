// The outbound-address guard. A webhook address is chosen by a stranger; without this check it could point at the
// machine's own services, the cloud's metadata address or a neighbour in a private network. Ranges: the IANA special
// purpose registries (RFC 6890 and its successors). An IPv6 address that carries an IPv4 one is judged by the IPv4
// one too, or a translator on the way would undo the check.

#include <algorithm>
#include <array>

#include "net/url.h"

namespace wharf::net {
namespace {

namespace ip = boost::asio::ip;

struct Range4 {
  std::uint32_t network;
  unsigned bits;
};

constexpr std::uint32_t quad(unsigned a, unsigned b, unsigned c, unsigned d) { return a << 24 | b << 16 | c << 8 | d; }

constexpr std::array<Range4, 15> refused_v4{{
    {quad(0, 0, 0, 0), 8},        // this network
    {quad(10, 0, 0, 0), 8},       // private
    {quad(100, 64, 0, 0), 10},    // shared (carrier NAT)
    {quad(127, 0, 0, 0), 8},      // loopback
    {quad(169, 254, 0, 0), 16},   // link-local, cloud metadata
    {quad(172, 16, 0, 0), 12},    // private
    {quad(192, 0, 0, 0), 24},     // protocol assignments
    {quad(192, 0, 2, 0), 24},     // documentation
    {quad(192, 88, 99, 0), 24},   // 6to4 relay
    {quad(192, 168, 0, 0), 16},   // private
    {quad(198, 18, 0, 0), 15},    // benchmarks
    {quad(198, 51, 100, 0), 24},  // documentation
    {quad(203, 0, 113, 0), 24},   // documentation
    {quad(224, 0, 0, 0), 4},      // multicast
    {quad(240, 0, 0, 0), 4},      // reserved, broadcast
}};

bool routable_v4(std::uint32_t address) {
  return std::none_of(refused_v4.begin(), refused_v4.end(),
                      [address](const Range4& range) { return (address ^ range.network) >> (32 - range.bits) == 0; });
}

bool starts_with(const ip::address_v6::bytes_type& address, std::initializer_list<unsigned char> prefix) {
  return std::equal(prefix.begin(), prefix.end(), address.begin());
}

std::uint32_t embedded_v4(const ip::address_v6::bytes_type& address, std::size_t at) {
  return quad(address[at], address[at + 1], address[at + 2], address[at + 3]);
}

bool routable_v6(const ip::address_v6::bytes_type& a) {
  const bool zero_96 = std::all_of(a.begin(), a.begin() + 12, [](unsigned char b) { return b == 0; });
  if (zero_96) return false;  // ::, ::1, v4-compatible
  if (starts_with(a, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff})) return routable_v4(embedded_v4(a, 12));  // v4-mapped
  if (starts_with(a, {0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0})) {
    return routable_v4(embedded_v4(a, 12));  // NAT64 64:ff9b::/96
  }
  if (starts_with(a, {0x20, 0x02})) return false;                        // 6to4 2002::/16, deprecated
  if (starts_with(a, {0x20, 0x01, 0, 0})) return false;                  // Teredo: both ends are embedded
  if (starts_with(a, {0x20, 0x01, 0x0d, 0xb8})) return false;            // documentation
  if (a[0] == 0x20 && a[1] == 0x01 && a[2] < 0x02) return false;         // 2001::/23 protocol assignments
  if (starts_with(a, {0x3f, 0xff}) && (a[2] & 0xf0) == 0) return false;  // documentation 3fff::/20
  // Everything else that is global unicast today lies in 2000::/3; that also refuses fc00::/7, fe80::/10, fec0::/10,
  // ff00::/8, 100::/64 and the local NAT64 prefix 64:ff9b:1::/48.
  return (a[0] & 0xe0) == 0x20;
}

}  // namespace

bool globally_routable(const ip::address& address) {
  if (address.is_v4()) return routable_v4(address.to_v4().to_uint());
  return routable_v6(address.to_v6().to_bytes());
}

}  // namespace wharf::net
