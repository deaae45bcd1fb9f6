#include "protocol/groups/invite.h"

#include <algorithm>
#include <cctype>

namespace wharf::protocol::groups {

namespace {

constexpr std::string_view host = "chat.whatsapp.com/";
constexpr std::size_t min_code = 10, max_code = 64;

bool is_code_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

// Scheme and host are case insensitive; browsers of phones capitalise the first letter.
bool drop(std::string_view& text, std::string_view prefix) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  if (text.size() < prefix.size() ||
      !std::equal(prefix.begin(), prefix.end(), text.begin(), [&](char p, char t) { return same(t, p); })) {
    return false;
  }
  text.remove_prefix(prefix.size());
  return true;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view space = " \t\r\n";
  const std::size_t first = text.find_first_not_of(space);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(space) - first + 1);
}

}  // namespace

bool is_invite_code(std::string_view code) {
  return code.size() >= min_code && code.size() <= max_code && std::all_of(code.begin(), code.end(), is_code_character);
}

std::optional<std::string> invite_code(std::string_view link_or_code) {
  std::string_view rest = trimmed(link_or_code);
  const bool scheme = drop(rest, "https://") || drop(rest, "http://");
  const bool link = drop(rest, host);
  if (scheme && !link) return std::nullopt;
  if (link) drop(rest, "invite/");
  rest = rest.substr(0, rest.find_first_of("?#"));
  if (link && rest.ends_with('/')) rest.remove_suffix(1);
  if (!is_invite_code(rest)) return std::nullopt;
  return std::string(rest);
}

std::string invite_link(std::string_view code) { return "https://" + std::string(host) + std::string(code); }

}  // namespace wharf::protocol::groups
