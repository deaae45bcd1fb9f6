#pragma once
// What a request about groups is answered with: a payload, nothing, or an error of the catalogue. Specification 05
// section 1.

#include <optional>
#include <string_view>
#include <utility>

#include "protocol/binary/node.h"

namespace wharf::sandbox {

struct GroupAnswer {
  std::optional<protocol::Node> payload;
  unsigned error = 0;  // 0: accepted

  static GroupAnswer done() { return {}; }
  static GroupAnswer with(protocol::Node node) { return {std::move(node), 0}; }
  static GroupAnswer refused(unsigned code) { return {std::nullopt, code}; }
};

/// The server's words for a code.
std::string_view words_of(unsigned code);

}  // namespace wharf::sandbox
