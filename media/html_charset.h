#pragma once
// In which encoding a page was written: what its bytes, its server and the page itself say, in the order that browsers
// ask them (WHATWG Encoding and HTML, "determining the character encoding").

#include <string>
#include <string_view>

namespace wharf::media {

/// A name that converters know, one of a fixed list: what strangers say never chooses the code that reads their bytes.
/// `said`: the charset of the Content-Type, "" without. Who says nothing that is known here is read as UTF-8 where the
/// bytes are, else as windows-1252.
std::string_view html_charset(std::string_view html, std::string_view said);

}  // namespace wharf::media
