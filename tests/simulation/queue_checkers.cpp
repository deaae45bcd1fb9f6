#include "tests/simulation/queue_checkers.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

namespace wharf::simulation {

namespace {

constexpr std::string_view cancelled = "cancelled before it was sent", expired = "expired",
                           deleted = "cancelled: ";  // the message, or its chat

/// A batch, and the one that the writer was at, on a slow disk.
constexpr Micros commit_takes{1'200'000};

/// By the daemon's clock; 0: never.
std::int64_t end_of(const Text& text, bool put_off, std::chrono::seconds max_lateness) {
  if (text.expires_at != 0 || !put_off || max_lateness.count() == 0) return text.expires_at;
  return text.send_at + std::chrono::duration_cast<std::chrono::milliseconds>(max_lateness).count();
}

}  // namespace

bool may_end_in_queue(const Text& text, std::string_view error) {
  if (error.starts_with(cancelled)) return text.withdrawn || text.withdrawals_open > 0;
  if (error.starts_with(expired)) return text.expires_at != 0 || text.send_at != 0;
  return false;
}

bool ended_in_queue(const Text& text, std::string_view error) {
  return text.withdrawn || error.starts_with(cancelled) || error.starts_with(expired) || error.starts_with(deleted);
}

void check_queue(World& world, Ledger& ledger, const Text& text, const std::string& error) {
  const auto violate = [&](const std::string& what) {
    ledger.violate(fmt::format("{} ({}): {}", text.body, text.id, what));
  };
  const auto fate = ledger.queue.fate(text.id);
  const std::int64_t end = end_of(text, fate.put_off, world.daemon.max_lateness());
  ledger.counts.put_off += fate.put_off ? 1 : 0;
  if (fate.sealed_at) {
    const std::int64_t latest = ledger.queue.latest(text.made_at, *fate.sealed_at);
    if (latest < text.send_at) violate(fmt::format("was sent {} ms before its time", text.send_at - latest));
    const std::int64_t earliest =
        ledger.queue.earliest(std::max(text.made_at, *fate.sealed_at - commit_takes), *fate.sealed_at);
    if (end != 0 && earliest >= end) violate(fmt::format("was sent {} ms after it expired", earliest - end));
    if (text.withdrawn) violate("was withdrawn and sent");
  }
  if (text.withdrawn && !error.starts_with(cancelled)) violate("was withdrawn, and no event tells of it");
  if (text.withdrawn) ++ledger.counts.withdrawn;
  if (error.starts_with(deleted) && fate.sealed_at) violate("was deleted while it waited, and was sent");
  if (error.starts_with(expired)) {
    ++ledger.counts.expired;
    const Micros told_at = ledger.failed_at(text).value_or(world.time.now());
    if (fate.sealed_at) violate("has expired and was sent");
    if (ledger.queue.latest(text.made_at, told_at) < end) violate("has expired before its time");
  }
  if (text.not_withdrawn_at && error.empty() && text.own_phone_excuse.empty() &&
      (!fate.sealed_at || *fate.sealed_at > *text.not_withdrawn_at))
    violate("waited, and was not withdrawn");
}

void check_several(Ledger& ledger, const Text& first) {
  ++ledger.counts.several;
  std::uint64_t before = 0;
  for (std::size_t i = 0; i <= first.others.size(); ++i) {
    const Text& text = i == 0 ? first : ledger.texts[first.others[i - 1]];
    if (text.accepted != first.accepted || text.refused != first.refused)
      ledger.violate(fmt::format("{} was answered, {} of the same request otherwise", first.body, text.body));
    const std::uint64_t queued = text.id.empty() ? 0 : ledger.queue.fate(text.id).queued;
    if (queued == 0) continue;
    if (queued < before) ledger.violate(fmt::format("{} stands before what its request names before it", text.body));
    before = queued;
  }
}

void check_queue_order(Ledger& ledger) {
  struct Sealed {
    QueueRecord::Fate fate;
    const Text* text = nullptr;
  };
  std::map<std::pair<std::size_t, std::size_t>, std::vector<Sealed>> chats;
  for (const Text& text : ledger.texts) {
    if (!text.by_gateway || !text.accepted) continue;
    const auto fate = ledger.queue.fate(text.id);
    if (fate.sealed_at && fate.queued != 0) chats[{text.via, text.to}].push_back({fate, &text});
  }
  for (auto& [chat, sealed] : chats) {
    std::sort(sealed.begin(), sealed.end(),
              [](const Sealed& one, const Sealed& other) { return one.fate.queued < other.fate.queued; });
    for (std::size_t i = 1; i < sealed.size(); ++i) {
      if (sealed[i].fate.sealed < sealed[i - 1].fate.sealed)
        ledger.violate(fmt::format("{} ({}) was sent before {} of the same chat", sealed[i].text->body,
                                   sealed[i].text->id, sealed[i - 1].text->body));
    }
  }
}

}  // namespace wharf::simulation
