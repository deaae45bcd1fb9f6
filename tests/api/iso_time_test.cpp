#include "api/iso_time.h"

#include <catch2/catch.hpp>

using wharf::api::iso_millis;
using wharf::api::parse_iso;

TEST_CASE("times are read with their offset, to the millisecond") {
  CHECK(parse_iso("1970-01-01T00:00:00Z") == 0);
  CHECK(parse_iso("2025-07-20T16:03:18Z") == 1'753'027'398'000);
  CHECK(parse_iso("2025-07-20t16:03:18z") == 1'753'027'398'000);
  CHECK(parse_iso("2025-07-20 18:03:18+02:00") == 1'753'027'398'000);
  CHECK(parse_iso("2025-07-20T10:33:18-05:30") == 1'753'027'398'000);
  CHECK(parse_iso("2025-07-20T16:03:18.5Z") == 1'753'027'398'500);
  CHECK(parse_iso("2025-07-20T16:03:18.123999Z") == 1'753'027'398'123);
  CHECK(parse_iso("2024-02-29T00:00:00Z") == 1'709'164'800'000);
  CHECK(parse_iso("2016-12-31T23:59:60Z") == 1'483'228'800'000);
  CHECK(iso_millis(*parse_iso("9999-12-31T23:59:59.999Z")) == "9999-12-31T23:59:59.999Z");
}

TEST_CASE("what is no time with an offset is refused") {
  for (const char* text : {"",
                           "now",
                           "1753027398",
                           "2025-07-20",
                           "2025-07-20T16:03:18",
                           "2025-07-20T16:03Z",
                           "2025-7-20T16:03:18Z",
                           "2025-02-29T00:00:00Z",
                           "2025-04-31T00:00:00Z",
                           "2025-13-01T00:00:00Z",
                           "2025-00-01T00:00:00Z",
                           "2025-07-20T24:00:00Z",
                           "2025-07-20T16:60:18Z",
                           "2025-07-20T16:03:61Z",
                           "2025-07-20T16:03:18.Z",
                           "2025-07-20T16:03:18+0200",
                           "2025-07-20T16:03:18+24:00",
                           "2025-07-20T16:03:18Zx",
                           "2025-07-20T16:03:18Z ",
                           "+025-07-20T16:03:18Z",
                           "1969-12-31T23:59:59Z",
                           "1970-01-01T00:00:00+01:00",
                           "10000-01-01T00:00:00Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_iso(text));
  }
}
