// What is sent later, what expires, and what is cancelled, in a real Session.
#include "sessions/schedule.h"

#include "events/event.h"
#include "storage/chats.h"
#include "tests/sessions/sending.h"
#include "tests/storage/counts.h"

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;
using protocol::Node;
using storage::AckLevel;

using Fixture = wharf::test::SessionFixture;
using test::ack;
using test::ben;
using test::messages;

namespace {

constexpr UnixMs hour = 3'600'000;

struct Later : Fixture {
  Later() { befriend(ben); }

  SendMessage in(UnixMs delay, std::string body = "later") const {
    SendMessage request = text(std::move(body));
    request.send_at = now_ms + delay;
    return request;
  }
  SentMessage accepted(const SendMessage& request) {
    const auto answer = send(request);
    REQUIRE(answer);
    REQUIRE(answer->has_value());
    return **answer;
  }
  /// Time passes on both clocks, and what is due is done.
  std::vector<Effect> pass(std::chrono::milliseconds time) {
    now_ms += time.count();
    steady += time;
    return turn({});
  }
  Outcome<SentMessage> cancel(const std::string& id) {
    std::optional<Outcome<SentMessage>> answer;
    last = tell(CancelMessage{id}, [&](Outcome<SentMessage> outcome) { answer = std::move(outcome); });
    REQUIRE(answer);
    return std::move(*answer);
  }
  storage::MessageRow row_named(const std::string& id) {
    const auto found = storage::find_message_by_id(store->reader(), row.id, id, true);
    REQUIRE(found);
    return *found;
  }
  std::size_t shown() {
    return storage::page_messages(store->reader(), row.id, ben, 100, std::nullopt).messages.size();
  }
  std::size_t queued() { return storage::count_outbox(store->reader(), row.id); }
  std::size_t told(const std::string& name) {
    const auto names = event_names();
    return static_cast<std::size_t>(std::count(names.begin(), names.end(), name));
  }
  /// The process is killed and starts again.
  void restart() {
    reopen();
    begin();
  }
};

}  // namespace

TEST_CASE("a scheduled message is no part of the chat until its time, and then one like any other") {
  Later f;
  f.go_online();
  const SentMessage answer = f.accepted(f.in(hour));
  CHECK(answer.ack == AckLevel::scheduled);
  CHECK(answer.timestamp == f.now_ms + hour);
  CHECK(messages(f.last).empty());
  CHECK(f.shown() == 0);
  CHECK_FALSE(storage::find_chat(f.store->reader(), f.row.id, ben));
  CHECK(f.told("message.sent") == 0);
  CHECK(f.session->view().queued == 0);
  CHECK(f.session->next_deadline() <= f.steady + 1min);

  CHECK(messages(f.pass(1h - 1ms)).empty());
  const auto sent = messages(f.pass(1ms));
  REQUIRE(sent.size() == 1);
  CHECK(sent[0].attr("id") == answer.id);
  CHECK(f.shown() == 1);
  CHECK(f.row_named(answer.id).timestamp == f.now_ms);
  CHECK(f.row_named(answer.id).ack == AckLevel::pending);
  REQUIRE(storage::find_chat(f.store->reader(), f.row.id, ben));
  CHECK(storage::find_chat(f.store->reader(), f.row.id, ben)->last_at == f.now_ms);
  CHECK(f.told("message.sent") == 1);
  f.stanza(ack(answer.id));
  CHECK(f.queued() == 0);
  CHECK(f.row_named(answer.id).ack == AckLevel::server);
  CHECK(messages(f.pass(24h)).empty());
}

TEST_CASE("a scheduled message survives a restart, and is sent late after one that took longer") {
  Later f;
  const SentMessage first = f.accepted(f.in(hour, "first")), second = f.accepted(f.in(2 * hour, "second"));
  f.restart();
  f.go_online();
  CHECK(f.queued() == 2);
  const auto sent = messages(f.pass(3h));
  REQUIRE(sent.size() == 2);
  CHECK(sent[0].attr("id") == first.id);
  CHECK(sent[1].attr("id") == second.id);
}

