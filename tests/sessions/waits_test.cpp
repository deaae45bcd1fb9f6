// Who waits for a QR or an ack is answered: by what is told, by a removal, by the end.
#include "sessions/waits.h"

#include "events/event.h"
#include "storage/messages.h"
#include "tests/sessions/supervisor_fixture.h"

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;
using World = wharf::test::SupervisorFixture;

namespace {

/// Messages of a session as its turns would write them, and who waits for their acks.
struct Acks {
  explicit Acks(World& world, std::string of = "a")
      : w(world), name(std::move(of)), session(world.supervisor->find(name)->id) {}

  void commit(storage::Changes changes) {
    w.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  }
  void sent(const std::string& id) {
    storage::MessageRow row;
    row.session = session;
    row.chat = row.author = ben;
    row.id = id;
    row.from_me = true;
    row.kind = "text";
    storage::Changes changes;
    changes.add(storage::InsertMessage{row, false, std::nullopt});
    commit(std::move(changes));
  }
  void raise(const std::string& id, storage::AckLevel level) {
    storage::Changes changes;
    changes.add(storage::RaiseAckById{session, id, level, "", std::nullopt});
    commit(std::move(changes));
  }
  void tell(events::Event event) {
    storage::Changes changes;
    changes.emit(storage::NewEvent(session, std::move(event), 1));
    commit(std::move(changes));
  }
  void tell(const std::string& id, storage::AckLevel level) { tell(events::Ack{id, ben, {}, level, "", 1}); }
  void await(const std::string& id, storage::AckLevel level, const Jid& in = Jid()) {
    SentMessage sent;
    sent.id = id;
    sent.chat = in;
    sent.replayed = replayed;
    w.waits->await_ack(name, sent, level, 1h, [this](Outcome<SentMessage> told) {
      if (told) reached = told->ack;
      if (told) error = told->error;
      if (told) at = told->timestamp;
      if (told) server_id = told->server_id;
      if (told) chat = told->chat;
      if (told) chat_ids = told->chat_ids;
      if (!told) refused = told.error();
    });
  }

  World& w;
  std::string name;
  storage::SessionId session;
  Jid ben{"15550000002", "s.whatsapp.net"};
  bool replayed = false;
  std::optional<storage::AckLevel> reached;
  std::string error;
  storage::UnixMs at = 0;
  std::uint64_t server_id = 0;
  Jid chat;
  PersonIds chat_ids;
  std::optional<Refusal> refused;
};

}  // namespace

TEST_CASE("who waits for an ack is woken by the ack of that message at that level, and by nothing else") {
  using storage::AckLevel;
  World w;
  REQUIRE(w.create("a").has_value());
  Acks acks(w);
  acks.sent("3EB0AA");
  acks.await("3EB0AA", AckLevel::read);
  // Ahead of its event, which no turn does: whoever looks at the row would answer.
  acks.raise("3EB0AA", AckLevel::read);
  acks.tell("3EB0AA77", AckLevel::read);
  acks.tell("3EB0AA", AckLevel::delivered);
  acks.tell(events::Event(events::Ack{"3EB0BB", acks.ben, {}, AckLevel::read, "3EB0AA", 1}, R"({"order":"3EB0AA"})"));
  acks.tell(events::ContactUpdated{Jid("3EB0AA", "lid"), {}, events::ContactUpdated::Change::identity, {}});
  CHECK_FALSE(acks.reached);
  acks.tell("3EB0AA", AckLevel::read);
  CHECK(acks.reached == AckLevel::read);
}

TEST_CASE("an ack wakes who waits for it whatever characters the id has, and a failure wakes everybody") {
  using storage::AckLevel;
  World w;
  REQUIRE(w.create("a").has_value());
  for (const std::string id : {"3EB0\"AA", "3EB0\\AA"}) {
    INFO(id);
    Acks acks(w);
    acks.sent(id);
    acks.await(id, AckLevel::played);
    acks.raise(id, AckLevel::played);
    CHECK_FALSE(acks.reached);
    acks.tell(id, AckLevel::played);
    CHECK(acks.reached == AckLevel::played);
  }
  Acks acks(w);
  acks.sent("3EB0CC");
  acks.await("3EB0CC", AckLevel::read);
  acks.raise("3EB0CC", AckLevel::error);
  acks.tell("3EB0CC", AckLevel::error);
  CHECK(acks.reached == AckLevel::error);
}

TEST_CASE("who waits for an ack is told the LID that the chat got meanwhile") {
  World w;
  REQUIRE(w.create("a").has_value());
  Acks acks(w);
  acks.await("3EB0AA", storage::AckLevel::server);
  const Jid lid("100000000000002", "lid");
  acks.tell(events::Ack{"3EB0AA", lid, {acks.ben, lid}, storage::AckLevel::server, "", 1});
  CHECK(acks.chat == lid);
  CHECK(acks.chat_ids.lid == lid);
}

