// A first message to a group with many devices, turn by turn: what each turn does, and what a change between two of
// them does (sessions/groups/group_fanout.h).
#include <catch2/catch.hpp>

#include <algorithm>
#include <utility>

#include "protocol/messages/message_id.h"
#include "protocol/stanzas/key_nodes.h"
#include "storage/sender_keys.h"
#include "tests/sessions/group_stanzas.h"
#include "tests/sessions/sending.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;
using storage::KeyCopy;
using test::crew;

namespace {

struct Crowd : test::SessionFixture {
  static constexpr std::size_t many = 60;  // more than a page of copies

  /// `strangers` of them have a device that we have no session with.
  explicit Crowd(std::size_t friends, std::size_t strangers = 0) {
    for (std::size_t i = 0; i < friends + strangers; ++i) {
      members.emplace_back(std::to_string(100'000'000'000'100 + i), "lid");
      if (i < friends) befriend(members.back());
      else test::list_devices(*this, members.back(), {0});
    }
    test::know(*this, test::group_of(crew, members));
    go_online();
  }
  void say(const std::string& id) {
    SendMessage message = text("hello");
    message.chat = crew;
    message.message_id = id;
    take(tell(std::move(message), [](const Outcome<SentMessage>& sent) { REQUIRE(sent.has_value()); }));
  }
  void take(std::vector<Effect> effects) {
    for (const Node& node : sent(effects)) (node.is("message") ? messages : others).push_back(node);
    for (Effect& effect : effects) {
      auto* work = std::get_if<RunWork>(&effect);
      if (work == nullptr) continue;
      work->work();
      waiting.push_back(std::move(work->then));
    }
  }
  /// What was left for later turns, a turn each; what that leaves waits on.
  void step() {
    auto now = std::exchange(waiting, {});
    REQUIRE_FALSE(now.empty());
    for (auto& then : now) take(call(std::move(then)));
  }
  void finish() {
    for (int turns = 0; !waiting.empty(); ++turns) {
      REQUIRE(turns < 20);
      step();
    }
  }
  void removed(const Jid& who) {
    take(stanza(test::notice(crew, members.at(1), test::change_of("remove", who, "1", "2"))));
  }
  std::vector<KeyCopy> copies() const { return storage::load_key_copies(store->reader(), row.id, crew); }
  std::size_t copies_in(KeyCopy::State state) const {
    const auto all = copies();
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const KeyCopy& copy) { return copy.state == state; }));
  }
  bool has_copy(const Jid& who) const {
    const auto all = copies();
    return std::any_of(all.begin(), all.end(), [&](const KeyCopy& copy) { return copy.device == who; });
  }
  /// Every copy is made and stored, and nobody has looked at the group since.
  void make_all_copies() {
    for (int turns = 0; copies_in(KeyCopy::State::ready) < members.size(); ++turns) {
      REQUIRE(turns < 20);
      step();
    }
  }

  std::vector<Jid> members;
  std::vector<UniqueFunction<void()>> waiting;
  std::vector<Node> messages, others;
};

std::vector<Jid> given_to(const Node& message) {
  std::vector<Jid> out;
  if (const Node* participants = message.child("participants"))
    for (const Node* to : participants->children("to")) out.push_back(*to->jid("jid"));
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace

TEST_CASE("a stanza with many copies has a turn of its own, and is made of what the turn before looked up") {
  Crowd f(Crowd::many);
  f.say("3EB0AA");
  f.make_all_copies();
  REQUIRE(f.messages.empty());
  f.step();
  REQUIRE(f.messages.empty());
  // Unheard by the session: the rows hold no copies any more, so reading them again would send none.
  storage::Changes changes;
  changes.add(storage::SendKeyCopies{f.row.id, crew, "3EB0AA"});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  f.step();
  REQUIRE(f.messages.size() == 1);
  CHECK(given_to(f.messages[0]) == f.members);
  CHECK(f.waiting.empty());
}

TEST_CASE("copies that went with a message are held when the server has it, and go with no other one") {
  Crowd f(Crowd::many);
  f.say("3EB0AA");
  f.finish();
  REQUIRE(f.messages.size() == 1);
  CHECK(f.copies_in(KeyCopy::State::sent) == Crowd::many);
  f.take(f.stanza(Node("ack").set("class", "message").set("id", "3EB0AA").set("from", crew).set("t", "1700000001")));
  CHECK(f.copies_in(KeyCopy::State::held) == Crowd::many);
  f.say("3EB0BB");
  REQUIRE(f.messages.size() == 2);
  CHECK(given_to(f.messages[1]).empty());
}

TEST_CASE("who leaves between two pages of copies gets none, and another key is made when there was one") {
  Crowd f(Crowd::many);
  f.say("3EB0AA");
  REQUIRE(f.copies_in(KeyCopy::State::ready) == 48);
  const auto key = storage::find_own_sender_key(f.store->reader(), f.row.id, crew);
  Jid who;
  bool another_key = false;
  SECTION("before the page with the copy") { who = f.members.back(); }
  SECTION("behind it") {
    who = f.members.front();
    another_key = true;
  }
  REQUIRE(f.has_copy(who) == another_key);
  f.removed(who);
  f.step();
  CHECK_FALSE(f.has_copy(who));
  CHECK((storage::find_own_sender_key(f.store->reader(), f.row.id, crew) != key) == another_key);
  f.finish();
  REQUIRE(f.messages.size() == 1);
  std::vector<Jid> rest = f.members;
  std::erase(rest, who);
  CHECK(given_to(f.messages[0]) == rest);
  rest.push_back(test::self.with_device(3));
  CHECK(f.messages[0].attr("phash") == protocol::participant_hash(rest));
}

TEST_CASE("who leaves between the look at the group and the stanza gets no copy") {
  Crowd f(Crowd::many);
  f.say("3EB0AA");
  f.make_all_copies();
  f.step();
  REQUIRE(f.messages.empty());
  f.removed(f.members.front());
  f.finish();
  REQUIRE(f.messages.size() == 1);
  CHECK(given_to(f.messages[0]) == std::vector<Jid>(f.members.begin() + 1, f.members.end()));
}

TEST_CASE("who comes between two pages of copies is not passed over") {
  Crowd f(Crowd::many);
  const Jid late("100000000000200", "lid");
  f.befriend(late);
  f.say("3EB0AA");
  f.take(f.stanza(test::notice(crew, f.members.at(1), test::change_of("add", late, "1", "2"))));
  f.finish();
  REQUIRE(f.messages.size() == 1);
  f.members.push_back(late);
  CHECK(given_to(f.messages[0]) == f.members);
}

TEST_CASE("the keys that a page of copies wants are asked for with it, and for nobody else") {
  Crowd f(2, 1);
  f.say("3EB0AA");
  REQUIRE(f.messages.empty());
  std::erase_if(f.others, [](const Node& node) { return node.child("key") == nullptr; });
  REQUIRE(f.others.size() == 1);
  const Node asked = f.others[0];
  REQUIRE(asked.child("key")->children("user").size() == 1);
  CHECK(asked.child("key")->child("user")->jid("jid") == f.members[2]);
  const auto peer = test::SignalPeer::make(f.random, 77);
  f.take(f.stanza(Node("iq")
                      .set("id", asked.attr("id"))
                      .set("type", "result")
                      .add(Node("list").add(protocol::bundle_user_node(f.members[2], peer.bundle())))));
  f.finish();
  REQUIRE(f.messages.size() == 1);
  CHECK(given_to(f.messages[0]) == f.members);
}
