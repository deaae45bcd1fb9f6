#include "tests/simulation/group_checkers.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "sandbox/network/groups/group.h"
#include "sandbox/phone/groups/groups.h"
#include "tests/simulation/group_rows.h"

namespace wharf::simulation {

using sandbox::Group;
using sandbox::PhoneMessage;

namespace {

/// What the log says about one session.
struct Log {
  std::map<std::string, unsigned> received, sent;  // events by body
  std::vector<std::string> order;                  // … as they came
  std::map<std::string, std::vector<int>> acks;    // levels by message id, in order
  std::map<std::string, std::string> errors;       // why a message ended as an error
};

/// A text that was accepted may end like this; who is out of the group, or no admin where those alone may speak, is
/// refused by the server, and who finds it named otherwise a second time (03 section 4.8: sent once more, once).
bool may_end(std::string_view error) {
  constexpr std::string_view ends[] = {
      "logged out", "did not acknowledge the message on", "(429)", "(401)", "(403)", "(421)", "not a member"};
  return std::any_of(std::begin(ends), std::end(ends),
                     [&](std::string_view end) { return error.find(end) != std::string_view::npos; });
}

class Check {
 public:
  Check(World& world, Ledger& ledger) : world_(world), ledger_(ledger) {
    for (const Group* group : world.network.groups()) groups_.emplace(group->jid().to_string(), group);
    for (const Person& person : ledger.persons) {
      for (const PhoneMessage& message : world.phones.find(person.number)->messages()) {
        if (message.status != "failed") phones_[person.number][message.text].push_back(&message);
      }
    }
  }

  void read_log() {
    storage::EventFilter filter;
    filter.limit = 5'000;
    for (;;) {
      const auto page = storage::read_events(world_.daemon.store().reader(), filter);
      if (page.empty()) break;
      for (const storage::Event& event : page) note(event);
      filter.after = page.back().id;
    }
  }

  void check_text(const GroupText& text) {
    std::string excuse = text.excuse;
    if (text.by_gateway) {
      if (!text.settled()) return violate(text, "was never answered");
      const Log& log = logs_[ledger_.gateways[text.via].session];
      const auto ended = log.errors.find(text.id);
      const std::string error = ended == log.errors.end() ? "" : ended->second;
      if (!error.empty() && !may_end(error)) violate(text, "ended as: " + error);
      const unsigned told = count(log.sent, text.body);
      if (told > 1 || (told == 0 && text.accepted) || (told > 0 && text.refused))
        violate(text, fmt::format("was told {} times where it was sent", told));
      if (text.accepted) check_acks(text, log, error);
      if (text.accepted && error.empty() && excuse.empty() && !text.taken_at)
        violate(text, "was accepted and the server does not have it");
      if (excuse.empty()) excuse = error;
      if (excuse.empty() && ledger_.gateways[text.via].retired) excuse = "its session was given up";
    } else if (const auto* own = shown(text.from, text); own == nullptr) {
      if (excuse.empty()) violate(text, "is not on the phone that said it");
    } else if (own->status == "error" && excuse.empty()) {
      excuse = own->failure;
    }
    if (excuse.empty() && !stays(text, text.from)) excuse = "its author has left the group";
    if (text.taken_at) ++ledger_.counts.in_groups;
    for (std::size_t i = 0; i < ledger_.persons.size(); ++i) check_phone(text, i, excuse);
    for (std::size_t i = 0; i < ledger_.gateways.size(); ++i) check_session(text, i, excuse);
  }

