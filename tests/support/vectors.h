#pragma once
// Reading the specification's vector files (tests/vectors/*.json).

#include <boost/json/value.hpp>
#include <string_view>

#include "protocol/bytes.h"
#include "tests/support/printing.h"

namespace wharf::test {

/// Parses tests/vectors/<name>.json; throws (fails the test) when the file is missing or malformed.
const boost::json::value& vectors(std::string_view name);

/// The bytes of a hex string member; throws when it is not hex.
protocol::Bytes hex(const boost::json::value& value);
protocol::Bytes hex(std::string_view text);
inline protocol::Bytes hex(const char* text) { return hex(std::string_view(text)); }

/// A string member as a view, "" when the member is absent.
std::string_view text(const boost::json::object& object, std::string_view key);

}  // namespace wharf::test
