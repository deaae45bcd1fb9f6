#include "sessions/login_flow.h"

#include <catch2/catch.hpp>

#include "protocol/stanzas/prekeys.h"
#include "storage/chats.h"
#include "storage/messages.h"
#include "tests/sessions/session_fixture.h"
#include "tests/storage/counts.h"

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;

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
    const auto verdict = LoginFlow::judge_failure(failure, 1'000'000);
    INFO(row.reason);
    REQUIRE(verdict.next == row.next);
    REQUIRE(verdict.reason.has_value());
    REQUIRE(verdict.reason->code == row.code);
    REQUIRE(verdict.reason->until.has_value() == (std::string(row.code) == "restricted"));
    if (verdict.reason->until) REQUIRE(*verdict.reason->until == 1'000'000 + 3'600'000);  // a duration, not a time
  }
  protocol::Node replaced("stream:error");
  replaced.set("code", "515").add(protocol::Node("conflict").set("type", "replaced"));
  REQUIRE(LoginFlow::judge_stream_error(replaced).reason->code == "replaced");  // conflict before code
  protocol::Node removed("stream:error");
  removed.set("code", "401").add(protocol::Node("conflict").set("type", "device_removed"));
  REQUIRE(LoginFlow::judge_stream_error(removed).reason->code == "unlinked");
  protocol::Node restart("stream:error");
  restart.set("code", "515");
  REQUIRE(LoginFlow::judge_stream_error(restart).next == Next::reconnect_now);
  protocol::Node limited("stream:error");
  limited.set("code", "429");
  REQUIRE(LoginFlow::judge_stream_error(limited).penalty);
}

namespace {

using Fixture = test::SessionFixture;
using protocol::Node;

std::optional<Node> asked(const std::vector<Effect>& effects, std::string_view child) {
  for (const Node& node : Fixture::sent(effects))
    if (node.is("iq") && node.child(child)) return node;
  return std::nullopt;
}

Node result(const Node& iq) { return Node("iq").set("id", iq.attr("id")).set("type", "result"); }

/// Runs the deadlines that are due `after` from now.
std::vector<Effect> pass(Fixture& f, std::chrono::milliseconds after) {
  f.steady += after;
  f.now_ms += after.count();
  return f.turn({});
}

storage::DeviceRow stored(Fixture& f) { return *storage::load_device(f.store->reader(), f.row.id); }

/// The answer of a server that has this signed prekey.
Node digest_answer(Fixture& f, const Node& iq, protocol::PreKeyId id) {
  const auto device = stored(f);
  const auto key = storage::find_signed_pre_key(f.store->reader(), f.row.id, id);
  REQUIRE(key.has_value());
  protocol::PublishedKeys keys{device.registration_id, device.identity.pub, id, key->pair.pub, key->signature};
  Node skey("skey");
  skey.add(Node("id").bytes(protocol::big_endian(id, 3)));
  skey.add(Node("value").bytes(keys.signed_pre_key)).add(Node("signature").bytes(keys.signature));
  Node digest("digest");
  digest.add(Node("registration").bytes(protocol::big_endian(keys.registration_id, 4)));
  digest.add(Node("type").bytes(protocol::Bytes{5})).add(Node("identity").bytes(keys.identity));
  digest.add(std::move(skey)).add(Node("list")).add(Node("hash").bytes(protocol::digest_hash(keys, {})));
  return result(iq).add(std::move(digest));
}

bool makes_keys(const std::vector<Effect>& effects) {
  return std::any_of(effects.begin(), effects.end(),
                     [](const Effect& effect) { return std::holds_alternative<RunWork>(effect); });
}

/// A new login, up to what it asks.
std::vector<Effect> log_in(Fixture& f) {
  f.reopen();
  std::vector<Input> inputs;
  inputs.emplace_back(LinkUp{{}, false, f.session->link_epoch()});
  f.turn(std::move(inputs));
  return f.stanza(Node("success").set("t", "1700000000"));
}

/// A login of a device whose signed prekey is due, until its rotation is under way; the stanza that carries it.
Node rotate(Fixture& f) {
  f.go_online();
  const auto due = pass(f, 61s);
  const auto rotation = asked(due, "rotate");
  REQUIRE(rotation.has_value());
  REQUIRE(stored(f).signed_pre_key_id == 2);
  return *rotation;
}

}  // namespace

