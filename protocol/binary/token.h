#pragma once
// The token dictionaries of the binary node codec, version 3. Specification 01 section 5.2, data tokens.json.

#include <cstdint>
#include <optional>
#include <string_view>

namespace wharf::protocol {

/// A string's place in the dictionaries.
struct Token {
  static constexpr std::uint8_t single = 255;
  std::uint8_t dictionary = single;  // 0-3, or `single`
  std::uint8_t index = 0;
};

/// Constant time, no allocation. The empty string has no token.
std::optional<Token> find_token(std::string_view text);

/// `index` 1-235; empty for others.
std::string_view single_byte_token(std::uint8_t index);
/// `dictionary` 0-3, every index is assigned.
std::string_view double_byte_token(std::uint8_t dictionary, std::uint8_t index);

}  // namespace wharf::protocol
