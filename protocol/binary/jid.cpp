#include "protocol/binary/jid.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace wharf::protocol {

namespace {

constexpr std::array known_servers = {
    server::user,       server::lid, server::hosted,      server::hosted_lid, server::group,   server::broadcast,
    server::newsletter, server::bot, server::legacy_user, server::messenger,  server::interop, server::call,
};

constexpr std::size_t max_user_bytes = 255;

// The Signal domain of the four servers with a Signal identity, which is their AD domain byte on the wire as well.
std::optional<unsigned> signal_domain(std::string_view name) {
  if (name == server::user) return 0;
  if (name == server::lid) return 1;
  if (name == server::hosted) return 128;
  if (name == server::hosted_lid) return 129;
  return std::nullopt;
}

// 0 for servers whose users have no device part.
unsigned max_device(std::string_view name) {
  if (name == server::messenger || name == server::interop) return 65535;
  if (name == server::legacy_user || signal_domain(name)) return 255;
  return 0;
}

bool is_phone_number_server(std::string_view name) {
  return name == server::user || name == server::legacy_user || name == server::hosted;
}

std::optional<unsigned> small_number(std::string_view digits) {
  unsigned value = 0;
  if (digits.empty() || digits.size() > 5) return std::nullopt;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (failure != std::errc() || end != digits.data() + digits.size() || value > 65535) return std::nullopt;
  return value;
}

// Users are digits and a few marks. Anything else could not be shown or named again: text that is no UTF-8 in one made
// whole events invalid.
bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

Error malformed(const char* why) { return Error(Errc::malformed, std::string("JID: ") + why); }

// `user.agent` and `user_agent` of old phone-number JIDs: agent 0 is dropped. False when the agent is another one or
// when there is no device behind it, since a dotted number alone is ambiguous.
bool drop_agent(std::string_view& user, bool has_device) {
  const std::size_t mark = user.find_first_of("._");
  if (mark == std::string_view::npos) return true;
  if (!has_device || mark == 0 || user.substr(mark + 1) != "0") return false;
  user = user.substr(0, mark);
  return true;
}

}  // namespace

Result<Jid> Jid::parse(std::string_view text) {
  const std::size_t at = text.find('@');
  const std::string_view name = at == std::string_view::npos ? text : text.substr(at + 1);
  std::string_view user = at == std::string_view::npos ? std::string_view{} : text.substr(0, at);
  if (std::find(known_servers.begin(), known_servers.end(), name) == known_servers.end())
    return malformed("unknown server");
  if (user.size() > max_user_bytes) return malformed("user over 255 bytes");
  if (!printable(user)) return malformed("a character that is not printable ASCII");
  if (user.empty()) return Jid({}, name);

  Jid jid({}, name);
  const std::size_t colon = user.find(':');
  if (colon != std::string_view::npos) {
    const auto device = small_number(user.substr(colon + 1));
    user = user.substr(0, colon);
    if (max_device(name) == 0) return malformed("a device on a server without devices");
    if (!device || *device > max_device(name)) return malformed("bad device number");
    if (user.empty()) return malformed("a device without user");
    jid.device = static_cast<std::uint16_t>(*device);
  }
  if (is_phone_number_server(name) && !drop_agent(user, colon != std::string_view::npos)) return malformed("bad agent");
  if (name == server::interop) {
    const std::size_t dash = user.find('-');
    const auto integrator = small_number(user.substr(0, dash));
    if (dash == std::string_view::npos || !integrator || dash + 1 == user.size())
      return malformed("interop user without integrator");
    jid.integrator = static_cast<std::uint16_t>(*integrator);
    user = user.substr(dash + 1);
  }
  jid.user = user;
  return jid;
}

std::string Jid::to_string() const {
  if (user.empty()) return server;
  std::string out;
  out.reserve(user.size() + server.size() + 14);
  if (server == server::interop) out.append(std::to_string(integrator)).push_back('-');
  out.append(user);
  if (device != 0) {
    out.push_back(':');
    out.append(std::to_string(device));
  }
  out.push_back('@');
  out.append(server);
  return out;
}

Jid Jid::user_jid() const {
  Jid out(user, server == server::legacy_user ? server::user : std::string_view(server));
  out.integrator = integrator;
  return out;
}

Jid Jid::with_device(std::uint16_t d) const {
  Jid out = *this;
  out.device = d;
  return out;
}

bool Jid::has_devices() const { return signal_domain(server).has_value(); }

Jid server_jid() { return Jid({}, server::user); }

std::optional<std::string> signal_address(const Jid& jid) {
  const auto domain = signal_domain(jid.server);
  if (!domain || jid.user.empty()) return std::nullopt;
  std::string out = jid.user;
  if (*domain != 0) out.append("_").append(std::to_string(*domain));
  return out.append(".").append(std::to_string(jid.device));
}

}  // namespace wharf::protocol
