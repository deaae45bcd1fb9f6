#pragma once
// What a web page says of itself for those who link to it: Open Graph and Twitter fields, else its title and
// description. The page is a stranger's: it may be cut anywhere, broken, endless, or made to cost time. Pure and
// blocking, on a worker thread: some milliseconds for an ordinary page. libxml2 reads the HTML, and makes no tree of
// it.

#include <string>
#include <string_view>

namespace wharf::media {

inline constexpr std::size_t max_page_bytes = 512u << 10;  // more of a page is not read
inline constexpr std::size_t max_page_title_bytes = 300, max_page_description_bytes = 1000, max_page_image_bytes = 2048;

/// Texts are one line of well-formed UTF-8, without control characters and without those that turn the direction of
/// what stands around them; cut between characters. "" where the page says nothing.
struct PagePreview {
  std::string title, description;
  std::string image;  // as the page has it: often relative to the page's address
  friend bool operator==(const PagePreview&, const PagePreview&) = default;
};

/// `charset`: of the Content-Type, "" without.
PagePreview read_page(std::string_view html, std::string_view charset);

}  // namespace wharf::media
