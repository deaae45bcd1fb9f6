// libxml2 calls back for every tag. Three things in it take time that grows with the square of the page: a tag is
// compared with all that are open around it, an attribute with all before it in its tag, and neither ends by itself.
// So the page ends for the parser when it is nested too deeply or a tag has too many attributes; the bytes are handed
// over in pieces so that the second is seen in the middle of a tag.
#include "media/page_preview.h"

#include <libxml/HTMLparser.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <mutex>

#include "media/html_charset.h"
#include "protocol/text.h"

namespace wharf::media {

namespace {

constexpr int max_depth = 256;
constexpr int max_attribute_slots = 1024;  // two for each attribute

std::string_view text(const xmlChar* of) {
  return of == nullptr ? std::string_view() : std::string_view(reinterpret_cast<const char*>(of));
}

/// Length of a character at the front that is not shown, and may not stand in a line that others see: C1 controls, and
/// marks that order what follows from right to left or end such an order.
std::size_t unwanted_length(std::string_view line) {
  if (line.size() >= 2 && line[0] == '\xc2' && static_cast<unsigned char>(line[1]) < 0xa0) return 2;
  if (line.size() < 3 || line[0] != '\xe2') return 0;
  const auto second = static_cast<unsigned char>(line[1]), third = static_cast<unsigned char>(line[2]);
  const bool embedding = second == 0x80 && third >= 0xaa && third <= 0xae;  // U+202A to U+202E
  const bool isolate = second == 0x81 && third >= 0xa6 && third <= 0xa9;    // U+2066 to U+2069
  return embedding || isolate ? 3 : 0;
}

/// One line as a reader sees it: runs of blanks are one.
std::string shown_line(std::string_view raw, std::size_t max_bytes) {
  constexpr std::size_t most_read = 16u << 10;
  const std::string line = protocol::display_line(raw, most_read);
  std::string out;
  for (std::string_view rest = line; !rest.empty();) {
    const std::size_t unwanted = unwanted_length(rest);
    const bool blank = rest.front() == ' ' || unwanted == 2;
    if (unwanted == 0 && !blank) out += rest.front();
    if (blank && !out.empty() && out.back() != ' ') out += ' ';
    rest.remove_prefix(std::max<std::size_t>(unwanted, 1));
  }
  out = protocol::display_line(out, max_bytes);
  while (out.ends_with(' ')) out.pop_back();
  return out;
}

/// What one fact is called, the best source first.
constexpr std::array title_names = {"og:title", "twitter:title"};
constexpr std::array description_names = {"og:description", "twitter:description", "description"};
constexpr std::array image_names = {"og:image:secure_url", "og:image", "og:image:url", "twitter:image",
                                    "twitter:image:src"};

template <std::size_t Names>
using Found = std::array<std::string, Names>;

struct Reading {
  std::string_view rest;  // of the page
  htmlParserCtxtPtr parser = nullptr;
  Found<title_names.size()> titles;
  Found<description_names.size()> descriptions;
  Found<image_names.size()> images;
  std::string title;  // of <title>
  enum class Title { before, inside, behind } in_title = Title::before;

