#pragma once
// Structured log lines: "event key=value …" as text, or one JSON object a line. Message text and keys never reach a log.

#include <string>

namespace wharf::daemon {

void start_logging(const std::string& level, const std::string& format);

}  // namespace wharf::daemon