TEST_CASE("a signed prekey counts as rotated when the server says so") {
  Fixture f;
  const Node rotation = rotate(f);
  CHECK(stored(f).signed_pre_key_at == 0);
  f.stanza(result(rotation));
  CHECK(stored(f).signed_pre_key_at == f.now_ms);
  CHECK_FALSE(asked(log_in(f), "digest"));  // nothing is in doubt
}

TEST_CASE("a rotation whose answer is lost is looked at again at the next login, and the newer key given again") {
  Fixture f;
  rotate(f);
  const auto login = log_in(f);
  const auto question = asked(login, "digest");
  REQUIRE(question.has_value());
  SECTION("the server has the new key") {
    CHECK_FALSE(makes_keys(f.stanza(digest_answer(f, *question, 2))));
    CHECK(stored(f).signed_pre_key_at == f.now_ms);
  }
  SECTION("the server has the old one") {
    CHECK(makes_keys(f.stanza(digest_answer(f, *question, 1))));  // an upload, which carries the current one
    CHECK(stored(f).signed_pre_key_at == 0);
  }
  SECTION("the server does not say") {
    f.stanza(Node("iq").set("id", question->attr("id")).set("type", "error").add(Node("error").set("code", "503")));
    CHECK(stored(f).signed_pre_key_at == 0);
    CHECK(stored(f).signed_pre_key_id == 2);  // no third key before the second is known to be there
  }
}

TEST_CASE("a refused rotation is not repeated with ever new keys") {
  Fixture f;
  const Node rotation = rotate(f);
  f.stanza(Node("iq").set("id", rotation.attr("id")).set("type", "error").add(Node("error").set("code", "503")));
  const auto later = pass(f, 24h);
  CHECK(stored(f).signed_pre_key_id == 2);
  CHECK_FALSE(asked(later, "rotate"));
}

TEST_CASE("a low count of one-time keys makes new ones; enough of them does not") {
  for (const auto& [count, wanted] : {std::pair("3", true), std::pair("700", false)}) {
    Fixture f;
    const auto question = asked(log_in(f), "count");
    REQUIRE(question.has_value());
    CHECK(makes_keys(f.stanza(result(*question).add(Node("count").set("value", count)))) == wanted);
  }
}

TEST_CASE("a server that states no possible time is not believed about the time") {
  for (const char* t : {"18446744073709551615", "9223372036854775807", "253402300800"}) {
    Fixture f;
    std::vector<Input> inputs;
    inputs.emplace_back(LinkUp{{}, false, f.session->link_epoch()});
    f.turn(std::move(inputs));
    f.stanza(Node("success").set("t", t));
    CHECK(f.session->context().clock_offset_ms == 0);
  }
}

TEST_CASE("routing info is kept for the next connection; more than 4 KiB of it is not taken") {
  Fixture f;
  f.go_online();
  const auto told = [](std::size_t bytes) {
    return Node("ib").add(Node("edge_routing").add(Node("routing_info").bytes(protocol::Bytes(bytes, 9))));
  };
  f.stanza(told(16));
  f.stanza(told(4097));
  f.reopen();
  const auto hello = f.session->link_settings("ws://127.0.0.1/", {}, true, Now{f.now_ms, f.steady}, 0);
  CHECK(hello.routing_info == protocol::Bytes(16, 9));
}

TEST_CASE("the backlog is asked for in batches, again every two seconds, until the server says that was all") {
  Fixture f;
  f.go_online();
  const auto batches = [](const std::vector<Effect>& effects) {
    const auto nodes = Fixture::sent(effects);
    return std::count_if(nodes.begin(), nodes.end(),
                         [](const Node& node) { return node.is("ib") && node.child("offline_batch"); });
  };
  CHECK(batches(f.stanza(Node("ib").add(Node("offline_preview").set("count", "0")))) == 0);
  CHECK(batches(f.stanza(Node("ib").add(Node("offline_preview").set("count", "300")))) == 1);
  f.steady += 2s;
  CHECK(batches(f.turn({})) == 1);
  f.stanza(Node("ib").add(Node("offline").set("count", "300")));
  f.steady += 2s;
  CHECK(batches(f.turn({})) == 0);
}

