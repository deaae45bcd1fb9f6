// The small machines of a session: backoff, keep-alive, connection gate, deadlines, IQ matching, judgements.
#include <catch2/catch.hpp>

#include "sessions/backoff.h"
#include "sessions/config_json.h"
#include "sessions/connect_gate.h"
#include "sessions/deadlines.h"
#include "sessions/event_json.h"
#include "sessions/iq_tracker.h"
#include "sessions/keepalive.h"
#include "sessions/login_flow.h"

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;

TEST_CASE("backoff grows with full jitter, keeps its cap and starts over only when told") {
  protocol::SeededRandom random(1);
  Backoff backoff;
  auto largest = 0ms;
  for (int i = 0; i < 200; ++i) {
    const auto delay = backoff.next(random);
    REQUIRE(delay >= Backoff::floor);
    REQUIRE(delay <= Backoff::cap);
    if (i == 0) REQUIRE(delay <= 1s);
    largest = std::max(largest, delay);
  }
  REQUIRE(largest > 60s);  // it did grow
  REQUIRE(backoff.attempts() == 200);
  backoff.reset();
  REQUIRE(backoff.next(random) <= 1s);
}

TEST_CASE("a rate limit pushes the next attempt further out than a plain failure") {
  protocol::SeededRandom random(7);
  Backoff plain, punished;
  plain.next(random);
  punished.penalise(random);
  auto most_plain = 0ms, most_punished = 0ms;
  for (int i = 0; i < 50; ++i) {
    Backoff p = plain, q = punished;
    most_plain = std::max(most_plain, p.next(random));
    most_punished = std::max(most_punished, q.next(random));
  }
  REQUIRE(most_punished > most_plain * 3);
}

TEST_CASE("ten seconds after the first unanswered send the socket is probed, and dead 20 s later") {
  protocol::SeededRandom random(2);
  const net::SteadyTime start{};
  Keepalive keepalive;
  keepalive.start(start, random);
  REQUIRE_FALSE(keepalive.dead_at().has_value());
  keepalive.on_send(start + 1s);
  keepalive.on_send(start + 9s);  // pushes nothing away
  REQUIRE(keepalive.ping_at() == start + 1s + Keepalive::doubt_after);
  REQUIRE_FALSE(keepalive.dead_at().has_value());  // acks draw no answer: silence alone proves nothing
  keepalive.on_ping(start + 11s);
  REQUIRE_FALSE(keepalive.ping_at().has_value());
  REQUIRE(keepalive.dead_at() == start + 11s + Keepalive::patience);
  keepalive.on_receive(start + 20s, random);
  REQUIRE_FALSE(keepalive.dead_at().has_value());
}

TEST_CASE("an idle connection is pinged 15 to 30 s after the last receive") {
  protocol::SeededRandom random(3);
  const net::SteadyTime start{};
  Keepalive keepalive;
  keepalive.start(start, random);
  REQUIRE(keepalive.ping_at() >= start + 15s);
  REQUIRE(keepalive.ping_at() <= start + 30s);
  keepalive.on_receive(start + 14s, random);
  REQUIRE(keepalive.ping_at() >= start + 29s);
}

TEST_CASE("the gate lets a burst through and spaces what follows") {
  ConnectGate gate(100, 5);
  const net::SteadyTime now = net::SteadyTime{} + 1h;
  net::SteadyTime last = now;
  int at_once = 0;
  for (int i = 0; i < 105; ++i) {
    const auto start = gate.reserve(now, now);
    REQUIRE(start >= now);
    if (start == now) ++at_once;
    last = std::max(last, start);
  }
  REQUIRE(at_once >= 5);
  REQUIRE(at_once <= 7);
  REQUIRE(last - now >= 900ms);
  REQUIRE(last - now <= 1100ms);
}

TEST_CASE("deadlines give the earliest and each only once") {
  Deadlines deadlines;
  const net::SteadyTime now = net::SteadyTime{} + 1h;
  deadlines.set(Deadline::keepalive, now + 5s);
  deadlines.set(Deadline::iq, now + 2s);
  REQUIRE(deadlines.earliest() == now + 2s);
  REQUIRE_FALSE(deadlines.take_due(now + 1s).has_value());
  REQUIRE(deadlines.take_due(now + 3s) == Deadline::iq);
  REQUIRE_FALSE(deadlines.take_due(now + 3s).has_value());
}

TEST_CASE("an IQ is answered once, expires once, and fails when the connection ends") {
  IqTracker tracker;
  const net::SteadyTime now{};
  std::vector<std::string> seen;
  const auto note = [&](std::string name) {
    return [&seen, name](const protocol::Node* answer) { seen.push_back(name + (answer ? ":answer" : ":none")); };
  };
  tracker.expect("a", now + 10s, note("a"));
  tracker.expect("b", now + 20s, note("b"));
  tracker.expect("c", now + 30s, note("c"));
  protocol::Node answer("iq");
  answer.set("id", "a").set("type", "result");
  REQUIRE(tracker.answer(answer));
  REQUIRE_FALSE(tracker.answer(answer));  // a second answer with the id finds nobody
  REQUIRE(tracker.earliest() == now + 20s);
  tracker.expire(now + 20s);
  tracker.fail_all();
  REQUIRE(seen == std::vector<std::string>{"a:answer", "b:none", "c:none"});
}

