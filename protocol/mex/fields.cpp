#include "protocol/mex/fields.h"

#include "protocol/text.h"

namespace wharf::protocol {

std::optional<Jid> user_in(const Json& json, std::string_view name) {
  const auto text = json[name].text();
  if (!text) return std::nullopt;
  auto jid = Jid::parse(*text);
  if (!jid || jid->user.empty()) return std::nullopt;
  return std::move(*jid);
}

std::optional<Jid> lid_in(const Json& json, std::string_view name) {
  auto jid = user_in(json, name);
  if (!jid || !jid->is_lid()) return std::nullopt;
  return jid;
}

std::optional<Jid> channel_in(const Json& json, std::string_view name) {
  auto jid = user_in(json, name);
  if (!jid || jid->server != server::newsletter) return std::nullopt;
  return jid;
}

bool has_errors(const Json& body) {
  const Json& errors = body["errors"];
  return !errors.is_null() && errors != Json::array();
}

std::string line_in(const Json& json, std::string_view name, std::size_t max_bytes) {
  return display_line(json[name].text().value_or(std::string_view()), max_bytes);
}

}  // namespace wharf::protocol
