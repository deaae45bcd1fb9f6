#include "tests/api/temporary_store.h"

#include <unistd.h>

#include <filesystem>

#include "storage/sessions.h"
#include "tests/api/must.h"
#include "tests/storage/injection.h"

namespace wharf::test {

TemporaryStore::TemporaryStore() {
  std::string pattern = (std::filesystem::temp_directory_path() / "wharf-api-XXXXXX").string();
  REQUIRE(mkdtemp(pattern.data()) != nullptr);
  directory_ = pattern;
  open();
}

TemporaryStore::~TemporaryStore() {
  store.reset();
  std::filesystem::remove_all(directory_);
}

void TemporaryStore::open() {
  store.reset();
  storage::Store::Settings settings;
  settings.path = directory_ + "/wharf.db";
  settings.synchronous = storage::Synchronous::off;
  settings.before_change = [this](storage::Database& db, const storage::Change& change) -> protocol::Result<bool> {
    if (refuses && refuses(change)) return protocol::Error(protocol::Errc::storage_full, "the disk is full");
    return test::run_injected(db, change);
  };
  store = must(storage::Store::open(std::move(settings)));
}

void TemporaryStore::add_session(std::int64_t id, std::string name, storage::OrgId org) {
  storage::SessionRow row;
  row.id = {id};
  row.org = org;
  row.name = std::move(name);
  row.status = "ready";
  row.config = "{}";
  storage::Changes changes;
  changes.add(storage::InsertSession{std::move(row)});
  store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
}

void TemporaryStore::emit(std::int64_t session, std::string lane, std::string id) {
  storage::Changes changes;
  changes.emit(
      {{session},
       "message",
       std::move(lane),
       R"({"id":")" + id +
           R"(","chat":"1@s.whatsapp.net","author":"1@s.whatsapp.net","kind":"text","body":"hi","fromMe":false,"isGroup":false,"timestamp":1750000000000,"ack":0})",
       1'750'000'000'000});
  store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
}

}  // namespace wharf::test
