// Channels as rows: of one device of one session.
#include "storage/channels.h"

#include <catch2/catch.hpp>

#include "storage/sessions.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;

namespace {

const SessionId session{1}, other{2};
const Jid news("120363000000000009", "newsletter"), shop("120363000000000010", "newsletter");

ChannelRow named(const Jid& channel, const std::string& name, UnixMs learnt_at = 5) {
  return {channel, R"({"name":")" + name + "\"}", learnt_at};
}

}  // namespace

TEST_CASE("a channel comes back as it was put last, of its own session") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    changes.add(PutChannel{session, named(news, "News")});
    changes.add(PutChannel{other, named(news, "News of others")});
  });
  CHECK(find_channel(store.db(), session, news) == named(news, "News"));
  store.turn([](Changes& changes) { changes.add(PutChannel{session, named(news, "Newer", 0)}); });
  CHECK(find_channel(store.db(), session, news) == named(news, "Newer", 0));
  CHECK(find_channel(store.db(), other, news) == named(news, "News of others"));
  CHECK_FALSE(find_channel(store.db(), session, shop));
}

TEST_CASE("channels are listed once each, as many as are wanted, and go one by one") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    for (const char* name : {"Old", "New"})
      for (const Jid& channel : {news, shop}) changes.add(PutChannel{session, named(channel, name)});
    changes.add(PutChannel{other, named(shop, "Of others")});
  });
  CHECK(load_channels(store.db(), session, 9) == std::vector{named(news, "New"), named(shop, "New")});
  CHECK(load_channels(store.db(), session, 1) == std::vector{named(news, "New")});
  store.turn([](Changes& changes) { changes.add(RemoveChannel{session, shop}); });
  CHECK(load_channels(store.db(), session, 9) == std::vector{named(news, "New")});
  CHECK(find_channel(store.db(), other, shop));
  store.turn([](Changes& changes) { changes.add(RemoveChannel{session, shop}); });  // nothing
  CHECK(load_channels(store.db(), session, 9).size() == 1);
}

TEST_CASE("the next device of a session has the channels of none before it") {
  test::InlineStore store;
  store.turn([](Changes& changes) {
    for (const SessionId of : {session, other}) changes.add(PutChannel{of, named(news, "News")});
  });
  store.turn([](Changes& changes) { changes.add(WipeDevice{session}); });
  CHECK_FALSE(find_channel(store.db(), session, news));
  CHECK(load_channels(store.db(), session, 9).empty());
  CHECK(find_channel(store.db(), other, news));
  store.turn([](Changes& changes) { changes.add(PutChannel{session, named(shop, "Shop")}); });
  CHECK(load_channels(store.db(), session, 9) == std::vector{named(shop, "Shop")});
}
