// When does a file that may lag behind what was sent start its ratchets afresh, and when must it not.
#include "storage/continuity.h"

#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "storage/peers.h"
#include "storage/sessions.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;

namespace {

const SessionId session{1};
const Jid ben("15550000002", "s.whatsapp.net", 0);

Store::Settings settings_of(const std::string& path, Synchronous synchronous, const std::string& boot) {
  Store::Settings settings;
  settings.path = path;
  settings.synchronous = synchronous;
  settings.boot = boot;
  return settings;
}

void fill(Store& store) {
  Changes changes;
  changes.add(InsertSession{test::session_row(1, "s")});
  DeviceRow device;
  device.session = session;
  device.account = {1};
  device.server_has_prekeys = true;
  device.next_pre_key_id = device.first_unuploaded = 813;
  changes.add(PutDevice{device});
  changes.add(PutRatchet{session, ben, protocol::Bytes(100, 7)});
  store.commit(std::move(changes), [](Result<void> done) { REQUIRE(done.has_value()); });
}

/// A process that fills the file and dies without closing it.
void die_with(const std::string& path, Synchronous synchronous, const std::string& boot) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    auto store = Store::open(settings_of(path, synchronous, boot));
    if (!store) ::_exit(1);
    fill(**store);
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(status == 0);
}

bool has_ratchet(Store& store) { return find_ratchet(store.reader(), session, ben).has_value(); }

}  // namespace

TEST_CASE("a process that dies loses nothing with any setting: the ratchets go on") {
  for (const Synchronous synchronous : {Synchronous::off, Synchronous::normal, Synchronous::full}) {
    test::TemporaryFolder folder;
    const std::string path = folder.file("s.sqlite");
    die_with(path, synchronous, "boot-1");
    const auto store = test::open_store(settings_of(path, synchronous, "boot-1"));
    CHECK(store->renewal().empty());
    CHECK(has_ratchet(*store));
  }
}

TEST_CASE("after a machine went down with unflushed commits every ratchet is new, and so are the prekeys") {
  for (const Synchronous synchronous : {Synchronous::off, Synchronous::normal}) {
    test::TemporaryFolder folder;
    const std::string path = folder.file("s.sqlite");
    die_with(path, synchronous, "boot-1");
    {
      const auto store = test::open_store(settings_of(path, synchronous, "boot-2"));
      CHECK_THAT(store->renewal(), Catch::Contains("synchronous"));
      CHECK_FALSE(has_ratchet(*store));
      const auto device = load_device(store->reader(), session);
      CHECK(device->account == protocol::Bytes{1});  // the link stays
      CHECK_FALSE(device->server_has_prekeys);
      CHECK(device->next_pre_key_id > 813 + 1'000'000);
      CHECK(device->next_pre_key_id == device->first_unuploaded);
      Changes changes;
      changes.add(PutRatchet{session, ben, protocol::Bytes(100, 8)});
      store->commit(std::move(changes), [](Result<void> done) { REQUIRE(done.has_value()); });
      CHECK(has_ratchet(*store));
    }
    // Ended cleanly: the next boot finds everything.
    const auto store = test::open_store(settings_of(path, synchronous, "boot-3"));
    CHECK(store->renewal().empty());
    CHECK(has_ratchet(*store));
  }
}

TEST_CASE("full commits survive a machine that goes down; a weaker setting after a full run starts without suspicion") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("s.sqlite");
  die_with(path, Synchronous::full, "boot-1");
  const auto store = test::open_store(settings_of(path, Synchronous::off, "boot-2"));
  CHECK(store->renewal().empty());
  CHECK(has_ratchet(*store));
}

TEST_CASE("full after an unclean weaker run of another boot still renews") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("s.sqlite");
  die_with(path, Synchronous::normal, "boot-1");
  const auto store = test::open_store(settings_of(path, Synchronous::full, "boot-2"));
  CHECK_FALSE(store->renewal().empty());
  CHECK_FALSE(has_ratchet(*store));
}

TEST_CASE("a restored backup is recognised, wherever and however it is put in place, and only once") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("live.sqlite"), copy = folder.file("copy.sqlite");
  {
    const auto store = test::open_store(settings_of(path, Synchronous::full, "boot-1"));
    fill(*store);
    REQUIRE(store->backup(copy).has_value());
    CHECK(has_ratchet(*store));
  }
  // Written over the old file in place: the inode is the old one, the mark tells.
  std::filesystem::copy_file(copy, path, std::filesystem::copy_options::overwrite_existing);
  {
    const auto store = test::open_store(settings_of(path, Synchronous::full, "boot-1"));
    CHECK_THAT(store->renewal(), Catch::Contains("backup"));
    CHECK_FALSE(has_ratchet(*store));
  }
  CHECK(test::open_store(settings_of(path, Synchronous::full, "boot-1"))->renewal().empty());
}

TEST_CASE("a plain copy of the file is recognised by its inode") {
  test::TemporaryFolder folder;
  const std::string path = folder.file("live.sqlite"), copy = folder.file("copy.sqlite");
  fill(*test::open_store(settings_of(path, Synchronous::full, "boot-1")));
  std::filesystem::copy_file(path, copy);
  const auto store = test::open_store(settings_of(copy, Synchronous::full, "boot-1"));
  CHECK_THAT(store->renewal(), Catch::Contains("copy"));
  CHECK_FALSE(has_ratchet(*store));
}
