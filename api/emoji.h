#pragma once
// Whether a text can be a reaction: one emoji, with its modifiers and joined parts. By the ranges that Unicode gives
// emoji (UTS #51), not by a list, so that a new one needs no new release; a text of letters is none.

#include <string_view>

namespace wharf::api {

bool is_emoji(std::string_view text);

}  // namespace wharf::api
