#pragma once
// Values inside rows, written and read: base64 in JSON, keys, stanzas, numbers in names. What is out of shape throws
// (std::invalid_argument, or what Boost.JSON's accessors throw); whoever restores turns that into one Error.

#include <array>
#include <boost/json/object.hpp>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <system_error>

#include "protocol/binary/node.h"
#include "sandbox/account.h"
#include "sandbox/rows.h"

namespace wharf::sandbox {

[[noreturn]] void damaged(std::string_view what);

// --- writing
boost::json::string base64_value(ByteView bytes);
Bytes packed(const boost::json::object& object);

// --- reading
boost::json::object unpacked(ByteView row);
Bytes bytes_of(const boost::json::value& value);
std::string string_of(const boost::json::value& value);
Node stanza_of(ByteView row);
template <class Number>
Number number_of(const boost::json::value& value) {
  return value.to_number<Number>();
}
template <std::size_t N>
std::array<std::uint8_t, N> array_of(ByteView bytes) {
  const auto array = protocol::exactly<N>(bytes);
  if (!array) damaged("a key of another length");
  return *array;
}
template <std::size_t N>
std::array<std::uint8_t, N> array_of(const boost::json::value& value) {
  return array_of<N>(bytes_of(value));
}

// --- names of rows
template <class Number>
Number name_number(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) damaged("a number");
  return number;
}
/// As text_of(DeviceKey) writes it.
DeviceKey device_of(std::string_view text);
/// The device that a name begins with, in two bytes.
std::uint16_t device_in(std::string_view name);
/// The number that follows `prefix` bytes of a name, and ends it.
std::uint64_t number_after(std::string_view name, std::size_t prefix);

}  // namespace wharf::sandbox
