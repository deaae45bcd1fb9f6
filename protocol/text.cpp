#include "protocol/text.h"

#include <algorithm>

namespace wharf::protocol {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD";  // U+FFFD

}  // namespace

int utf8_sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return -1;
  const int length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // The second byte is narrower for some leads: no overlong forms, no surrogates, nothing above U+10FFFF.
  const unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (byte(1) < low || byte(1) > high) return -1;
  for (int i = 2; i < length; ++i) {
    const unsigned next = byte(static_cast<std::size_t>(i));
    if (next < 0x80 || next > 0xbf) return -i;
  }
  return length;
}

std::string displayable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const int length = utf8_sequence_length(text);
    const auto consumed = static_cast<std::size_t>(length > 0 ? length : -length);
    out += length > 0 && text.front() != '\0' ? text.substr(0, consumed) : replacement;
    text.remove_prefix(consumed);
  }
  return out;
}

std::string display_line(std::string_view text, std::size_t max_bytes) {
  // A broken byte grows to three: what is past the bound can be left out before.
  std::string line = displayable(text.substr(0, max_bytes));
  std::replace_if(
      line.begin(), line.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, ' ');
  if (line.size() > max_bytes || text.size() > max_bytes) {
    std::size_t end = std::min(line.size(), max_bytes);
    while (end > 0 && end < line.size() && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;
    line.resize(end);
  }
  return line;
}

bool acceptable_id(std::string_view id) {
  return !id.empty() && id.size() <= max_id_bytes &&
         std::all_of(id.begin(), id.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

}  // namespace wharf::protocol
