#include "media/page_preview.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <string>

#include "media/html_charset.h"
#include "tests/support/printing.h"

using namespace wharf::media;

namespace {

std::string repeated(std::string_view what, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += what;
  return out;
}

std::string title_of(const std::string& html, std::string_view charset = {}) { return read_page(html, charset).title; }

}  // namespace

TEST_CASE("a page says what it is in its Open Graph fields, else in Twitter's, else in its head") {
  const std::string head =
      "<!DOCTYPE html><html><head><meta charset=utf-8><TITLE>Plain &amp; old\n title</TITLE>"
      "<META NAME='Description' CONTENT=\"The page's own\">";
  const std::string twitter =
      "<meta name=twitter:title content='Bird'><meta property='twitter:description' content='Of birds'>"
      "<meta name=twitter:image content=bird.png>";
  const std::string graph =
      "<meta property=og:title content='Graph &quot;1&quot;'><meta content='Of graphs' property='OG:Description'>"
      "<meta name=og:image content='/a.png?x=1&amp;y=2'><meta property=og:title content='second'>";
  const std::string rest = "</head><body><title>no</title><p>text</body></html>";
  CHECK(read_page(head + rest, "") == PagePreview{"Plain & old title", "The page's own", ""});
  CHECK(read_page(head + twitter + rest, "") == PagePreview{"Bird", "Of birds", "bird.png"});
  CHECK(read_page(head + twitter + graph + rest, "") == PagePreview{"Graph \"1\"", "Of graphs", "/a.png?x=1&y=2"});
  CHECK(read_page(graph + twitter + head, "") == PagePreview{"Graph \"1\"", "Of graphs", "/a.png?x=1&y=2"});
  CHECK(read_page("<meta property=og:image content=a><meta property=og:image:secure_url content=b>", "").image == "b");
  CHECK(read_page("<body><div><meta property=og:title content=late></div>", "").title == "late");
}

TEST_CASE("a page without a title, or none at all, says nothing") {
  CHECK(read_page("", "") == PagePreview());
  CHECK(read_page("{\"json\":true}", "") == PagePreview());
  CHECK(read_page("<html><head><title> \n </title><meta property=og:title content=''>", "") == PagePreview());
  CHECK(read_page("<!-- <title>a comment</title> --><script>'<title>a script</title>'</script>", "") == PagePreview());
}

TEST_CASE("a page that is cut anywhere gives what stands before the cut") {
  const std::string html =
      "<html><head><title>The title</title><meta property='og:description' content='What it says'></head>";
  for (std::size_t end = 0; end <= html.size(); ++end) {
    INFO(end);
    const PagePreview page = read_page(html.substr(0, end), "");
    const std::string whole = "The title";
    CHECK((whole + "</").starts_with(page.title));  // a tag that is cut is text
    if (end >= 36) CHECK(page.title == whole);
    if (end > 90) CHECK(page.description == "What it says");
  }
}

TEST_CASE("texts are one line that turns no direction, cut between characters") {
  CHECK(title_of("<title>a\xe2\x80\xae"
                 "b\xe2\x81\xa6"
                 "c\xe2\x81\xa9 &#x202e;d &#8238;</title>") == "abc d");
  CHECK(title_of("<title>a&#9;\r\n\x01 \xc2\x85 b&#x80;</title>").starts_with("a b"));
  CHECK(title_of("<title>\xd7\xa9\xd7\x9c\xe2\x80\x99</title>") == "\xd7\xa9\xd7\x9c\xe2\x80\x99");  // not all of E2
  const std::string umlauts = title_of("<title>x" + repeated("\xc3\xa4", 400) + "</title>");
  CHECK(umlauts == "x" + repeated("\xc3\xa4", 149));
  const PagePreview page = read_page("<meta name=description content='" + repeated("word ", 900) + "'>" +
                                         "<meta property=og:image content='" + repeated("a", 2049) + "'>",
                                     "");
  CHECK(page.description.size() == 999);
  CHECK(page.image.empty());  // an address that was cut is none
}

TEST_CASE("bytes that are no text become text, and NUL is none") {
  CHECK(title_of("<title>a\xff"
                 "b</title>",
                 "utf-8") ==
        "a\xef\xbf\xbd"
        "b");
  CHECK(title_of(std::string("<ti\0tle></title><title>a\0b</title>", 34), "utf-8") ==
        "a\xef\xbf\xbd"
        "b");
  CHECK(title_of(std::string("<title>\xe4\0b</title>", 18), "iso-8859-1") == "\xc3\xa4 b");
}