  void stop() { xmlStopParser(parser); }
};

template <std::size_t Names>
void keep(const std::array<const char*, Names>& names, Found<Names>& found, std::string_view name,
          std::string_view said) {
  for (std::size_t i = 0; i < Names; ++i)
    if (found[i].empty() && name == names[i]) found[i] = said;
}

template <std::size_t Names>
std::string first_of(const Found<Names>& found) {
  for (const std::string& one : found)
    if (!one.empty()) return one;
  return {};
}

std::string lower_case(std::string_view name) {
  std::string out(name.substr(0, 64));
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return out;
}

void on_meta(Reading& in, const xmlChar** attributes) {
  std::string name;
  std::string_view content;
  for (; attributes != nullptr && *attributes != nullptr; attributes += 2) {
    const std::string_view attribute = text(attributes[0]), value = text(attributes[1]);
    if (attribute == "content") content = value;
    if (attribute == "property" || (attribute == "name" && name.empty())) name = lower_case(value);
  }
  keep(title_names, in.titles, name, shown_line(content, max_page_title_bytes));
  keep(description_names, in.descriptions, name, shown_line(content, max_page_description_bytes));
  // What is longer is an address that was cut: none.
  const std::string image = shown_line(content, max_page_image_bytes + 1);
  if (image.size() <= max_page_image_bytes) keep(image_names, in.images, name, image);
}

void on_start(void* context, const xmlChar* element, const xmlChar** attributes) {
  auto& in = *static_cast<Reading*>(context);
  if (in.parser->nameNr > max_depth) return in.stop();
  if (text(element) == "meta") on_meta(in, attributes);
  if (text(element) == "title" && in.in_title == Reading::Title::before) in.in_title = Reading::Title::inside;
  const bool all = !in.titles[0].empty() && !in.descriptions[0].empty() && !in.images[1].empty();
  if (all && text(element) == "body") in.stop();
}

void on_end(void* context, const xmlChar* element) {
  auto& in = *static_cast<Reading*>(context);
  if (text(element) == "title" && in.in_title == Reading::Title::inside) in.in_title = Reading::Title::behind;
}

void on_text(void* context, const xmlChar* bytes, int length) {
  auto& in = *static_cast<Reading*>(context);
  constexpr std::size_t enough = 16 * max_page_title_bytes;
  if (in.in_title != Reading::Title::inside || in.title.size() > enough) return;
  in.title.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

int give(void* context, char* to, int room) {
  auto& in = *static_cast<Reading*>(context);
  if (in.parser->maxatts > max_attribute_slots) return 0;  // the page ends here
  constexpr std::size_t piece = 2048;
  const std::size_t length = std::min({in.rest.size(), static_cast<std::size_t>(room), piece});
  std::memcpy(to, in.rest.data(), length);
  in.rest.remove_prefix(length);
  return static_cast<int>(length);
}

// What no parser's handler takes, of broken bytes above all, would go to stderr, the page's bytes with it.
void ignore_text(void*, const char*, ...) {}
void ignore(void*, xmlErrorPtr) {}

void parse(Reading& in, const char* charset) {
  static std::once_flag begun;
  std::call_once(begun, xmlInitParser);
  xmlSetGenericErrorFunc(nullptr, ignore_text);  // these are of this thread
  xmlSetStructuredErrorFunc(nullptr, ignore);
  const std::unique_ptr<xmlParserCtxt, void (*)(htmlParserCtxtPtr)> parser(htmlNewParserCtxt(), htmlFreeParserCtxt);
  if (!parser) return;
  in.parser = parser.get();
  *parser->sax = {};  // nothing is built
  parser->sax->startElement = on_start;
  parser->sax->endElement = on_end;
  parser->sax->characters = on_text;
  parser->userData = &in;
  // Its own look at <meta charset> is off: html_charset() has looked.
  constexpr int options =
      HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET | HTML_PARSE_IGNORE_ENC;
  const htmlDocPtr document = htmlCtxtReadIO(parser.get(), give, nullptr, &in, nullptr, charset, options);
  if (document != nullptr) xmlFreeDoc(document);
}

}  // namespace

PagePreview read_page(std::string_view html, std::string_view charset) {
  html = html.substr(0, max_page_bytes);
  const std::string_view name = html_charset(html, charset);
  Reading in;
  std::string clean;  // in one-byte texts NUL is nothing but a trap
  if (name == "UTF-8") {
    clean = protocol::displayable(html);
  } else {
    clean = html;
    if (!name.starts_with("UTF-16")) std::replace(clean.begin(), clean.end(), '\0', ' ');
  }
  in.rest = clean;
  if (in.rest.starts_with("\xef\xbb\xbf")) in.rest.remove_prefix(3);
  if (name.starts_with("UTF-16") && (in.rest.starts_with("\xff\xfe") || in.rest.starts_with("\xfe\xff")))
    in.rest.remove_prefix(2);
  parse(in, std::string(name).c_str());

  PagePreview out;
  out.title = first_of(in.titles);
  if (out.title.empty()) out.title = shown_line(in.title, max_page_title_bytes);
  out.description = first_of(in.descriptions);
  out.image = first_of(in.images);
  return out;
}

}  // namespace wharf::media
