#pragma once
// JIDs: {user, device, integrator, server}. Specification 01 section 6; vectors jids.json.

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace wharf::protocol {

/// The servers of 01 section 6.1, in their canonical spelling.
namespace server {
inline constexpr std::string_view user = "s.whatsapp.net";
inline constexpr std::string_view lid = "lid";
inline constexpr std::string_view hosted = "hosted";
inline constexpr std::string_view hosted_lid = "hosted.lid";
inline constexpr std::string_view group = "g.us";
inline constexpr std::string_view broadcast = "broadcast";
inline constexpr std::string_view newsletter = "newsletter";
inline constexpr std::string_view bot = "bot";
inline constexpr std::string_view legacy_user = "c.us";
inline constexpr std::string_view messenger = "msgr";
inline constexpr std::string_view interop = "interop";
inline constexpr std::string_view call = "call";
}  // namespace server

struct Jid {
  std::string user;  // empty for a server alone
  std::string server;
  std::uint16_t device = 0;      // 0 is the primary phone
  std::uint16_t integrator = 0;  // interop only

  Jid() = default;
  Jid(std::string_view u, std::string_view s, std::uint16_t d = 0) : user(u), server(s), device(d) {}

  /// Strict (01 section 6.2). Errors: malformed.
  static Result<Jid> parse(std::string_view text);

  std::string to_string() const;
  /// Device removed, c.us mapped to s.whatsapp.net; hosted kept.
  Jid user_jid() const;
  Jid with_device(std::uint16_t d) const;

  bool empty() const { return server.empty(); }
  bool is_phone_number() const { return server == server::user; }
  bool is_lid() const { return server == server::lid; }
  bool is_group() const { return server == server::group; }
  /// status@broadcast, where status posts go.
  bool is_status() const { return server == server::broadcast && user == "status"; }
  /// What is said there is encrypted once for all: a group, status@broadcast.
  bool has_sender_keys() const { return is_group() || is_status(); }
  bool is_channel() const { return server == server::newsletter; }
  /// A server with devices: s.whatsapp.net, lid, hosted, hosted.lid.
  bool has_devices() const;
  bool is_server() const { return user.empty(); }

  friend bool operator==(const Jid&, const Jid&) = default;
  friend std::strong_ordering operator<=>(const Jid& a, const Jid& b) {
    if (auto c = a.server.compare(b.server); c != 0) return c <=> 0;
    if (auto c = a.user.compare(b.user); c != 0) return c <=> 0;
    if (auto c = a.device <=> b.device; c != 0) return c;
    return a.integrator <=> b.integrator;
  }
};

/// The JID of the server itself: empty user at s.whatsapp.net.
Jid server_jid();

/// status@broadcast
inline Jid status_jid() { return {"status", server::broadcast}; }

/// `user[_domain].device`, the Signal protocol address (vectors: signal_address); nullopt for JIDs without one.
std::optional<std::string> signal_address(const Jid& jid);

}  // namespace wharf::protocol

template <>
struct std::hash<wharf::protocol::Jid> {
  std::size_t operator()(const wharf::protocol::Jid& jid) const noexcept {
    const std::size_t h = std::hash<std::string_view>{}(jid.user);
    return h * 31 + std::hash<std::string_view>{}(jid.server) * 17 + jid.device;
  }
};
