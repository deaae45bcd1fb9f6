#include "sessions/people/number_checks.h"

#include <algorithm>
#include <utility>

#include "protocol/account/profile_query.h"
#include "protocol/stanzas/iq.h"
#include "sessions/due.h"
#include "sessions/server_refusal.h"

namespace wharf::sessions {

using protocol::Profile;
using protocol::ProfileField;
using Found = NumberChecked::Result;

namespace {

std::string digits_of(std::string_view text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits), [](char c) { return c >= '0' && c <= '9'; });
  return digits;
}

constexpr std::chrono::seconds longest_backoff{600};

/// Numbers are not told for now: to all, or to the one whose row says so.
struct Limit {
  unsigned code = 0;
  std::chrono::seconds backoff{0};
};
std::optional<Limit> limit_of(const protocol::Profiles& profiles) {
  const auto of = [](const std::vector<protocol::ProfileError>& errors) -> std::optional<Limit> {
    const auto* error = protocol::find_error(errors, ProfileField::contact);
    if (error == nullptr) return std::nullopt;
    return Limit{error->code, std::chrono::seconds(std::min<std::uint64_t>(error->backoff_seconds, 86'400))};
  };
  if (const auto limit = of(profiles.errors)) return limit;
  for (const Profile& profile : profiles.users)
    if (const auto limit = of(profile.errors); limit && limit->code == 429) return limit;
  return std::nullopt;
}

}  // namespace

std::optional<NumberChecked> NumberChecks::known(const std::string& number) {
  const Jid user = directory_.canonical_user(Jid(number, protocol::server::user));
  const auto row = c_.records.find_contact(user);
  if (!row || row->registered != storage::Registered::yes) return std::nullopt;
  const UnixMs age = c_.now.unix_ms - row->looked_at;
  if (age < 0 || age > lifetime_ms) return std::nullopt;
  NumberChecked found{number, Found::registered, Person{user, directory_.person(user)}, row->verified_name};
  return found;
}

void NumberChecks::check(CheckNumbers asked, Reply<std::vector<NumberChecked>> reply) {
  if (waiting_.size() >= most_waiting)
    return c_.answer(std::move(reply), Refusal(Errc::rate_limited, Subject::contact,
                                               "too many checks of numbers wait in this session; try again later"));
  Check check;
  bool open = false;
  for (std::string& number : asked.numbers) {
    auto found = asked.anew ? std::nullopt : known(number);
    if (!found) found = NumberChecked{std::move(number), Found::unanswered, {}, {}};
    open |= found->result == Found::unanswered;
    check.numbers.push_back(std::move(*found));
  }
  if (!open) return c_.answer(std::move(reply), std::move(check.numbers));
  if (!c_.link.online()) return c_.answer(std::move(reply), not_connected());
  check.reply = std::move(reply);
  waiting_.push_back(std::move(check));
  go_on();
}

void NumberChecks::go_on() {
  if (asking_ || waiting_.empty() || !c_.link.online()) return;
  if (next_at_ && *next_at_ > c_.now.steady) return;
  next_at_.reset();
  ask_batch(waiting_.front());
}

void NumberChecks::ask_batch(Check& check) {
  std::vector<std::size_t> places;
  std::vector<protocol::ProfileTarget> targets;
  for (; check.next < check.numbers.size() && places.size() < batch; ++check.next) {
    const NumberChecked& number = check.numbers[check.next];
    if (number.result != Found::unanswered) continue;
    places.push_back(check.next);
    targets.push_back({std::nullopt, number.number, {}});
  }
  if (places.empty()) return finish(std::nullopt);
  asking_ = true;
  const Node iq = protocol::profile_query_iq(
      c_.ids.next(), c_.ids.next(), {ProfileField::contact, ProfileField::lid, ProfileField::business}, targets);
  c_.query(iq, [this, places = std::move(places)](const Node* answer) { on_answer(places, answer); });
}

void NumberChecks::on_answer(const std::vector<std::size_t>& places, const Node* answer) {
  asking_ = false;
  next_at_ = in(c_, pause);
  const auto profiles =
      answer == nullptr ? protocol::Result<protocol::Profiles>(no_answer()) : protocol::read_profiles(*answer);
  if (!profiles) {
    if (const auto said = answer == nullptr ? std::nullopt : protocol::iq_error_of(*answer))
      next_at_ = in(c_, std::clamp<std::chrono::seconds>(
                            std::chrono::seconds(std::min<std::uint64_t>(said->backoff_seconds, 86'400)), pause,
                            longest_backoff));
    return finish(server_refusal(answer, profiles.error(), Subject::contact));
  }
  std::map<std::string, std::size_t> open;
  for (const std::size_t place : places) open.emplace(waiting_.front().numbers[place].number, place);
  for (const Profile& profile : profiles->users) {
    auto place = open.find(digits_of(profile.contact_query));
    // Some servers echo nothing and name the person by number.
    if (place == open.end() && profile.jid.is_phone_number()) place = open.find(profile.jid.user);
    if (place == open.end() && profile.pn) place = open.find(profile.pn->user);
    if (place == open.end()) continue;  // not asked for
    take(waiting_.front().numbers[place->second], profile);
    open.erase(place);
  }
  if (const auto limit = limit_of(*profiles)) {
    next_at_ = in(c_, std::max<std::chrono::seconds>(pause, std::min(limit->backoff, longest_backoff)));
    Refusal why(errc_of_server(limit->code), Subject::contact,
                "WhatsApp does not tell who has these numbers (" + std::to_string(limit->code) + ")");
    why.retry_after_s = limit->backoff.count();
    return finish(std::move(why));
  }
  const Check& check = waiting_.front();
  if (check.next >= check.numbers.size()) finish(std::nullopt);
}

void NumberChecks::take(NumberChecked& number, const Profile& profile) {
  if (profile.contact_type == "invalid") number.result = Found::invalid;
  if (profile.contact_type == "out") number.result = Found::unregistered;
  if (number.result != Found::unanswered)
    book_.learn_absence(directory_.canonical_user(Jid(number.number, protocol::server::user)));
  if (profile.contact_type != "in" || profile.jid.user.empty()) return;
  if (profile.lid) directory_.learn(profile.jid, *profile.lid);
  if (profile.pn) directory_.learn(*profile.pn, profile.jid);
  const Jid user = directory_.canonical_user(profile.jid);
  const auto row = book_.learn(user, profile);
  number.result = Found::registered;
  number.who = Person{user, directory_.person(user)};
  number.verified_name = row.verified_name;
}

void NumberChecks::finish(std::optional<Refusal> why) {
  Check check = std::move(waiting_.front());
  waiting_.pop_front();
  const bool found = std::any_of(check.numbers.begin(), check.numbers.end(),
                                 [](const NumberChecked& number) { return number.result != Found::unanswered; });
  if (why && !found) return c_.answer(std::move(check.reply), std::move(*why));
  c_.answer(std::move(check.reply), std::move(check.numbers));
}

void NumberChecks::on_link_down() {
  // The one under way hears of it from its query, which runs after this. The backoff stays.
  std::list<Check> kept;
  if (asking_) kept.splice(kept.end(), waiting_, waiting_.begin());
  while (!waiting_.empty()) finish(not_connected());
  waiting_ = std::move(kept);
}

std::optional<net::SteadyTime> NumberChecks::due() const {
  if (asking_ || waiting_.empty() || !c_.link.online()) return std::nullopt;
  return next_at_.value_or(c_.now.steady);
}

void NumberChecks::on_due() {
  if (is_due(due(), c_.now.steady)) go_on();
}

}  // namespace wharf::sessions
