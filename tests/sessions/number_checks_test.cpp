// Which numbers are on WhatsApp: what is asked, in which portions, and what the program hears.
#include "sessions/people/number_checks.h"

#include <catch2/catch.hpp>

#include "tests/sessions/people_stanzas.h"

using namespace wharf;
using namespace wharf::test;
using protocol::Profile;
using Checked = NumberChecked::Result;

namespace {

std::vector<std::string> asked_for(const Node& iq) {
  const auto query = protocol::read_profile_query(iq);
  REQUIRE(query);
  std::vector<std::string> numbers;
  for (const auto& target : query->users) numbers.push_back(target.phone);
  return numbers;
}

Profile registered(const std::string& number, std::optional<Jid> lid = std::nullopt) {
  Profile profile;
  profile.jid = Jid(number, "s.whatsapp.net");
  profile.contact_query = "+" + number;
  profile.contact_type = "in";
  profile.lid = std::move(lid);
  return profile;
}

Profile nobody(const std::string& number, const char* type = "out") {
  Profile profile;
  profile.contact_query = "+" + number;
  profile.contact_type = type;
  return profile;
}

std::vector<std::string> many(std::size_t count) {
  std::vector<std::string> numbers;
  for (std::size_t i = 0; i < count; ++i) numbers.push_back(std::to_string(15'551'000'000 + i));
  return numbers;
}

}  // namespace

TEST_CASE("numbers are told apart, in the order of the request, and who is there is known afterwards") {
  PeopleFixture f;
  const auto check = f.ask(CheckNumbers{{ann_number.user, "15550000009", "15550000010", "15550000011"}});
  REQUIRE(check.asked.size() == 1);
  CHECK_FALSE(check.answered());
  f.hear(profiles(check.asked[0], {{nobody("15550000010", "invalid"), registered(ann_number.user, ann),
                                    nobody("15550000009"), registered("15559999999")},
                                   {}}));
  REQUIRE(check.answer().has_value());
  const auto& numbers = check.answer().value();
  REQUIRE(numbers.size() == 4);
  CHECK(numbers[0].result == Checked::registered);
  CHECK(numbers[0].who->jid == ann);
  CHECK(numbers[0].who->ids.pn == ann_number);
  CHECK(numbers[1].result == Checked::unregistered);
  CHECK(numbers[2].result == Checked::invalid);
  CHECK(numbers[3].result == Checked::unanswered);
  CHECK(f.contact(ann)->registered == storage::Registered::yes);
  CHECK_FALSE(f.contact(Jid("15559999999", "s.whatsapp.net")));  // nobody asked for it
}

TEST_CASE("who was found within a day is not asked for again, unless anew") {
  PeopleFixture f;
  const auto first = f.ask(CheckNumbers{{ann_number.user}});
  f.hear(profiles(first.asked.at(0), {{registered(ann_number.user, ann)}, {}}));
  f.later(2s);
  const auto again = f.ask(CheckNumbers{{ann_number.user}});
  CHECK(again.asked.empty());
  CHECK(again.answer().value().at(0).who->jid == ann);
  const auto anew = f.ask(CheckNumbers{{ann_number.user}, true});
  REQUIRE(anew.asked.size() == 1);
  f.hear(profiles(anew.asked[0], {{registered(ann_number.user, ann)}, {}}));
  f.now_ms += 25 * 3'600'000LL;
  f.steady += 2s;
  CHECK(f.ask(CheckNumbers{{ann_number.user}}).asked.size() == 1);
}

namespace {

/// WhatsApp says of everybody in the batch that nobody has the number.
std::vector<Node> tell_nobody(PeopleFixture& f, const Node& iq) {
  protocol::Profiles told;
  for (const std::string& number : asked_for(iq)) told.users.push_back(nobody(number));
  return f.hear(profiles(iq, told));
}

}  // namespace

TEST_CASE("many numbers are asked for fifty at a time, with a pause between") {
  PeopleFixture f;
  const auto numbers = many(120);
  const auto check = f.ask(CheckNumbers{numbers});
  std::vector<Node> next = check.asked;
  std::vector<std::string> seen;
  for (const std::size_t size : {50u, 50u, 20u}) {
    REQUIRE(next.size() == 1);
    const auto batch = asked_for(next[0]);
    CHECK(batch.size() == size);
    seen.insert(seen.end(), batch.begin(), batch.end());
    CHECK(tell_nobody(f, next[0]).empty());  // not at once
    CHECK(f.later(999ms).empty());
    next = f.later(1ms);
  }
  CHECK(seen == numbers);
  REQUIRE(check.answer().has_value());
  CHECK(std::all_of(check.answer()->begin(), check.answer()->end(),
                    [](const NumberChecked& one) { return one.result == Checked::unregistered; }));
}

TEST_CASE("checks share the batches: one number is in the next one, whatever waits before it") {
  PeopleFixture f;
  const auto first = f.ask(CheckNumbers{many(400)}), second = f.ask(CheckNumbers{many(1'000)});
  const auto one = f.ask(CheckNumbers{{ann_number.user}}), same = f.ask(CheckNumbers{{ann_number.user}});
  CHECK(second.asked.empty());
  tell_nobody(f, first.asked.at(0));
  const auto next = f.later(1s);
  REQUIRE(next.size() == 1);
  const auto batch = asked_for(next[0]);
  CHECK(batch.size() == 50);
  CHECK(std::count(batch.begin(), batch.end(), ann_number.user) == 1);  // two ask for it
  tell_nobody(f, next[0]);
  CHECK(one.answer().value().at(0).result == Checked::unregistered);
  CHECK(same.answer().value().at(0).result == Checked::unregistered);
  CHECK_FALSE(first.answered());
  CHECK_FALSE(second.answered());
}

TEST_CASE("after 25 s a check is told what is known by then, and that nothing is where nothing is") {
  PeopleFixture f;
  const auto numbers = many(60);
  const auto half = f.ask(CheckNumbers{numbers});
  tell_nobody(f, half.asked.at(0));
  const auto hanging = f.later(1s);
  REQUIRE(hanging.size() == 1);
  const auto behind = f.ask(CheckNumbers{{ann_number.user}});
  f.later(23'999ms);
  CHECK_FALSE(half.answered());
  f.later(1ms);
  REQUIRE(half.answer().has_value());
  CHECK(half.answer()->at(0).result == Checked::unregistered);
  CHECK(half.answer()->at(59).result == Checked::unanswered);
  CHECK_FALSE(behind.answered());
  f.later(1s);
  CHECK(behind.answer().error().code == Errc::timed_out);
  // What comes late is for nobody.
  tell_nobody(f, hanging[0]);
}

TEST_CASE("a refusal ends a check: with what was found, or with the reason when nothing was") {
  PeopleFixture f;
  const auto first = f.ask(CheckNumbers{{ann_number.user}});
  f.hear(error_of(first.asked.at(0), 429));
  CHECK(first.answer().error().code == Errc::rate_limited);
  CHECK(first.answer().error().subject == Subject::contact);

  f.later(1s);
  const auto second = f.ask(CheckNumbers{many(60)});
  protocol::Profiles told;
  for (const std::string& number : asked_for(second.asked.at(0))) told.users.push_back(nobody(number));
  f.hear(profiles(second.asked.at(0), told));
  const auto next = f.later(1s);
  f.hear(error_of(next.at(0), 429));
  REQUIRE(second.answer().has_value());
  CHECK(second.answer()->at(0).result == Checked::unregistered);
  CHECK(second.answer()->at(59).result == Checked::unanswered);
}

TEST_CASE("numbers that the server does not tell end the check, and the next waits as long as it says") {
  PeopleFixture f;
  const auto check = f.ask(CheckNumbers{many(60)});
  f.hear(profiles(check.asked.at(0), {{}, {{protocol::ProfileField::contact, 429, 30}}}));
  CHECK(check.answer().error().code == Errc::rate_limited);
  // Longer than a check may wait: told at once.
  const auto vain = f.ask(CheckNumbers{{ann_number.user}});
  CHECK(vain.asked.empty());
  CHECK(vain.answer().error().code == Errc::rate_limited);
  CHECK(vain.answer().error().retry_after_s == 30);
  f.later(10s);
  const auto waiting = f.ask(CheckNumbers{{ann_number.user}});
  CHECK_FALSE(waiting.answered());
  const auto asks = [](const std::vector<Node>& nodes) {
    return std::count_if(nodes.begin(), nodes.end(), [](const Node& node) { return node.child("usync") != nullptr; });
  };
  CHECK(asks(f.later(19s)) == 0);
  CHECK(asks(f.later(1s)) == 1);
}

TEST_CASE("what was found before the connection ended is told") {
  PeopleFixture f;
  const auto check = f.ask(CheckNumbers{many(60)});
  protocol::Profiles told;
  for (const std::string& number : asked_for(check.asked.at(0))) told.users.push_back(nobody(number));
  f.hear(profiles(check.asked.at(0), told));
  f.cut();
  REQUIRE(check.answer().has_value());
  CHECK(check.answer()->at(49).result == Checked::unregistered);
  CHECK(check.answer()->at(50).result == Checked::unanswered);
}

TEST_CASE("checks end with the connection, and need one") {
  PeopleFixture f;
  const auto under_way = f.ask(CheckNumbers{{ann_number.user}});
  const auto behind = f.ask(CheckNumbers{{dan_number.user}});
  f.cut();
  CHECK(under_way.answer().error().code == Errc::timed_out);
  CHECK(behind.answer().error().code == Errc::not_ready);
  const auto offline = f.ask(CheckNumbers{{ann_number.user}});
  CHECK(offline.asked.empty());
  CHECK(offline.answer().error().code == Errc::not_ready);
  // The next connection begins anew.
  f.go_online();
  f.later(1s);
  CHECK(f.ask(CheckNumbers{{ann_number.user}}).asked.size() == 1);
}

TEST_CASE("no more checks wait than may") {
  PeopleFixture f;
  std::vector<Asking<std::vector<NumberChecked>>> waiting;
  for (int i = 0; i < 17; ++i) waiting.push_back(f.ask(CheckNumbers{many(1)}));
  CHECK_FALSE(waiting[15].answered());
  CHECK(waiting[16].answer().error().code == Errc::rate_limited);
}
