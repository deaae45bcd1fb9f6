#include "sessions/groups/group_listing.h"

#include <algorithm>
#include <utility>

#include "protocol/groups/requests.h"
#include "protocol/groups/results.h"
#include "sessions/due.h"
#include "sessions/groups/groups.h"

namespace wharf::sessions {

namespace groups = protocol::groups;

namespace {

constexpr std::size_t people_per_turn = 256;
constexpr std::chrono::seconds longest_patience = std::chrono::hours(1);

}  // namespace

void GroupListing::Patience::refused(net::SteadyTime now) {
  from = now + next;
  next = std::min(2 * next, longest_patience);
}

void GroupListing::on_online() {
  if (!list_wanted()) load_stale();  // else the list tells of most of them
  go_on();
}

void GroupListing::on_dirty(const std::string& timestamp) {
  if (dirty_ != timestamp) {
    dirty_ = timestamp;
    if (run_) run_->outdated = true;
    groups_.mark_all_stale();
  }
  go_on();
}

void GroupListing::on_link_down() {
  dirty_.reset();  // the server says so again until it is cleaned
  listing_ = false;
  overtaken_ = 0;
  asking_.reset();
  wanted_.clear();
  lately_.clear();
  list_patience_ = patience_ = {};
}

void GroupListing::forget_all() {
  on_link_down();
  run_.reset();
}

void GroupListing::wants(const Jid& group) {
  if (!c_.link.up()) return;
  if (wanted_.size() >= max_wanted && !wanted_.contains(group)) return;
  const auto asked = lately_.find(group);
  wanted_[group] = {asked == lately_.end() ? c_.now.steady : asked->second, 0};
  go_on();
}

void GroupListing::on_written(const Jid& group, bool whole) {
  if (run_) run_->newer[group] = whole;
}

bool GroupListing::will_tell(const Jid& group) const {
  // The backlog comes before the session is online, which begins the list.
  if (listing_ || !c_.link.online()) return dirty_.has_value();
  return run_ && (run_->outdated || (run_->dirty && !run_->newer.contains(group)));
}

bool GroupListing::complete() const {
  if (!c_.link.online() || list_wanted() || listing_ || run_) return false;
  return !c_.link.conversation()->backlog_asked_at;
}

std::optional<net::SteadyTime> GroupListing::due() const {
  if (!c_.link.online() || listing_ || run_) return std::nullopt;
  std::optional<net::SteadyTime> first;
  if (list_wanted()) first = list_patience_.from;
  if (asking_) return first;
  for (const auto& [group, wanted] : wanted_) {
    const auto from = std::max(wanted.from, patience_.from);
    if (!first || from < *first) first = from;
  }
  return first;
}

void GroupListing::on_due() {
  if (is_due(due(), c_.now.steady)) go_on();
}

void GroupListing::go_on() {
  if (!c_.link.online() || listing_ || run_) return;
  if (list_wanted() && list_patience_.from <= c_.now.steady) return list();
  if (asking_ || c_.now.steady < patience_.from) return;
  if (const auto group = next_wanted()) ask(*group);
}

// --- all of them

void GroupListing::list() {
  listing_ = true;
  c_.query(groups::request_iq(c_.ids.next(), groups::ListGroups{}), [this, dirty = dirty_](const Node* answer) {
    if (!std::exchange(listing_, false)) return;  // the connection ended
    auto told = answer == nullptr ? groups::GroupResult<groups::GroupList>(groups::bad_response("none"))
                                  : groups::read_listed(*answer);
    if (!told) {
      list_patience_.refused(c_.now.steady);
      return groups_.on_list_over();
    }
    list_patience_ = {};
    if (dirty_ == dirty) dirty_.reset();
    run_ = Run{++last_run_, std::move(told->groups), {}, dirty, c_.link.epoch(), dirty_.has_value()};
    announce();
    store_some(run_->number);
  });
}

// What they are called at once: they are there, though it takes turns until all are stored.
void GroupListing::announce() {
  for (groups::GroupMetadata& group : run_->rest) {
    auto members = std::exchange(group.members, {});
    groups_.announce(group);
    group.members = std::move(members);
  }
}

// Some at a time: an account can be in hundreds of groups of a thousand people. Meanwhile notifications come, which the
// server sent behind the list: whoever they speak of is asked for alone.
void GroupListing::store_some(std::uint64_t number) {
  if (!run_ || run_->number != number) return;  // the account is another one by now
  if (run_->outdated) run_->rest.clear();
  std::size_t people = 0;
  while (!run_->rest.empty() && people < people_per_turn) {
    groups::GroupMetadata next = std::move(run_->rest.back());
    run_->rest.pop_back();
    people += next.members.size() + 1;
    const Jid group = next.group;
    const auto newer = run_->newer.find(next.group);
    if (newer == run_->newer.end()) groups_.store(std::move(next));
    else if (!newer->second) groups_.mark_stale(group);
    groups_.on_listed(group);
  }
  if (run_->rest.empty()) return finish_run();
  c_.in_later_turn([this, number] { store_some(number); });
}

void GroupListing::finish_run() {
  const Run done = std::move(*run_);
  run_.reset();
  if (!done.outdated && !std::exchange(c_.device.groups_listed, true)) c_.device_changed();
  overtaken_ = done.outdated ? overtaken_ + 1 : 0;
  // Groups that change without a pause must not have the list asked for so: who waits asks for his group alone.
  if (overtaken_ > 1)
    list_patience_.from =
        c_.now.steady + std::min(std::chrono::seconds(1u << std::min(overtaken_ - 2, 12u)), longest_patience);
  if (done.dirty && !done.outdated && c_.link.online() && c_.link.epoch() == done.epoch)
    c_.query(groups::request_iq(c_.ids.next(), groups::CleanGroupsDirty{*done.dirty}), [](const Node*) {});
  load_stale();
  go_on();
  if (!listing_) groups_.on_list_over();
}

// --- one by one

void GroupListing::load_stale() {
  for (const Jid& group : c_.records.stale_groups(max_wanted)) {
    if (wanted_.size() >= max_wanted) return;
    wanted_.try_emplace(group, Wanted{c_.now.steady, 0});
  }
}

std::optional<Jid> GroupListing::next_wanted() {
  for (auto it = wanted_.begin(); it != wanted_.end();) {
    if (it->second.from > c_.now.steady) {
      ++it;
      continue;
    }
    const auto row = c_.records.find_group(it->first);
    if (row && row->stale) return it->first;
    it = wanted_.erase(it);  // somebody else has asked
  }
  return std::nullopt;
}

void GroupListing::ask(const Jid& group) {
  const unsigned tries = wanted_.extract(group).mapped().tries + 1;
  asking_ = group;
  std::erase_if(lately_, [this](const auto& asked) { return asked.second <= c_.now.steady; });
  groups_.refresh(group, [this, group, tries](Groups::Refreshed refreshed) {
    if (asking_ != group) return;  // the connection ended
    asking_.reset();
    const auto again = lately_[group] = c_.now.steady + asked_again_after;
    if (const auto wanted = wanted_.find(group); wanted != wanted_.end())
      wanted->second.from = std::max(wanted->second.from, again);
    if (refreshed == Groups::Refreshed::later) {
      patience_.refused(c_.now.steady);
      if (tries < most_tries) wanted_.try_emplace(group, Wanted{again, tries});
    } else {
      patience_ = {};
    }
    go_on();
  });
}

}  // namespace wharf::sessions
