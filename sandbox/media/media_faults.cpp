#include "sandbox/media/media_faults.h"

#include <algorithm>
#include <utility>

namespace wharf::sandbox {

namespace {

bool fits(const MediaFault& rule, const MediaTraits& request) {
  if (rule.what == MediaFault::What::truncate && request.on == MediaWay::upload) return false;
  const bool host = rule.host ? *rule.host == request.host : request.host != MediaDoor::phones;
  return host && (!rule.on || *rule.on == request.on) && (rule.kind.empty() || rule.kind == request.kind) &&
         (rule.path.empty() || rule.path == request.path);
}

}  // namespace

void MediaFaults::set(std::vector<MediaFault> rules) {
  rules_ = std::move(rules);
  std::erase_if(rules_, [](const MediaFault& rule) { return rule.count == 0; });
  if (rules_.size() > max_rules) rules_.resize(max_rules);
}

std::optional<MediaFault> MediaFaults::take(const MediaTraits& request) {
  const auto rule = std::find_if(rules_.begin(), rules_.end(), [&](const auto& r) { return fits(r, request); });
  if (rule == rules_.end()) return std::nullopt;
  auto taken = *rule;
  if (--rule->count == 0) rules_.erase(rule);
  return taken;
}

}  // namespace wharf::sandbox
