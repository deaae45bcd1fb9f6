#include "sandbox/row_values.h"

#include <boost/json.hpp>
#include <stdexcept>
#include <utility>

namespace wharf::sandbox {

namespace json = boost::json;

void damaged(std::string_view what) { throw std::invalid_argument(std::string(what)); }

json::string base64_value(ByteView bytes) { return json::string(protocol::to_base64(bytes)); }

Bytes packed(const json::object& object) { return protocol::to_bytes(json::serialize(object)); }

json::object unpacked(ByteView row) { return json::parse(protocol::as_text(row)).as_object(); }

Bytes bytes_of(const json::value& value) {
  auto bytes = protocol::from_base64(value.as_string());
  if (!bytes) damaged("base64");
  return std::move(*bytes);
}

std::string string_of(const json::value& value) { return std::string(value.as_string()); }

Node stanza_of(ByteView row) {
  auto stanza = protocol::decode_node(row);
  if (!stanza) damaged("a stanza");
  return std::move(*stanza);
}

DeviceKey device_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) damaged("a device name");
  return {std::string(text.substr(0, colon)), name_number<std::uint16_t>(text.substr(colon + 1))};
}

std::uint16_t device_in(std::string_view name) {
  if (name.size() < 2) damaged("a device number");
  return static_cast<std::uint16_t>(number_in_row(name.substr(0, 2)));
}

std::uint64_t number_after(std::string_view name, std::size_t prefix) {
  if (name.size() != prefix + 8) damaged("a number");
  return number_in_row(name.substr(prefix));
}

}  // namespace wharf::sandbox
