#include "web/file_name.h"

#include <catch2/catch.hpp>

#include <random>
#include <vector>

#include "protocol/text.h"

using namespace wharf::web;

namespace {

std::string times(std::size_t count, std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < count; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("a file's name is safe to show, to send and to store") {
  const std::vector<std::pair<std::string, std::string>> rows = {
      {"photo.jpg", "photo.jpg"},
      {"Übersicht 2026 (final) – 👨‍👩‍👧.pdf", "Übersicht 2026 (final) – 👨‍👩‍👧.pdf"},
      {"", "file"},
      {".", "file"},
      {"..", "file"},
      {" . . ", "file"},
      {"/", "file"},
      {"/etc/passwd", "passwd"},
      {"../../.bashrc", ".bashrc"},
      {"C:\\photos\\a.png", "a.png"},
      {"a/b\\..", "file"},
      {"a\\b/", "file"},
      {".\x01./x\x01.txt", "x.txt"},
      {"a/.\x7f.", "file"},
      {"a\r\nSet-Cookie: b.txt", "aSet-Cookie: b.txt"},
      {"a\tb\x1b[31m.txt", "ab[31m.txt"},
      {"exe.\u202egpj.exe", "exe.gpj.exe"},
      {"\u202a\u202b\u202c\u202d\u2066\u2067\u2068\u2069\u200e\u200f\u061cx", "x"},
      {"a\u0085b\u2028c\u2029d", "abcd"},
      {"\xff\xc3(.txt", "\uFFFD\uFFFD(.txt"},
      {std::string("a\0.png", 6), "a\uFFFD.png"},
      {" name . txt. . ", "name . txt"},
      {"\u202e .. \u202e", "file"},
      {"CON", "_CON"},
      {"nul.txt", "_nul.txt"},
      {"Com1 .tar.gz", "_Com1 .tar.gz"},
      {"LPT9", "_LPT9"},
      {"lpt².x", "_lpt².x"},
      {"c\u200eon.", "_con"},
      {"conin$", "_conin$"},
      {"console.txt", "console.txt"},
      {"com0", "com0"},
      {"com10", "com10"},
  };
  for (const auto& [given, safe] : rows) {
    INFO(given);
    CHECK(safe_file_name(given) == safe);
    CHECK(safe_file_name(safe) == safe);
  }
}

TEST_CASE("a long name is cut on a character and keeps its extension") {
  CHECK(safe_file_name(times(255, "a")) == times(255, "a"));
  CHECK(safe_file_name(times(256, "a")) == times(255, "a"));
  CHECK(safe_file_name(times(300, "a") + ".jpeg") == times(250, "a") + ".jpeg");
  CHECK(safe_file_name(times(200, "é") + ".png") == times(125, "é") + ".png");  // 251 bytes have room for 125
  CHECK(safe_file_name(times(100, "👍") + "x") == times(63, "👍"));
  CHECK(safe_file_name("a." + times(300, "b")) == "a." + times(253, "b"));  // no extension
  CHECK(safe_file_name("." + times(300, "b")) == "." + times(254, "b"));
  CHECK(safe_file_name("con" + times(300, " ") + "x") == "_con");
  CHECK(safe_file_name("con" + times(300, " ") + "x.txt") == "_con.txt");
  CHECK(safe_file_name("nul." + times(251, "a")) == "_nul." + times(250, "a"));
  CHECK(safe_file_name(times(40'000, "/é") + times(100'000, "é") + ".png") == times(125, "é") + ".png");
}

TEST_CASE("whatever is given, the name is safe") {
  const std::vector<std::string_view> parts = {
      "a",   ".",    " ",        "/",      "\\",
      "con", "nul",  "com1",     "\u202e", "é",
      "👍",  "\xff", "\xe2\x80", "\n",     "0123456789012345678901234567890123456789"};
  std::mt19937 random(7);
  for (int i = 0; i < 20'000; ++i) {
    std::string given;
    for (auto count = random() % 24; count > 0; --count) given += parts[random() % parts.size()];
    const std::string safe = safe_file_name(given);
    const bool bounded = !safe.empty() && safe.size() <= max_file_name_bytes;
    const bool plain = safe.find_first_of("/\\\n") == std::string::npos && safe != "." && safe != "..";
    const bool trimmed = !safe.ends_with('.') && !safe.ends_with(' ') && !safe.starts_with(' ');
    if (!bounded || !plain || !trimmed || wharf::protocol::displayable(safe) != safe || safe_file_name(safe) != safe)
      FAIL(given << " -> " << safe);
  }
}

TEST_CASE("Content-Disposition as RFC 6266 has it") {
  CHECK(content_disposition("a b.png", Disposition::shown) == "inline; filename=\"a b.png\"");
  CHECK(content_disposition("../a.png", Disposition::saved) == "attachment; filename=\"a.png\"");
  CHECK(content_disposition("€ rates.txt", Disposition::saved) ==
        "attachment; filename=\"_ rates.txt\"; filename*=UTF-8''%E2%82%AC%20rates.txt");
  CHECK(content_disposition("a\"b;c%41'.txt", Disposition::saved) ==
        "attachment; filename=\"a_b;c_41'.txt\"; filename*=UTF-8''a%22b%3Bc%2541%27.txt");
  CHECK(content_disposition("a\r\nX: y", Disposition::saved) == "attachment; filename=\"aX: y\"");
  CHECK(content_disposition("", Disposition::shown) == "inline; filename=\"file\"");
}
