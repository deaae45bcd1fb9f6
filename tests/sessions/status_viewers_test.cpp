// Who is told to have seen a status post of the account.
#include <catch2/catch.hpp>

#include "events/codec.h"
#include "events/event.h"
#include "storage/member_receipts.h"
#include "tests/sessions/status_stage.h"

using namespace wharf;
using namespace wharf::test::statuses;

namespace {

/// Who is told to have seen a post, in the order of the events.
std::vector<std::pair<Jid, std::string>> told_viewers(Stage& f) {
  std::vector<std::pair<Jid, std::string>> out;
  for (const auto& event : storage::read_events(f.store->reader(), storage::EventFilter())) {
    const auto fact = events::decode(event.name, event.data);
    REQUIRE(fact.has_value());
    if (const auto* viewed = std::get_if<events::StatusViewed>(&fact->fact))
      out.emplace_back(viewed->viewer, viewed->id);
  }
  return out;
}

}  // namespace

TEST_CASE("who has seen a post is told once for each, whatever else they say, also after a restart") {
  Stage f;
  f.session->context().config.statuses = true;
  REQUIRE(f.post("3EB0AA", std::vector{ben, carl}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  f.hear(Stage::receipt_of(ben, "3EB0AA", ""));
  f.hear(Stage::receipt_of(Jid("100000000000004", "lid"), "3EB0AA", "read"));  // it was not for him
  CHECK(told_viewers(f).empty());
  f.hear(Stage::receipt_of(ben, "3EB0AA", "read"));
  f.hear(Stage::receipt_of(ben.with_device(3), "3EB0AA", "read"));
  f.hear(Stage::receipt_of(ben, "3EB0AA", "played"));
  const std::vector<std::pair<Jid, std::string>> ben_alone = {{ben, "3EB0AA"}};
  CHECK(told_viewers(f) == ben_alone);
  f.reopen();
  f.go_online();
  f.session->context().config.statuses = true;
  f.hear(Stage::receipt_of(ben, "3EB0AA", "read"));
  CHECK(told_viewers(f) == ben_alone);
  f.hear(Stage::receipt_of(carl, "3EB0AA", "played"));  // without a word of having read it
  const std::vector<std::pair<Jid, std::string>> both = {{ben, "3EB0AA"}, {carl, "3EB0AA"}};
  CHECK(told_viewers(f) == both);
}

TEST_CASE("who has said by number that a post was seen is not told again by LID") {
  Stage f;
  f.session->context().config.statuses = true;
  storage::Changes known;
  known.add(storage::PutLid{f.row.id, carl_pn, carl});
  f.store->commit(std::move(known), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  REQUIRE(f.post("3EB0AA", std::vector{ben, carl}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  storage::Changes older;  // as it stood before his LID was known
  older.add(storage::NoteMember{f.row_of("3EB0AA").row, carl_pn, AckLevel::read, 1'700'000'005'000});
  f.store->commit(std::move(older), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.hear(Stage::receipt_of(carl, "3EB0AA", "read"));
  CHECK(told_viewers(f).empty());
  const std::int64_t row = f.row_of("3EB0AA").row;
  CHECK(storage::find_reach(f.store->reader(), row) == storage::GroupReach{2, 1, 1, 0});
  CHECK(storage::find_member_receipt(f.store->reader(), row, carl));  // one row, by the name that he has now
  CHECK_FALSE(storage::find_member_receipt(f.store->reader(), row, carl_pn));
  f.hear(Stage::receipt_of(ben, "3EB0AA", "read"));
  CHECK(told_viewers(f).size() == 1);
}

TEST_CASE("of views nothing is told to a session that does not ask for statuses, nor of a deletion") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  f.hear(Stage::receipt_of(ben, "3EB0AA", "read"));
  f.session->context().config.statuses = true;
  REQUIRE(f.revoke("3EB0AA", "3EB0CC").size() == 1);
  f.hear(Stage::ack_of("3EB0CC"));
  f.hear(Stage::receipt_of(ben, "3EB0CC", "read"));
  CHECK(told_viewers(f).empty());
}