  /// What one session, or one phone, says in a group comes in that order to whom it knew to be there each time.
  void check_order() {
    std::map<std::string, const GroupText*> by_body;
    for (const GroupText& text : ledger_.groups.texts) by_body.emplace(text.body, &text);
    std::map<Lane, std::vector<std::string>> said;
    for (const GroupText& text : ledger_.groups.texts) {
      if (!text.by_gateway) said[lane_of(text)].push_back(text.body);
    }
    for (const Gateway& gateway : ledger_.gateways) {
      for (const std::string& body : logs_[gateway.session].order) {
        const auto text = by_body.find(body);
        if (text == by_body.end() || !text->second->by_gateway) continue;
        if (ledger_.gateways[text->second->via].session == gateway.session)
          said[lane_of(*text->second)].push_back(body);
      }
    }
    std::map<std::string, std::size_t> place;
    for (const auto& [lane, bodies] : said) {
      for (std::size_t i = 0; i < bodies.size(); ++i) place[bodies[i]] = i;
    }
    const auto expect_order = [&](const std::string& where, const std::vector<std::string>& seen, const auto& counts) {
      std::map<Lane, std::size_t> last;
      for (const std::string& body : seen) {
        const auto text = by_body.find(body);
        if (text == by_body.end() || !place.contains(body) || !counts(*text->second)) continue;
        std::size_t& before = last[lane_of(*text->second)];
        if (place[body] < before) violate(*text->second, "comes too late to " + where);
        before = std::max(before, place[body]);
        ++ledger_.counts.in_order;
      }
    };
    for (const Person& person : ledger_.persons) {
      std::vector<std::string> seen;
      for (const PhoneMessage& message : world_.phones.find(person.number)->messages()) seen.push_back(message.text);
      expect_order("the phone " + person.number, seen,
                   [&](const GroupText& text) { return text.known.contains(person.number); });
    }
    // Who has just got a device may have to ask for the key.
    constexpr std::chrono::seconds settled(60);
    for (const Gateway& gateway : ledger_.gateways) {
      expect_order(gateway.session, logs_[gateway.session].order, [&](const GroupText& text) {
        return text.known.contains(ledger_.persons[gateway.person].number) && text.taken_at && gateway.linked &&
               *text.taken_at > gateway.linked_at + settled;
      });
    }
  }

  void check_group(const Circle& circle) {
    const auto found = groups_.find(circle.jid);
    if (found == groups_.end()) return;
    const Group& group = *found->second;
    std::map<std::string, protocol::groups::Role> members;
    for (const auto& [number, member] : group.members) members.emplace(number, member.role);
    for (const Gateway& gateway : ledger_.gateways) {
      const auto view = gateway.retired ? std::nullopt : world_.daemon.supervisor().find(gateway.session);
      if (!view) continue;
      const bool in = members.contains(ledger_.persons[gateway.person].number);
      const auto known = known_group(world_, view->id, circle.jid);
      const auto violate_here = [&](const std::string& what) {
        ledger_.violate(fmt::format("{} in {}: {}", circle.jid, gateway.session, what));
      };
      if (!known) {
        if (in) violate_here("is not known");
        continue;
      }
      // What is missing in the list of all is not asked for (docs/development.md, open ends).
      if (known->member && !in && ledger_.groups.notices_lost) continue;
      if (known->member != in) violate_here(in ? "is taken for one of others" : "is taken for an own one");
      // What is asked for again before the next message may be old.
      if (!in || known->stale) continue;
      ++ledger_.counts.groups;
      if (known->subject != group.subject.text)
        violate_here(fmt::format("is called '{}' in place of '{}'", known->subject, group.subject.text));
      if (known->members != members)
        violate_here(fmt::format("has {} in place of {}", listed(known->members), listed(members)));
    }
    for (const Person& person : ledger_.persons) {
      const auto* known = world_.phones.find(person.number)->group(circle.jid);
      if ((known != nullptr) != members.contains(person.number))
        ledger_.violate(fmt::format("{} on the phone {}: {}", circle.jid, person.number,
                                    known != nullptr ? "is known" : "is not known"));
      if (known != nullptr && known->members != members && !known->data.stale)
        ledger_.violate(fmt::format("{} on the phone {}: has {} in place of {}", circle.jid, person.number,
                                    listed(known->members), listed(members)));
    }
  }

 private:
  using Lane = std::tuple<std::size_t, bool, std::size_t>;  // circle, by a session, which
  static Lane lane_of(const GroupText& text) {
    return {text.circle, text.by_gateway, text.by_gateway ? text.via : text.from};
  }
  void violate(const GroupText& text, const std::string& what) {
    ledger_.violate(fmt::format("{} ({}) {}", text.body, text.id, what));
  }
  static unsigned count(const std::map<std::string, unsigned>& events, const std::string& body) {
    const auto found = events.find(body);
    return found == events.end() ? 0 : found->second;
  }
  static std::string listed(const std::map<std::string, protocol::groups::Role>& members) {
    std::string all;
    for (const auto& [number, role] : members)
      all += fmt::format("{}{}:{}", all.empty() ? "" : " ", number, protocol::groups::name(role));
    return all;
  }

