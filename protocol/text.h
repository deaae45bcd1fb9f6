#pragma once
// Text from peers. Nothing says that it is UTF-8, and broken text in an event or a page makes the whole JSON invalid:
// it is made safe where it is parsed, here and nowhere else. The bytes of a message itself are kept as they came.

#include <string>
#include <string_view>

namespace wharf::protocol {

/// U+FFFD for each maximal broken part, as the Unicode standard (chapter 3.9) and browsers do, and for NUL, at which C
/// strings and SQLite's functions end.
std::string displayable(std::string_view text);

/// The same for names and remarks: one line (control characters become spaces) of at most `max_bytes`, cut between
/// characters.
std::string display_line(std::string_view text, std::size_t max_bytes);

/// Length of the well-formed UTF-8 sequence at the front of `text` (not empty), or minus the length of the broken part
/// to replace.
int utf8_sequence_length(std::string_view text);

/// Ids are tokens: 1 to 128 printable ASCII characters without space. Real ones are hexadecimal or base64 and shorter.
/// Whatever has another form is no id, since it could not be named in a URL, a log line or a row again.
inline constexpr std::size_t max_id_bytes = 128;
bool acceptable_id(std::string_view id);

}  // namespace wharf::protocol
