// A web page that a text links to. The first byte of the input chooses what its server says of its encoding.

#include <array>
#include <cstdlib>

#include "media/html_charset.h"
#include "media/page_preview.h"
#include "protocol/text.h"

using namespace wharf;

namespace {

void check(bool invariant) {
  if (!invariant) std::abort();
}

void check_line(const std::string& line, std::size_t max_bytes) {
  check(line.size() <= max_bytes && line == protocol::display_line(line, max_bytes));
  check(line.find('\0') == std::string::npos && line.find("\xe2\x80\xae") == std::string::npos);
  check(!line.starts_with(' ') && !line.ends_with(' '));
}

constexpr std::array charsets = {"", "utf-8", "iso-8859-1", "shift_jis", "utf-16", "gb18030", "iso-2022-jp", "x"};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view html(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::string_view charset = charsets.at(data[0] % charsets.size());
  check(!media::html_charset(html, charset).empty());
  const media::PagePreview page = media::read_page(html, charset);
  check_line(page.title, media::max_page_title_bytes);
  check_line(page.description, media::max_page_description_bytes);
  check_line(page.image, media::max_page_image_bytes);
  return 0;
}
