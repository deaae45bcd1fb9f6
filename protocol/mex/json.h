#pragma once
// The JSON inside mex stanzas (05 sections 6.3 and 8.1) as a small value: read without ever throwing, whatever the peer
// sent, and built for the other direction. json.cpp alone knows a JSON library.

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace wharf::protocol {

class Json;
struct JsonMember;

/// Bounds on what a peer may send (05 section 17). Notifications keep to the defaults.
struct JsonLimits {
  std::size_t bytes = 65'536;
  std::size_t depth = 16;
};
/// For answers to queries of our own, which may hold a list of channels or, in the other direction, a picture in
/// base64.
inline constexpr JsonLimits mex_limits{1'048'576, 16};

class Json {
 public:
  using Array = std::vector<Json>;
  using Object = std::vector<JsonMember>;  // in the order of the text; a name once

  // What makes and ends a value stands in json.cpp: here a member of an object is not complete yet.
  Json();  // null
  Json(const Json& other);
  Json(Json&& other) noexcept;
  Json& operator=(const Json& other);
  Json& operator=(Json&& other) noexcept;
  ~Json();
  /// Exactly one of the two kinds: a number is never taken for a bool.
  template <std::integral T>
  Json(T value)
      : Json(Plain(std::in_place_type<std::conditional_t<std::is_same_v<T, bool>, bool, std::uint64_t>>, value)) {
    static_assert(std::is_unsigned_v<T>, "what mex writes starts at 0");
  }
  Json(std::string_view value);
  Json(const std::string& value) : Json(std::string_view(value)) {}
  Json(const char* value) : Json(std::string_view(value)) {}
  static Json object();
  static Json array();

  // --- building
  /// A null becomes an object first. A name that is there is given the new value.
  Json& set(std::string_view name, Json value);
  /// Only when there is one: optional members stay out of the text.
  template <class T>
  Json& set_if(std::string_view name, const std::optional<T>& value) {
    return value ? set(name, Json(*value)) : *this;
  }
  Json& push(Json value);

  // --- reading: the wrong kind reads as nothing
  const Json& operator[](std::string_view name) const;  // null when absent
  bool has(std::string_view name) const;
  bool is_null() const { return std::holds_alternative<std::monostate>(value_); }
  bool is_object() const { return std::holds_alternative<Object>(value_); }
  /// The bytes of a text: valid UTF-8, but not yet fit to show (protocol/text.h).
  std::optional<std::string_view> text() const;
  /// A whole number from 0 to 2^63 - 1, or a text that is one: servers write both.
  std::optional<std::uint64_t> number() const;
  std::optional<bool> boolean() const;
  const Array& items() const;     // empty when it is no array
  const Object& members() const;  // empty when it is no object

  friend bool operator==(const Json& a, const Json& b);

 private:
  using Plain = std::variant<bool, std::uint64_t>;
  explicit Json(Plain value);

  /// A number below zero or with a fraction. Nothing in mex is one, so its value is not kept.
  struct OtherNumber {
    friend bool operator==(OtherNumber, OtherNumber) { return true; }
  };
  std::variant<std::monostate, bool, std::uint64_t, OtherNumber, std::string, Array, Object> value_;

  friend struct JsonText;  // json.cpp
};

struct JsonMember {
  std::string name;
  Json value;
  friend bool operator==(const JsonMember&, const JsonMember&) = default;
};

/// Errors: too_large (bytes or depth), malformed (no JSON, or not UTF-8).
Result<Json> parse_json(ByteView text, const JsonLimits& limits = {});
std::string write_json(const Json& value);

}  // namespace wharf::protocol
