// Status posts from a real Session, read by people that hold their own keys: whom a post goes to, what deletes it, who
// has seen it.
#include <catch2/catch.hpp>

#include "protocol/appstate/actions.h"
#include "storage/app_state.h"
#include "storage/contacts.h"
#include "storage/member_receipts.h"
#include "storage/outbox.h"
#include "tests/sessions/status_stage.h"

using namespace wharf;
using namespace wharf::test::statuses;

TEST_CASE("a status post for named people is encrypted for them, and says whom it is for") {
  Stage f;
  const auto first = f.post("3EB0AA", std::vector{ben, carl});
  REQUIRE(first.size() == 1);
  const Node& message = first[0];
  CHECK(message.jid("to") == status);
  CHECK(message.attr("type") == "text");
  CHECK_FALSE(message.has("addressing_mode"));
  CHECK_FALSE(message.has("phash"));
  REQUIRE(message.child("meta"));
  CHECK(message.child("meta")->attr("status_setting") == "allowlist");
  CHECK(named(message, true) == std::vector{ben, carl});
  CHECK(named(message, false) == std::vector{self});  // whose phone is not listed: it has the text without a key
  const auto shown = f.read(ben, message);
  REQUIRE(shown);
  CHECK(shown->text == "open until eight");
  REQUIRE(std::holds_alternative<protocol::TextStyle>(shown->body));
  CHECK(std::get<protocol::TextStyle>(shown->body) == protocol::TextStyle{0xFFFFFFFF, 0xFF1F7AEC, 2});
  CHECK(f.read(carl, message));

  f.hear(Stage::ack_of("3EB0AA"));
  CHECK(f.row_of("3EB0AA").ack == AckLevel::server);
  CHECK(f.row_of("3EB0AA").details == R"({"style":{"backgroundColor":"#1F7AEC","textColor":"#FFFFFF","font":2}})");
  CHECK(storage::find_reach(f.store->reader(), f.row_of("3EB0AA").row)->members == 2);
  CHECK_FALSE(storage::find_chat(f.store->reader(), f.row.id, status));  // it is of no chat

  // Who has the key stands by name.
  const auto second = f.post("3EB0BB", std::vector{ben, carl});
  REQUIRE(second.size() == 1);
  CHECK(named(second[0], true).empty());
  CHECK(named(second[0], false) == std::vector{self, ben, carl});
  CHECK(f.read(ben, second[0])->text == "open until eight");
}

TEST_CASE("a status post for fewer people is under a key that the others do not have") {
  Stage f;
  const auto first = f.post("3EB0AA", std::vector{ben, carl});
  REQUIRE(first.size() == 1);
  f.read(carl, first[0]);
  f.hear(Stage::ack_of("3EB0AA"));
  const auto second = f.post("3EB0BB", std::vector{ben});
  REQUIRE(second.size() == 1);
  CHECK(key_of(second[0]) != key_of(first[0]));
  CHECK(named(second[0], true) == std::vector{ben});
  CHECK(named(second[0], false) == std::vector{self});
  CHECK_FALSE(f.read(carl, second[0]));
  CHECK(f.read(ben, second[0]));
}

TEST_CASE("whom the account's setting means is asked for, and kept with the post") {
  Stage f;
  f.have_chats({ben, carl, Jid("120363000000000001", "g.us")});
  const auto posted = [&](const std::string& id, const StatusAudience& chosen) {
    REQUIRE(f.post(id, std::nullopt).empty());
    CHECK_FALSE(storage::find_status_audience(f.store->reader(), f.row.id, id)->settled);
    const auto out = f.choose(chosen);
    REQUIRE(out.size() == 1);
    f.hear(Stage::ack_of(id));
    return out[0];
  };
  using Kind = StatusAudience::Kind;
  const auto users = [&](const std::string& id) {
    auto people = storage::find_status_audience(f.store->reader(), f.row.id, id)->users;
    std::sort(people.begin(), people.end());
    return people;
  };
  // The address book was never read: the contacts are those with whom there is a chat.
  const Node contacts = posted("3EB0AA", {Kind::contacts, {}});
  CHECK(contacts.child("meta")->attr("status_setting") == "contacts");
  CHECK(users("3EB0AA") == std::vector{ben, carl});
  const Node except = posted("3EB0BB", {Kind::except, {ben}});
  CHECK(except.child("meta")->attr("status_setting") == "denylist");
  CHECK(users("3EB0BB") == std::vector{carl});
  const Node only = posted("3EB0CC", {Kind::only, {ben}});
  CHECK(only.child("meta")->attr("status_setting") == "allowlist");
  CHECK(named(only, true) == std::vector{ben});
  CHECK(users("3EB0CC") == std::vector{ben});
}

TEST_CASE("the contacts are those of the phone's address book as soon as it was read") {
  Stage f;
  f.have_chats();
  const auto have = [&](auto change) {
    storage::Changes changes;
    changes.add(std::move(change));
    f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  };
  const auto audience = [&](const std::string& id) {
    REQUIRE(f.post(id, std::nullopt).empty());
    f.choose({StatusAudience::Kind::contacts, {}});
    f.hear(Stage::ack_of(id));
    return storage::find_status_audience(f.store->reader(), f.row.id, id)->users;
  };
  const std::string book(protocol::critical_unblock_low);
  // One person under several indexes, one who is called so and is not in it, and one who is known to have left.
  const auto have_record = [&](std::uint8_t mac, const char* action, const Jid& who) {
    have(storage::PutAppStateRecord{f.row.id, book, {{mac}, {1}, {1}, protocol::index_of({action, who.to_string()})}});
  };
  const Jid dora("100000000000004", "lid"), erin("100000000000005", "lid");
  have_record(1, "contact", carl);
  have_record(2, "lid_contact", carl);
  have_record(3, "contact", erin);
  have_record(4, "pin", ben);
  storage::ContactRow known;
  known.user = dora;
  known.name = "Dora";
  have(storage::PutContact{f.row.id, known});
  known.user = erin;
  known.registered = storage::Registered::no;
  have(storage::PutContact{f.row.id, known});
  CHECK(audience("3EB0AA") == std::vector{ben});
  have(storage::PutAppState{f.row.id, {book, 3, {}, 3, false, false}});
  f.reopen();
  f.said = f.go_online();
  CHECK(audience("3EB0BB") == std::vector{carl});
}

TEST_CASE("a setting that is not understood lets no post out") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::nullopt).empty());
  const Node question = f.question();
  const Node list = Node("list").set("type", "close_friends").set("default", "true");
  CHECK(f.hear(test::result_of(question).add(Node("privacy").add(list))).empty());
  CHECK(f.row_of("3EB0AA").ack == AckLevel::pending);
}

