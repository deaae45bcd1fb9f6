#include "web/base64_stream.h"

#include <catch2/catch.hpp>

#include <vector>

#include "net/base64.h"

using namespace wharf::web;
using wharf::protocol::Errc;
using wharf::protocol::Result;

namespace {

struct Decoded {
  std::string type, bytes, problem;
  friend bool operator==(const Decoded&, const Decoded&) = default;
};

Decoded decode(const std::vector<std::string_view>& pieces) {
  MediaTextDecoder decoder;
  Decoded out;
  for (const std::string_view piece : pieces)
    if (const auto fed = decoder.feed(piece, out.bytes); !fed) return {{}, {}, fed.error().detail};
  if (const auto finished = decoder.finish(out.bytes); !finished) return {{}, {}, finished.error().detail};
  out.type = decoder.media_type();
  return out;
}

// Whole, cut at each byte and byte by byte: always the same.
Decoded decode(std::string_view text) {
  const Decoded whole = decode(std::vector{text});
  std::vector<std::string_view> bytes;
  for (std::size_t at = 0; at < text.size(); ++at) {
    bytes.push_back(text.substr(at, 1));
    if (decode({text.substr(0, at), text.substr(at)}) != whole) FAIL(text << " cut at " << at);
  }
  if (decode(bytes) != whole) FAIL(text << " byte by byte");
  return whole;
}

Decoded bytes(std::string text) { return {"", std::move(text), ""}; }

}  // namespace

TEST_CASE("the vectors of RFC 4648, with and without padding") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"", ""},
      {"f", "Zg=="},
      {"fo", "Zm8="},
      {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="},
      {"fooba", "Zm9vYmE="},
      {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [plain, text] : rows) {
    CHECK(decode(text) == bytes(plain));
    CHECK(decode(text.substr(0, text.find('='))) == bytes(plain));
  }
}

TEST_CASE("both alphabets, and blanks and line ends as in MIME") {
  CHECK(decode("+/-_") == bytes("\xfb\xff\xbf"));
  CHECK(decode(" \r\n Zm9v\r\nYm\tFy\f \n") == bytes("foobar"));
  CHECK(decode("Zg = \r\n = ") == bytes("f"));
  CHECK(decode("Zh==") == bytes("f"));             // bits that belong to no byte
  CHECK(decode("data") == bytes("\x75\xab\x5a"));  // no scheme
  CHECK(decode("DATAdata") == bytes("\x0c\x04\xc0\x75\xab\x5a"));
  CHECK(decode("dat=") == bytes("\x75\xab"));
}

TEST_CASE("all bytes, in any length") {
  std::vector<std::uint8_t> all;
  for (std::size_t i = 0; i < 10'000; ++i) all.push_back(static_cast<std::uint8_t>(i * 7 + i / 256));
  for (const std::size_t size : {255u, 256u, 257u, 3071u, 3072u, 3073u, 10'000u}) {
    const std::string text = wharf::net::base64_encode(std::span(all).first(size));
    const Decoded got = decode(std::vector<std::string_view>{text});
    CHECK(got.problem.empty());
    CHECK((got.bytes == std::string(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(size))));
  }
}

TEST_CASE("what is not base64 is told with its position") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"Zm9v!mFy", "'!' at offset 4"},
      {"  Zm9v\r\n*", "'*' at offset 8"},
      {"Zm9v\x80", "byte 0x80 at offset 4"},
      {"datum:x", "':' at offset 5"},
      {"Z===", "'=' at offset 1 is out of place"},
      {"=", "'=' at offset 0 is out of place"},
      {"Zg==Zg==", "'Z' at offset 4 is out of place"},
      {"Zg==Zm9v", "'Z' at offset 4 is out of place"},
      {"Zg===", "'=' at offset 4 is out of place"},
      {"Zg=g", "'g' at offset 3 is out of place"},
      {"Zm9v=", "'=' at offset 4 is out of place"},
      {"Zm9vY", "single digit"},
      {"Zg=", "padding is incomplete"},
      {"data:;base64,Zm9v!", "'!' at offset 17"},
      {"\ndata:;base64,Zm9v%3d", "'=' at offset 18 is out of place"},
      {"data:;base64,Zm9%", "cut off in a percent"},
      {"data:;base64,Zm9%7", "cut off in a percent"},
      {"data:;base64,Z%3Gg", "broken percent-encoding at offset 16"},
      {"data:,a%0", "cut off in a percent"},
      {"data:,%%41", "broken percent-encoding at offset 7"},
      {"data:,a#b", "'#' at offset 7"},
      {"data:image/png;base64", "without a comma"},
      {"data:base64,Zm9v", "begins with data:base64, not"},
      {"data:image/png;base64;a=b,Zm9v", "begins with data:image/png;base64;a=b, not"},
      {"data:png;base64,Zm9v", "begins with data:png;base64, not"},
      {"data:image/p\xc3\xa9ng;base64,Zm9v", "begins with"},
      {"data:a/b;c=\"\xc3\xa9\",Zm9v", "begins with"},
  };
  for (const auto& [text, problem] : rows) {
    INFO(text);
    CHECK(decode(text).problem.find(problem) != std::string::npos);
  }
}

TEST_CASE("the head of a data URL says the type and how the rest is written") {
  CHECK(decode("data:image/png;base64,Zm9v") == Decoded{"image/png", "foo", ""});
  CHECK(decode(" \nDATA:Image/PNG;a=b;BASE64,Zm 9v") == Decoded{"Image/PNG;a=b", "foo", ""});
  CHECK(decode("data:audio/ogg; codecs=opus ; base64 ,Zg%3d%3D") == Decoded{"audio/ogg; codecs=opus", "f", ""});
  CHECK(decode("data:;base64,%2b%2F-_") == Decoded{"", "\xfb\xff\xbf", ""});
  CHECK(decode("data:,A%20brief%20note+%C3%a9%00 é") == Decoded{"", std::string("A brief note+é\0 é", 19), ""});
  CHECK(decode("data:;charset=utf-8,x") == Decoded{"text/plain;charset=utf-8", "x", ""});
  CHECK(decode("data:text/html,%3Ch1%3E,") == Decoded{"text/html", "<h1>,", ""});
  CHECK(decode("data:,") == bytes(""));
}

TEST_CASE("the head of a data URL has a limit") {
  const auto url = [](std::size_t head_bytes) {
    const std::string front = "data:a/b;c=", back = ";base64";
    return front + std::string(head_bytes - front.size() - back.size(), 'x') + back + ",Zm9v";
  };
  CHECK(decode(url(MediaTextDecoder::max_head_bytes)).bytes == "foo");
  CHECK(decode(url(MediaTextDecoder::max_head_bytes + 1)).problem.find("first 1024 bytes") != std::string::npos);
  MediaTextDecoder decoder;
  std::string out;
  REQUIRE(decoder.feed("data:" + std::string(1000, 'x'), out).has_value());
  CHECK(decoder.feed(std::string(100, 'x'), out).error().code == Errc::too_large);
}
