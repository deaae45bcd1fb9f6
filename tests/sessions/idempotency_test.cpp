// A request that is repeated gets the first answer, and nothing is sent again.
#include "sessions/idempotency.h"

#include <set>

#include "tests/sessions/sending.h"
#include "tests/storage/counts.h"

using namespace wharf;
using namespace wharf::sessions;

using Fixture = wharf::test::SessionFixture;
using test::ack;
using test::ben;
using test::messages;

TEST_CASE("the answer to a repeated Idempotency-Key does not depend on the message, which may be deleted") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  SendMessage request = Fixture::text("once");
  request.idempotency_key = "key-1";
  request.request_hash = "h1";
  const std::string id = (*f.send(request))->id;
  f.stanza(ack(id));
  f.tell(RemoveChat{ben});
  const auto again = f.send(request);
  REQUIRE((again && again->has_value()));
  REQUIRE((*again)->id == id);
  REQUIRE((*again)->text == "once");
  REQUIRE(messages(f.last).empty());
}

TEST_CASE("the key of a whole that many requests are parts of is claimed by the first one, for a day") {
  Fixture f;
  const auto part = [](const char* key, const char* whole_hash) {
    SendMessage out = Fixture::text("to all");
    out.idempotency_key = key;
    out.request_hash = "h";
    out.whole = SendMessage::Whole{"k", whole_hash};
    return out;
  };
  const auto is_conflict = [&](const SendMessage& request) {
    const auto sent = f.send(request);
    return sent->has_error() && sent->error().code == protocol::Errc::conflict &&
           sent->error().subject == Subject::idempotency_key;
  };
  REQUIRE(f.send(part("k/1", "all"))->has_value());
  REQUIRE(f.send(part("k/2", "all"))->has_value());
  REQUIRE((*f.send(part("k/1", "all")))->replayed);
  REQUIRE(is_conflict(part("k/3", "others")));
  REQUIRE(is_conflict(part("k/1", "others")));
  SendMessage one = Fixture::text("to all");
  one.idempotency_key = "k";
  one.request_hash = "h";
  REQUIRE(is_conflict(one));
  f.now_ms += std::int64_t{25} * 3'600'000;
  REQUIRE(f.send(part("k/3", "others"))->has_value());
}

TEST_CASE(
    "the same messageId with other content is a conflict, in the same turn and later; with the same it is the answer") {
  Fixture f;
  SendMessage request = Fixture::text("once");
  request.message_id = "MYMESSAGE1";
  request.request_hash = "h1";
  SendMessage other = Fixture::text("twice");
  other.message_id = request.message_id;
  other.request_hash = "h2";
  std::optional<protocol::Result<SentMessage>> first, clash;
  std::vector<Input> inputs;
  inputs.push_back(Fixture::asked(request, [&](protocol::Result<SentMessage> sent) { first = std::move(sent); }));
  inputs.push_back(Fixture::asked(other, [&](protocol::Result<SentMessage> sent) { clash = std::move(sent); }));
  f.turn(std::move(inputs));
  REQUIRE((first && first->has_value() && clash && clash->has_error()));
  REQUIRE(clash->error().code == protocol::Errc::conflict);
  const auto later = f.send(other);
  REQUIRE(later->error().code == protocol::Errc::conflict);
  REQUIRE(later->error().subject == Subject::message_id);
  REQUIRE((*f.send(request))->replayed);
  f.now_ms += std::int64_t{48} * 3'600'000;  // the key is forgotten, the message is not
  REQUIRE(f.send(other)->error().code == protocol::Errc::conflict);
  REQUIRE((*f.send(request))->replayed);
}

