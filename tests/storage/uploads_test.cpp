// Uploads that are known by their file, and what is still to be removed of the plain media folder.
#include <catch2/catch.hpp>

#include "storage/folder_removals.h"
#include "storage/statement.h"
#include "storage/uploads.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;

namespace {

const SessionId anna{1};

UploadKey key(std::uint8_t mark) {
  UploadKey out;
  out.file_sha256.fill(mark);
  return out;
}

std::int64_t count_uploads(Database& db) {
  Statement select(db, "SELECT count(*) FROM upload");
  return select.next() ? select.integer() : -1;
}

}  // namespace

TEST_CASE("an upload is forgotten with its own message, and with what that said") {
  test::InlineStore store;
  const auto put = [&](std::uint8_t mark, const std::string& id) {
    store.turn([&](Changes& changes) { changes.add(PutUpload{anna, key(mark), id, 1}); });
  };
  const protocol::Jid ben("15550000002", "s.whatsapp.net");
  store.turn([&](Changes& changes) {
    auto own = test::message_row(anna, ben, "own", 1);
    own.from_me = true;
    changes.add(InsertMessage{own, true, std::nullopt});
  });
  put(1, "own");
  put(2, "own");
  put(3, "other");
  SECTION("revoked") {
    store.turn([&](Changes& changes) { changes.add(RevokeMessage{anna, ben, "own", true, 2}); });
  }
  SECTION("removed") {
    store.turn([&](Changes& changes) { changes.add(RemoveMessage{anna, ben, "own", true}); });
  }
  CHECK_FALSE(find_upload(store.db(), anna, key(1)));
  CHECK_FALSE(find_upload(store.db(), anna, key(2)));
  CHECK(find_upload(store.db(), anna, key(3)) == "other");
  // Another side's message of that id has no part in it.
  store.turn([&](Changes& changes) { changes.add(RemoveMessage{anna, ben, "other", false}); });
  CHECK(find_upload(store.db(), anna, key(3)) == "other");
}

TEST_CASE("old uploads are swept a hundred at a time") {
  test::InlineStore store;
  store.turn([&](Changes& changes) {
    for (std::uint8_t i = 0; i < 150; ++i) changes.add(PutUpload{anna, key(i), "m", i});
  });
  store.turn([&](Changes& changes) { changes.add(PutUpload{anna, key(200), "new", uploads_known_ms + 120}); });
  CHECK(count_uploads(store.db()) == 51);
  store.turn([&](Changes& changes) { changes.add(PutUpload{anna, key(200), "new", uploads_known_ms + 120}); });
  CHECK(count_uploads(store.db()) == 31);
  CHECK(find_upload(store.db(), anna, key(120)) == "m");
}

TEST_CASE("what is to be removed of the folder is there until it is ended") {
  test::InlineStore store;
  const FolderRemoval message{"anna", "M1", true, 5, 6}, session{"ben", "", false, 0, 0};
  store.turn([&](Changes& changes) {
    changes.add(PutFolderRemoval{message});
    changes.add(PutFolderRemoval{session});
  });
  const auto rows = load_folder_removals(store.db(), 0, 9);
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].removal == message);
  CHECK(rows[1].removal == session);
  CHECK(load_folder_removals(store.db(), 0, 1).size() == 1);
  CHECK(load_folder_removals(store.db(), rows[0].number, 9).size() == 1);
  store.turn([&](Changes& changes) { changes.add(EndFolderRemoval{rows[0].number}); });
  REQUIRE(load_folder_removals(store.db(), 0, 9).size() == 1);
  CHECK(load_folder_removals(store.db(), 0, 9)[0].removal == session);
}

TEST_CASE("what would take the file of a message is its own removal, and that of its session") {
  test::InlineStore store;
  CHECK(last_folder_removal(store.db()) == 0);
  store.turn([&](Changes& changes) {
    changes.add(PutFolderRemoval{{"anna", "M1", true, 5, 6}});
    changes.add(PutFolderRemoval{{"anna", "M2", false, 5, 6}});
    changes.add(PutFolderRemoval{{"ben", "M1", true, 5, 6}});
    changes.add(PutFolderRemoval{{"anna", "", false, 0, 0}});
  });
  const auto of = [&](const char* session, const char* id, bool from_me, std::size_t most = 9) {
    std::vector<std::int64_t> numbers;
    for (const auto& row : load_folder_removals_of(store.db(), session, id, from_me, most))
      numbers.push_back(row.number);
    return numbers;
  };
  using Numbers = std::vector<std::int64_t>;
  CHECK(of("anna", "M1", true) == Numbers{1, 4});
  CHECK(of("anna", "M1", true, 1) == Numbers{1});
  CHECK(of("anna", "M1", false) == Numbers{4});
  CHECK(of("anna", "M2", false) == Numbers{2, 4});
  CHECK(of("ben", "M1", true) == Numbers{3});
  CHECK(of("carl", "M1", true).empty());
  CHECK(last_folder_removal(store.db()) == 4);
  CHECK(
      test::plan_of(store.db(), "SELECT number FROM folder_removal WHERE session = 'anna' AND message_id IN ('', 'M1')")
          .find("folder_removal_by_file") != std::string::npos);
}

TEST_CASE("where a folder was is remembered, however often it is said") {
  test::InlineStore store;
  CHECK_FALSE(remembers_folder(store.db(), "/plain"));
  for (int i = 0; i < 2; ++i) store.turn([](Changes& changes) { changes.add(RememberFolder{"/plain"}); });
  CHECK(remembers_folder(store.db(), "/plain"));
  CHECK_FALSE(remembers_folder(store.db(), "/plain/other"));
}

TEST_CASE("each database is an installation of its own") {
  test::InlineStore one, other;
  CHECK(installation_id(one.db()).size() == 32);
  CHECK(installation_id(one.db()) != installation_id(other.db()));
}
