#include "storage/recall.h"

#include "storage/outbox.h"
#include "storage/peers.h"
#include "storage/statement.h"
#include "tests/storage/fixture.h"
#include "tests/storage/injection.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;

TEST_CASE("the JID cache keeps the most recently used ones, both ways") {
  JidCache cache(3);
  const Jid a("1", "lid"), b("2", "lid"), c("3", "lid"), d("1", "lid", 4);
  cache.put(a, 1);
  cache.put(b, 2);
  cache.put(c, 3);
  CHECK(cache.find(a) == 1);
  cache.put(d, 4);
  CHECK(cache.size() == 3);
  CHECK(!cache.find(b));
  CHECK(!cache.find(2));
  CHECK(cache.find(a) == 1);
  REQUIRE(cache.find(4));
  CHECK(*cache.find(4) == d);
  cache.clear();
  CHECK(!cache.find(a));
}

TEST_CASE("JIDs that differ in one part are different rows") {
  test::InlineStore store;
  const SessionId session{1};
  Jid interop("1", "interop", 2);
  interop.integrator = 3;
  const std::vector<Jid> jids = {Jid("1", "lid"), Jid("1", "lid", 1), Jid("1", "s.whatsapp.net"),
                                 Jid("2", "lid"), Jid("", "lid"),     Jid("1", "interop", 2),
                                 interop};
  store.turn([&](Changes& changes) {
    for (std::size_t i = 0; i < jids.size(); ++i) {
      changes.add(PutRatchet{session, jids[i], protocol::Bytes(1, static_cast<std::uint8_t>(i))});
    }
  });
  for (std::size_t i = 0; i < jids.size(); ++i) {
    CHECK(find_ratchet(store.db(), session, jids[i]) == protocol::Bytes(1, static_cast<std::uint8_t>(i)));
  }
}

TEST_CASE("a JID whose row was rolled back is given a row again") {
  test::InlineStore store;
  const SessionId session{1};
  const Jid anna("1", "lid"), ben("2", "lid");
  Changes failing;
  failing.add(PutRatchet{session, anna, {1}});
  test::inject(failing, [](Database&) -> Result<void> { return Error(Errc::conflict, "refused"); });
  CHECK(store.try_commit(std::move(failing)).error().code == Errc::conflict);
  CHECK(!find_ratchet(store.db(), session, anna));

  // Were the rolled-back integer of anna remembered, ben would now get the same one and share her ratchet.
  store.turn([&](Changes& changes) {
    changes.add(PutRatchet{session, ben, {2}});
    changes.add(PutRatchet{session, anna, {3}});
  });
  CHECK(find_ratchet(store.db(), session, ben) == protocol::Bytes{2});
  CHECK(find_ratchet(store.db(), session, anna) == protocol::Bytes{3});
}

TEST_CASE("a reader that asked for an unknown JID finds it once it exists") {
  test::InlineStore store;
  const Jid anna("1", "lid");
  CHECK(!find_ratchet(store.db(), SessionId{1}, anna));
  CHECK(test::count(store.db(), "SELECT count(*) FROM jid") == 0);
  store.turn([&](Changes& changes) { changes.add(PutRatchet{SessionId{1}, anna, {1}}); });
  CHECK(find_ratchet(store.db(), SessionId{1}, anna) == protocol::Bytes{1});
}

TEST_CASE("row keys refuse ids that would reach into another session") {
  CHECK(row_key(SessionId{1}, 0) == std::int64_t{1} << 32);
  CHECK(row_key(SessionId{1}, 0xffffffff));
  CHECK(!row_key(SessionId{1}, std::int64_t{1} << 32));
  CHECK(!row_key(SessionId{1}, -1));
  CHECK(!row_key(SessionId{-1}, 1));
  CHECK(!row_key(SessionId{std::int64_t{1} << 31}, 1));
  test::InlineStore store;
  Changes changes;
  OutboxRow row;
  row.session = SessionId{1};
  row.row = std::int64_t{1} << 32;
  row.chat = Jid("1", "lid");
  changes.add(InsertOutbox{row});
  CHECK(store.try_commit(std::move(changes)).error().code == Errc::too_large);
}