TEST_CASE("killed before the release was durable, it is released again; killed after, it is sent once") {
  Later f;
  const SentMessage answer = f.accepted(f.in(hour));
  f.now_ms += hour;
  f.steady += 1h;
  f.turn({}, false);  // the commit is lost
  f.restart();
  f.turn({});
  CHECK(f.told("message.sent") == 1);
  f.restart();
  f.turn({});
  CHECK(f.told("message.sent") == 1);
  const auto said = f.go_online();
  CHECK(std::count_if(said.begin(), said.end(), [](const auto& node) { return node.is("message"); }) == 1);
  CHECK(f.queued() == 1);
  CHECK(f.row_named(answer.id).ack == AckLevel::pending);
}

TEST_CASE("too late, it is not sent any more: by the setting, or by the time that it names itself") {
  Later f;
  f.settings.max_lateness = std::chrono::hours(2);
  f.reopen();
  const SentMessage by_setting = f.accepted(f.in(hour, "by the setting"));
  SendMessage named = f.in(hour, "by its own");
  named.expires_at = f.now_ms + 2 * hour;
  const SentMessage by_itself = f.accepted(named);
  f.now_ms += 4 * hour;
  f.steady += 4h;
  f.restart();
  f.go_online();
  CHECK(messages(f.turn({})).empty());
  for (const std::string& id : {by_setting.id, by_itself.id}) {
    CHECK(f.row_named(id).ack == AckLevel::withdrawn);
    CHECK(f.row_named(id).error == "expired: it could not be sent in time");
  }
  CHECK(f.told("ack") == 2);
  CHECK(f.told("message.sent") == 0);
  CHECK(f.shown() == 0);
  CHECK(f.queued() == 0);
}

TEST_CASE("with no end to lateness it is sent however late") {
  Later f;
  f.settings.max_lateness = std::chrono::seconds(0);
  f.reopen();
  const SentMessage scheduled = f.accepted(f.in(hour));
  f.restart();
  f.pass(24h * 300);
  CHECK(f.row_named(scheduled.id).ack == AckLevel::pending);
}

TEST_CASE("what waits expires, also while offline; what was sealed does not") {
  Later f;
  SendMessage request = Fixture::text("waits");
  request.expires_at = f.now_ms + hour;
  const SentMessage waiting = f.accepted(request);
  f.pass(1h - 1ms);
  CHECK(f.row_named(waiting.id).ack == AckLevel::pending);
  f.pass(1ms);
  CHECK(f.row_named(waiting.id).ack == AckLevel::error);
  CHECK(f.row_named(waiting.id).error == "expired: it could not be sent in time");
  CHECK(f.queued() == 0);
  CHECK(f.shown() == 1);

  f.go_online();
  request.expires_at = f.now_ms + hour;
  const SentMessage sealed = f.accepted(request);
  f.pass(2h);
  CHECK(f.row_named(sealed.id).ack == AckLevel::pending);
  CHECK(f.queued() == 1);
}

TEST_CASE("an expiry survives a restart") {
  Later f;
  SendMessage request = Fixture::text("waits");
  request.expires_at = f.now_ms + hour;
  const SentMessage waiting = f.accepted(request);
  f.restart();
  f.pass(1h);
  CHECK(f.row_named(waiting.id).ack == AckLevel::error);
}

TEST_CASE("a cancelled message is never sent: scheduled, or waiting") {
  Later f;
  const SentMessage scheduled = f.accepted(f.in(hour)), waiting = f.accepted(Fixture::text("waits"));
  const auto first = f.cancel(scheduled.id);
  REQUIRE(first.has_value());
  CHECK(first->ack == AckLevel::withdrawn);
  CHECK(first->error == "cancelled before it was sent");
  const auto second = f.cancel(waiting.id);
  REQUIRE(second.has_value());
  CHECK(second->ack == AckLevel::error);
  CHECK(f.told("ack") == 2);
  CHECK(f.queued() == 0);
  f.restart();
  const auto said = f.go_online();
  CHECK(std::none_of(said.begin(), said.end(), [](const auto& node) { return node.is("message"); }));
  CHECK(messages(f.pass(2h)).empty());
}

TEST_CASE("what is on its way cannot be cancelled, nor what is not in the queue") {
  Later f;
  f.go_online();
  const SentMessage sent = f.accepted(Fixture::text("on its way"));
  const auto late = f.cancel(sent.id);
  REQUIRE_FALSE(late.has_value());
  CHECK(late.error().code == protocol::Errc::conflict);
  f.stanza(ack(sent.id));
  const auto done = f.cancel(sent.id);
  REQUIRE_FALSE(done.has_value());
  CHECK(done.error().code == protocol::Errc::not_found);
  CHECK(done.error().subject == Subject::message);
}

