#pragma once
// Results that must have a value.

#include <catch2/catch.hpp>
#include <utility>

namespace wharf::test {

/// The value of a result that must have one.
template <class R>
auto must(R result) {
  REQUIRE(result.has_value());
  return std::move(*result);
}

}  // namespace wharf::test