TEST_CASE("a dirty domain is cleaned with the time that it came with") {
  Fixture f;
  f.go_online();
  const auto dirty = [](Node child) { return Node("ib").add(std::move(child)); };
  const auto cleaned =
      asked(f.stanza(dirty(Node("dirty").set("type", "account_sync").set("timestamp", "1700000123"))), "clean");
  REQUIRE(cleaned);
  CHECK(cleaned->child("clean")->attr("type") == "account_sync");
  CHECK(cleaned->child("clean")->attr("timestamp") == "1700000123");
  CHECK_FALSE(asked(f.stanza(dirty(Node("dirty").set("type", "groups"))), "clean"));
  // What is no time of the server's is not sent back, whatever it is said of.
  for (const char* type : {"privacy", "groups", "syncd_app_state", "newsletter_metadata"})
    for (const std::string& timestamp : {std::string("1 2"), std::string(2'000, '1')})
      CHECK(Fixture::sent(f.stanza(dirty(Node("dirty").set("type", type).set("timestamp", timestamp)))).empty());
}

TEST_CASE("a server that answers pings but never `active` does not keep a login waiting for ever") {
  Fixture f;
  std::vector<Input> up;
  up.emplace_back(LinkUp{{}, false, f.session->link_epoch()});
  f.turn(std::move(up));
  f.stanza(Node("success").set("t", "1700000000"));
  const auto epoch = f.session->link_epoch();
  bool reopened = false;
  for (auto waited = 0s; waited <= IqTracker::default_timeout && !reopened; waited += 5s) {
    f.steady += 5s;
    for (const Effect& effect : f.stanza(Node("presence"))) reopened |= std::holds_alternative<OpenLink>(effect);
  }
  CHECK(reopened);
  CHECK(f.session->link_epoch() != epoch);
}

TEST_CASE("prekeys that a worker made for a device that was logged out meanwhile are nobody's") {
  Fixture f;
  {
    storage::Changes changes;
    auto device = *storage::load_device(f.store->reader(), f.row.id);
    device.server_has_prekeys = false;
    changes.add(storage::PutDevice{device});
    f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  }
  f.reopen();
  std::vector<Input> up;
  up.emplace_back(LinkUp{{}, false, f.session->link_epoch()});
  f.turn(std::move(up));
  auto effects = f.stanza(Node("success").set("t", "1700000000"));
  const auto work =
      std::find_if(effects.begin(), effects.end(), [](const Effect& e) { return std::holds_alternative<RunWork>(e); });
  REQUIRE(work != effects.end());
  std::get<RunWork>(*work).work();
  f.cut();
  f.tell(Logout(), [](protocol::Result<SessionView> done) { REQUIRE(done.has_value()); });
  f.call(std::move(std::get<RunWork>(*work).then));
  CHECK(storage::count_pre_keys(f.store->reader(), f.row.id) == 0);
}

TEST_CASE("the chat with oneself goes along when the account gets a LID") {
  Fixture f;
  const Jid number("15550000001", "s.whatsapp.net"), lid("100000000000001", "lid");
  storage::Changes changes;
  auto device = stored(f);
  device.lid = Jid();
  changes.add(storage::PutDevice{device});
  storage::MessageRow note;
  note.session = f.row.id;
  note.chat = note.author = number;
  note.id = "3EB0AA";
  note.from_me = true;
  note.kind = "text";
  changes.add(storage::InsertMessage{note, false, std::nullopt});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.reopen();
  f.go_online();
  CHECK(stored(f).lid.user_jid() == lid);
  CHECK_FALSE(storage::find_chat(f.store->reader(), f.row.id, number));
  const auto chat = storage::find_chat(f.store->reader(), f.row.id, lid);
  REQUIRE(chat);
  CHECK(chat->alternate == number);
  CHECK(storage::has_message(f.store->reader(), f.row.id, lid, "3EB0AA"));
}
