#include "protocol/groups/invite.h"

#include <catch2/catch.hpp>

using namespace wharf::protocol::groups;

TEST_CASE("a code is found in whatever form of a link a user gives") {
  const std::string code = "AbCdEfGhIjKlMnOpQrStUv";
  for (const std::string& given :
       {code, "https://chat.whatsapp.com/" + code, "http://chat.whatsapp.com/" + code, "chat.whatsapp.com/" + code,
        "HTTPS://Chat.WhatsApp.com/" + code, "https://chat.whatsapp.com/invite/" + code,
        "https://chat.whatsapp.com/" + code + "?mode=ac_t", "https://chat.whatsapp.com/" + code + "#x",
        "https://chat.whatsapp.com/" + code + "/", "https://chat.whatsapp.com/" + code + "/?utm=1", code + "?a=b",
        "  https://chat.whatsapp.com/" + code + "\n"}) {
    INFO(given);
    REQUIRE(invite_code(given) == code);
  }
  REQUIRE(invite_code(invite_link(code)) == code);
}

TEST_CASE("what is no code is refused, wherever it stands") {
  const std::string longest(64, 'a');
  REQUIRE(is_invite_code("0123456789"));
  REQUIRE(is_invite_code("A-_z456789"));
  REQUIRE(is_invite_code(longest));
  for (const std::string& given :
       {std::string(), std::string("012345678"), longest + "a", std::string("AbCdEfGhIjKl MnOp"),
        std::string("AbCdEfGhIjKl/../x"), std::string("AbCdEfGhIjKl%0a"), std::string("AbCdEfGhIj\0", 11),
        std::string("https://example.org/AbCdEfGhIjKlMnOpQrStUv"), std::string("https://AbCdEfGhIjKlMnOpQrStUv"),
        std::string("https://chat.whatsapp.com.example.org/AbCdEfGhIjKlMnOpQrStUv"),
        std::string("https://chat.whatsapp.com/"), std::string("https://chat.whatsapp.com/invite/"),
        std::string("https://chat.whatsapp.com/AbCdEfGhIj/KlMnOpQrStUv"), std::string("AbCdEfGhÄjKlMn")}) {
    INFO(given);
    REQUIRE_FALSE(invite_code(given));
  }
}
