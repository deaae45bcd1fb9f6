#include "storage/changes.h"

#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;

TEST_CASE("changes compare by what they would write, in order") {
  const auto turn = [](std::uint8_t byte) {
    Changes changes;
    changes.add(PutRatchet{SessionId{1}, Jid("1", "lid"), {byte}});
    changes.add(RemovePreKey{SessionId{1}, 7});
    changes.emit(NewEvent(SessionId{1}, "ack", "1@lid", "{}", 5));
    return changes;
  };
  CHECK(turn(1) == turn(1));
  CHECK_FALSE(turn(1) == turn(2));
  Changes other = turn(1);
  other.add(RemovePreKey{SessionId{1}, 8});
  CHECK_FALSE(other == turn(1));
}

TEST_CASE("changes print what they do, and of secrets and contents only how much there is") {
  Changes changes;
  changes.add(PutRatchet{SessionId{1}, Jid("1", "lid", 3), {0x53, 0x45, 0x43}});
  changes.add(RaiseAckById{SessionId{1}, "3EB0\n\"x", AckLevel::server, "", 1'700'000'000'000});
  WebhookRow hook;
  hook.id = "wh_a";
  hook.url = "https://user:password@example.org/";
  hook.events = {"message", "ack"};
  hook.headers = {{"Authorization", "Bearer token"}};
  hook.secret = "signing-secret";
  changes.add(PutWebhook{hook});
  changes.emit(NewEvent(SessionId{1}, "message", "1@lid", R"({"body":"private"})", 5));
  const std::string text = to_text(changes);
  CHECK(text.find("PutRatchet session=1 device=1:3@lid record=<3 bytes>\n") == 0);
  CHECK(text.find("RaiseAckById session=1 id=\"3EB0\\n\\\"x\" level=1 error=\"\" at=1700000000000\n") !=
        std::string::npos);
  CHECK(text.find("PutWebhook id=\"wh_a\" org=1 url=<34 bytes>") != std::string::npos);
  CHECK(text.find("events=\"message,ack\" headers=<1> signed=true") != std::string::npos);
  CHECK(text.find("event session=1 name=\"message\" lane=\"1@lid\"\n") != std::string::npos);
  for (const char* secret : {"SEC", "password", "token", "signing", "private"}) {
    INFO(secret);
    CHECK(text.find(secret) == std::string::npos);
  }
}

TEST_CASE("changes may grow from several parts, rows and events each in order") {
  Changes first, second;
  first.add(TouchSession{SessionId{1}, 1});
  second.add(TouchSession{SessionId{1}, 2});
  second.emit(NewEvent(SessionId{1}, "later", "", "{}", 1));
  first.append(std::move(second));
  REQUIRE(first.rows().size() == 2);
  CHECK(std::get<TouchSession>(first.rows()[1]).at == 2);
  CHECK(first.events().size() == 1);
  CHECK(second.empty());
}
