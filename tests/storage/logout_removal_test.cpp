// A log-out: the device goes at once, its rows in slices.
#include "storage/removal.h"

#include "storage/keys.h"
#include "storage/peers.h"
#include "storage/read_receipts.h"
#include "storage/resends.h"
#include "tests/storage/counts.h"
#include "tests/storage/fixture.h"
#include "tests/storage/sliced_store.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;
using test::count;
using test::marks;
using test::SlicedStore;

namespace {

const SessionId anna{1}, ben{2};
const Jid pn("3", "s.whatsapp.net");

protocol::KeyPair pair_of(std::uint8_t first) {
  protocol::Key32 key{};
  key[0] = first;
  return protocol::KeyPair{protocol::PrivateKey(key), key};
}
Jid peer(int number) { return Jid(std::to_string(1'000 + number), "lid"); }

/// Rows of a linked device in every table that a log-out empties.
void link(Changes& changes, SessionId session, std::uint8_t mark, int peers) {
  DeviceRow device;
  device.session = session;
  device.registration_id = mark;
  changes.add(PutDevice{device});
  std::vector<protocol::PreKey> keys;
  for (int i = 1; i <= peers; ++i) keys.push_back({static_cast<protocol::PreKeyId>(i), pair_of(mark)});
  changes.add(AddPreKeys{session, std::move(keys)});
  changes.add(AddSignedPreKey{session, protocol::SignedPreKey{1, pair_of(mark), {}}});
  changes.add(AddRetryPreKey{session, peer(0), protocol::PreKey{first_retry_key_id, pair_of(mark)}, 1});
  for (int i = 0; i < peers; ++i) {
    changes.add(PutRatchet{session, peer(i), {mark}});
    changes.add(PutIdentity{session, peer(i), pair_of(mark).pub});
    changes.add(PutDeviceList{session, peer(i), DeviceListRow{{mark}, 1, 1}});
    changes.add(PutRetry{session, peer(i), "id", {mark, false}, 1});
  }
  changes.add(PutLid{session, pn, peer(0)});
  changes.add(PutResends{session, peer(0), "id", ResendRow{mark, {1}}, 1, 1});
  changes.add(PutAppStateKey{session, {1}, {mark}, 3});
  ReadReceiptRow read;
  read.session = session;
  read.row = 1;
  read.chat = peer(mark);
  read.ids = {"id"};
  changes.add(InsertReadReceipt{read});
}

/// Everything that link() wrote with this mark and this number of peers, and nothing of another device.
void check_device(Database& db, SessionId session, std::uint8_t mark, int peers, int others) {
  CHECK(load_device(db, session)->registration_id == mark);
  CHECK(count_pre_keys(db, session) == static_cast<std::size_t>(peers) + 1);
  for (const protocol::PreKey& key : load_pre_keys(db, session, 1, 1'000)) CHECK(key.pair.pub[0] == mark);
  CHECK(find_pre_key(db, session, first_retry_key_id)->pub[0] == mark);
  CHECK(find_signed_pre_key(db, session, 1)->pair.pub[0] == mark);
  for (int i = 0; i < peers; ++i) {
    CHECK(find_ratchet(db, session, peer(i)) == protocol::Bytes{mark});
    CHECK(find_identity(db, session, peer(i))->at(0) == mark);
    CHECK(find_device_list(db, session, peer(i))->devices == std::vector<std::uint16_t>{mark});
    CHECK(find_retry(db, session, peer(i), "id").count == mark);
    CHECK(has_ratchets_of(db, session, peer(i)));
  }
  for (int i = peers; i < others; ++i) {
    CHECK(!find_pre_key(db, session, static_cast<protocol::PreKeyId>(i + 1)));
    CHECK(!find_ratchet(db, session, peer(i)));
    CHECK(!has_ratchets_of(db, session, peer(i)));
    CHECK(!find_identity(db, session, peer(i)));
    CHECK(!find_device_list(db, session, peer(i)));
    CHECK(find_retry(db, session, peer(i), "id").count == 0);
  }
  CHECK(find_lid(db, session, pn) == peer(0));
  CHECK(find_pn(db, session, peer(0)) == pn);
  CHECK(find_resends(db, session, peer(0), "id")->count == mark);
  CHECK(find_app_state_key(db, session, protocol::Bytes{1}) == protocol::Bytes{mark});
  const auto reads = load_read_receipts(db, session);
  REQUIRE(reads.size() == 1);
  CHECK(reads[0].chat == peer(mark));
}

constexpr const char* all_ratchets = "SELECT count(*) FROM ratchet";

}  // namespace

TEST_CASE("a log-out is a few rows, the next device finds nothing of the old one, and slices take that away") {
  SlicedStore s(60);
  s.turn([](Changes& changes) {
    link(changes, anna, 1, 120);
    link(changes, ben, 2, 3);
  });
  CHECK(s.turn([](Changes& changes) { changes.add(WipeDevice{anna}); }) <= 5);
  CHECK(!load_device(s.db(), anna));
  CHECK(count_pre_keys(s.db(), anna) == 0);
  CHECK(!find_signed_pre_key(s.db(), anna, 1));
  CHECK(!find_ratchet(s.db(), anna, peer(7)));
  CHECK(find_lid(s.db(), anna, pn) == peer(0));  // the chats that stay are filed under it
  CHECK(!find_app_state_key(s.db(), anna, protocol::Bytes{1}));
  CHECK(load_read_receipts(s.db(), anna).empty());
  s.turn([](Changes& changes) { link(changes, anna, 3, 5); });
  int slices = 0;
  for (; !s.purged(); ++slices) {
    REQUIRE(slices < 30);
    check_device(s.db(), anna, 3, 5, 120);
    check_device(s.db(), ben, 2, 3, 120);
    if (slices == 4) {
      s.reopen();  // as after a crash between two slices
      s.noted.reset();
    }
    CHECK(s.slice() <= 60 + marks);
  }
  CHECK(slices >= 8);
  check_device(s.db(), anna, 3, 5, 120);
  check_device(s.db(), ben, 2, 3, 120);
  CHECK(count(s.db(), all_ratchets) == 8);
}

TEST_CASE("a session logged out twice and removed before the slices came leaves nothing") {
  SlicedStore s(50);
  s.turn([](Changes& changes) {
    changes.add(InsertSession{test::session_row(1, "anna")});
    link(changes, anna, 1, 40);
    link(changes, ben, 2, 3);
    changes.add(WipeDevice{anna});
    link(changes, anna, 3, 40);
    changes.add(WipeDevice{anna});
    link(changes, anna, 4, 40);
    changes.add(RemoveSession{anna});
  });
  for (int slices = 0; !s.purged(); ++slices) {
    REQUIRE(slices < 30);
    CHECK(s.slice() <= 50 + marks);
  }
  check_device(s.db(), ben, 2, 3, 40);
  for (const char* table : {"pre_key", "ratchet", "identity", "device_list", "retry"}) {
    INFO(table);
    CHECK(count(s.db(), std::string("SELECT count(*) FROM ") + table) == (std::string(table) == "pre_key" ? 4 : 3));
  }
  CHECK(count(s.db(), "SELECT count(*) FROM device_number") == 0);
}