TEST_CASE("of a replayed answer the row says how far its message is") {
  using storage::AckLevel;
  World w;
  REQUIRE(w.create("a").has_value());
  Acks acks(w);
  acks.replayed = true;
  acks.sent("3EB0DD");
  acks.raise("3EB0DD", AckLevel::delivered);
  acks.await("3EB0DD", AckLevel::server);
  CHECK(acks.reached == AckLevel::delivered);
  acks.await("3EB0EE", AckLevel::server);
  REQUIRE(acks.refused);
  CHECK(acks.refused->subject == Subject::message);
}

TEST_CASE("a message that ends in the turn that answers with it is told to who waits from that answer on") {
  using storage::AckLevel;
  World w;
  REQUIRE(w.create("a").has_value());
  REQUIRE(w.create("b").has_value());
  Acks acks(w), other(w, "b");
  storage::Changes changes;
  for (const std::string id : {"3EB0AA", "3EB0BB"}) {
    changes.emit(
        storage::NewEvent(acks.session, events::Ack{id, acks.ben, {}, AckLevel::error, "cancelled: " + id, 1}, 1));
  }
  w.store->commit(std::move(changes), [&](protocol::Result<void> done) {
    REQUIRE(done.has_value());
    acks.await("3EB0BB", AckLevel::server);
    other.await("3EB0BB", AckLevel::server);
  });
  CHECK(acks.reached == AckLevel::error);
  CHECK(acks.error == "cancelled: 3EB0BB");
  CHECK_FALSE(other.reached);
  w.waits->end();
}

TEST_CASE("a session knows that somebody waits for the server's ack of its messages, until nobody does") {
  using storage::AckLevel;
  World w;
  REQUIRE(w.create("a").has_value());
  Acks acks(w);
  const auto awaited = w.supervisor->awaited_acks();
  acks.await("3EB0FF", AckLevel::read);  // takes a person, not some milliseconds
  CHECK_FALSE(awaited->of(acks.session));
  acks.await("3EB0FF", AckLevel::server);
  acks.await("3EB0EE", AckLevel::server);
  acks.tell("3EB0FF", AckLevel::delivered);
  CHECK(awaited->of(acks.session));
  w.waits->end();
  CHECK_FALSE(awaited->of(acks.session));
}

TEST_CASE("who waits for the server's ack is answered when it arrives, ahead of its event; who waits for more is not") {
  using storage::AckLevel;
  World w;
  REQUIRE(w.create("a").has_value());
  Acks acks(w), patient(w);
  acks.await("3EB0AA", AckLevel::server);
  patient.await("3EB0AA", AckLevel::delivered);
  const auto awaited = w.supervisor->awaited_acks();
  awaited->tell(acks.session, "3EB0BB", 1'700'000'000'000);  // another message
  CHECK_FALSE(acks.reached);
  awaited->tell(acks.session, "3EB0AA", 1'700'000'000'000);
  CHECK(acks.reached == AckLevel::server);
  CHECK(acks.at == 1'700'000'000'000);
  CHECK_FALSE(patient.reached);
  acks.tell("3EB0AA", AckLevel::server);  // the event: nobody is answered twice, nobody early
  CHECK_FALSE(patient.reached);
  acks.tell("3EB0AA", AckLevel::delivered);
  CHECK(patient.reached == AckLevel::delivered);
  w.waits->end();
}

TEST_CASE("who waits for the server to have a post of a channel is told its server id") {
  using storage::AckLevel;
  World w;
  REQUIRE(w.create("a").has_value());
  Acks acks(w);
  const Jid news("120363000000000009", "newsletter");
  acks.await("3EB0AA", AckLevel::server, news);
  SECTION("by the ack, ahead of its rows") {
    w.supervisor->awaited_acks()->tell(acks.session, "3EB0AA", 1'700'000'000'000, 104);
  }
  SECTION("by the row, when the event comes first") {
    storage::MessageRow row;
    row.session = acks.session;
    row.chat = news;
    row.author = acks.ben;
    row.id = "3EB0AA";
    row.from_me = true;
    row.kind = "text";
    row.details = R"({"serverId":"104"})";
    storage::Changes changes;
    changes.add(storage::InsertMessage{row, false, std::nullopt});
    acks.commit(std::move(changes));
    acks.tell(events::Ack{"3EB0AA", news, {}, AckLevel::server, "", 1});
  }
  CHECK(acks.reached == AckLevel::server);
  CHECK(acks.server_id == 104);
}

TEST_CASE("who waits for an ack of a session that is removed is answered at once, as every command of it is") {
  World w;
  REQUIRE(w.create("a").has_value());
  REQUIRE(w.create("b").has_value());
  Acks removed(w, "a"), kept(w, "b");
  const auto awaited = w.supervisor->awaited_acks();
  removed.await("3EB0AA", storage::AckLevel::server);
  kept.await("3EB0AA", storage::AckLevel::server);
  REQUIRE(w.remove("a").has_value());
  REQUIRE(removed.refused);
  CHECK(*removed.refused == no_session("a"));
  CHECK_FALSE(awaited->of(removed.session));
  CHECK_FALSE(kept.refused);
  CHECK_FALSE(kept.reached);
  w.waits->end();  // it answers `kept`, which does not live as long
}