TEST_CASE("a broken page is no matter for the log") {
  const std::string path = std::filesystem::temp_directory_path() / ("wharf-page-" + std::to_string(::getpid()));
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC, 0600), kept = ::dup(2);
  REQUIRE((file >= 0 && kept >= 0));
  ::dup2(file, 2);
  for (const char* charset : {"shift_jis", "gb18030", "iso-2022-jp", "utf-16", "utf-8", "windows-1252"})
    read_page("<title>a\xff\xfa\x6c\x96\x3c\x1b$B\xff</title><a <b =' &#xffffff; <?", charset);
  ::dup2(kept, 2);
  ::close(kept);
  const auto written = ::lseek(file, 0, SEEK_END);
  ::close(file);
  std::filesystem::remove(path);
  CHECK(written == 0);
}

TEST_CASE("a page is read in the encoding that it has") {
  CHECK(title_of("<title>M\xfcller \x80</title>", "ISO-8859-1") == "M\xc3\xbcller \xe2\x82\xac");
  CHECK(title_of("<title>M\xfcller</title>") == "M\xc3\xbcller");      // nobody says, and it is no UTF-8
  CHECK(title_of("<title>M\xc3\xbcller</title>") == "M\xc3\xbcller");  // nor here, and it is
  CHECK(title_of("<meta charset='utf-8'><title>M\xc3\xbcller</title>") == "M\xc3\xbcller");
  CHECK(title_of("<meta http-equiv=content-type content='text/html; charset=KOI8-R'><title>\xcd\xc9\xd2</title>") ==
        "\xd0\xbc\xd0\xb8\xd1\x80");
  CHECK(title_of("<title>\x93\xfa\x96\x7b</title>", "Shift_JIS") == "\xe6\x97\xa5\xe6\x9c\xac");
  CHECK(title_of("<title>\xc4\xe3</title>", "gb2312") == "\xe4\xbd\xa0");
  CHECK(title_of("\xef\xbb\xbf<title>\xc3\xa4</title>", "iso-8859-1") == "\xc3\xa4");  // the mark knows better
  std::string wide("\xff\xfe", 2);
  for (const char c : std::string_view("<title>ab</title>")) wide += std::string{c, '\0'};
  CHECK(title_of(wide) == "ab");
  CHECK(html_charset("<meta charset=utf-16><title>", "") == "UTF-8");  // or that could not have been read
  CHECK(html_charset("<meta charset=\"x-mac-roman\"><meta charset=windows-1251>", "") == "windows-1251");
  CHECK(html_charset("text", "ISO-2022-CN-EXT") == "UTF-8");  // none that is not on the list
}

TEST_CASE("a page ends for its reader where its tags are nested too deeply or have too many attributes") {
  const std::string late = "<meta property=og:title content=late>";
  const auto attributes = [](int number) {
    std::string out = "<title>here</title><a ";
    for (int i = 0; i < number; ++i) out += "b" + std::to_string(i) + "='>' ";
    return out + ">";
  };
  CHECK(title_of(attributes(200) + late) == "late");
  CHECK(title_of(attributes(4000) + late) == "here");
  CHECK(title_of("<title>here</title>" + repeated("<b>", 200) + late) == "late");
  CHECK(title_of("<title>here</title>" + repeated("<b>", 300) + late) == "here");
}

TEST_CASE("what is made to cost time is read all the same") {
  const std::string title = "<title>here</title>";
  std::string attributes = title + "<a ";
  for (int i = 0; attributes.size() < max_page_bytes; ++i) attributes += std::to_string(i) + "x ";
  CHECK(title_of(attributes) == "here");
  CHECK(title_of(title + repeated("<b>", 80'000) + repeated("</i>", 60'000)) == "here");
  CHECK(title_of(title + repeated("<p><table><div>", 35'000)) == "here");
  CHECK(title_of(title + "<!--" + repeated("-", max_page_bytes)) == "here");
  CHECK(title_of(title + repeated("<!--", max_page_bytes / 4)) == "here");
  CHECK(title_of(title + repeated("<script></scrip", max_page_bytes / 15)) == "here");
  CHECK(title_of(title + repeated("&", max_page_bytes)) == "here");
  CHECK(title_of(title + repeated("<", max_page_bytes)) == "here");
  CHECK(title_of("<title>" + repeated("here&amp;", max_page_bytes / 9)).size() <= max_page_title_bytes);
  CHECK(title_of(std::string(max_page_bytes, ' ') + title).empty());  // more is not read
}
