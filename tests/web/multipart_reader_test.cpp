#include "web/multipart_reader.h"

#include <catch2/catch.hpp>

#include <vector>

using namespace wharf::web;
using wharf::protocol::Errc;
using wharf::protocol::Error;
using wharf::protocol::Result;

namespace {

constexpr std::string_view form = "multipart/form-data; boundary=b";

struct Part {
  PartHead head;
  std::string bytes;
  bool ended = false;
};

struct Parts final : MultipartSink {
  Result<> part_begins(const PartHead& head) override {
    list.push_back({head, {}, false});
    return {};
  }
  Result<> part_bytes(std::string_view bytes) override {
    if (bytes.empty() || list.back().ended) FAIL("bytes of no part, or none");
    if (list.back().bytes.size() + bytes.size() > max_part_bytes) return Error(Errc::storage_full, "no room");
    list.back().bytes += bytes;
    return {};
  }
  Result<> part_ends() override {
    list.back().ended = true;
    return {};
  }
  std::vector<Part> list;
  std::size_t max_part_bytes = 100u << 20;
};

// What became of a body, as text.
std::string read(std::string_view content_type, const std::vector<std::string_view>& pieces) {
  Parts parts;
  auto reader = MultipartReader::open(content_type, parts);
  if (!reader) return "error: " + reader.error().detail;
  Result<> result;
  for (const std::string_view piece : pieces)
    if (result = reader->feed(piece); !result) break;
  const Result<> finished = reader->finish();
  if (!result) REQUIRE(finished.error() == result.error());  // it stays failed
  if (!finished) return "error: " + finished.error().detail;
  std::string out;
  for (const Part& part : parts.list) {
    REQUIRE(part.ended);
    out += part.head.name + "|" + part.head.filename.value_or("(none)") + "|" + part.head.content_type + "|" +
           part.bytes + "\n";
  }
  return out;
}

std::string read(std::string_view body) { return read(form, {body}); }

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string with_headers(const std::string& headers) { return "--b\r\n" + headers + "\r\n\r\nx\r\n--b--\r\n"; }
std::string with_disposition(const std::string& value) { return with_headers("Content-Disposition: " + value); }

const std::string form_of_three =
    "preamble\r\n--b \t\r\n"
    "Content-Disposition: form-data; name=\"chatId\"\r\n\r\n"
    "1@c.us\r\n"
    "--b\r\n"
    "content-type: image/png; a=b\r\nX-Other: 1\r\nCONTENT-DISPOSITION: form-data; filename=\"a b.png\"; name=image\r\n"
    "Content-Transfer-Encoding: Binary\r\n\r\n"
    "\r\n--a\r\r\n-\r\n--\r\n--B\n--b\r--b\r\n\r\n"
    "--b\r\n"
    "Content-Disposition: form-data; name=\"empty\"; filename=\"\"\r\n\r\n"
    "\r\n--b--\t\r\nepilogue\r\n--b\r\n";
const std::string parts_of_three =
    "chatId|(none)||1@c.us\n"
    "image|a b.png|image/png; a=b|\r\n--a\r\r\n-\r\n--\r\n--B\n--b\r--b\r\n\n"
    "empty|||\n";

}  // namespace

TEST_CASE("a form comes apart the same way wherever it is cut") {
  CHECK(read(form_of_three) == parts_of_three);
  const std::string_view body = form_of_three;
  std::vector<std::string_view> bytes;
  for (std::size_t at = 0; at < body.size(); ++at) {
    bytes.push_back(body.substr(at, 1));
    if (read(form, {body.substr(0, at), body.substr(at)}) != parts_of_three) FAIL("cut at " << at);
    if (read(form, {body.substr(0, at), body.substr(at, 3), body.substr(std::min(at + 3, body.size()))}) !=
        parts_of_three)
      FAIL("two cuts at " << at);
  }
  CHECK(read(form, bytes) == parts_of_three);
}

TEST_CASE("a body that ends early is no form, wherever it ends") {
  const std::string_view body = form_of_three;
  const std::size_t closed = body.find("--b--") + 5;
  for (std::size_t size = 0; size < closed; ++size)
    if (!contains(read(body.substr(0, size)), "error: the ")) FAIL("ends after " << size);
  for (std::size_t size = closed; size < body.size(); ++size)
    if (read(body.substr(0, size)) != parts_of_three) FAIL("ends after " << size);
  CHECK(contains(read(""), "empty"));
  CHECK(contains(read("--c\r\n"), "boundary that Content-Type names is not in the body"));
  CHECK(contains(read(body.substr(0, closed - 1)), "ends before its closing boundary"));
}

TEST_CASE("an empty form and empty parts") {
  CHECK(read("--b--").empty());
  CHECK(read("\r\n--b--\r\n").empty());
  const std::string head = "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n";
  CHECK(read(head + "\r\n--b--") == "a|(none)||\n");
  CHECK(read(head + "--b--") == "a|(none)||\n");  // the empty line's end begins the delimiter: RFC 2046, body-part
  CHECK(read(head + "--\r\n--b--") == "a|(none)||--\n");
}

