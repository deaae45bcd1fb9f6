// The disappearing timer of a chat: from whom it is learnt, when it changes, and that everything sent carries it.
#include "sessions/chat_timers.h"

#include <catch2/catch.hpp>

#include "protocol/messages/building.h"
#include "tests/sessions/conversation.h"

using namespace wharf::sessions;
using namespace wharf::test;
namespace protocol = wharf::protocol;
namespace storage = wharf::storage;
using storage::ChatTimer;

namespace {

constexpr std::int64_t now_s = 1'700'000'000;

struct Timers : Conversation {
  void sets(const std::string& id, std::uint32_t seconds, std::int64_t set_at, std::uint64_t t = now_s) {
    arrives(id, protocol::build_disappearing({seconds, set_at}, f.random).encoded, t);
  }
  void says(const std::string& id, std::uint32_t seconds, std::int64_t set_at) {
    protocol::MessageFrame frame;
    frame.expires_after_s = seconds;
    frame.expiry_set_at = set_at;
    arrives(id, protocol::build_message(std::string("hello"), frame, f.random).encoded);
  }
  ChatTimer timer() { return storage::find_chat_timer(f.store->reader(), f.row.id, ben); }
  protocol::IncomingMessage sent(SendMessage message) {
    const auto answer = f.send(std::move(message));
    REQUIRE((answer && answer->has_value()));
    const auto row = storage::find_message_by_id(f.store->reader(), f.row.id, (*answer)->id, true);
    return protocol::parse_message(row->content).value();
  }
};

}  // namespace

