// The kinds of message that are listed by name in several places: in the pages' SQL, in the search's parameters, in
// what has a file. A new kind has to be sorted everywhere.
#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "api/dialect.h"
#include "api/validation.h"
#include "protocol/messages/content.h"
#include "protocol/messages/media_location.h"
#include "storage/removal.h"
#include "storage/statement.h"
#include "tests/api/temporary_store.h"

using namespace wharf;
using protocol::MessageKind;

namespace {

/// What no session stores: it has no row that could be shown.
bool is_stored(MessageKind kind) { return kind != MessageKind::protocol && kind != MessageKind::sender_key_only; }

std::vector<MessageKind> all_kinds() {
  std::vector<MessageKind> kinds;
  for (int kind = 0; kind <= static_cast<int>(MessageKind::unknown); ++kind) {
    if (is_stored(static_cast<MessageKind>(kind))) kinds.push_back(static_cast<MessageKind>(kind));
  }
  return kinds;
}

bool in_pages(storage::Database& db, std::string_view kind) {
  storage::Statement select(db, "WITH m (ack, kind) AS (VALUES (1, ?1)) SELECT 1 FROM m WHERE " WHARF_MESSAGE_SHOWN(m));
  return select.text(kind).next();
}

}  // namespace

TEST_CASE("a kind that pages show can be searched for, and no other") {
  const test::TemporaryStore room;
  for (const MessageKind kind : all_kinds()) {
    const std::string name = protocol::name(kind);
    CAPTURE(name);
    const auto searched = api::shown_kinds();
    CHECK((std::find(searched.begin(), searched.end(), name) != searched.end()) ==
          in_pages(room.store->reader(), name));
  }
}

TEST_CASE("a kind has a file in every list or in none") {
  for (const MessageKind kind : all_kinds()) {
    const std::string name = protocol::name(kind);
    CAPTURE(name);
    const bool has_file = protocol::media_kind(kind).has_value();
    CHECK(api::is_media_kind(name) == has_file);
    CHECK(api::formats::file_type.check(name).has_value() != has_file);
  }
}