TEST_CASE("a request that is repeated is answered with how its scheduled message stands") {
  Later f;
  SendMessage request = f.in(hour);
  request.idempotency_key = "key";
  request.request_hash = "hash";
  const SentMessage first = f.accepted(request);
  const SentMessage again = f.accepted(request);
  CHECK(again.replayed);
  CHECK(again.id == first.id);
  CHECK(again.ack == AckLevel::scheduled);
  CHECK(f.queued() == 1);
  REQUIRE(f.cancel(first.id).has_value());
  CHECK(f.accepted(request).ack == AckLevel::withdrawn);
  CHECK(f.queued() == 0);
}

TEST_CASE("deleting its chat and logging out end what is scheduled") {
  Later f;
  const SentMessage shown = f.accepted(Fixture::text("makes the chat"));
  const SentMessage scheduled = f.accepted(f.in(hour));
  f.tell(RemoveChat{ben});
  CHECK(f.queued() == 0);
  f.go_online();
  CHECK(messages(f.pass(2h)).empty());
  const SentMessage other = f.accepted(f.in(hour));
  f.tell(Logout{});
  f.pass(10s);
  CHECK(f.row_named(other.id).ack == AckLevel::withdrawn);
  CHECK(f.queued() == 0);
}

TEST_CASE("what is scheduled ends with its chat though nothing else was ever said in it") {
  Later f;
  f.go_online();
  const auto scheduled = f.accepted(f.in(hour));
  REQUIRE_FALSE(storage::find_chat(f.store->reader(), f.row.id, ben));
  const auto remove = [&] {
    std::optional<Outcome<>> answer;
    f.tell(RemoveChat{ben}, [&](Outcome<> done) { answer = std::move(done); });
    REQUIRE(answer);
    return answer->has_value();
  };
  CHECK(remove());
  CHECK(f.queued() == 0);
  CHECK(f.told("ack") == 1);
  CHECK_FALSE(storage::find_message_by_id(f.store->reader(), f.row.id, scheduled.id, true));
  CHECK(messages(f.pass(2h)).empty());
  CHECK_FALSE(remove());
}

TEST_CASE("a number that becomes a LID while something is scheduled stays one chat") {
  Later f;
  const Jid lid("100000000000002", "lid");
  const SentMessage first = f.accepted(f.in(hour, "first")), second = f.accepted(f.in(2 * hour, "second"));
  f.call([&] { f.session->directory().learn(ben, lid); });
  CHECK(f.row_named(first.id).chat == lid);
  CHECK(f.cancel(second.id)->ack == AckLevel::withdrawn);
  CHECK(f.row_named(second.id).ack == AckLevel::withdrawn);
  f.pass(1h);
  CHECK(f.row_named(first.id).ack == AckLevel::pending);
  CHECK(storage::find_chat(f.store->reader(), f.row.id, lid));
  CHECK_FALSE(storage::find_chat(f.store->reader(), f.row.id, ben));
  CHECK(storage::page_messages(f.store->reader(), f.row.id, lid, 10, std::nullopt).messages.size() == 1);
}

TEST_CASE("the time of a scheduled message may come in the turn in which its number becomes a LID") {
  Later f;
  const Jid lid("100000000000002", "lid");
  const SentMessage scheduled = f.accepted(f.in(hour));
  f.now_ms += hour;
  f.steady += 1h;
  f.call([&] { f.session->directory().learn(ben, lid); });
  CHECK(f.row_named(scheduled.id).ack == AckLevel::pending);
  CHECK(f.row_named(scheduled.id).chat == lid);
  CHECK(storage::page_messages(f.store->reader(), f.row.id, lid, 10, std::nullopt).messages.size() == 1);
}

TEST_CASE("what has expired is not sent by a connection that comes before its alarm") {
  Later f;
  SendMessage request = Fixture::text("waits");
  request.expires_at = f.now_ms + hour;
  for (int i = 0; i < 200; ++i) f.accepted(request);
  f.now_ms += hour;
  f.steady += 1h;
  std::size_t sent = 0;
  for (const auto& node : f.go_online()) sent += node.is("message");
  for (int turns = 0; turns < 10; ++turns) sent += messages(f.turn({})).size();
  CHECK(sent == 0);
  CHECK(f.queued() == 0);
}

