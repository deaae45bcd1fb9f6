#pragma once
// MIME types, from the bytes of a file and from its name. Pure; sniff_type is blocking (mostly a few milliseconds, up
// to a tenth of a second for bytes made to keep it busy) and belongs on a worker thread.

#include <string>
#include <string_view>
#include <vector>

#include "protocol/bytes.h"

namespace wharf::media {

/// More than this of a file is not looked at.
inline constexpr std::size_t sniffed_bytes = 64u << 10;

/// The type by the first bytes (libmagic, whose names are replaced by registered ones), lower case. With a parameter
/// for one type: "audio/ogg; codecs=opus" for Opus in Ogg, which alone may be a voice note; other sound in Ogg is
/// "audio/ogg". "application/octet-stream" for nothing, for anything not recognised, and where libmagic has no
/// database. It is the type of what is there, whatever a sender claims; text of any kind is mostly "text/plain", as all
/// formats without a signature are: type_for_name knows those by their names.
std::string sniff_type(protocol::ByteView head);

/// By the extension, in any case of letters; "" when there is none or it is not in the table.
std::string type_for_name(std::string_view file_name);

/// With its dot, for example ".jpg"; parameters of the type are ignored. "" when it is not in the table.
std::string_view extension_for_type(std::string_view mime);
/// All that it may give, and others of the same types.
std::vector<std::string> known_extensions();

}  // namespace wharf::media
