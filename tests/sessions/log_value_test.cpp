#include "sessions/log_value.h"

#include <catch2/catch.hpp>

using wharf::sessions::log_value;

TEST_CASE("a value of a log line cannot become another field or another line") {
  CHECK(log_value("3EB0C767D71D") == "3EB0C767D71D");
  CHECK(log_value("") == "\"\"");
  CHECK(log_value("X session=other") == "\"X session=other\"");
  CHECK(log_value("X\nsession_status session=a") == "\"X\\nsession_status session=a\"");
  CHECK(log_value("a\" b=\"c") == "\"a\\\" b=\\\"c\"");
  CHECK(log_value("k=v") == "\"k=v\"");
  CHECK(log_value("\xff") == "\"\xef\xbf\xbd\"");
}