TEST_CASE("failures and stream errors are judged as the protocol says") {
  using Next = LoginFlow::Verdict::Next;
  struct Row {
    const char* reason;
    Next next;
    const char* code;
  };
  for (const Row& row :
       {Row{"401", Next::stop, "unlinked"}, Row{"402", Next::stop, "restricted"}, Row{"403", Next::stop, "unlinked"},
        Row{"405", Next::stop, "outdated"}, Row{"406", Next::stop, "banned"}, Row{"409", Next::stop, "refused"},
        Row{"500", Next::reconnect_later, "network"}, Row{"503", Next::reconnect_later, "network"},
        Row{"99999999999999999999", Next::stop, "refused"}, Row{"abc", Next::stop, "refused"}}) {
    protocol::Node failure("failure");
    failure.set("reason", row.reason).set("expire", "3600").set("code", "101");
    const auto verdict = LoginFlow::judge_failure(failure, "s", 1'000'000);
    INFO(row.reason);
    REQUIRE(verdict.next == row.next);
    REQUIRE(verdict.reason.has_value());
    REQUIRE(verdict.reason->code == row.code);
    REQUIRE(verdict.reason->until.has_value() == (std::string(row.code) == "restricted"));
    if (verdict.reason->until) REQUIRE(*verdict.reason->until == 1'000'000 + 3'600'000);  // a duration, not a time
  }
  protocol::Node replaced("stream:error");
  replaced.set("code", "515").add(protocol::Node("conflict").set("type", "replaced"));
  REQUIRE(LoginFlow::judge_stream_error(replaced, "s").reason->code == "replaced");  // conflict before code
  protocol::Node removed("stream:error");
  removed.set("code", "401").add(protocol::Node("conflict").set("type", "device_removed"));
  REQUIRE(LoginFlow::judge_stream_error(removed, "s").reason->code == "unlinked");
  protocol::Node restart("stream:error");
  restart.set("code", "515");
  REQUIRE(LoginFlow::judge_stream_error(restart, "s").next == Next::reconnect_now);
  protocol::Node limited("stream:error");
  limited.set("code", "429");
  REQUIRE(LoginFlow::judge_stream_error(limited, "s").penalty);
}

TEST_CASE("event data is JSON whatever the text holds") {
  storage::MessageRow row;
  row.chat = Jid("100000000000001", "lid");
  row.author = row.chat;
  row.id = "3EB0";
  row.kind = "text";
  row.body = "quote \" backslash \\ newline \n tab \t bell \x07 umlaut \xc3\xa4";
  PersonIds ids;
  ids.pn = Jid("15550000001", "s.whatsapp.net");
  const std::string json = message_event_json(row, ids, PersonIds(), R"({"k":1})");
  REQUIRE(json.find(R"(quote \" backslash \\ newline \n tab \t bell \u0007 umlaut )") != std::string::npos);
  REQUIRE(json.find(R"("chatPn":"15550000001@s.whatsapp.net")") != std::string::npos);
  REQUIRE(json.find(R"("metadata":{"k":1})") != std::string::npos);
  REQUIRE(json.front() == '{');
  REQUIRE(json.back() == '}');
}

TEST_CASE("a reason survives its JSON, and garbage is no reason") {
  Reason reason{"restricted", "banned \"for now\"", "wait", 12345};
  const auto back = parse_reason(reason_json(reason));
  REQUIRE(back.has_value());
  REQUIRE(back->code == "restricted");
  REQUIRE(back->message == "banned \"for now\"");
  REQUIRE(back->until == 12345);
  for (const char* bad : {"", "{", "[]", "{\"message\":\"x\"}", "7"}) REQUIRE_FALSE(parse_reason(bad).has_value());
}

TEST_CASE("a stored config keeps its values, and missing ones their defaults") {
  const auto config = parse_config(R"({"qrTimeout":120,"multiDevice":false,"proxyServerCredentials":
    {"protocol":"socks5","address":"socks5://10.0.0.1:1080","username":"u","password":"p"}})");
  REQUIRE(config.qr_timeout == 120s);
  REQUIRE(config.auth_timeout == 60s);
  REQUIRE_FALSE(config.multi_device);
  REQUIRE(config.proxy.has_value());
  REQUIRE(config.proxy->host == "10.0.0.1");
  REQUIRE(config.proxy->port == 1080);
  REQUIRE_FALSE(parse_config("not json").proxy.has_value());
}
