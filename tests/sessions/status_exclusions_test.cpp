// Who is kept from a status post is known by one identity, and our chat with him may be filed under the other.
#include <catch2/catch.hpp>

#include "tests/sessions/status_stage.h"

using namespace wharf;
using namespace wharf::test::statuses;

namespace {

const Jid dora_pn("15550000004", "s.whatsapp.net");
const Jid dora("100000000000004", "lid");

}  // namespace

TEST_CASE("who is excluded by LID gets no post, though the chat with him is filed under his number") {
  Stage f;
  f.have_chats({ben, carl_pn});
  REQUIRE(f.post("3EB0AA", std::nullopt).empty());
  REQUIRE(f.choose({StatusAudience::Kind::except, {carl}}).empty());
  const auto out = f.tell_lids({carl_pn}, {{carl_pn, carl}});
  REQUIRE(out.size() == 1);
  CHECK(named(out[0], true) == std::vector{ben});
  CHECK(named(out[0], false) == std::vector{self});
  CHECK_FALSE(f.read(carl, out[0]));
  CHECK(f.audience_of("3EB0AA")->users == std::vector{ben});
}

TEST_CASE("who is excluded by his number gets no post, though the chat with him is filed under his LID") {
  Stage f;
  f.have_chats({ben, carl});
  REQUIRE(f.post("3EB0AA", std::nullopt).empty());
  REQUIRE(f.choose({StatusAudience::Kind::except, {carl_pn}}).empty());
  const auto out = f.tell_lids({carl_pn}, {{carl_pn, carl}});
  REQUIRE(out.size() == 1);
  CHECK(named(out[0], true) == std::vector{ben});
  CHECK_FALSE(f.read(carl, out[0]));
}

TEST_CASE("while WhatsApp does not tell who somebody is, whoever might be one who is excluded gets no post") {
  Stage f;
  SECTION("a partner by number, and somebody who is excluded by LID") {
    f.have_chats({ben, carl_pn});
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    REQUIRE(f.choose({StatusAudience::Kind::except, {carl}}).empty());
    const auto out = f.tell_lids({carl_pn}, {});
    REQUIRE(out.size() == 1);
    CHECK(named(out[0], true) == std::vector{ben});
    CHECK(f.audience_of("3EB0AA")->users == std::vector{ben});
  }
  SECTION("partners by LID, and somebody who is excluded by number") {
    storage::Changes known;
    known.add(storage::PutLid{f.row.id, Jid("15550000002", "s.whatsapp.net"), ben});
    f.store->commit(std::move(known), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
    f.have_chats({ben, carl});
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    REQUIRE(f.choose({StatusAudience::Kind::except, {carl_pn}}).empty());
    const auto out = f.tell_lids({carl_pn}, {});
    REQUIRE(out.size() == 1);
    CHECK(named(out[0], true) == std::vector{ben});
    CHECK_FALSE(f.read(carl, out[0]));
  }
  SECTION("it does not answer at all") {
    f.have_chats({ben, carl_pn});
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    REQUIRE(f.choose({StatusAudience::Kind::except, {carl}}).empty());
    const auto usync = test::queries_to(f.said, Jid("", "s.whatsapp.net"), "usync", "usync");
    REQUIRE(usync.size() == 1);
    CHECK(f.hear(test::error_of(usync[0], 500)).empty());
    CHECK_FALSE(f.audience_of("3EB0AA")->settled);
  }
}

TEST_CASE("who turns out to be excluded when his devices are asked for gets no post") {
  Stage f;
  storage::Changes known;
  known.add(storage::PutLid{f.row.id, carl_pn, carl});
  f.store->commit(std::move(known), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.have_chats({ben, dora_pn});
  REQUIRE(f.post("3EB0AA", std::nullopt).empty());
  REQUIRE(f.choose({StatusAudience::Kind::except, {carl}}).empty());
  REQUIRE(f.tell_lids({dora_pn}, {}).empty());  // another number than his: she is in
  CHECK(f.audience_of("3EB0AA")->users.size() == 2);
  const auto out = f.tell_lids({dora_pn}, {{dora_pn, carl}});  // he has it by now
  REQUIRE(out.size() == 1);
  CHECK(named(out[0], true) == std::vector{ben});
  CHECK_FALSE(f.read(carl, out[0]));
  CHECK(f.audience_of("3EB0AA")->users == std::vector{ben});
}

TEST_CASE("whom the account has blocked gets no post, whatever its setting is") {
  Stage f;
  using Kind = StatusAudience::Kind;
  SECTION("contacts") {
    f.have_chats({ben, carl});
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    const auto out = f.choose({Kind::contacts, {}}, {carl});
    REQUIRE(out.size() == 1);
    CHECK(named(out[0], true) == std::vector{ben});
  }
  SECTION("some alone") {
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    const auto out = f.choose({Kind::only, {ben, carl}}, {carl});
    REQUIRE(out.size() == 1);
    CHECK(named(out[0], true) == std::vector{ben});
  }
  SECTION("by the other identity") {
    f.have_chats({ben, carl_pn});
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    REQUIRE(f.choose({Kind::contacts, {}}, {carl}).empty());
    const auto out = f.tell_lids({carl_pn}, {{carl_pn, carl}});
    REQUIRE(out.size() == 1);
    CHECK(named(out[0], true) == std::vector{ben});
  }
  SECTION("WhatsApp does not tell whom, or names somebody in a way that nobody knows") {
    f.have_chats({ben, carl});
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    REQUIRE(f.hear(protocol::status_audience_answer(f.question(), {Kind::contacts, {}})).empty());
    const Node question = f.block_question();
    const Node of_another_form =
        test::result_of(question).add(Node("list").add(Node("item").set("jid", "carl").set("name", "Carl")));
    CHECK(f.hear(GENERATE(true, false) ? test::error_of(question, 500) : of_another_form).empty());
    CHECK_FALSE(f.audience_of("3EB0AA")->settled);
    CHECK(f.row_of("3EB0AA").ack == AckLevel::pending);
  }
  SECTION("a row of the list names nobody that can be read") {
    f.have_chats({ben, carl});
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    REQUIRE(f.hear(protocol::status_audience_answer(f.question(), {Kind::contacts, {}})).empty());
    Node list("list");
    list.add(Node("item").set("jid", ben)).add(Node("item").set("jid", "x"));
    CHECK(f.hear(test::result_of(f.block_question()).add(std::move(list))).empty());
    CHECK_FALSE(f.audience_of("3EB0AA")->settled);
  }
}
