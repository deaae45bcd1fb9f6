// What our phone says that it has read or played.
#include "sessions/receipts.h"

#include "tests/sessions/receipt_stanzas.h"

using namespace wharf;
using namespace wharf::test::receipts;

namespace {

storage::InsertMessage from_ben(Fixture& f, const std::string& id) {
  storage::MessageRow row;
  row.session = f.row.id;
  row.chat = row.author = ben;
  row.id = id;
  row.kind = "text";
  row.ack = AckLevel::delivered;
  row.timestamp = row.created_at = f.now_ms;
  return {row, true, std::nullopt};
}

Node read_on_phone(const std::string& id) { return receipt(own_phone, id, "read-self").set("recipient", ben); }

std::uint32_t unread_of_ben(Fixture& f) { return storage::find_chat(f.store->reader(), f.row.id, ben)->unread; }

}  // namespace

TEST_CASE("what was read on our phone is read here, what came after it is not") {
  Fixture f;
  storage::Changes changes;
  for (const char* id : {"one", "two", "three"}) changes.add(from_ben(f, id));
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.go_online();
  f.stanza(read_on_phone("two"));
  CHECK(unread_of_ben(f) == 1);
  f.stanza(read_on_phone("two"));  // told again
  CHECK(unread_of_ben(f) == 1);
  f.stanza(read_on_phone("three"));
  CHECK(unread_of_ben(f) == 0);
}

TEST_CASE("what was read on our phone up to a reaction is read here up to its time") {
  Fixture f;
  storage::Changes changes;
  const auto at = [&](storage::InsertMessage message, storage::UnixMs ms) {
    message.row.timestamp = ms;
    return message;
  };
  changes.add(at(from_ben(f, "one"), f.now_ms));
  auto reaction = at(from_ben(f, "reaction"), f.now_ms + 1'000);
  reaction.row.kind = "reaction";
  reaction.row.target_id = "one";
  reaction.unread = false;
  changes.add(std::move(reaction));
  changes.add(at(from_ben(f, "two"), f.now_ms + 2'000));
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.go_online();
  CHECK(unread_of_ben(f) == 2);
  f.stanza(read_on_phone("reaction"));
  CHECK(unread_of_ben(f) == 1);
}

TEST_CASE("a message that arrives in the turn in which our phone has read it is read, the next one is not") {
  Fixture f;
  f.go_online();
  f.call([&] { f.session->context().records.add(from_ben(f, "old")); });
  REQUIRE(unread_of_ben(f) == 1);
  std::vector<Input> inputs;
  inputs.emplace_back(WorkDone{[&] {
    for (const char* id : {"one", "two"}) f.session->context().records.add(from_ben(f, id));
  }});
  inputs.emplace_back(StanzaArrived{read_on_phone("one"), f.session->link_epoch(), 0});
  f.turn(std::move(inputs));
  CHECK(unread_of_ben(f) == 1);
}

TEST_CASE("what our phone read names what came late as well, and a peer's message never one of ours of the same id") {
  Fixture f;
  f.go_online();
  sent_to(f, carl, "theirs");  // Ben takes an id that we have used
  const auto level = level_of(f, "theirs");
  std::vector<Input> inputs;
  inputs.emplace_back(WorkDone{[&] {
    auto late = from_ben(f, "late");
    late.row.timestamp -= 5'000;
    for (auto& message : {from_ben(f, "theirs"), late}) f.session->context().records.add(message);
  }});
  inputs.emplace_back(StanzaArrived{read_on_phone("theirs"), f.session->link_epoch(), 0});
  f.turn(std::move(inputs));
  CHECK(unread_of_ben(f) == 0);
  CHECK(level_of(f, "theirs") == level);
  for (const char* id : {"theirs", "late"})
    CHECK(storage::find_message(f.store->reader(), f.row.id, ben, id)->ack == AckLevel::read);
}

TEST_CASE("a receipt of our phone about something far back leaves what came after it unread") {
  Fixture f;
  storage::Changes changes;
  for (int i = 0; i < 300; ++i) {
    auto message = from_ben(f, "M" + std::to_string(i));
    message.row.timestamp += i;
    changes.add(std::move(message));
  }
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.go_online();
  f.stanza(read_on_phone("M3"));
  CHECK(unread_of_ben(f) == 300);
  f.stanza(read_on_phone("M250"));
  CHECK(unread_of_ben(f) == 49);
}

TEST_CASE("what our phone has played is read, nothing else: neither what is older nor all of an unknown one") {
  Fixture f;
  storage::Changes changes;
  for (const char* id : {"one", "two", "three"}) changes.add(from_ben(f, id));
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.go_online();
  const auto played = [](const std::string& id) { return receipt(own_phone, id, "played-self").set("recipient", ben); };
  f.stanza(played("of long ago"));
  CHECK(unread_of_ben(f) == 3);
  f.stanza(played("two"));
  CHECK(unread_of_ben(f) == 2);
  f.stanza(played("two"));
  CHECK(unread_of_ben(f) == 2);
}

TEST_CASE("a receipt of our phone that names hundreds counts whole, in whatever order it names them") {
  Fixture f;
  storage::Changes changes;
  Node list("list");
  for (int i = 0; i < 300; ++i) {
    auto message = from_ben(f, "M" + std::to_string(i));
    message.row.timestamp += i;
    changes.add(std::move(message));
    if (i > 0) list.add(Node("item").set("id", "M" + std::to_string(i)));
  }
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.go_online();
  f.stanza(read_on_phone("M0").add(std::move(list)));
  CHECK(unread_of_ben(f) == 0);
}
