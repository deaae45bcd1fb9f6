#include "sandbox/network/stanza_log.h"

#include <spdlog/spdlog.h>

#include <utility>

namespace wharf::sandbox {

void StanzaLog::note(std::string_view direction, std::string_view who, const protocol::Node& stanza) {
  if (!on()) return;
  std::string line;
  line.append(direction).append(" ").append(who).append(" ").append(protocol::summary(stanza));
  record(std::move(line));
}

void StanzaLog::record(std::string line) {
  if (told_) told_(line);
  lines_.push_back(std::move(line));
  if (lines_.size() > limit_) lines_.pop_front();
}

void StanzaLog::complain(std::string text) {
  spdlog::warn("sandbox: {}", text);
  if (!on()) return;
  record("!! " + std::move(text));
}

}  // namespace wharf::sandbox
