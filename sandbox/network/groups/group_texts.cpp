#include "sandbox/network/groups/group_texts.h"

#include <algorithm>

namespace wharf::sandbox {

namespace {

/// Of UTF-8: every byte that begins a character.
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

}  // namespace

bool acceptable_subject(std::string_view subject, const NetworkSettings& settings) {
  return !subject.empty() && characters(subject) <= settings.max_group_subject;
}

bool acceptable_description(std::string_view text, const NetworkSettings& settings) {
  return characters(text) <= settings.max_group_description;
}

}  // namespace wharf::sandbox
