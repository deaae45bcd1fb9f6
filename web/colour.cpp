#include "web/colour.h"

#include <algorithm>
#include <string>

namespace wharf::web {

std::optional<FormatProblem> check_colour(std::string_view text) {
  const auto hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
  if (text.size() == 7 && text.front() == '#' && std::all_of(text.begin() + 1, text.end(), hex)) return std::nullopt;
  return FormatProblem{"must be a colour: #RRGGBB", false};
}

std::uint32_t argb_of(std::string_view colour_text, std::uint32_t usual) {
  constexpr std::uint32_t opaque = 0xFF000000;
  if (colour_text.empty()) return usual;
  return opaque | static_cast<std::uint32_t>(std::stoul(std::string(colour_text.substr(1)), nullptr, 16));
}

}  // namespace wharf::web
