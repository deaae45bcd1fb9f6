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

CallKnown known_of(const CallOffered& offer) {
  return {offer.video, offer.is_group, offer.call.creator_pn, offer.call.group, false};
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
    // Offered again it keeps its age, and whether it was answered; after a notice it may ring all the same.
    const auto [call, is_new] = calls_.try_emplace(head->call_id, Call{*offer, false, unix_seconds});
    if (!is_new && call->second.offer.notice_only) call->second.offer = *offer;
    forget_old(unix_seconds);
    return known_of(*offer);
  }
  const auto found = calls_.find(head->call_id);
  if (found == calls_.end()) return std::nullopt;
  CallKnown known = known_of(found->second.offer);
  if (std::holds_alternative<CallAccepted>(event)) {
    found->second.accepted = true;
  } else if (const auto* refusal = std::get_if<CallRejected>(&event)) {
    if (!refusal->device_only) calls_.erase(found);
  } else if (const auto* end = std::get_if<CallEnded>(&event)) {
    known.missed = means_missed(*end) && !found->second.offer.notice_only && !found->second.accepted;
    calls_.erase(found);
  }
  return known;
}

const CallOffered* OngoingCalls::find(std::string_view call_id) const {
  const auto found = calls_.find(call_id);
  return found == calls_.end() ? nullptr : &found->second.offer;
}

const CallOffered* OngoingCalls::ringing(std::string_view call_id, std::uint64_t unix_seconds) const {
  const auto found = calls_.find(call_id);
  if (found == calls_.end() || found->second.accepted || !may_reject(found->second.offer, unix_seconds)) return nullptr;
  // Of an offer without a time our clock says how old it is.
  return found->second.since + ringing_seconds < unix_seconds ? nullptr : &found->second.offer;
}

}  // namespace wharf::protocol
