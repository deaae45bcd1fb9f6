// A request that is repeated gets the first answer, and nothing is sent again.
#include "sessions/idempotency.h"

#include "tests/sessions/sending.h"

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
