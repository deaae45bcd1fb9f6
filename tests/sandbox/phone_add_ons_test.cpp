// What is said about a message, on phones: it may come before the message and in any order, and what counts is the
// same.
#include "sandbox/phone/add_ons.h"

#include <catch2/catch.hpp>

#include "protocol/messages/building.h"
#include "tests/sandbox/phone_world.h"

namespace wharf::sandbox::test {

namespace {

struct TwoPhones : PhoneWorld {
  Phone& anna = phone("15550000001", "Anna");
  Phone& ben = phone("15550000002", "Ben");

  std::string send(Phone::Send message) {
    const auto id = anna.send(std::move(message));
    REQUIRE(id);
    return *id;
  }
  template <class Content>
  std::string send(Content content, std::string text = {}) {
    Phone::Send message;
    message.to = ben.number();
    message.text = std::move(text);
    message.content = std::move(content);
    return send(std::move(message));
  }
  /// Its first copy cannot be read: what is said next is there before it.
  void next_one_is_overtaken() { network.faults().corrupt_messages = 1; }
  const PhoneMessage& shown(const Phone& phone, const std::string& id) {
    const auto& all = phone.messages();
    const auto found = std::find_if(all.begin(), all.end(), [&](const PhoneMessage& m) { return m.id == id; });
    REQUIRE(found != all.end());
    return *found;
  }
};

}  // namespace

TEST_CASE("edits that overtake their message count when it comes, the newest alone") {
  TwoPhones world;
  world.send(std::monostate(), "so that both know each other");
  world.settle();
  world.next_one_is_overtaken();
  const std::string id = world.send(std::monostate(), "frist");
  world.send(PhoneEdit{id, "first"});
  world.send(PhoneEdit{id, "the first"});
  world.settle();
  for (const Phone* phone : {&world.anna, &world.ben}) {
    CHECK(world.shown(*phone, id).text == "the first");
    CHECK(world.shown(*phone, id).edited);
  }
}

TEST_CASE("an edit that comes late with an earlier clock changes nothing") {
  TwoPhones world;
  world.send(std::monostate(), "so that both know each other");
  world.settle();
  const auto companion = linked_client(world, world.anna);
  const std::string id = world.send(std::monostate(), "frist");
  world.settle();
  const std::int64_t now = world.clock.unix_ms();
  const auto edit = [&](const std::string& text, std::int64_t at, const std::string& edit_id) {
    const protocol::MessageKey key{id, true, world.network.find_account(world.ben.number())->lid_jid(), std::nullopt};
    const auto built = protocol::build_edit(key, text, {}, {}, at, world.random);
    companion->send(companion->prepare(world.ben.number(), built.encoded, edit_id));
    world.settle();
    CHECK(world.shown(world.ben, edit_id).target == id);
  };
  edit("the first", now + 2'000, "3EB0AA0000000001");
  edit("first", now + 1'000, "3EB0AA0000000002");
  CHECK(world.shown(world.ben, id).text == "the first");
  CHECK(world.shown(world.anna, id).text == "the first");
  edit("the very first", now + 2'000, "3EB0AA0000000003");
  CHECK(world.shown(world.ben, id).text == "the very first");
}

TEST_CASE("what was taken back stays so, whatever comes later and whatever came first") {
  TwoPhones world;
  world.send(std::monostate(), "so that both know each other");
  world.settle();
  const bool overtaken = GENERATE(false, true);
  if (overtaken) world.next_one_is_overtaken();
  const std::string id = world.send(std::monostate(), "secret");
  world.send(PhoneRevoke{id});
  world.send(PhoneEdit{id, "secret too"});
  world.settle();
  for (const Phone* phone : {&world.anna, &world.ben}) {
    CHECK(world.shown(*phone, id).revoked);
    CHECK(world.shown(*phone, id).text.empty());
  }
}

TEST_CASE("what is sealed is opened with the message that it is about, whichever comes first") {
  TwoPhones world;
  world.send(std::monostate(), "so that both know each other");
  world.settle();
  const bool overtaken = GENERATE(false, true);
  if (overtaken) world.next_one_is_overtaken();
  const std::string id = world.send(std::monostate(), "frist");
  const std::string edit = world.send(PhoneEdit{id, "first", true});
  const std::string reaction = world.send(PhoneReaction{id, "!", true});
  world.settle();
  for (const Phone* phone : {&world.anna, &world.ben}) {
    CHECK(world.shown(*phone, id).text == "first");
    CHECK(world.shown(*phone, id).edited);
    CHECK(world.shown(*phone, edit).kind == "edit");
    CHECK(world.shown(*phone, reaction).kind == "reaction");
    CHECK(world.shown(*phone, reaction).text == "!");
  }
}

TEST_CASE("an event is answered and edited under its seal, whichever comes first") {
  TwoPhones world;
  world.send(std::monostate(), "so that both know each other");
  world.settle();
  const bool overtaken = GENERATE(false, true);
  if (overtaken) world.next_one_is_overtaken();
  protocol::CalendarEvent event;
  event.name = "Picnic";
  event.starts_at = 1'795'900'000;
  const std::string id = world.send(event);
  const std::string answer = world.send(PhoneAnswer{id, protocol::EventResponse::Answer::maybe, 2});
  event.name = "Walk";
  event.starts_at = 1'795'990'000;
  event.cancelled = true;
  world.send(PhoneEventEdit{id, event});
  world.settle();
  for (const Phone* phone : {&world.anna, &world.ben}) {
    CHECK(world.shown(*phone, id).text == "Walk");
    CHECK(world.shown(*phone, id).starts_at == 1'795'990'000);
    CHECK(world.shown(*phone, id).cancelled);
    CHECK(world.shown(*phone, answer).answer == "maybe");
    CHECK(world.shown(*phone, answer).extra_guests == 2);
  }
  Phone::Send to_text;
  to_text.to = world.ben.number();
  to_text.content = PhoneAnswer{world.anna.messages().front().id};
  CHECK_FALSE(world.anna.send(to_text));
}

TEST_CASE("a vote that comes before its poll is read when that is there") {
  TwoPhones world;
  world.send(std::monostate(), "so that both know each other");
  world.settle();
  world.next_one_is_overtaken();
  const std::string poll = world.send(protocol::Poll{"Lunch?", {"soup", "salad", "bread"}, 0});
  const std::string vote = world.send(PhoneVote{poll, {"soup", "bread"}});
  world.settle();
  CHECK(world.shown(world.ben, poll).kind == "poll");
  CHECK(world.shown(world.ben, vote).options == std::vector<std::string>{"soup", "bread"});
}

}  // namespace wharf::sandbox::test
