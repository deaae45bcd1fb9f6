#pragma once
// Structured log lines: "event key=value …" as text, or one JSON object a line. Message text and keys never reach a
// log.

#include <chrono>
#include <string>
#include <string_view>

namespace wharf::daemon {

enum class LogFormat { text, json };
/// What a message becomes in the log: one line of valid UTF-8 without control characters; for json the inside of a JSON
/// string.
std::string log_line(std::string_view message, LogFormat format);

void start_logging(const std::string& level, const std::string& format);
/// From now on, a line "loop_held" for each entry of this thread that takes so long. 0: none.
void report_holds(std::chrono::milliseconds at_least);

}  // namespace wharf::daemon
