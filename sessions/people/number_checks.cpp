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
    return Limit{error->code, std::chrono::seconds(bounded_backoff_s(error->backoff_seconds))};
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
  for (std::string& number : asked.numbers) {
    auto found = asked.anew ? std::nullopt : known(number);
    if (!found) found = NumberChecked{std::move(number), Found::unanswered, {}, {}};
    if (found->result == Found::unanswered) check.open.push_back(check.numbers.size());
    check.numbers.push_back(std::move(*found));
  }
  if (check.open.empty()) return c_.answer(std::move(reply), std::move(check.numbers));
  if (!c_.link.online()) return c_.answer(std::move(reply), not_connected());
  check.id = ++last_id_;
  check.until = in(c_, longest_wait);
  check.reply = std::move(reply);
  waiting_.push_back(std::move(check));
  end_late();
  go_on();
}

void NumberChecks::go_on() {
  if (asking_ || waiting_.empty() || !c_.link.online()) return;
  if (next_at_ && *next_at_ > c_.now.steady) return;
  ask_batch();
}

// A number of each check in turn, until the batch is full: the same number of two checks is one.
void NumberChecks::ask_batch() {
  Batch asked;
  std::vector<protocol::ProfileTarget> targets;
  for (bool any = true; any && targets.size() < batch;) {
    any = false;
    for (Check& check : waiting_) {
      if (check.next == check.open.size() || targets.size() == batch) continue;
      any = true;
      const std::size_t place = check.open[check.next++];
      const std::string& number = check.numbers[place].number;
      check.asked = true;
      auto& askers = asked[number];
      if (askers.empty()) targets.push_back({std::nullopt, number, {}});
      askers.push_back({check.id, place});
    }
  }
  if (targets.empty()) return;
  asking_ = true;
  next_at_ = in(c_, pause);
  const Node iq = protocol::profile_query_iq(
      c_.ids.next(), c_.ids.next(), {ProfileField::contact, ProfileField::lid, ProfileField::business}, targets);
  c_.query(iq, [this, asked = std::move(asked)](const Node* answer) mutable { on_answer(std::move(asked), answer); });
}

void NumberChecks::on_answer(Batch asked, const Node* answer) {
  asking_ = false;
  const auto profiles =
      answer == nullptr ? protocol::Result<protocol::Profiles>(no_answer()) : protocol::read_profiles(*answer);
  if (!profiles) {
    if (const auto said = answer == nullptr ? std::nullopt : protocol::iq_error_of(*answer))
      next_at_ = in(c_, std::clamp<std::chrono::seconds>(std::chrono::seconds(bounded_backoff_s(said->backoff_seconds)),
                                                         pause, longest_backoff));
    return finish_asked(server_refusal(answer, profiles.error(), Subject::contact));
  }
  for (const Profile& profile : profiles->users) {
    auto number = asked.find(digits_of(profile.contact_query));
    // Some servers echo nothing and name the person by number.
    if (number == asked.end() && profile.jid.is_phone_number()) number = asked.find(profile.jid.user);
    if (number == asked.end() && profile.pn) number = asked.find(profile.pn->user);
    if (number == asked.end()) continue;  // not asked for
    const NumberChecked found = judge(number->first, profile, profiles->errors);
    for (const Asker& asker : number->second) {
      const auto check =
          std::find_if(waiting_.begin(), waiting_.end(), [&](const Check& waits) { return waits.id == asker.check; });
      if (check != waiting_.end()) check->numbers[asker.place] = found;  // else its time was over
    }
    asked.erase(number);
  }
  if (const auto limit = limit_of(*profiles)) {
    next_at_ = in(c_, std::max<std::chrono::seconds>(pause, std::min(limit->backoff, longest_backoff)));
    Refusal why(errc_of_server(limit->code), Subject::contact,
                "WhatsApp does not tell who has these numbers (" + std::to_string(limit->code) + ")");
    why.retry_after_s = limit->backoff.count();
    return finish_asked(why);
  }
  for (auto check = waiting_.begin(); check != waiting_.end();) {
    check->asked = false;
    if (check->next == check->open.size()) check = finish(check, std::nullopt);
    else ++check;
  }
}

NumberChecked NumberChecks::judge(const std::string& digits, const Profile& profile,
                                  std::span<const protocol::ProfileError> errors) {
  NumberChecked number{digits, Found::unanswered, {}, {}};
  if (profile.contact_type == "invalid") number.result = Found::invalid;
  if (profile.contact_type == "out") number.result = Found::unregistered;
  if (number.result != Found::unanswered)
    book_.learn_absence(directory_.canonical_user(Jid(number.number, protocol::server::user)));
  if (profile.contact_type != "in" || profile.jid.user.empty()) return number;
  if (profile.lid) directory_.learn(profile.jid, *profile.lid);
  if (profile.pn) directory_.learn(*profile.pn, profile.jid);
  const Jid user = directory_.canonical_user(profile.jid);
  const auto row = book_.learn(user, profile, errors);
  number.result = Found::registered;
  number.who = Person{user, directory_.person(user)};
  number.verified_name = row.verified_name;
  return number;
}

void NumberChecks::finish_asked(const Refusal& why) {
  for (auto check = waiting_.begin(); check != waiting_.end();) {
    if (check->asked) check = finish(check, why);
    else ++check;
  }
  end_late();
}

void NumberChecks::end_late() {
  for (auto check = waiting_.begin(); check != waiting_.end();) {
    if (check->until <= c_.now.steady) {
      check = finish(check, Refusal(Errc::timed_out, Subject::contact,
                                    "WhatsApp has not told yet who has these numbers; try again later"));
    } else if (!check->asked && next_at_ && *next_at_ >= check->until) {  // nothing can be asked before its end
      Refusal why(Errc::rate_limited, Subject::contact, "WhatsApp does not tell now who has these numbers");
      why.retry_after_s = std::chrono::ceil<std::chrono::seconds>(*next_at_ - c_.now.steady).count();
      check = finish(check, std::move(why));
    } else {
      ++check;
    }
  }
}

NumberChecks::Waiting::iterator NumberChecks::finish(Waiting::iterator place, std::optional<Refusal> why) {
  Check check = std::move(*place);
  const auto next = waiting_.erase(place);
  const bool found = std::any_of(check.numbers.begin(), check.numbers.end(),
                                 [](const NumberChecked& number) { return number.result != Found::unanswered; });
  if (why && !found) c_.answer(std::move(check.reply), std::move(*why));
  else c_.answer(std::move(check.reply), std::move(check.numbers));
  return next;
}

void NumberChecks::on_link_down() {
  // Those under way hear of it from their query, which runs after this. The backoff stays.
  for (auto check = waiting_.begin(); check != waiting_.end();) {
    if (check->asked) ++check;
    else check = finish(check, not_connected());
  }
}

std::optional<net::SteadyTime> NumberChecks::due() const {
  if (waiting_.empty()) return std::nullopt;
  const net::SteadyTime late = waiting_.front().until;
  if (asking_ || !c_.link.online()) return late;
  return std::min(late, next_at_.value_or(c_.now.steady));
}

void NumberChecks::on_due() {
  if (!is_due(due(), c_.now.steady)) return;
  end_late();
  go_on();
}

}  // namespace wharf::sessions
