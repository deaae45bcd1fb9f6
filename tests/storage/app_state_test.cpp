// App state as rows: of its own session, collection and device. Specification 04 section 8.
#include "storage/app_state.h"

#include <catch2/catch.hpp>

#include "storage/sessions.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Bytes;
using protocol::Digest32;

namespace {

const SessionId session{1}, other{2};

AppStateRecord record(std::uint8_t mac, std::string action) { return {{mac}, {9}, {1}, std::move(action)}; }

std::vector<std::uint8_t> macs(const std::vector<AppStateRecord>& records) {
  std::vector<std::uint8_t> out;
  for (const AppStateRecord& each : records) out.push_back(each.index_mac[0]);
  return out;
}

}  // namespace

TEST_CASE("a collection comes back as it was put last, of its own session and name") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    changes.add(PutAppState{session, {"book", 1, {}, 2, true, false}});
    changes.add(PutAppState{other, {"book", 7, {1}, 7, false, false}});
  });
  CHECK(find_app_state(store.db(), session, "book") == AppStateRow{"book", 1, {}, 2, true, false});
  store.turn([](Changes& changes) { changes.add(PutAppState{session, {"book", 3, {4}, 5, false, true}}); });
  CHECK(find_app_state(store.db(), session, "book") == AppStateRow{"book", 3, {4}, 5, false, true});
  CHECK(find_app_state(store.db(), other, "book")->version == 7);
  CHECK_FALSE(find_app_state(store.db(), session, "profile"));
}

TEST_CASE("records come in the order of their MACs, some at a time, to the last one") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    for (const int mac : {5, 1, 255, 3, 128}) {
      changes.add(PutAppStateRecord{session, "book", record(static_cast<std::uint8_t>(mac), "A")});
      changes.add(PutAppStateRecord{session, "profile", record(2, "A")});
      changes.add(PutAppStateRecord{other, "book", record(4, "A")});
    }
  });
  const auto first = app_state_records_after(store.db(), session, "book", {}, 3);
  CHECK(macs(first) == std::vector<std::uint8_t>{1, 3, 5});
  const auto rest = app_state_records_after(store.db(), session, "book", first.back().index_mac, 3);
  CHECK(macs(rest) == std::vector<std::uint8_t>{128, 255});
  CHECK(app_state_records_after(store.db(), session, "book", rest.back().index_mac, 3).empty());
}

TEST_CASE("records are found by how their index begins, in the order of their indexes") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    std::uint8_t mac = 0;
    for (const char* action : {"[\"contact\",\"2\"]", "[\"contact\"]", "[\"contacts\",\"3\"]", "[\"contact\",\"1\"]",
                               "", "[\"lid_contact\",\"4\"]"})
      changes.add(PutAppStateRecord{session, "book", record(++mac, action)});
    changes.add(PutAppStateRecord{session, "profile", record(7, "[\"contact\",\"5\"]")});
    changes.add(PutAppStateRecord{other, "book", record(8, "[\"contact\",\"6\"]")});
  });
  const auto under = [&](const char* start, std::size_t most) {
    return macs(app_state_records_under(store.db(), session, "book", start, most));
  };
  CHECK(under("[\"contact\",", 9) == std::vector<std::uint8_t>{4, 1});
  CHECK(under("[\"contact\",", 1) == std::vector<std::uint8_t>{4});
  CHECK(under("[\"nobody\",", 9).empty());
  store.turn([](Changes& changes) { changes.add(WipeDevice{session}); });
  CHECK(under("[\"contact\",", 9).empty());
}

TEST_CASE("the same index under several keys is several records, of which sixteen are enough") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    for (int i = 0; i < 20; ++i)
      changes.add(PutAppStateRecord{session, "book", record(static_cast<std::uint8_t>(i), "A")});
    changes.add(PutAppStateRecord{session, "book", record(40, "B")});
    changes.add(PutAppStateRecord{session, "book", record(41, "B")});
    changes.add(RemoveAppStateRecord{session, "book", {41}});
  });
  CHECK(app_state_records_of(store.db(), session, "book", "A").size() == 16);
  CHECK(macs(app_state_records_of(store.db(), session, "book", "B")) == std::vector<std::uint8_t>{40});
  CHECK(find_app_state_record(store.db(), session, "book", Digest32{19}) == record(19, "A"));
}

TEST_CASE("the next device of a session finds nothing of the one before") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    changes.add(PutAppState{session, {"book", 1, {}, 2, false, false}});
    changes.add(PutAppStateRecord{session, "book", record(1, "A")});
    changes.add(PutAppStateWish{session, {"book", "A", false, {1}, 1, 1}});
    changes.add(PutAppState{other, {"book", 7, {1}, 7, false, false}});
  });
  store.turn([](Changes& changes) { changes.add(WipeDevice{session}); });
  CHECK_FALSE(find_app_state(store.db(), session, "book"));
  CHECK(app_state_records_after(store.db(), session, "book", {}, 5).empty());
  CHECK(app_state_records_of(store.db(), session, "book", "A").empty());
  CHECK(app_state_wishes(store.db(), session, "book", 5).empty());
  CHECK(find_app_state(store.db(), other, "book"));
}
