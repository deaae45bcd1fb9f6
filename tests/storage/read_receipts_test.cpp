#include "storage/read_receipts.h"

#include "storage/keys.h"
#include "storage/peers.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;
using test::count;

namespace {

const SessionId session{1};
const Jid chat("100000000000002", "lid"), group("120363000000000001", "g.us"), author("15550000002", "s.whatsapp.net");

protocol::PreKey retry_key(std::uint32_t n) {
  protocol::PreKey key;
  key.id = first_retry_key_id + n;
  return key;
}

}  // namespace

TEST_CASE("read receipts come back in order and as they were put") {
  test::InlineStore store;
  ReadReceiptRow first;
  first.row = 1;
  first.session = session;
  first.chat = chat;
  first.ids = {"A", "B"};
  first.read_at = 5;
  first.attempts = 1;
  ReadReceiptRow second = first;
  second.row = 2;
  second.chat = group;
  second.author = author;
  second.ids = {"C"};
  store.turn([&](Changes& changes) {
    changes.add(InsertReadReceipt{second});
    changes.add(InsertReadReceipt{first});
    changes.add(CountReadReceiptAttempt{session, 1});
  });
  const auto rows = load_read_receipts(store.db(), session);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].row == 1);
  CHECK(rows[0].chat == chat);
  CHECK(rows[0].author.empty());
  CHECK(rows[0].ids == first.ids);
  CHECK(rows[0].read_at == 5);
  CHECK(rows[0].attempts == 2);
  CHECK(rows[1].chat == group);
  CHECK(rows[1].author == author);
  CHECK(load_read_receipts(store.db(), SessionId{2}).empty());
  store.turn([](Changes& changes) { changes.add(RemoveReadReceipt{session, 1}); });
  CHECK(load_read_receipts(store.db(), session).size() == 1);
}

TEST_CASE("one-time keys of retry receipts: a share for each user, a bound for all, and an age") {
  test::InlineStore store;
  const RetryKeyLimits limits{2, 3, 100};
  const Jid other("15550000003", "s.whatsapp.net"), third("15550000004", "s.whatsapp.net");
  const auto add = [&](std::uint32_t n, const Jid& user, UnixMs at) {
    store.turn([&](Changes& changes) { changes.add(AddRetryPreKey{session, user, retry_key(n), at, limits}); });
  };
  const auto has = [&](std::uint32_t n) {
    return find_pre_key(store.db(), session, first_retry_key_id + n).has_value();
  };
  store.turn([&](Changes& changes) {
    changes.add(AddPreKeys{session, {protocol::PreKey{1, {}}}});
  });  // uploaded: not of the pool
  for (std::uint32_t n = 1; n <= 3; ++n) add(n, author, n);
  CHECK((!has(1) && has(2) && has(3)));  // the user's share
  add(4, other, 4);
  CHECK((has(2) && has(3) && has(4)));
  add(5, third, 5);
  CHECK((!has(2) && has(3) && has(4) && has(5)));  // the bound for all: the oldest goes
  store.turn([&](Changes& changes) { changes.add(RemovePreKey{session, first_retry_key_id + 4}); });
  CHECK(count(store.db(), "SELECT count(*) FROM retry_pre_key") == 2);
  add(6, author, 104);
  CHECK((!has(3) && has(5) && has(6)));  // age
  CHECK(find_pre_key(store.db(), session, 1));
}

TEST_CASE("a device list that is aged stays readable as the one to beat, with the date of its index") {
  test::InlineStore store;
  DeviceListRow list;
  list.devices = {0, 4};
  list.fetched_at = 9;
  list.listed_at = 1'700'000'000;
  store.turn([&](Changes& changes) { changes.add(PutDeviceList{session, chat, list}); });
  store.turn([](Changes& changes) { changes.add(AgeDeviceList{session, chat}); });
  const auto row = find_device_list(store.db(), session, chat);
  REQUIRE(row);
  CHECK(row->fetched_at == 0);
  CHECK(row->devices == list.devices);
  CHECK(row->listed_at == list.listed_at);
}
