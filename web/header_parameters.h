#pragma once
// A header value with parameters (RFC 9110 section 5.6.6), as Content-Type and Content-Disposition have it.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/result.h"

namespace wharf::web {

/// `form-data; name="a"` taken apart.
struct HeaderValue {
  std::string kind;                                             // lower case: "form-data", "image/png"
  std::vector<std::pair<std::string, std::string>> parameters;  // names lower case, each once; values unquoted
  const std::string* find(std::string_view lower_case_name) const;
};

/// At most 16 parameters. Lenient where senders are: a value without quotes may hold what is no token, and in a quoted
/// one a backslash escapes quotes and backslashes alone, since old browsers send `C:\photos\a.png` as it stands.
/// malformed: the detail says what, to be put behind the name of the header ("has the parameter name twice").
protocol::Result<HeaderValue> parse_header_value(std::string_view text);

/// What a parameter with a star says ("filename*"): UTF-8'language'percent-encoded (RFC 8187 section 3.2). Errors: the
/// detail goes behind the name of the parameter ("filename* is not UTF-8").
protocol::Result<std::string> extended_text(std::string_view value);

/// RFC 9110 section 5.6.2: the characters of names and types.
bool is_token(std::string_view text);
/// "image/png", without parameters.
bool is_media_type(std::string_view text);
/// Without the spaces and tabs at both ends.
std::string_view trimmed(std::string_view text);
/// ASCII only.
std::string lower_case(std::string_view text);

}  // namespace wharf::web
