#include "protocol/text.h"

#include <catch2/catch.hpp>

#include "protocol/binary/node.h"

using namespace wharf::protocol;
using namespace std::string_view_literals;

namespace {

const std::string r = "\xEF\xBF\xBD";

}  // namespace

TEST_CASE("broken text is replaced part by part, sound text is kept byte for byte") {
  const std::pair<std::string_view, std::string> cases[] = {
      {"", ""},
      {"plain", "plain"},
      {"\xC3\xA4\xE2\x82\xAC\xF0\x9F\x91\x8D", "\xC3\xA4\xE2\x82\xAC\xF0\x9F\x91\x8D"},
      {"\xEF\xBF\xBF\xF4\x8F\xBF\xBF", "\xEF\xBF\xBF\xF4\x8F\xBF\xBF"},  // noncharacters are characters
      {"\xC0\x80", r + r},                                               // overlong NUL
      {"\xC1\xBF", r + r},
      {"\xE0\x80\xAF", r + r + r},  // overlong slash
      {"\xF0\x82\x82\xAC", r + r + r + r},
      {"\xED\xA0\x80\xED\xB0\x80", r + r + r + r + r + r},  // a surrogate pair
      {"\xF4\x90\x80\x80", r + r + r + r},                  // above U+10FFFF
      {"\xF5\x80\x80\x80", r + r + r + r},
      {"\xFE\xFF", r + r},
      {"\x80", r},
      {"\xC3", r},  // cut in each length
      {"\xE2\x82", r},
      {"\xF0\x9F\x91", r},
      {"\xE2\x82x", r + "x"},
      {"\xF0\x9F\x91\xC3\xA4", r + "\xC3\xA4"},
      {"a\0b"sv, "a" + r + "b"},
      {"\"\\\n", "\"\\\n"},  // JSON's business, not ours
  };
  for (const auto& [text, shown] : cases) {
    INFO(text);
    CHECK(displayable(text) == shown);
    CHECK(displayable(displayable(text)) == shown);
  }
}

TEST_CASE("a line is one line and ends between characters") {
  CHECK(display_line("Ben\r\nfake=1\tx\x7f", 64) == "Ben  fake=1 x ");
  CHECK(display_line("\xC3\xA4\xC3\xA4", 4) == "\xC3\xA4\xC3\xA4");
  CHECK(display_line("\xC3\xA4\xC3\xA4", 3).size() <= 3);
  const std::string faces = "\xF0\x9F\x91\x8D\xF0\x9F\x91\x8D";
  for (std::size_t bound = 0; bound <= faces.size() + 1; ++bound) {
    const std::string line = display_line(faces, bound);
    CHECK(line.size() <= bound);
    CHECK(displayable(line) == line);
  }
  CHECK(display_line(std::string(1000, '\xFF'), 30).size() <= 30);
}

TEST_CASE("an id is a short printable token") {
  CHECK(acceptable_id("3EB0112233445566778899"));
  CHECK(acceptable_id("a.b-c_d/e+f="));
  CHECK(acceptable_id(std::string(128, 'A')));
  for (const std::string_view id : {""sv, "a b"sv, "a\nb"sv, "\xC3\xA4"sv, "\xFF"sv, "a\0"sv, "\x7f"sv})
    CHECK_FALSE(acceptable_id(id));
  CHECK_FALSE(acceptable_id(std::string(129, 'A')));
}

TEST_CASE("a JID of a stanza with bytes that no user has is none") {
  Node node("message");
  node.set("good", Jid("15550000001", server::user, 3));
  node.set("bytes", Jid("1\xFF", server::user))
      .set("nul", Jid("1\0"sv, server::user))
      .set("line", Jid("1\n2", server::lid));
  node.set("server", Jid("1", "\xFF\xFE"))
      .set("long", Jid(std::string(300, '1'), server::user))
      .set("text", "1\xFF@lid");
  CHECK(node.jid("good"));
  for (const char* key : {"bytes", "nul", "line", "server", "long", "text"}) {
    INFO(key);
    CHECK_FALSE(node.jid(key));
  }
  CHECK_FALSE(Jid::parse("1\xC3\xA4@s.whatsapp.net").has_value());
  CHECK(displayable(summary(node)) == summary(node));
}