TEST_CASE("who sets the timer of a chat is believed, the later setting counts, and a change is told once") {
  Timers c;
  c.sets("3EB0AA01", 86'400, now_s - 10);
  CHECK(c.timer() == ChatTimer{86'400, now_s - 10});
  CHECK(c.told("chat.updated") == 1);
  c.sets("3EB0AA02", 604'800, now_s - 20);  // late
  CHECK(c.timer().seconds == 86'400);
  c.sets("3EB0AA03", 86'400, now_s - 5);  // the same again, later
  CHECK(c.timer() == ChatTimer{86'400, now_s - 5});
  CHECK(c.told("chat.updated") == 1);
  c.sets("3EB0AA04", 12'345, now_s - 4);  // no app offers that
  CHECK(c.timer().seconds == 86'400);
  c.sets("3EB0AA05", 0, now_s - 3);
  CHECK(c.timer() == ChatTimer{0, now_s - 3});
  CHECK(c.told("chat.updated") == 2);
  // It is no message.
  CHECK(c.told("message") == 0);
  CHECK_FALSE(storage::find_chat(c.f.store->reader(), c.f.row.id, ben));
}

TEST_CASE("a timer that says it was set in the future does not outlast the next one") {
  Timers c;
  c.sets("3EB0AA01", 86'400, now_s + 1'000'000);
  CHECK(c.timer() == ChatTimer{86'400, now_s});
  c.f.now_ms += 5'000;
  c.sets("3EB0AA02", 0, now_s + 5, now_s + 5);
  CHECK(c.timer().seconds == 0);
  // Without a time of its own the message's counts.
  c.sets("3EB0AA03", 604'800, 0, now_s + 4);
  CHECK(c.timer().seconds == 0);
}

TEST_CASE("timers are dated by the server's clock: one's own may be hours behind") {
  Timers c;
  c.f.now_ms -= 3 * 3'600 * 1'000;
  c.says("3EB0AA01", 86'400, now_s - 20);
  CHECK(c.timer() == ChatTimer{86'400, now_s - 20});
  c.sets("3EB0AA02", 604'800, now_s - 10);
  CHECK(c.timer() == ChatTimer{604'800, now_s - 10});
  c.sets("3EB0AA03", 0, now_s - 15);  // late
  CHECK(c.timer().seconds == 604'800);
  // What is set here afterwards sets that aside all the same.
  SendMessage set = SessionFixture::text("");
  set.content = SetDisappearing{86'400};
  const auto said = std::get<protocol::DisappearingTimer>(c.sent(set).body);
  CHECK(said.set_at == now_s - 10);
}

TEST_CASE("messages teach the timer of their chat, by the time they say; one without a time only where none is known") {
  Timers c;
  c.says("3EB0AA01", 86'400, 0);
  CHECK(c.timer() == ChatTimer{86'400, 0});
  c.says("3EB0AA02", 604'800, now_s - 10);
  CHECK(c.timer() == ChatTimer{604'800, now_s - 10});
  c.says("3EB0AA03", 86'400, 0);
  c.says("3EB0AA04", 86'400, now_s - 11);
  c.says("3EB0AA05", 0, 0);  // a bot's plain text
  CHECK(c.timer().seconds == 604'800);
  CHECK(c.told("chat.updated") == 2);
  CHECK(c.row("3EB0AA01")->details == R"({"expiresAfter":86400})");
}

TEST_CASE(
    "everything that is sent into the chat carries the timer, the setting itself and what is about messages does not") {
  Timers c;
  c.sets("3EB0AA01", 86'400, now_s - 10);
  const auto text = c.sent(SessionFixture::text("hello"));
  CHECK(text.traits.expires_after_s == 86'400);
  CHECK(text.traits.expiry_set_at == now_s - 10);
  SendMessage poll = SessionFixture::text("");
  poll.content = protocol::Poll{"Tea?", {"yes", "no"}, 1};
  poll.message_id = "3EB0POLL01";
  CHECK(c.sent(poll).traits.expires_after_s == 86'400);
  SendMessage forward = SessionFixture::text("");
  forward.content = Forward{"3EB0POLL01"};
  CHECK(c.sent(forward).traits.expires_after_s == 86'400);
  SendMessage react;
  react.content = React{"3EB0POLL01", "\U0001F44D"};
  CHECK(c.sent(react).traits.expires_after_s == 0);
  const auto page = storage::page_messages(c.f.store->reader(), c.f.row.id, ben, 10, std::nullopt).messages;
  REQUIRE(page.size() == 3);
  for (const auto& row : page) CHECK(row.details.find(R"("expiresAfter":86400)") != std::string::npos);
}

TEST_CASE("setting the timer is a message in the queue that stands in no page; it counts when the server has it") {
  Timers c;
  SendMessage set = SessionFixture::text("");
  set.content = SetDisappearing{604'800};
  c.arrives("3EB0AA01", c.text("makes the session"));
  list_devices(c.f, ben, {0});
  list_devices(c.f, own_lid, {3});
  const auto first = c.f.send(set);
  REQUIRE((first && first->has_value()));
  CHECK((*first)->target_id.empty());
  CHECK(c.timer() == ChatTimer{});
  c.f.stanza(ack((*first)->id));
  CHECK(c.timer() == ChatTimer{604'800, now_s});
  CHECK(c.told("chat.updated") == 1);
  const auto row = storage::find_message_by_id(c.f.store->reader(), c.f.row.id, (*first)->id, true);
  CHECK(protocol::parse_message(row->content)->kind == protocol::MessageKind::disappearing);
  SendMessage text = SessionFixture::text("hello");
  text.message_id = "3EB0TEXT01";
  REQUIRE(c.f.send(text)->has_value());
  const auto hello = storage::find_message_by_id(c.f.store->reader(), c.f.row.id, "3EB0TEXT01", true);
  CHECK(protocol::parse_message(hello->content)->traits.expires_after_s == 604'800);
  const auto page = storage::page_messages(c.f.store->reader(), c.f.row.id, ben, 10, std::nullopt).messages;
  REQUIRE(page.size() == 2);
  CHECK(page[0].id == "3EB0TEXT01");
  CHECK(c.told("message.sent") == 1);
}

TEST_CASE("a timer that nobody was told of does not count") {
  Timers c;
  SendMessage set = SessionFixture::text("");
  set.content = SetDisappearing{604'800};
  const auto waits = c.f.send(set);
  REQUIRE(waits->has_value());
  std::optional<Outcome<SentMessage>> cancelled;
  c.f.tell(CancelMessage{(*waits)->id}, [&](Outcome<SentMessage> outcome) { cancelled = std::move(outcome); });
  REQUIRE((cancelled && cancelled->has_value()));
  CHECK(c.timer() == ChatTimer{});
  CHECK(c.told("chat.updated") == 0);
}
