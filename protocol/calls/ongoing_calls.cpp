#include "protocol/calls/ongoing_calls.h"

#include <algorithm>

namespace wharf::protocol {

namespace {

const CallHead* head_of(const CallEvent& event) {
  return std::visit(
      [](const auto& one) -> const CallHead* {
        if constexpr (requires { one.call; }) return &one.call;
        else return nullptr;
      },
      event);
}

bool means_missed(const CallEnded& end) { return end.outcome == CallEnded::Outcome::missed_if_not_answered; }

}  // namespace

void OngoingCalls::forget_old(std::uint64_t unix_seconds) {
  std::erase_if(calls_, [&](const auto& entry) { return entry.second.since + settings_.kept_seconds < unix_seconds; });
  while (calls_.size() > settings_.max_calls) {
    calls_.erase(std::min_element(calls_.begin(), calls_.end(),
                                  [](const auto& a, const auto& b) { return a.second.since < b.second.since; }));
  }
}

std::optional<CallKnown> OngoingCalls::follow(const CallEvent& event, std::uint64_t unix_seconds) {
  forget_old(unix_seconds);
  const CallHead* head = head_of(event);
  if (head == nullptr) return std::nullopt;
  if (const auto* offer = std::get_if<CallOffered>(&event)) {
    Call call;
    call.known = {offer->video, offer->is_group, offer->call.creator_pn, offer->call.group, false};
    call.rings = !offer->notice_only;
    call.since = unix_seconds;
    const CallKnown known = call.known;
    // Offered again it keeps its age, and whether it was answered.
    calls_.try_emplace(head->call_id, std::move(call));
    forget_old(unix_seconds);
    return known;
  }
  const auto found = calls_.find(head->call_id);
  if (found == calls_.end()) return std::nullopt;
  CallKnown known = found->second.known;
  if (std::holds_alternative<CallAccepted>(event)) {
    found->second.accepted = true;
  } else if (const auto* refusal = std::get_if<CallRejected>(&event)) {
    if (!refusal->device_only) calls_.erase(found);
  } else if (const auto* end = std::get_if<CallEnded>(&event)) {
    known.missed = means_missed(*end) && found->second.rings && !found->second.accepted;
    calls_.erase(found);
  }
  return known;
}

}  // namespace wharf::protocol