TEST_CASE("a time that is past is refused, but not to whoever repeats a request") {
  Later f;
  const auto refused = [&](const SendMessage& request) {
    const auto answer = f.send(request);
    REQUIRE((answer && !answer->has_value()));
    return answer->error().subject;
  };
  SendMessage request = f.in(hour);
  request.message_id = "3EB0SCHEDULED1";
  request.request_hash = "hash";
  request.expires_at = f.now_ms + 2 * hour;
  f.accepted(request);
  f.pass(3h);
  CHECK(f.accepted(request).replayed);
  request.message_id = "3EB0SCHEDULED2";
  CHECK(refused(request) == Subject::send_at);
  request.send_at = f.now_ms - 59'000;  // of a clock that is behind
  CHECK(refused(request) == Subject::expires_at);
  request.expires_at = 0;
  CHECK(f.accepted(request).ack == AckLevel::pending);
}

TEST_CASE("receipts and retry requests for what was not sent yet do nothing") {
  Later f;
  f.go_online();
  const SentMessage scheduled = f.accepted(f.in(hour));
  Node delivered("receipt");
  delivered.set("id", scheduled.id).set("from", ben).set("t", "1700000002");
  f.stanza(delivered);
  CHECK(f.row_named(scheduled.id).ack == AckLevel::scheduled);
  Node retry("receipt");
  retry.set("id", scheduled.id).set("from", ben).set("t", "1700000002").set("type", "retry");
  retry.add(Node("retry").set("v", "1").set("count", "1").set("id", scheduled.id).set("t", "1700000000"));
  protocol::Bytes registration{0, 0, 0, 77};
  retry.add(Node("registration").bytes(registration));
  CHECK(messages(f.stanza(retry)).empty());
  CHECK(f.told("ack") == 0);
  CHECK(messages(f.pass(1h)).size() == 1);
}

TEST_CASE("nothing can be said about a message whose time has not come, nor can it be quoted") {
  Later f;
  f.go_online();
  f.accepted(Fixture::text("makes the chat"));
  const SentMessage scheduled = f.accepted(f.in(hour));
  SendMessage reaction;
  reaction.content = React{scheduled.id, "👍"};
  const auto refused = f.send(reaction);
  REQUIRE((refused && !refused->has_value()));
  CHECK(refused->error().subject == Subject::message);
  SendMessage quoting = Fixture::text("a quote");
  quoting.quoted_id = scheduled.id;
  const auto unquotable = f.send(quoting);
  REQUIRE((unquotable && !unquotable->has_value()));
  CHECK(unquotable->error().subject == Subject::quoted_message);
}

TEST_CASE("many that are due at once are released some at a time, in order, and each once") {
  Later f;
  f.go_online();
  std::vector<std::string> ids;
  for (int i = 0; i < 150; ++i) ids.push_back(f.accepted(f.in(hour, std::to_string(i))).id);
  std::vector<std::string> sent;
  auto effects = f.pass(1h);
  for (int turns = 0; turns < 10; ++turns) {
    for (const auto& node : messages(effects)) sent.emplace_back(node.attr("id"));
    if (sent.size() < ids.size()) CHECK(f.session->next_deadline() <= f.steady);
    effects = f.turn({});
  }
  CHECK(sent == ids);
}

TEST_CASE("with little room the urgent goes first, whatever was accepted before") {
  Later f;
  const Jid carl("15550000003", "s.whatsapp.net");
  f.befriend(carl);
  f.settings.max_in_flight = 1;
  f.reopen();
  SendMessage bulk = Fixture::text("bulk"), reply = Fixture::text("reply");
  bulk.priority = storage::Priority::low;
  reply.chat = carl;
  reply.priority = storage::Priority::high;
  const SentMessage first = f.accepted(bulk), second = f.accepted(bulk), urgent = f.accepted(reply);
  f.restart();  // the order is that of the rows
  std::vector<std::string> order;
  for (const auto& node : f.go_online())
    if (node.is("message")) order.emplace_back(node.attr("id"));
  while (!order.empty() && order.size() < 3) {
    for (const auto& node : messages(f.stanza(ack(order.back())))) order.emplace_back(node.attr("id"));
  }
  CHECK(order == std::vector<std::string>{urgent.id, first.id, second.id});
}