TEST_CASE("a status post goes on after a restart, to whom it was settled for, and as it was sealed") {
  Stage f;
  f.have_chats();
  REQUIRE(f.post("3EB0AA", std::nullopt).empty());
  f.reopen();  // before WhatsApp has answered
  f.said = f.go_online();
  const auto sealed = f.choose({StatusAudience::Kind::only, {carl}});
  REQUIRE(sealed.size() == 1);
  CHECK(named(sealed[0], true) == std::vector{carl});
  f.reopen();  // before its ack
  std::vector<Node> again = f.go_online();
  std::erase_if(again, [](const Node& node) { return !node.is("message"); });
  REQUIRE(again.size() == 1);
  CHECK(protocol::encode_node(again[0]) == protocol::encode_node(sealed[0]));
  f.hear(Stage::ack_of("3EB0AA"));
  CHECK(f.row_of("3EB0AA").ack == AckLevel::server);
  CHECK(storage::find_reach(f.store->reader(), f.row_of("3EB0AA").row)->members == 1);
}

TEST_CASE("deleting a status post goes to whom the post went") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  REQUIRE(f.post("3EB0BB", std::vector{carl}).size() == 1);
  f.hear(Stage::ack_of("3EB0BB"));
  const auto out = f.revoke("3EB0AA", "3EB0CC");
  REQUIRE(out.size() == 1);
  CHECK(out[0].attr("edit") == "7");
  CHECK(out[0].attr("id") == "3EB0CC");
  CHECK(out[0].child("meta") == nullptr);
  CHECK(named(out[0], true) == std::vector{ben});
  CHECK(named(out[0], false) == std::vector{self});
  CHECK(f.row_of("3EB0AA").revoked_at == 0);  // when the server has it
  f.hear(Stage::ack_of("3EB0CC"));
  CHECK(f.row_of("3EB0AA").revoked_at != 0);
}

