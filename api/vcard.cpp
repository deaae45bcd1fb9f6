#include "api/vcard.h"

#include <algorithm>

namespace wharf::api {
namespace {

/// RFC 2426 section 4: a text value. Line ends cannot begin a property of their own.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == ',' || c == ';') out += '\\';
    if (c == '\n') out += "\\n";
    else if (c != '\r') out += c;
  }
  return out;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t\r\n"), last = text.find_last_not_of(" \t\r\n");
  return first == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1);
}

}  // namespace

std::string vcard_of(const Card& card) {
  const std::string name = escaped(card.name);
  std::string out = "BEGIN:VCARD\nVERSION:3.0\nN:;" + name + ";;;\nFN:" + name + "\n";
  if (!card.organization.empty()) out += "ORG:" + escaped(card.organization) + ";\n";
  out += "TEL;type=CELL;type=VOICE;waid=" + card.phone_digits + ":+" + card.phone_digits + "\nEND:VCARD";
  return out;
}

bool is_vcard(std::string_view text) {
  const std::string_view card = trimmed(text);
  const auto control = [](char c) {
    return static_cast<unsigned char>(c) < 0x20 && c != '\n' && c != '\r' && c != '\t';
  };
  return card.starts_with("BEGIN:VCARD") && card.ends_with("END:VCARD") &&
         std::none_of(card.begin(), card.end(), control);
}

}  // namespace wharf::api
