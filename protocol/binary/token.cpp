#include "protocol/binary/token.h"

#include <algorithm>
#include <array>

namespace wharf::protocol {

namespace {

#include "protocol/binary/token_table.inc"

constexpr std::size_t dictionaries = double_byte_tokens.size();
constexpr std::size_t single_count = single_byte_tokens.size();
constexpr std::size_t token_count = single_count + dictionaries * 256;

std::string_view token_text(std::size_t number) {
  if (number < single_count) return single_byte_tokens[number];
  return double_byte_tokens[(number - single_count) / 256][(number - single_count) % 256];
}

// Open addressing over a table three times the number of tokens; a slot holds the token number + 1, 0 is free.
class TokenIndex {
 public:
  TokenIndex() {
    for (std::size_t number = 1; number < token_count; ++number) {
      const std::string_view text = token_text(number);
      longest_ = std::max(longest_, text.size());
      std::size_t slot = slot_of(text);
      while (slots_[slot] != 0) slot = (slot + 1) % slots_.size();
      slots_[slot] = static_cast<std::uint16_t>(number + 1);
    }
  }

  std::size_t find(std::string_view text) const {  // 0: no token
    if (text.empty() || text.size() > longest_) return 0;
    for (std::size_t slot = slot_of(text); slots_[slot] != 0; slot = (slot + 1) % slots_.size())
      if (token_text(slots_[slot] - 1u) == text) return slots_[slot] - 1u;
    return 0;
  }

 private:
  std::size_t slot_of(std::string_view text) const {
    std::uint32_t hash = 2166136261u;  // FNV-1a
    for (char c : text) hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619u;
    return (hash ^ hash >> 15) % slots_.size();
  }

  std::array<std::uint16_t, 4096> slots_{};
  std::size_t longest_ = 0;
};

}  // namespace

std::optional<Token> find_token(std::string_view text) {
  static const TokenIndex index;
  const std::size_t number = index.find(text);
  if (number == 0) return std::nullopt;
  if (number < single_count) return Token{Token::single, static_cast<std::uint8_t>(number)};
  const std::size_t rest = number - single_count;
  return Token{static_cast<std::uint8_t>(rest / 256), static_cast<std::uint8_t>(rest % 256)};
}

std::string_view single_byte_token(std::uint8_t index) {
  return index < single_count ? single_byte_tokens[index] : std::string_view{};
}

std::string_view double_byte_token(std::uint8_t dictionary, std::uint8_t index) {
  return dictionary < dictionaries ? double_byte_tokens[dictionary][index] : std::string_view{};
}

}  // namespace wharf::protocol