TEST_CASE("who was posted to counts as a viewer, and nobody else") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  const auto viewers = [&] { return storage::member_receipts(f.store->reader(), f.row_of("3EB0AA").row, 9); };
  f.hear(Stage::receipt_of(carl, "3EB0AA", "read"));
  CHECK(viewers().empty());
  f.hear(Stage::receipt_of(ben.with_device(3), "3EB0AA", ""));
  f.hear(Stage::receipt_of(ben, "3EB0AA", "read"));
  REQUIRE(viewers().size() == 1);
  CHECK(viewers()[0].user == ben);
  CHECK(viewers()[0].read_at == 1'700'000'005'000);
  CHECK(f.row_of("3EB0AA").ack == AckLevel::read);
}

TEST_CASE("a status post is sent again to a device of its audience alone") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  CHECK(f.asked_again(carl, "3EB0AA").empty());
  const auto again = f.asked_again(ben, "3EB0AA");
  REQUIRE(again.size() == 1);
  CHECK(again[0].jid("to") == status);
  CHECK(again[0].jid("participant") == ben);
  CHECK_FALSE(again[0].has("addressing_mode"));
  REQUIRE(again[0].child("meta"));
  CHECK(again[0].child("meta")->attr("status_setting") == "allowlist");
  f.now_ms += status_lifetime_ms + 1;
  CHECK(f.asked_again(ben, "3EB0AA").empty());  // over a day old
}

TEST_CASE("who asks for a status again is not given the key of one that was for others") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben, carl}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  REQUIRE(f.post("3EB0BB", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0BB"));
  const auto resent_to = [&](const Jid& who) {
    const auto out = f.asked_again(who, "3EB0AA");
    REQUIRE(out.size() == 1);
    const Node* enc = out[0].child("enc");
    using Kind = protocol::CiphertextKind;
    const auto opened = f.people.at(who).peer.receive(
        {enc->attr("type") == "pkmsg" ? Kind::pre_key_message : Kind::message, protocol::to_bytes(enc->data())},
        f.random);
    REQUIRE(opened.has_value());
    return protocol::parse_message(protocol::unpad_message(opened->plaintext).value()).value();
  };
  CHECK(resent_to(carl).text == "open until eight");
  CHECK(resent_to(carl).sender_key_distribution.empty());
  CHECK_FALSE(resent_to(ben).sender_key_distribution.empty());
}

TEST_CASE("somebody with another identity by now means another key, for the posts that went to him") {
  Stage f;
  storage::Changes known;
  for (const Jid& who : {ben, carl})
    known.add(storage::PutIdentity{f.row.id, who, f.people.at(who).peer.bundle().identity});
  f.store->commit(std::move(known), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  const auto first = f.post("3EB0AA", std::vector{ben});
  REQUIRE(first.size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  const auto changed = [](const Jid& who) {
    return Node("notification").set("id", "n1").set("type", "encrypt").set("from", who).add(Node("identity"));
  };
  f.hear(changed(carl));  // who was given nothing
  CHECK(storage::find_own_sender_key(f.store->reader(), f.row.id, status));
  f.hear(changed(ben));
  CHECK_FALSE(storage::find_own_sender_key(f.store->reader(), f.row.id, status));
  // A post for others, whom nothing has changed for, is under a new key and arrives.
  const Jid dora("100000000000004", "lid");
  f.befriend(dora);
  const auto again = f.post("3EB0BB", std::vector{dora});
  REQUIRE(again.size() == 1);
  CHECK(key_of(again[0]) != key_of(first[0]));
}

TEST_CASE("a status post that cannot leave for a day fails") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::nullopt).empty());  // the setting is never told
  f.now_ms += status_lifetime_ms;
  f.turn({});
  CHECK(f.row_of("3EB0AA").ack == AckLevel::error);
}

TEST_CASE("nothing is said about a status post but its deletion") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  SendMessage react;
  react.content = React{"3EB0AA", "👍"};
  const auto why = std::make_shared<std::optional<Errc>>();
  f.tell(std::move(react),
         [why](const Outcome<SentMessage>& sent) { *why = sent ? Errc::internal : sent.error().code; });
  CHECK(*why == Errc::not_implemented);
}

