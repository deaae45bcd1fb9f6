#pragma once
// Colours in bodies: #RRGGBB.

#include <cstdint>
#include <optional>
#include <string_view>

#include "web/schema.h"

namespace wharf::web {

std::optional<FormatProblem> check_colour(std::string_view text);
inline constexpr Format colour{check_colour, "^#[0-9A-Fa-f]{6}$", {}};

/// 0xAARRGGBB, opaque, of a validated colour; `usual` of "".
std::uint32_t argb_of(std::string_view colour_text, std::uint32_t usual);

}  // namespace wharf::web
