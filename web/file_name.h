#pragma once
// What a sender says a file is called is text of a stranger: it can name a directory, end a header line, or show itself
// backwards (U+202E makes "gpj.exe" of "exe.jpg"). Made safe once, it may be shown, sent and stored.

#include <cstddef>
#include <string>
#include <string_view>

namespace wharf::web {

constexpr std::size_t max_file_name_bytes = 255;  // what file systems take

/// The last component of `given` (behind both kinds of slashes) as valid UTF-8, never empty and at most
/// max_file_name_bytes: without control characters, line ends and marks of writing direction; without blanks at both
/// ends and dots at the end; not "." or ".."; with "_" before the name of a Windows device. Cut on a character, the
/// extension kept. "file" when nothing is left. A name that is safe comes back as it is.
std::string safe_file_name(std::string_view given);

/// inline: what the browser can show it may. attachment: it is saved.
enum class Disposition { shown, saved };
/// The value of a Content-Disposition header (RFC 6266), for any `name`: made safe, with an ASCII form of it for old
/// clients and, where that differs, the whole one (filename*, RFC 8187).
std::string content_disposition(std::string_view name, Disposition disposition);

}  // namespace wharf::web
