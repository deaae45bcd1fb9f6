#pragma once
// What a record of app state is filed under: a JSON array of strings, the name of its action first. Specification 04
// section 8.5.

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace wharf::protocol {

/// The strings of an index, the name of its action first; empty when it is no JSON array of strings, or one of more
/// than 16.
std::vector<std::string> index_parts(std::string_view index);
/// `parts` as an index is written: no spaces, non-ASCII as it is. They hold no control characters.
std::string index_of(std::initializer_list<std::string_view> parts);

}  // namespace wharf::protocol
