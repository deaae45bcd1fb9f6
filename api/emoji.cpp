#include "api/emoji.h"

#include <cstdint>

#include "protocol/text.h"

namespace wharf::api {
namespace {

constexpr std::size_t max_code_points = 16;  // a family of four with skin tones has 11

enum class Part { picture, modifier, keycap_base, none };

Part part_of(std::uint32_t c) {
  const auto in = [c](std::uint32_t first, std::uint32_t last) { return c >= first && c <= last; };
  if (c == '#' || c == '*' || in('0', '9')) return Part::keycap_base;
  if (c == 0x200D || c == 0xFE0F || c == 0xFE0E || c == 0x20E3 || in(0xE0020, 0xE007F)) return Part::modifier;
  if (c == 0xA9 || c == 0xAE || in(0x203C, 0x2BFF) || c == 0x3030 || c == 0x303D || c == 0x3297 || c == 0x3299 ||
      in(0x1F000, 0x1FBFF))
    return Part::picture;
  return Part::none;
}

/// The code point at the front of well-formed text.
std::uint32_t code_point(std::string_view text, int length) {
  const auto byte = [&](int i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[static_cast<std::size_t>(i)]));
  };
  constexpr std::uint32_t first_bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
  std::uint32_t c = byte(0) & first_bits[length];
  for (int i = 1; i < length; ++i) c = c << 6 | (byte(i) & 0x3F);
  return c;
}

}  // namespace

bool is_emoji(std::string_view text) {
  constexpr std::uint32_t keycap = 0x20E3;
  bool pictured = false, keyed = false, based = false;
  std::size_t count = 0;
  while (!text.empty()) {
    const int length = protocol::utf8_sequence_length(text);
    if (length <= 0 || ++count > max_code_points) return false;
    const std::uint32_t c = code_point(text, length);
    const Part part = part_of(c);
    if (part == Part::none) return false;
    pictured |= part == Part::picture;
    based |= part == Part::keycap_base;
    keyed |= c == keycap;
    text.remove_prefix(static_cast<std::size_t>(length));
  }
  return based ? keyed && !pictured : pictured;
}

}  // namespace wharf::api
