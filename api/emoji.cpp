#include "api/emoji.h"

#include <cstdint>
#include <vector>

#include "protocol/text.h"

namespace wharf::api {
namespace {

constexpr std::size_t max_code_points = 16;  // a family of four with skin tones has 11

enum class Part { picture, skin, letter_of_flag, joiner, decoration, keycap_base, none };

Part part_of(std::uint32_t c) {
  const auto in = [c](std::uint32_t first, std::uint32_t last) { return c >= first && c <= last; };
  if (c == '#' || c == '*' || in('0', '9')) return Part::keycap_base;
  if (c == 0x200D) return Part::joiner;
  if (in(0x1F3FB, 0x1F3FF)) return Part::skin;
  if (in(0x1F1E6, 0x1F1FF)) return Part::letter_of_flag;
  if (c == 0xFE0F || c == 0xFE0E || in(0xE0020, 0xE007F)) return Part::decoration;
  if (c == 0xA9 || c == 0xAE || c == 0x203C || c == 0x2049 || c == 0x2122 || c == 0x2139 || in(0x2194, 0x21AA) ||
      in(0x231A, 0x23FF) || c == 0x24C2 || in(0x25AA, 0x25FE) || in(0x2600, 0x27BF) || c == 0x2934 || c == 0x2935 ||
      in(0x2B05, 0x2B55) || c == 0x3030 || c == 0x303D || c == 0x3297 || c == 0x3299 || in(0x1F000, 0x1FBFF))
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
  std::vector<std::uint32_t> points;
  while (!text.empty()) {
    const int length = protocol::utf8_sequence_length(text);
    if (length <= 0 || points.size() == max_code_points) return false;
    points.push_back(code_point(text, length));
    text.remove_prefix(static_cast<std::size_t>(length));
  }
  if (points.empty()) return false;
  const Part first = part_of(points.front());
  if (first == Part::keycap_base)
    return points.back() == keycap && (points.size() == 2 || (points.size() == 3 && points[1] == 0xFE0F));
  if (first == Part::letter_of_flag) return points.size() == 2 && part_of(points[1]) == Part::letter_of_flag;
  // Pictures, each with its skin and decorations, joined to one.
  bool expects_picture = true;
  for (const std::uint32_t c : points) {
    const Part part = part_of(c);
    if (expects_picture != (part == Part::picture)) return false;
    if (part != Part::picture && part != Part::joiner && part != Part::skin && part != Part::decoration) return false;
    expects_picture = part == Part::joiner;
  }
  return !expects_picture;
}

}  // namespace wharf::api