TEST_CASE("the boundary is what Content-Type says, quoted or not") {
  const auto body = [](const std::string& boundary) {
    return "--" + boundary + "\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--" + boundary + "--\r\n";
  };
  struct Row {
    std::string content_type, boundary;  // "": refused
    std::string_view problem = {};
  };
  const std::string most(70, '-');
  const std::vector<Row> rows = {
      {"multipart/form-data; boundary=----WebKitFormBoundary7MA4", "----WebKitFormBoundary7MA4"},
      {"Multipart/Form-Data ; charset=utf-8;BOUNDARY=\"a b'()+_,-./:=?\"", "a b'()+_,-./:=?"},
      {"multipart/form-data; boundary=a=b/c?", "a=b/c?"},
      {"multipart/form-data; boundary=" + most, most},
      {"multipart/form-data; boundary=" + most + "-", "", "1 to 70"},
      {"multipart/form-data; boundary=\"\"", "", "1 to 70"},
      {"multipart/form-data; boundary=\"a \"", "", "no space"},
      {"multipart/form-data; boundary=a@b", "", "letters"},
      {"multipart/form-data; boundary=", "", "without a value"},
      {"multipart/form-data; boundary=a; boundary=b", "", "boundary twice"},
      {"multipart/form-data; boundary=\"a", "", "closing quote"},
      {"multipart/form-data; boundary=\"a\"b", "", "behind the value"},
      {"multipart/form-data", "", "needs a boundary"},
      {"multipart/mixed; boundary=a", "", "not multipart/form-data"},
      {"", "", "not multipart/form-data"},
  };
  for (const Row& row : rows) {
    INFO(row.content_type);
    const std::string got = read(row.content_type, {body(row.boundary)});
    if (row.problem.empty()) CHECK(got == "a|(none)||x\n");
    else CHECK((got.starts_with("error: ") && contains(got, row.problem)));
  }
}

TEST_CASE("names as browsers, curl and RFC 8187 write them") {
  const auto head = [](const std::string& parameters) {
    const std::string got = read(with_disposition("form-data; " + parameters));
    return got.substr(0, got.find("||x"));
  };
  CHECK(head("name=\"a%22b\"; filename=\"c%22%0D%0A%41.png\"") == "a\"b|c\"%0D%0A%41.png");
  CHECK(head(R"(name="a"; filename="say \"hi\" \\o/.txt")") == R"(a|say "hi" \o/.txt)");
  CHECK(head(R"(name="a"; filename="C:\photos\new.png")") == R"(a|C:\photos\new.png)");
  CHECK(head("name=a; filename=\"x;y=z.png\";") == "a|x;y=z.png");
  CHECK(head("name=\"naïve\"; filename=\"été.png\"") == "naïve|été.png");
  CHECK(head("name=a; filename*=utf-8'en'%e2%82%ac%20rates; filename=\"EURO rates\"") == "a|€ rates");
  CHECK(contains(head("name=a; filename*=iso-8859-1''%e9"), "not in UTF-8"));
  CHECK(contains(head("name=a; filename*=UTF-8''%e9"), "not UTF-8"));
  CHECK(contains(head("name=a; filename*=UTF-8''%zz"), "broken percent-encoding"));
  CHECK(contains(head("name=a; filename*=plain"), "not UTF-8''percent-encoded"));
  CHECK(contains(head("name=a; filename=\"\xe9t\xe9.png\""), "filename that is not UTF-8"));
  CHECK(contains(head("name=\"\xff\""), "name that is not UTF-8"));
}

TEST_CASE("what is wrong with a part is told") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {with_headers("Content-Type: text/plain"), "part 1 of the multipart body has no Content-Disposition"},
      {"--b\r\n\r\nx\r\n--b--", "no Content-Disposition"},
      {with_disposition("form-data"), "has no name"},
      {with_disposition("form-data; name=\"\""), "has no name"},
      {with_disposition("form-data; filename=a"), "has no name"},
      {with_disposition("attachment; name=a"), "attachment, not form-data"},
      {with_disposition("form-data; name=a; name=b"), "name twice"},
      {with_disposition("form-data; name=a b"), "behind the value of name"},
      {with_disposition("form-data; name"), "other than name=value"},
      {with_disposition("form-data; name=\"a"), "closing quote"},
      {with_disposition("form-data; name=a\r\ncontent-disposition: form-data; name=b"), "content-disposition twice"},
      {with_disposition("form-data; name=a\r\nContent-Type: a/b\r\nContent-Type: a/b"), "content-type twice"},
      {with_disposition("form-data;\r\n name=a"), "goes on in the next line"},
      {with_disposition("form-data; name=a\r\nno colon"), "not name: value"},
      {with_disposition("form-data; name=a\r\nspace before : x"), "not name: value"},
      {with_disposition("form-data; name=a\r\nContent-Type: multipart/mixed; boundary=c"), "is itself multipart"},
      {with_disposition("form-data; name=a\r\nContent-Type: png"), "no media type"},
      {with_disposition("form-data; name=a\r\nContent-Transfer-Encoding: base64"), "Encoding base64"},
      {with_disposition("form-data; name=a\r\nContent-Transfer-Encoding: quoted-printable"), "quoted-printable"},
      {with_disposition(std::string("form-data; name=\"a\0\"", 20)), "control character"},
      {with_disposition("form-data; name=a\rX: y"), "CR without LF"},
      {with_disposition("form-data; name=a\nX: y"), "LF alone"},
      {"--b\nContent-Disposition: form-data; name=a\n\nx\n--b--\n", "LF alone"},
      {"--b\r\n--b--\r\n", "ends before its closing boundary"},
      {"--bc\r\n", "followed by something else"},
      {"--b-\r\n", "followed by something else"},
      {"--b --\r\n", "followed by something else"},
      {"--b--x", "followed by something else"},
      {"--b" + std::string(65, ' ') + "\r\n", "followed by something else"},
  };
  for (const auto& [body, problem] : rows) {
    INFO(body);
    const std::string got = read(body);
    CHECK(got.starts_with("error: "));
    CHECK(contains(got, problem));
    std::vector<std::string_view> bytes;
    for (std::size_t at = 0; at < body.size(); ++at) bytes.push_back(std::string_view(body).substr(at, 1));
    CHECK(read(form, bytes) == got);
  }
}