TEST_CASE("deleting a post of the phone gives nobody a right to the post") {
  Stage f;
  f.have_chats({ben});
  REQUIRE(f.post("3EB0AA", std::vector{carl}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  f.have_post_of(self, "PHONE1", f.row_of("3EB0AA").content);
  REQUIRE(f.revoke("PHONE1", "3EB0CC").empty());
  const auto out = f.choose({StatusAudience::Kind::contacts, {}});
  REQUIRE(out.size() == 1);
  CHECK(out[0].attr("id") == "3EB0CC");
  CHECK(named(out[0], true) == std::vector{ben});
  // Before the server has it, so that the content is still there.
  CHECK_FALSE(f.audience_of("PHONE1"));
  CHECK(f.audience_of("3EB0CC")->users == std::vector{ben});
  CHECK(f.asked_again(ben, "PHONE1").empty());
  CHECK(f.asked_again(carl, "3EB0CC").empty());
  const auto again = f.asked_again(ben, "3EB0CC");
  REQUIRE(again.size() == 1);
  CHECK(again[0].jid("participant") == ben);
  CHECK(again[0].child("meta") == nullptr);
}

TEST_CASE("a post of the account that the session was linked to before is not deleted by this one") {
  Stage f;
  f.have_post_of(Jid("100000000000009", "lid"), "BEFORE1", Bytes{1});
  const auto why = std::make_shared<std::optional<Errc>>();
  CHECK(f.revoke("BEFORE1", "3EB0CC", why).empty());
  CHECK(*why == Errc::unsupported);
}

TEST_CASE("a deletion goes to whom its post went, also when the post is removed here before it leaves") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  f.cut();
  CHECK(f.revoke("3EB0AA", "3EB0CC").empty());
  storage::Changes gone;
  gone.add(storage::RemoveMessage{f.row.id, status, "3EB0AA", true});
  f.store->commit(std::move(gone), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  CHECK_FALSE(f.audience_of("3EB0AA"));
  CHECK(f.audience_of("3EB0CC")->users == std::vector{ben});
}

TEST_CASE("a receipt for the deletion of a post counts when it is of one whom it went to") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  REQUIRE(f.revoke("3EB0AA", "3EB0CC").size() == 1);
  f.hear(Stage::receipt_of(carl, "3EB0CC", ""));
  CHECK(f.row_of("3EB0AA").revoked_at == 0);
  f.hear(Stage::receipt_of(ben, "3EB0CC", ""));  // so the server has it, and its ack was lost
  CHECK(f.row_of("3EB0AA").revoked_at != 0);
}

TEST_CASE("a post under the id of one that was removed here is for its own audience") {
  Stage f;
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  f.hear(Stage::receipt_of(ben, "3EB0AA", "read"));
  RemoveMessage remove;
  remove.message = "3EB0AA";
  f.tell(std::move(remove), [](const Outcome<void>& removed) { REQUIRE(removed.has_value()); });
  REQUIRE_FALSE(f.audience_of("3EB0AA"));
  f.now_ms += storage::answers_kept_ms + 1;  // until then it would be the first request once more
  const auto again = f.post("3EB0AA", std::vector{carl});
  REQUIRE(again.size() == 1);
  CHECK(named(again[0], true) == std::vector{carl});
  CHECK_FALSE(f.read(ben, again[0]));
  f.hear(Stage::ack_of("3EB0AA"));
  f.hear(Stage::receipt_of(ben, "3EB0AA", "read"));
  CHECK(f.row_of("3EB0AA").ack == AckLevel::server);
  f.hear(Stage::receipt_of(carl, "3EB0AA", "read"));
  CHECK(f.row_of("3EB0AA").ack == AckLevel::read);
}

TEST_CASE("who was posted to by number and is seen by LID counts as a viewer, of two posts in turn") {
  Stage f;
  storage::Changes known;
  known.add(storage::PutLid{f.row.id, carl_pn, carl});
  f.store->commit(std::move(known), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  REQUIRE(f.post("3EB0AA", std::vector{ben}).size() == 1);
  f.hear(Stage::ack_of("3EB0AA"));
  REQUIRE(f.post("3EB0BB", std::vector{carl}).size() == 1);
  f.hear(Stage::ack_of("3EB0BB"));
  storage::Changes older;  // as it stood before his LID was known
  older.add(storage::PutStatusAudience{f.row.id, {"3EB0BB", storage::StatusSetting::allowlist, true, {carl_pn}}});
  f.store->commit(std::move(older), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  for (const auto& [who, id] : {std::pair(carl, "3EB0AA"), std::pair(ben, "3EB0BB")}) {
    f.hear(Stage::receipt_of(who, id, "read"));
    CHECK(f.row_of(id).ack == AckLevel::server);
  }
  f.hear(Stage::receipt_of(carl, "3EB0BB", "read"));
  CHECK(f.row_of("3EB0BB").ack == AckLevel::read);
  f.hear(Stage::receipt_of(ben, "3EB0AA", "read"));
  CHECK(f.row_of("3EB0AA").ack == AckLevel::read);
}

TEST_CASE("a post that waits is withdrawn by its deletion, and neither leaves") {
  Stage f;
  f.have_chats();
  REQUIRE(f.post("3EB0AA", std::nullopt).empty());  // for WhatsApp's word on the setting
  const Node question = f.question();
  const auto told = std::make_shared<std::vector<SentMessage>>();
  const auto revoke = [&] {
    SendMessage message;
    message.chat = status;
    message.content = RevokeSent{"3EB0AA"};
    message.message_id = "3EB0CC";
    std::vector<Node> out;
    f.collect(out, f.tell(std::move(message), [told](const Outcome<SentMessage>& sent) {
      REQUIRE(sent.has_value());
      told->push_back(*sent);
    }));
    CHECK(out.empty());
  };
  SECTION("online") {
    revoke();
    CHECK(f.hear(protocol::status_audience_answer(question, {StatusAudience::Kind::only, {ben}})).empty());
    const auto blocked = f.said;
    for (const Node& node : blocked)
      if (protocol::is_block_list_query(node))
        CHECK(f.hear(protocol::block_list_answer(node, protocol::BlockList())).empty());
  }
  SECTION("without a connection, and with a queue that is full") {
    f.cut();
    f.settings.max_queued_messages = 1;
    f.reopen();
    revoke();
  }
  REQUIRE(told->size() == 1);
  CHECK((told->at(0).id == "3EB0CC" && told->at(0).target_id == "3EB0AA" && told->at(0).deleted));
  CHECK(f.row_of("3EB0AA").ack == AckLevel::error);
  CHECK(f.row_of("3EB0AA").never_left);
  CHECK(f.row_of("3EB0AA").revoked_at != 0);
  CHECK(f.row_of("3EB0AA").content.empty());
  CHECK(storage::load_outbox(f.store->reader(), f.row.id).empty());
  f.reopen();
  for (const Node& node : f.go_online()) CHECK_FALSE(node.is("message"));
  // The same request again is answered as it was.
  revoke();
  REQUIRE(told->size() == 2);
  CHECK((told->at(1).id == "3EB0CC" && told->at(1).replayed && told->at(1).deleted));
}

TEST_CASE("a post that nobody is to see fails, and says why") {
  Stage f;
  std::string why = "the account";
  SECTION("the request names the account itself alone") { CHECK(f.post("3EB0AA", std::vector{self}).empty()); }
  SECTION("the account has no contacts") {
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    CHECK(f.choose({StatusAudience::Kind::contacts, {}}).empty());
    why = "no contacts";
  }
  SECTION("all of them are blocked") {
    f.have_chats({ben});
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    CHECK(f.choose({StatusAudience::Kind::contacts, {}}, {ben}).empty());
    why = "blocked";
  }
  SECTION("the setting means some people, and there are none") {
    REQUIRE(f.post("3EB0AA", std::nullopt).empty());
    CHECK(f.choose({StatusAudience::Kind::only, {}}).empty());
    why = "some people alone";
  }
  CHECK(f.row_of("3EB0AA").ack == AckLevel::error);
  CHECK(f.row_of("3EB0AA").never_left);
  CHECK(f.row_of("3EB0AA").error.find("nobody is in its audience") == 0);
  CHECK(f.row_of("3EB0AA").error.find(why) != std::string::npos);
  // What was posted behind it goes.
  CHECK(f.post("3EB0BB", std::vector{ben}).size() == 1);
}