  void note(const storage::Event& event) {
    Log& log = logs_[event.session_name];
    if (event.name != "ack" && event.name != "message" && event.name != "message.sent") return;
    const auto data = boost::json::parse(event.data);
    if (event.name != "ack") {
      std::string body(data.at("body").as_string());
      ++(event.name == "message" ? log.received : log.sent)[body];
      return log.order.push_back(std::move(body));
    }
    const std::string id(data.at("id").as_string());
    log.acks[id].push_back(static_cast<int>(data.at("ack").as_int64()));
    if (log.acks[id].back() >= 0) return;
    const auto* error = data.as_object().if_contains("error");
    log.errors[id] = error ? std::string(error->as_string()) : "ended as an error";
  }

  void check_acks(const GroupText& text, const Log& log, const std::string& error) {
    const auto found = log.acks.find(text.id);
    int highest = 0;
    for (const int level : found == log.acks.end() ? std::vector<int>() : found->second) {
      if (level < highest && level != -1)
        violate(text, fmt::format("has an ack that fell from {} to {}", highest, level));
      highest = std::max(highest, level);
    }
    if (error.empty() && highest < 1 && text.excuse.empty()) violate(text, "has no ack of the server");
  }

  /// In the group from when the server took the text to the end.
  bool stays(const GroupText& text, std::size_t person) const {
    const auto group = groups_.find(ledger_.groups.circles[text.circle].jid);
    if (group == groups_.end() || !text.taken_at) return false;
    const auto* member = group->second->member(ledger_.persons[person].number);
    return member != nullptr && member->since <= text.taken_s;
  }

  const PhoneMessage* shown(std::size_t person, const GroupText& text) {
    const auto& all = phones_[ledger_.persons[person].number];
    const auto found = all.find(text.body);
    return found == all.end() ? nullptr : found->second.front();
  }

  void check_phone(const GroupText& text, std::size_t person, std::string excuse) {
    const std::string& number = ledger_.persons[person].number;
    if (!text.by_gateway && person == text.from) return;
    const auto found = phones_[number].find(text.body);
    const std::size_t times = found == phones_[number].end() ? 0 : found->second.size();
    if (const auto own = text.phones.find(person); excuse.empty() && own != text.phones.end()) excuse = own->second;
    judge("the phone " + number, text, person, times, excuse);
  }

  void check_session(const GroupText& text, std::size_t number, std::string excuse) {
    const Gateway& gateway = ledger_.gateways[number];
    if (text.by_gateway && number == text.via) return;
    const Log& log = logs_[gateway.session];
    const bool own = gateway.person == text.from;
    if (excuse.empty() && gateway.retired) excuse = "its device was given up";
    if (const auto copy = text.copies.find(number); excuse.empty() && copy != text.copies.end()) excuse = copy->second;
    if (excuse.empty() && number >= text.sessions) excuse = "the session was made later";
    if (count(own ? log.received : log.sent, text.body) > 0)
      violate(text, "is on the wrong side of " + gateway.session);
    judge(gateway.session, text, gateway.person, count(own ? log.sent : log.received, text.body), excuse);
  }

  void judge(const std::string& where, const GroupText& text, std::size_t person, std::size_t times,
             std::string excuse) {
    const bool went_there = text.taken_at && text.members.contains(ledger_.persons[person].number);
    // Who sends it again for somebody who was missed does not know who has come since.
    const bool came_since = text.later.contains(ledger_.persons[person].number);
    if (times > 0 && !went_there && !came_since) return violate(text, "is at " + where + ", who is not in the group");
    if (times > 1) return violate(text, fmt::format("is {} times at {}", times, where));
    if (!went_there) return;
    ledger_.counts.group_copies += times;
    if (excuse.empty() && !stays(text, person)) excuse = "it has left the group";
    if (times == 0 && excuse.empty()) violate(text, "is not at " + where);
  }

  World& world_;
  Ledger& ledger_;
  std::map<std::string, const Group*> groups_;  // by JID
  std::map<std::string, Log> logs_;             // by session
  std::map<std::string, std::map<std::string, std::vector<const PhoneMessage*>>> phones_;
};

}  // namespace

void check_groups(World& world, Ledger& ledger, bool orderly) {
  if (ledger.groups.circles.empty()) return;
  Check check(world, ledger);
  check.read_log();
  for (const GroupText& text : ledger.groups.texts) check.check_text(text);
  for (const Circle& circle : ledger.groups.circles) check.check_group(circle);
  if (orderly) check.check_order();
}

}  // namespace wharf::simulation