TEST_CASE("heads, parts and margins have limits") {
  const std::string disposition = "Content-Disposition: form-data; name=a\r\nX: ";
  const auto head_of = [&](std::size_t size) {
    return with_headers(disposition + std::string(size - disposition.size() - 4, 'x'));
  };
  CHECK(read(head_of(MultipartReader::max_head_bytes)) == "a|(none)||x\n");
  CHECK(contains(read(head_of(MultipartReader::max_head_bytes + 1)), "more than 4096 bytes of headers"));

  const auto parts_of = [](std::size_t count) {
    std::string body;
    for (std::size_t i = 0; i < count; ++i) body += "--b\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n";
    return body + "--b--";
  };
  CHECK(read(parts_of(MultipartReader::max_parts)).size() == MultipartReader::max_parts * 12);
  CHECK(contains(read(parts_of(MultipartReader::max_parts + 1)), "at most 64 parts"));

  const std::string margin(MultipartReader::max_margin_bytes, '\r');
  CHECK(read(margin + "\r\n" + parts_of(1)) == "a|(none)||x\n");
  CHECK(contains(read(margin + "x\r\n" + parts_of(1)), "not in the first 4096 bytes"));
  CHECK(read(parts_of(1) + "\r\n" + margin) == "a|(none)||x\n");
  CHECK(contains(read(parts_of(1) + "\r\n" + margin + "x"), "follow the closing boundary"));
}

TEST_CASE("the sink's refusal ends the reading") {
  Parts parts;
  parts.max_part_bytes = 3;
  auto reader = MultipartReader::open(form, parts);
  REQUIRE(reader.has_value());
  REQUIRE(reader->feed("--b\r\nContent-Disposition: form-data; name=a\r\n\r\nabc").has_value());
  CHECK(reader->feed("d").error().code == Errc::storage_full);
  CHECK(reader->feed("\r\n--b--").error().code == Errc::storage_full);
  CHECK(reader->finish().error().code == Errc::storage_full);
}

// A reader that looked back at each of these bytes would take minutes here.
TEST_CASE("bytes that are nearly a boundary are passed on as they are") {
  const std::string boundary(70, '-');
  const std::string head = "--" + boundary + "\r\nContent-Disposition: form-data; name=a\r\n\r\n";
  std::string nearly;
  for (const std::string_view unit : {"\r", "\n", "-", "\r\n", "\r\n-", "\r\n--"})
    for (int i = 0; i < 100'000; ++i) nearly += unit;
  nearly += "\r\n--" + std::string(69, '-') + "x";
  for (const std::size_t piece_bytes : {std::size_t{1}, std::size_t{73}, std::size_t{65536}}) {
    Parts parts;
    auto reader = MultipartReader::open("multipart/form-data; boundary=" + boundary, parts);
    REQUIRE(reader.has_value());
    const std::string body = head + nearly + "\r\n--" + boundary + "--";
    for (std::size_t at = 0; at < body.size(); at += piece_bytes)
      REQUIRE(reader->feed(std::string_view(body).substr(at, piece_bytes)).has_value());
    REQUIRE(reader->finish().has_value());
    REQUIRE(parts.list.size() == 1);
    CHECK((parts.list[0].bytes == nearly));
  }
}
