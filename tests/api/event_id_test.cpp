#include "api/event_id.h"

#include <catch2/catch.hpp>

#include <limits>

using namespace wharf;
using namespace wharf::api;

TEST_CASE("an event id comes back as what it was given out for") {
  for (const storage::EventId id : {storage::EventId{0}, storage::EventId{1}, storage::EventId{1'000'000},
                                    std::numeric_limits<storage::EventId>::max()}) {
    const std::string text = event_id_text(id);
    CHECK(text.size() <= max_event_id_chars);
    CHECK(parse_event_id(text) == id);
  }
}

TEST_CASE("a text that was never given out is no event id") {
  using namespace std::string_literals;
  for (const std::string& text : {""s,
                                  " "s,
                                  "-1"s,
                                  "+1"s,
                                  "-0"s,
                                  "00"s,
                                  "01"s,
                                  "007"s,
                                  "1 "s,
                                  " 1"s,
                                  "1.0"s,
                                  "1e3"s,
                                  "0x10"s,
                                  "m12"s,
                                  "test-00"s,
                                  "1\0"s,
                                  "٣"s,
                                  "9223372036854775808"s,
                                  std::string(64, '9'),
                                  std::string(5'000, '1')}) {
    INFO(text);
    CHECK_FALSE(parse_event_id(text));
  }
}
