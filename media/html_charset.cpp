#include "media/html_charset.h"

#include <algorithm>
#include <cctype>
#include <optional>

#include "protocol/text.h"

namespace wharf::media {

namespace {

constexpr std::string_view utf8 = "UTF-8", western = "windows-1252";

struct Charset {
  std::string_view said, name;
};
// What pages are written in. The names on the left are those that browsers take for it; ISO-8859-1 is windows-1252 to
// every browser, GB2312 and GBK are parts of GB18030.
constexpr Charset charsets[] = {
    {"utf-8", utf8},
    {"utf8", utf8},
    {"windows-1252", western},
    {"iso-8859-1", western},
    {"latin1", western},
    {"us-ascii", western},
    {"ascii", western},
    {"cp1252", western},
    {"iso-8859-2", "ISO-8859-2"},
    {"iso-8859-5", "ISO-8859-5"},
    {"iso-8859-6", "ISO-8859-6"},
    {"iso-8859-7", "ISO-8859-7"},
    {"iso-8859-8", "ISO-8859-8"},
    {"iso-8859-9", "windows-1254"},
    {"iso-8859-15", "ISO-8859-15"},
    {"windows-1250", "windows-1250"},
    {"windows-1251", "windows-1251"},
    {"cp1251", "windows-1251"},
    {"windows-1253", "windows-1253"},
    {"windows-1254", "windows-1254"},
    {"windows-1255", "windows-1255"},
    {"windows-1256", "windows-1256"},
    {"windows-1257", "windows-1257"},
    {"windows-1258", "windows-1258"},
    {"windows-874", "TIS-620"},
    {"tis-620", "TIS-620"},
    {"koi8-r", "KOI8-R"},
    {"koi8-u", "KOI8-U"},
    {"shift_jis", "SHIFT_JIS"},
    {"shift-jis", "SHIFT_JIS"},
    {"sjis", "SHIFT_JIS"},
    {"euc-jp", "EUC-JP"},
    {"iso-2022-jp", "ISO-2022-JP"},
    {"euc-kr", "EUC-KR"},
    {"ks_c_5601-1987", "EUC-KR"},
    {"gb2312", "GB18030"},
    {"gbk", "GB18030"},
    {"gb18030", "GB18030"},
    {"big5", "BIG5"},
    {"utf-16le", "UTF-16LE"},
    {"utf-16be", "UTF-16BE"},
    {"utf-16", "UTF-16LE"},
};

bool same_letters(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) == std::tolower(static_cast<unsigned char>(y));
  });
}

std::optional<std::string_view> known(std::string_view said) {
  for (const Charset& charset : charsets)
    if (same_letters(charset.said, said)) return charset.name;
  return std::nullopt;
}

std::optional<std::string_view> marked(std::string_view html) {
  if (html.starts_with("\xef\xbb\xbf")) return utf8;
  if (html.starts_with("\xff\xfe")) return "UTF-16LE";
  if (html.starts_with("\xfe\xff")) return "UTF-16BE";
  return std::nullopt;
}

/// The first charset= of the page's beginning: <meta charset="…"> and <meta content="…; charset=…"> alike.
std::optional<std::string_view> declared(std::string_view html) {
  constexpr std::size_t declared_within = 4096;
  constexpr std::string_view word = "charset";
  html = html.substr(0, declared_within);
  const auto skip = [&](std::string_view any) {
    html.remove_prefix(std::min(html.find_first_not_of(any), html.size()));
  };
  for (;;) {
    const auto at = std::search(html.begin(), html.end(), word.begin(), word.end(),
                                [](char x, char y) { return std::tolower(static_cast<unsigned char>(x)) == y; });
    if (at == html.end()) return std::nullopt;
    html.remove_prefix(static_cast<std::size_t>(at - html.begin()) + word.size());
    skip(" \t\r\n\f");
    if (!html.starts_with('=')) continue;
    html.remove_prefix(1);
    skip(" \t\r\n\f\"'");
    const auto name = known(html.substr(0, html.find_first_of(" \t\r\n\f\"';/>")));
    // It was read as one-byte text up to here, so it is none of the wide ones, whatever it says.
    if (name) return name->starts_with("UTF-16") ? utf8 : *name;
  }
}

/// A character that was cut off at the end of the page is none of its faults.
bool is_utf8(std::string_view html) {
  constexpr std::size_t longest = 4;
  while (!html.empty()) {
    const int length = protocol::utf8_sequence_length(html);
    if (length < 0) return html.size() < longest;
    html.remove_prefix(static_cast<std::size_t>(length));
  }
  return true;
}

}  // namespace

std::string_view html_charset(std::string_view html, std::string_view said) {
  if (const auto name = marked(html)) return *name;
  if (const auto name = known(said)) return *name;
  if (const auto name = declared(html)) return *name;
  return is_utf8(html) ? utf8 : western;
}

}  // namespace wharf::media
