#include "daemon/logging.h"

#include <catch2/catch.hpp>

using namespace wharf::daemon;
using namespace std::string_literals;

TEST_CASE("a message of the log is one line, whatever a peer put into it") {
  const std::string forged =
      "message_undecryptable message=X\n2026-11-21T00:00:00.000Z error session_status session=a\r\n";
  for (const LogFormat format : {LogFormat::text, LogFormat::json}) {
    const std::string line = log_line(forged, format);
    CHECK(line.find('\n') == std::string::npos);
    CHECK(line.find('\r') == std::string::npos);
    CHECK(line.find("X\\n2026") != std::string::npos);
  }
}

TEST_CASE("control characters and broken UTF-8 do not reach a terminal") {
  CHECK(log_line("a\x1b[31mb\0c\x7f"s, LogFormat::text) ==
        "a\\u001b[31mb\xEF\xBF\xBD"
        "c\\u007f");
  CHECK(log_line("\xc2\x9b"
                 "31m",
                 LogFormat::text) == "\\u009b31m");
  CHECK(log_line("\xff"
                 "caf\xc3\xa9",
                 LogFormat::text) ==
        "\xef\xbf\xbd"
        "caf\xc3\xa9");
  CHECK(log_line("a \"b\" \\c", LogFormat::text) == "a \"b\" \\c");
  CHECK(log_line("a \"b\" \\c", LogFormat::json) == "a \\\"b\\\" \\\\c");
}
