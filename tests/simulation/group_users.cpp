#include "tests/simulation/group_users.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "protocol/groups/metadata.h"
#include "sandbox/phone/groups/groups.h"
#include "storage/groups.h"
#include "tests/simulation/group_rows.h"
#include "tests/simulation/users.h"

namespace wharf::simulation {

namespace groups = protocol::groups;
using protocol::Errc;
using protocol::Jid;
using sandbox::Group;
using sessions::SentMessage;
using std::chrono::milliseconds;
using std::chrono::seconds;

GroupUsers::GroupUsers(World& world, Ledger& ledger, Users& users)
    : world_(world), ledger_(ledger), users_(users), wanted_(1 + draw(3)) {}

void GroupUsers::start(milliseconds pause) {
  pause_ = pause;
  talking_ = true;
  world_.network.on_group_message = [this](const sandbox::TakenGroupMessage& taken) { on_taken(taken); };
  next();
}

void GroupUsers::next() {
  if (!talking_) return;
  const double uniform = (draw(1'000'000) + 1) / 1'000'001.0;
  later(milliseconds(static_cast<std::int64_t>(-std::log(uniform) * static_cast<double>(pause_.count()))),
        [this] { next(); });
  found();
  for (unsigned i = draw(20) == 0 ? 6 : 1; i > 0; --i) say();
  if (draw(4) == 0) change();
}

bool GroupUsers::all_answered() const {
  return std::all_of(ledger_.groups.texts.begin(), ledger_.groups.texts.end(),
                     [](const GroupText& text) { return !text.by_gateway || text.settled(); });
}

bool GroupUsers::somebody_repeats() const {
  return std::any_of(ledger_.groups.texts.begin(), ledger_.groups.texts.end(),
                     [](const GroupText& text) { return text.by_gateway && text.asked > 1 && !text.settled(); });
}

void GroupUsers::see_clock() {
  for (GroupText& text : ledger_.groups.texts) {
    if (text.by_gateway && text.asked > 0 && !text.settled()) see_clock(text);
  }
}

void GroupUsers::see_clock(GroupText& text) {
  constexpr milliseconds patience = std::chrono::hours(23);  // as Users
  text.earliest_ms = std::min(text.earliest_ms, world_.daemon.unix_ms());
  text.latest_ms = std::max(text.latest_ms, world_.daemon.unix_ms());
  if (text.latest_ms - text.earliest_ms <= patience.count()) return;
  world_.trace.note("user", "gives up " + text.body);
  GroupLedger::give_up(text, "the lifetime of its idempotency key was over");
}

void GroupUsers::give_up_texts_of(std::size_t gateway) {
  for (GroupText& text : ledger_.groups.texts) {
    if (text.by_gateway && text.via == gateway && !text.settled())
      GroupLedger::give_up(text, "its session was given up");
  }
}

// --- groups

void GroupUsers::found() {
  auto& circles = ledger_.groups.circles;
  if (circles.size() < wanted_) {
    Circle circle;
    circle.subject = fmt::format("circle {}", circles.size());
    const auto people = static_cast<std::uint32_t>(ledger_.persons.size());
    circle.founder = draw(people);
    constexpr std::size_t most = 10;
    for (std::size_t person = 0; person < people && circle.invited.size() < most; ++person) {
      if (person != circle.founder && draw(4) != 0) circle.invited.push_back(person);
    }
    if (!circle.invited.empty()) circles.push_back(std::move(circle));
  }
  for (Circle& circle : circles) {
    if (circle.jid.empty()) found(circle);
  }
}

// The answer may be lost with who asked: the server knows whether there is one.
void GroupUsers::found(Circle& circle) {
  for (const Group* group : world_.network.groups()) {
    if (group->subject.text != circle.subject) continue;
    circle.jid = group->jid().to_string();
    return world_.trace.note("user", circle.subject + " is " + circle.jid);
  }
  if (circle.asked_at != Micros(0) && world_.time.now() < circle.asked_at + seconds(30)) return;
  const auto gateway = users_.any_gateway(circle.founder);
  const bool by_gateway = gateway && draw(3) != 0;
  if (by_gateway && (!ledger_.gateways[*gateway].linked || !world_.daemon.running())) return;
  circle.asked_at = world_.time.now();
  groups::CreateGroup create;
  create.subject = circle.subject;
  for (const std::size_t person : circle.invited) {
    const auto& account = *world_.network.find_account(std::string_view(ledger_.persons[person].number));
    if (by_gateway) create.members.push_back({account.pn_jid(), {}, {}});
    else create.members.push_back({account.lid_jid(), account.pn_jid(), {}});
  }
  world_.trace.note("user", fmt::format("makes {} of {}", circle.subject, circle.invited.size() + 1));
  if (!by_gateway) return users_.phone(circle.founder).ask(create, [](const protocol::Result<protocol::Node>&) {});
  world_.daemon.supervisor().tell(
      ledger_.gateways[*gateway].session, sessions::AskGroup{std::move(create)},
      users_.of_this_life<sessions::GroupAnswer>([this](const sessions::Outcome<sessions::GroupAnswer>& answer) {
        if (!answer) world_.trace.note("user", "a group was not made: " + answer.error().detail);
      }));
}

const Group* GroupUsers::of_server(const Circle& circle) const {
  for (const Group* group : world_.network.groups()) {
    if (!circle.jid.empty() && group->jid().to_string() == circle.jid) return group;
  }
  return nullptr;
}

std::size_t GroupUsers::person_of(const std::string& number) const {
  const auto found = std::find_if(ledger_.persons.begin(), ledger_.persons.end(),
                                  [&](const Person& person) { return person.number == number; });
  return static_cast<std::size_t>(found - ledger_.persons.begin());
}

std::optional<std::size_t> GroupUsers::any_member(const Circle& circle) {
  const Group* group = of_server(circle);
  if (group == nullptr || group->members.empty()) return std::nullopt;
  return person_of(std::next(group->members.begin(), draw(static_cast<std::uint32_t>(group->members.size())))->first);
}

// --- who is in them

void GroupUsers::change() {
  using groups::MemberAction;
  auto& circles = ledger_.groups.circles;
  if (circles.empty()) return;
  const std::size_t number = draw(static_cast<std::uint32_t>(circles.size()));
  const Group* group = of_server(circles[number]);
  if (group == nullptr) return;
  std::vector<std::size_t> admins, members, others;
  for (std::size_t person = 0; person < ledger_.persons.size(); ++person) {
    const auto* member = group->member(ledger_.persons[person].number);
    (member == nullptr ? others : member->role == sandbox::GroupRole::member ? members : admins).push_back(person);
  }
  if (admins.empty()) return;
  const auto one_of = [this](const std::vector<std::size_t>& people) {
    return people[draw(static_cast<std::uint32_t>(people.size()))];
  };
  const std::size_t by = one_of(admins);
  const unsigned roll = draw(100);
  if (roll < 35) {
    if (others.empty()) return;
    change(number, by, MemberAction::add, one_of(others));
  } else if (roll < 60) {
    if (!members.empty() && members.size() + admins.size() > 2)
      change(number, by, MemberAction::remove, one_of(members));
  } else if (roll < 72) {
    if (!members.empty()) change(number, by, MemberAction::promote, one_of(members));
  } else if (roll < 80) {
    const std::size_t whom = one_of(admins);
    if (whom != by && whom != circles[number].founder) change(number, by, MemberAction::demote, whom);
  } else if (roll < 90) {
    if (!members.empty() && members.size() + admins.size() > 2) leave(number, one_of(members));
  } else {
    const std::string subject = fmt::format("circle {} since {}", number, ++last_body_);
    ask_as(
        by,
        [&](bool) {
          return groups::SetSubject{group->jid(), subject};
        },
        "calls it " + subject);
  }
}

void GroupUsers::change(std::size_t number, std::size_t by, groups::MemberAction action, std::size_t whom) {
  const Circle& circle = ledger_.groups.circles[number];
  const Jid group = *Jid::parse(circle.jid);
  const bool comes = action == groups::MemberAction::add;
  look_at_keys(circle.jid);
  ask_as(
      by,
      [&](bool by_gateway) {
        const auto& account = *world_.network.find_account(std::string_view(ledger_.persons[whom].number));
        groups::MemberRef who{by_gateway ? account.pn_jid() : account.lid_jid(), {}, {}};
        if (comes && !by_gateway) who.phone_number = account.pn_jid();
        return groups::ChangeMembers{group, action, {who}, false};
      },
      fmt::format("{} {} in {}", groups::tag(action), ledger_.persons[whom].number, circle.subject));
}

void GroupUsers::leave(std::size_t number, std::size_t person) {
  const Circle& circle = ledger_.groups.circles[number];
  look_at_keys(circle.jid);
  ask_as(
      person, [&](bool) { return groups::LeaveGroups{{*Jid::parse(circle.jid)}}; }, "leaves " + circle.subject);
}

void GroupUsers::ask_as(std::size_t person, const std::function<groups::GroupRequest(bool by_gateway)>& request,
                        const std::string& what) {
  const auto gateway = users_.any_gateway(person);
  if (!gateway || !ledger_.gateways[*gateway].linked || !world_.daemon.running() || draw(2) == 0) {
    world_.trace.note("phone", ledger_.persons[person].number + ": " + what);
    return users_.phone(person).ask(request(false), [](const protocol::Result<protocol::Node>&) {});
  }
  const std::string& session = ledger_.gateways[*gateway].session;
  world_.trace.note("user", session + ": " + what);
  world_.daemon.supervisor().tell(
      session, sessions::AskGroup{request(true)},
      users_.of_this_life<sessions::GroupAnswer>([this, what](const sessions::Outcome<sessions::GroupAnswer>& answer) {
        if (answer) return;
        world_.trace.note("user", fmt::format("{}: {}", what, answer.error().detail));
        // What was right when it was asked for can be too late.
        constexpr Errc ends[] = {Errc::forbidden, Errc::not_found, Errc::conflict, Errc::timed_out, Errc::refused};
        const Errc code = answer.error().code;
        if (!passes(code) && std::find(std::begin(ends), std::end(ends), code) == std::end(ends))
          ledger_.violate(fmt::format("{}: {} {}", what, protocol::name(code), answer.error().detail));
      }));
}

// --- what is said

GroupText GroupUsers::new_text(std::size_t circle, std::size_t from) {
  GroupText text;
  text.circle = circle;
  text.from = from;
  // The first word is nobody else's, and no lane (checkers.cpp).
  text.body = fmt::format("round{} {} #{}", circle, from, ++last_body_);
  text.said_s = world_.time.unix_ms() / 1000;
  return text;
}

void GroupUsers::say() {
  const auto& circles = ledger_.groups.circles;
  if (circles.empty()) return;
  const std::size_t number = draw(static_cast<std::uint32_t>(circles.size()));
  if (circles[number].jid.empty()) return;
  const auto person = any_member(circles[number]);
  if (!person) return;
  const auto gateway = users_.any_gateway(*person);
  if (gateway && draw(3) != 0) say_by_gateway(number, *gateway);
  else say_by_phone(number, *person);
}

void GroupUsers::say_by_phone(std::size_t number, std::size_t person) {
  GroupText text = new_text(number, person);
  auto& phone = users_.phone(person);
  const std::string& jid = ledger_.groups.circles[number].jid;
  const auto* group = phone.group(jid);
  if (group == nullptr) return;  // it has not heard of it yet, or not of it any more
  for (const auto& [member, role] : group->members) text.known.insert(member);
  world_.trace.note("phone", "says " + text.body);
  const auto sent = phone.send({jid, text.body, {}, {}});
  if (!sent) return ledger_.violate("a phone could not say something: " + sent.error().detail);
  text.id = *sent;
  ledger_.groups.add(std::move(text));
}

void GroupUsers::say_by_gateway(std::size_t number, std::size_t gateway) {
  if (ledger_.gateways[gateway].retired || !ledger_.gateways[gateway].linked) return;
  GroupText text = new_text(number, ledger_.gateways[gateway].person);
  text.by_gateway = true;
  text.via = gateway;
  text.id = fmt::format("3EB0C1AC1E{:08}", ledger_.groups.texts.size());
  text.idempotency_key = "key " + text.body;
  ledger_.groups.add(std::move(text));
  ask(ledger_.groups.texts.size() - 1);
}

std::set<std::string> GroupUsers::known_to_session(const std::string& session, const std::string& group) const {
  std::set<std::string> known;
  const auto view = world_.daemon.supervisor().find(session);
  const auto row = view ? known_group(world_, view->id, group) : std::nullopt;
  if (row) {
    for (const auto& [number, role] : row->members) known.insert(number);
  }
  return known;
}

void GroupUsers::ask(std::size_t number) {
  GroupText& text = ledger_.groups.texts[number];
  if (text.settled()) return;
  if (!world_.daemon.running()) return later(milliseconds(50 + draw(1'000)), [this, number] { ask(number); });
  const std::string& session = ledger_.gateways[text.via].session;
  const std::string& jid = ledger_.groups.circles[text.circle].jid;
  if (text.asked++ == 0) {
    text.earliest_ms = text.latest_ms = world_.daemon.unix_ms();
    text.said_s = world_.time.unix_ms() / 1000;
    text.known = known_to_session(session, jid);
  }
  see_clock(text);
  if (text.given_up) return;
  world_.trace.note("user", fmt::format("asks to say {} ({})", text.body, text.asked));
  const auto patience = draw(20) == 0 ? milliseconds(5 + draw(200)) : milliseconds(5'000 + draw(5'000));
  later(patience, [this, number] { ask(number); });
  sessions::SendMessage request;
  request.chat = *Jid::parse(jid);
  request.content = text.body;
  request.message_id = text.id;
  request.idempotency_key = text.idempotency_key;
  request.request_hash = text.body;
  world_.daemon.supervisor().tell(
      session, std::move(request),
      users_.of_this_life<SentMessage>(
          [this, number](const sessions::Outcome<SentMessage>& answer) { on_answer(number, answer); }));
}

void GroupUsers::on_answer(std::size_t number, const sessions::Outcome<SentMessage>& answer) {
  GroupText& text = ledger_.groups.texts[number];
  if (answer) {
    world_.trace.note("user", "is told that it is said: " + text.body);
    if (answer->id != text.id) ledger_.violate(fmt::format("{} chose {} and got {}", text.body, text.id, answer->id));
    text.accepted = true;
    return;
  }
  const Errc code = answer.error().code;
  if (text.settled() || passes(code) || (code == Errc::not_found && ledger_.gateways[text.via].retired)) return;
  world_.trace.note("user", fmt::format("cannot say {}: {}", text.body, answer.error().detail));
  // It has no row, or one that says that the account is out.
  if (code != Errc::forbidden && code != Errc::not_found)
    ledger_.violate(fmt::format("{}: {} {}", text.body, protocol::name(code), answer.error().detail));
  // Who asked before may have been heard.
  if (text.asked > 1) return GroupLedger::give_up(text, "it was asked for again when its sender was out of the group");
  text.refused = true;
}

// --- what the server has

void GroupUsers::on_taken(const sandbox::TakenGroupMessage& taken) {
  const std::string group = taken.group.jid().to_string();
  authors_[group].insert(taken.from);
  look_at_keys(group);
  GroupText* text = ledger_.groups.find(taken.id);
  if (text == nullptr) return;
  if (taken.again != text->taken_at.has_value())
    return ledger_.violate(fmt::format("{} ({}) was taken twice", text->body, text->id));
  if (taken.again) {
    for (const auto& [number, member] : taken.group.members) text->later.insert(number);
    if (!taken.shared.empty()) try_keys(*text, taken);
    return;
  }
  text->taken_at = world_.time.now();
  text->taken_s = world_.time.unix_ms() / 1000;
  for (const auto& [number, member] : taken.group.members) text->members.insert(number);
  text->sessions = ledger_.gateways.size();
  for (std::size_t i = 0; i < text->sessions; ++i) {
    const Gateway& gateway = ledger_.gateways[i];
    if (gateway.retired) text->copies[i] = "its device had been given up";
    else if (!gateway.linked) text->copies[i] = "the session was not linked";
  }
  world_.trace.note("server", fmt::format("takes {} for {}", text->body, text->members.size()));
  if (!taken.shared.empty()) try_keys(*text, taken);
}

void GroupUsers::look_at_keys(const std::string& group) {
  for (const sandbox::DeviceKey& author : authors_[group]) {
    for (const Person& person : ledger_.persons) keys_.note(world_.phones, person.number, group, author);
  }
}

void GroupUsers::try_keys(const GroupText& text, const sandbox::TakenGroupMessage& taken) {
  const std::string group = taken.group.jid().to_string();
  for (const Person& person : ledger_.persons) {
    if (text.members.contains(person.number) || text.known.contains(person.number)) continue;
    if (taken.group.members.contains(person.number)) continue;  // back by now, when it comes again
    const auto* gone = taken.group.departure_of(person.number);
    if (gone == nullptr || gone->at >= text.said_s) continue;
    ++ledger_.counts.kept_out;
    if (keys_.opens(person.number, group, taken.shared))
      ledger_.violate(fmt::format("{} ({}) opens with what the phone {} had before it was out of the group", text.body,
                                  text.id, person.number));
  }
  for (const Gateway& gateway : ledger_.gateways) {
    const std::string& number = ledger_.persons[gateway.person].number;
    if (text.members.contains(number) || text.known.contains(number)) continue;
    if (taken.group.members.contains(number)) continue;
    const auto* gone = taken.group.departure_of(number);
    const auto view = gone != nullptr && gone->at < text.said_s && world_.daemon.running()
                          ? world_.daemon.supervisor().find(gateway.session)
                          : std::nullopt;
    if (!view) continue;
    ++ledger_.counts.kept_out;
    if (keys_.opens(view->id, group, taken.shared))
      ledger_.violate(fmt::format("{} ({}) opens with what {} had before it was out of the group", text.body, text.id,
                                  gateway.session));
  }
}

}  // namespace wharf::simulation
