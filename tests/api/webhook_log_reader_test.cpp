#include "api/webhook_log_reader.h"

#include <catch2/catch.hpp>

#include "tests/api/temporary_store.h"

using namespace wharf;
using namespace wharf::api;
using wharf::test::TemporaryStore;

namespace {

struct Reading {
  Reading() { disk.add_session(1, "one"), disk.add_session(2, "two"); }
  void emit(int count, std::int64_t session = 1) {
    for (int i = 0; i < count; ++i) disk.emit(session, "x", "M");
  }
  storage::EventId head() { return storage::last_event_id(disk.store->reader()); }
  void catch_up(std::size_t room, const WebhookScope& scope = storage::SessionId{1}) {
    const std::size_t most = taken.size() + room;
    const auto read = reader.catch_up(disk.store->reader(), scope, names, head(),
                                      {[this, most] { return taken.size() >= most; },
                                       [this](const storage::Event& event) { taken.push_back(event.id); }});
    REQUIRE(read.has_value());
  }

  TemporaryStore disk;
  EventNames names;
  WebhookLogReader reader{0};
  std::vector<storage::EventId> taken;
};

storage::Event event(storage::EventId id, std::string name = "message") {
  storage::Event out;
  out.id = id;
  out.name = std::move(name);
  return out;
}

}  // namespace

TEST_CASE("the log is read in pages up to the head, and the reader is live then") {
  Reading r;
  r.emit(250);
  r.emit(1, 2);
  r.catch_up(1'000);
  REQUIRE(r.taken.size() == 250);
  for (std::size_t i = 0; i < r.taken.size(); ++i) CHECK(r.taken[i] == static_cast<storage::EventId>(i + 1));
  CHECK(r.reader.live());
  CHECK(r.reader.position() == 251);  // the last one is another session's
}

TEST_CASE("a full webhook stops reading at that event, and goes on from it") {
  Reading r;
  r.emit(150);
  r.catch_up(120);
  CHECK(r.taken.size() == 120);
  CHECK_FALSE(r.reader.live());
  CHECK(r.reader.looked_at(r.head()) == 120);
  r.catch_up(1'000);
  CHECK(r.taken.size() == 150);
  CHECK(r.taken.back() == 150);
  CHECK(r.reader.live());
  CHECK(r.reader.looked_at(r.head()) == 150);
}

TEST_CASE("events that are not wanted are passed over") {
  Reading r;
  r.names = EventNames({"ack"});
  r.emit(3);
  r.catch_up(10);
  CHECK(r.taken.empty());
  CHECK(r.reader.looked_at(r.head()) == 3);
}

TEST_CASE("a live reader takes what it is fed, once, until it is full") {
  Reading r;
  const EventNames messages({"message"});
  CHECK_FALSE(r.reader.feed(event(1), messages, false));  // not live: it comes from the log
  r.catch_up(10);
  REQUIRE(r.reader.live());
  CHECK(r.reader.feed(event(5), messages, false));
  CHECK_FALSE(r.reader.feed(event(5), messages, false));
  CHECK_FALSE(r.reader.feed(event(6, "ack"), messages, true));
  CHECK(r.reader.live());  // it did not want that one
  CHECK(r.reader.looked_at(6) == 6);
  CHECK_FALSE(r.reader.feed(event(7), messages, true));
  CHECK_FALSE(r.reader.live());
  CHECK(r.reader.looked_at(9) == 6);
}

TEST_CASE("where the log cannot be read is told once for each place") {
  WebhookLogReader reader(4);
  CHECK(reader.unreadable_is_news());
  CHECK_FALSE(reader.unreadable_is_news());
  reader.on_advanced(9);
  CHECK(reader.unreadable_is_news());
}
