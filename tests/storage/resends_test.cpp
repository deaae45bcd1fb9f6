#include "storage/resends.h"

#include <array>

#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;
using test::count;

namespace {

const SessionId session{1};
const Jid device("15550000002", "s.whatsapp.net", 4);

}  // namespace

TEST_CASE("resends are counted by session, message and device") {
  test::InlineStore store;
  CHECK(!find_resends(store.db(), session, device, "A"));
  store.turn([](Changes& changes) { changes.add(PutResends{session, device, "A", ResendRow{1, {}}, 10, 1000}); });
  store.turn([](Changes& changes) { changes.add(PutResends{session, device, "A", ResendRow{2, {7, 8}}, 11, 1000}); });
  const auto row = find_resends(store.db(), session, device, "A");
  REQUIRE(row);
  CHECK(row->count == 2);
  CHECK(row->base_key == protocol::Bytes{7, 8});
  CHECK(!find_resends(store.db(), session, device.with_device(5), "A"));
  CHECK(!find_resends(store.db(), session, device, "B"));
  CHECK(!find_resends(store.db(), SessionId{2}, device, "A"));
}

TEST_CASE("old counts are swept, a bounded number with each new one") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    for (int i = 0; i < 250; ++i)
      changes.add(PutResends{session, device, "old" + std::to_string(i), ResendRow{1, {}}, 10 + i, 1000});
  });
  store.turn([](Changes& changes) { changes.add(PutResends{session, device, "new", ResendRow{1, {}}, 2000, 1000}); });
  CHECK(count(store.db(), "SELECT count(*) FROM resend") == 151);
  CHECK(find_resends(store.db(), session, device, "new"));
}

TEST_CASE("a device of the recipient and one of ours with the same number are two") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    changes.add(InsertMessage{test::message_row(session, device.user_jid(), "A", 1), false, std::nullopt});
  });
  const std::int64_t row = find_message_by_id(store.db(), session, "A", false)->row;
  CHECK(!has_copy(store.db(), row, CopyHolder::recipient, 0));
  store.turn([&](Changes& changes) { changes.add(NoteCopy{row, CopyHolder::recipient, 0}); });
  CHECK(has_copy(store.db(), row, CopyHolder::recipient, 0));
  CHECK(!has_copy(store.db(), row, CopyHolder::own_account, 0));
  for (int twice = 0; twice < 2; ++twice) {
    store.turn([&](Changes& changes) {
      for (const auto number : std::array<std::uint16_t, 3>{0, 1, 255})
        changes.add(NoteCopy{row, CopyHolder::own_account, number});
      changes.add(NoteCopy{row, CopyHolder::own_account, 256});  // no device of the wire
    });
  }
  CHECK(has_copy(store.db(), row, CopyHolder::own_account, 255));
  CHECK(!has_copy(store.db(), row, CopyHolder::recipient, 255));
  CHECK(!has_copy(store.db(), row, CopyHolder::own_account, 256));
  CHECK(count(store.db(), "SELECT length(delivered_to) FROM message") == 8);
  store.turn([&](Changes& changes) { changes.add(NoteCopy{row + 1, CopyHolder::recipient, 0}); });  // deleted meanwhile
  CHECK(!has_copy(store.db(), row + 1, CopyHolder::recipient, 0));
}
