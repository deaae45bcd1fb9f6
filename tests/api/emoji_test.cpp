#include "api/emoji.h"

#include <catch2/catch.hpp>

using wharf::api::is_emoji;

TEST_CASE("a reaction is one emoji, however many code points that takes") {
  for (const char* one :
       {"\U0001F44D", "\U0001F44D\U0001F3FD", "\u2764\uFE0F", "\u2764", "\u00A9\uFE0F", "1\uFE0F\u20E3", "#\u20E3",
        "\U0001F1E9\U0001F1EA", "\U0001F468\u200D\U0001F469\u200D\U0001F467\u200D\U0001F466",
        "\u2764\uFE0F\u200D\U0001F525", "\U0001F3F4\U000E0067\U000E0062\U000E007F"}) {
    INFO(one);
    CHECK(is_emoji(one));
  }
  for (const char* other : {"",
                            "a",
                            "great",
                            "1",
                            "12",
                            " ",
                            "\U0001F44D\U0001F44D",
                            "\U0001F44D a",
                            "\U0001F1E9",
                            "\U0001F3FD",
                            "\U0001F1E9\U0001F1EA\U0001F1EB\U0001F1F7",
                            "\u2764\uFE0F\U0001F525",
                            "\U0001F44D\u200D",
                            "\u200D\U0001F44D",
                            "\u4E2D",
                            "\u20AC",
                            "\u2066",
                            "\u2211",
                            "\xF0\x9F\x91",
                            "1\uFE0F",
                            "\u00A9\u00AE"}) {
    INFO(other);
    CHECK_FALSE(is_emoji(other));
  }
}
