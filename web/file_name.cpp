#include "web/file_name.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "protocol/text.h"
#include "web/header_parameters.h"

namespace wharf::web {
namespace {

constexpr std::size_t max_extension_bytes = 32;  // with its dot; what is longer is no extension

// `sequence` is one well-formed character.
char32_t code_point(std::string_view sequence) {
  const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(sequence[i])); };
  if (sequence.size() == 1) return byte(0);
  char32_t out = byte(0) & (0x7fu >> sequence.size());
  for (std::size_t i = 1; i < sequence.size(); ++i) out = out << 6 | (byte(i) & 0x3f);
  return out;
}

// Controls (C0, DEL, C1), line and paragraph separators, and what changes the direction of writing.
bool harmful(char32_t c) {
  return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

// Calls with each character of `text`, which is valid UTF-8.
template <class Take>
void each_character(std::string_view text, Take take) {
  while (!text.empty()) {
    const auto size = static_cast<std::size_t>(std::max(protocol::utf8_sequence_length(text), 1));
    take(text.substr(0, size));
    text.remove_prefix(size);
  }
}

std::string_view without_tail(std::string_view text) {
  while (text.ends_with('.') || text.ends_with(' ')) text.remove_suffix(1);
  return text;
}

std::string_view cut(std::string_view text, std::size_t max_bytes) {
  if (text.size() <= max_bytes) return text;
  while (max_bytes > 0 && (static_cast<unsigned char>(text[max_bytes]) & 0xc0) == 0x80) --max_bytes;
  return text.substr(0, max_bytes);
}

std::string shortened(std::string_view name) {
  if (name.size() <= max_file_name_bytes) return std::string(name);
  const std::size_t dot = name.rfind('.');
  const bool extended = dot != 0 && dot != std::string_view::npos && name.size() - dot <= max_extension_bytes;
  const std::string_view extension = extended ? name.substr(dot) : std::string_view();
  const std::string_view stem = name.substr(0, name.size() - extension.size());
  return std::string(without_tail(cut(stem, max_file_name_bytes - extension.size()))).append(extension);
}

// Windows looks at what stands before the first dot, blanks at its end left out.
bool names_device(std::string_view name) {
  const std::string stem = lower_case(without_tail(name.substr(0, name.find('.'))));
  constexpr std::array<std::string_view, 6> devices = {"con", "prn", "aux", "nul", "conin$", "conout$"};
  if (std::find(devices.begin(), devices.end(), stem) != devices.end()) return true;
  if (!stem.starts_with("com") && !stem.starts_with("lpt")) return false;
  const std::string_view number = std::string_view(stem).substr(3);
  // The superscripts are digits there, too.
  return (number.size() == 1 && number[0] >= '1' && number[0] <= '9') || number == "¹" || number == "²" ||
         number == "³";
}

std::string off_devices(std::string name) { return names_device(name) ? "_" + name : name; }

// RFC 8187 section 3.2.1: attr-char.
bool attribute_character(char c) { return is_token({&c, 1}) && c != '*' && c != '\'' && c != '%'; }

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (attribute_character(c)) {
      out.push_back(c);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out.append({'%', digits[byte >> 4], digits[byte & 15]});
    }
  }
  return out;
}

// Quotes and backslashes are read in more than one way, and a percent sign with digits is decoded by some.
std::string ascii_form(std::string_view name) {
  std::string out;
  each_character(name, [&](std::string_view c) {
    const bool plain = c.size() == 1 && c[0] != '"' && c[0] != '\\' && c[0] != '%';
    out.push_back(plain ? c[0] : '_');
  });
  return out;
}

}  // namespace

std::string safe_file_name(std::string_view given) {
  // A component of more than this is cut anyway, and the end has its extension.
  constexpr std::size_t enough = 64u << 10;
  if (given.size() > enough) given.remove_prefix(given.size() - enough);
  std::string clean;
  each_character(protocol::displayable(given), [&](std::string_view c) {
    if (!harmful(code_point(c))) clean += c;
  });
  std::string_view name = clean;
  name = name.substr(name.find_last_of("/\\") + 1);  // npos + 1 is 0
  name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));
  // A device's name grows by a character, and is cut then; what is a device's name only when it was cut has room.
  const std::string safe = off_devices(shortened(off_devices(std::string(without_tail(name)))));
  return safe.empty() ? "file" : safe;
}

std::string content_disposition(std::string_view name, Disposition disposition) {
  const std::string safe = safe_file_name(name);
  const std::string ascii = ascii_form(safe);
  std::string out = disposition == Disposition::saved ? "attachment" : "inline";
  out += "; filename=\"" + ascii + '"';
  if (ascii != safe) out += "; filename*=UTF-8''" + percent_encoded(safe);
  return out;
}

}  // namespace wharf::web
