#include "net/websocket_rules.h"

#include <catch2/catch.hpp>
#include <string_view>
#include <vector>

using namespace wharf::net;

namespace {

std::vector<std::uint8_t> bytes(std::string_view text) { return {text.begin(), text.end()}; }

}  // namespace

TEST_CASE("UTF-8 is told from its look-alikes") {
  for (const char* good : {"", "abc", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CHECK(valid_utf8(bytes(good)));
  }
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80", "\xff", "a\xe2\x82", "\xe2\x28\xa1", "\xf0\x90\x28\xbc"}) {
    CHECK_FALSE(valid_utf8(bytes(bad)));
  }
}

TEST_CASE("close codes that may be on the wire") {
  for (const unsigned good : {1000u, 1001u, 1003u, 1007u, 1011u, 1014u, 3000u, 4999u})
    CHECK(valid_close_code(static_cast<std::uint16_t>(good)));
  for (const unsigned bad : {0u, 999u, 1004u, 1005u, 1006u, 1015u, 1016u, 2000u, 2999u, 5000u, 65535u})
    CHECK_FALSE(valid_close_code(static_cast<std::uint16_t>(bad)));
}