namespace {

SendMessages several(std::vector<std::string> bodies) {
  SendMessages out;
  for (std::string& body : bodies) out.messages.push_back(Fixture::text(std::move(body)));
  return out;
}

/// What it is answered.
template <class Operation>
Outcome<std::vector<SentMessage>> ask(Fixture& f, Operation operation) {
  std::optional<Outcome<std::vector<SentMessage>>> answer;
  f.last = f.tell(std::move(operation), [&](Outcome<std::vector<SentMessage>> sent) { answer = std::move(sent); });
  REQUIRE(answer.has_value());
  return *answer;
}

std::vector<std::string> ids(const std::vector<SentMessage>& sent) {
  std::vector<std::string> out;
  for (const SentMessage& one : sent) out.push_back(one.id);
  return out;
}

}  // namespace

TEST_CASE("several messages of one request go out in order, and a repetition is answered with all of them") {
  Fixture f;
  f.befriend(ben);
  f.go_online();
  SendMessages request = several({"a", "b", "c"});
  request.messages[0].request_hash = "h1";
  const bool by_key = GENERATE(true, false);
  if (by_key) request.messages[0].idempotency_key = "key-1";
  else request.messages[0].message_id = "MYMESSAGE1";
  CHECK(ask(f, FindSent{request.messages})->empty());
  const auto first = ask(f, request);
  REQUIRE(first.has_value());
  CHECK(std::set<std::string>{(*first)[0].id, (*first)[1].id, (*first)[2].id}.size() == 3);
  CHECK(messages(f.last).size() == 3);
  if (!by_key) CHECK((*first)[0].id == "MYMESSAGE1");

  for (const auto& again : {ask(f, FindSent{request.messages}), ask(f, request)}) {
    REQUIRE(again.has_value());
    CHECK(ids(*again) == ids(*first));
    CHECK(((*again)[0].replayed && (*again)[2].replayed));
    CHECK((*again)[2].text == "c");
    CHECK(messages(f.last).empty());
  }
  SendMessages other = request;
  other.messages[0].request_hash = "h2";
  CHECK(ask(f, FindSent{other.messages}).error().code == protocol::Errc::conflict);
  CHECK(ask(f, other).error().code == protocol::Errc::conflict);

  f.tell(RemoveChat{ben});  // the answer does not depend on the rows of the messages
  CHECK(ids(ask(f, FindSent{request.messages}).value()) == ids(*first));
}

TEST_CASE("of several messages all are accepted or none") {
  Fixture f;
  SendMessages request = several({"a", "b"});
  request.messages[0].idempotency_key = "key-1";
  SECTION("the last cannot be sent") {
    request.messages[1].content = Forward{"3EB0NOTTHERE"};
    CHECK(ask(f, request).error().code == protocol::Errc::not_found);
  }
  SECTION("there is room for one") {
    f.settings.max_queued_messages = 1;
    CHECK(ask(f, request).error().code == protocol::Errc::rate_limited);
  }
  CHECK(storage::count_outbox(f.store->reader(), f.row.id) == 0);
  CHECK(f.event_names().empty());
  f.settings.max_queued_messages = 2;
  request.messages[1].content = std::string("b");
  const auto accepted = ask(f, request);  // the name was not used up
  REQUIRE(accepted.has_value());
  CHECK_FALSE((*accepted)[0].replayed);
}

TEST_CASE("of several messages under a messageId that is a day old the others are not known any more") {
  Fixture f;
  SendMessages request = several({"a", "b"});
  request.messages[0].message_id = "MYMESSAGE1";
  REQUIRE(ask(f, request).has_value());
  f.now_ms += std::int64_t{48} * 3'600'000;
  const auto again = ask(f, request);
  REQUIRE(again.has_error());
  CHECK(again.error().subject == Subject::message_id);
}

TEST_CASE("a request is known by whichever id it names its people by, and by no other content") {
  Fixture f;
  SendMessage request = Fixture::text("once");
  request.message_id = "MYMESSAGE1";
  request.request_hash = "by lid";
  const std::string id = (*f.send(request))->id;
  request.request_hash = "by another";
  request.other_hashes = {"as said", "by lid"};
  const auto again = f.send(request);
  REQUIRE(again->has_value());
  CHECK((*again)->replayed);
  CHECK((*again)->id == id);
  request.other_hashes = {"as said", "by number"};
  CHECK(f.send(request)->has_error());
}
