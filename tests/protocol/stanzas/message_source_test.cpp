#include <catch2/catch.hpp>

#include "protocol/stanzas/messages.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

const Jid own_pn("15550000001", server::user, 7);
const Jid own_lid("100000000000001", server::lid, 7);
const Jid peer_lid("100000000000002", server::lid);
const Jid peer_pn("15550000002", server::user);
const Jid group("120363000000000001", server::group);

Node message(const Jid& from) {
  Node node("message");
  return node.set("id", "3EB0AA").set("from", from).set("type", "text").set("t", "1760000000");
}

MessageSource source_of(const Node& node) {
  const auto source = read_message_source(node, own_pn, own_lid);
  REQUIRE(source);
  return *source;
}

bool malformed(const Node& node) {
  const auto source = read_message_source(node, own_pn, own_lid);
  return !source && source.error().code == Errc::malformed;
}

}  // namespace

TEST_CASE("a message of a contact belongs to the chat with that contact") {
  const auto source = source_of(message(peer_lid.with_device(12))
                                    .set("sender_pn", peer_pn)
                                    .set("notify", "Ben")
                                    .set("offline", "0")
                                    .set("edit", "1"));
  REQUIRE(source.chat == peer_lid);
  REQUIRE(source.author == peer_lid.with_device(12));
  REQUIRE_FALSE(source.from_me);
  REQUIRE(source.author_alternate == peer_pn);
  REQUIRE(source.push_name == "Ben");
  REQUIRE(source.timestamp == 1'760'000'000);
  REQUIRE(source.offline);
  REQUIRE(source.edit == "1");
}

TEST_CASE("a copy of an own message belongs to its recipient, under PN and under LID") {
  for (const Jid& own : {own_lid.with_device(9), own_pn.with_device(9)}) {
    const auto source = source_of(message(own).set("recipient", peer_lid).set("peer_recipient_pn", peer_pn));
    REQUIRE(source.from_me);
    REQUIRE(source.chat == peer_lid);
    REQUIRE(source.author == own);
    REQUIRE(source.chat_alternate == peer_pn);
    REQUIRE_FALSE(source.author_alternate);
  }
  REQUIRE(source_of(message(own_lid.user_jid())).chat == own_lid.user_jid());  // note to self
}

TEST_CASE("peer messages come from the own account only") {
  REQUIRE(source_of(message(own_pn.user_jid()).set("category", "peer")).peer);
  REQUIRE_FALSE(source_of(message(peer_pn).set("category", "peer")).peer);
}

TEST_CASE("in groups the participant is the author") {
  const auto source =
      source_of(message(group).set("participant", peer_lid.with_device(4)).set("participant_pn", peer_pn));
  REQUIRE(source.chat == group);
  REQUIRE(source.author == peer_lid.with_device(4));
  REQUIRE(source.author_alternate == peer_pn);
  REQUIRE(source_of(message(group).set("participant", own_lid.with_device(9))).from_me);
  REQUIRE(malformed(message(group)));
}

TEST_CASE("status stays one chat, a broadcast list of another is a message of that user") {
  const Jid status("status", server::broadcast), list("1234567890", server::broadcast);
  REQUIRE(source_of(message(status).set("participant", peer_pn)).chat == status);
  REQUIRE(source_of(message(list).set("participant", peer_pn.with_device(3))).chat == peer_pn);
  REQUIRE(source_of(message(list).set("participant", own_pn)).chat == list);
  REQUIRE(malformed(message(status)));
}

TEST_CASE("hosted devices belong to the ordinary chat and keep their address") {
  const Jid hosted("15550000002", server::hosted, 99), hosted_lid("100000000000002", server::hosted_lid, 99);
  REQUIRE(source_of(message(hosted)).chat == peer_pn);
  REQUIRE(source_of(message(hosted)).author == hosted);
  REQUIRE(source_of(message(hosted_lid)).chat == peer_lid);
  REQUIRE(source_of(message(Jid("15550000001", server::hosted, 99))).from_me);
}

TEST_CASE("a mapping must join the two namespaces") {
  REQUIRE_FALSE(source_of(message(peer_lid).set("sender_pn", Jid("9", server::lid))).author_alternate);
  REQUIRE_FALSE(source_of(message(peer_pn).set("sender_lid", Jid("9", server::user))).author_alternate);
  REQUIRE_FALSE(source_of(message(peer_lid).set("sender_pn", server_jid())).author_alternate);
}

TEST_CASE("what cannot be placed is malformed") {
  REQUIRE(malformed(Node("message").set("id", "1")));
  REQUIRE(malformed(Node("message").set("from", peer_lid)));
  REQUIRE(malformed(message(server_jid())));
  REQUIRE(malformed(Node("message").set("id", "1").set("from", "not a jid")));
  REQUIRE(malformed(message(group).set("participant", "junk")));
  REQUIRE(malformed(message(group).set("participant", Jid("1\xFF", server::lid))));
  REQUIRE(malformed(message(Jid("1\xFF", server::lid))));
  for (const std::string& id : {std::string(), std::string("a b"), std::string("\xFF"), std::string(129, 'A')}) {
    REQUIRE(malformed(message(peer_lid).set("id", id)));
  }
  REQUIRE(malformed(message(own_lid).set("recipient", "junk")));
  REQUIRE(malformed(message(peer_lid).set("recipient", own_lid)));  // a recipient on a foreign message
  REQUIRE(malformed(message(group).set("participant", peer_lid).set("recipient", own_lid)));
}

TEST_CASE("a name of one dash is none and a bad time is zero") {
  const auto source = source_of(message(peer_lid).set("notify", "-").set("t", "soon"));
  REQUIRE(source.push_name.empty());
  REQUIRE(source.timestamp == 0);
}

TEST_CASE("a push name is one safe line of bounded length") {
  REQUIRE(source_of(message(peer_lid).set("notify", "Be\xFFn\n")).push_name == "Be\xEF\xBF\xBDn ");
  REQUIRE(source_of(message(peer_lid).set("notify", std::string(5000, 'n'))).push_name.size() == 256);
}

TEST_CASE("an account without LID yet still knows its own messages") {
  const auto source = read_message_source(message(own_pn.with_device(2)), own_pn, Jid());
  REQUIRE(source->from_me);
  REQUIRE_FALSE(read_message_source(message(peer_pn), own_pn, Jid())->from_me);
}

TEST_CASE("encs are read pairwise first, unknown ones skipped, ten at most") {
  const auto enc = [](const char* type, const char* version) {
    Node node("enc");
    return node.set("type", type).set("v", version).bytes(Bytes{1, 2});
  };
  Node node("message");
  node.add(enc("msmsg", "2"))
      .add(enc("skmsg", "2"))
      .add(enc("pkmsg", "2").set("count", "2").set("decrypt-fail", "hide"));
  node.add(enc("frskmsg", "2")).add(enc("msg", "3")).add(Node("enc").set("type", "msg").set("v", "2"));
  node.add(enc("msg", "x")).add(Node("enc").set("type", "msg").bytes(Bytes{3}));  // no version means 2
  const auto encs = read_encs(node);
  std::vector<std::string> types;
  for (const ReceivedEnc& received : encs) types.push_back(received.type);
  REQUIRE(types == std::vector<std::string>{"pkmsg", "msg", "skmsg", "msmsg"});
  REQUIRE(encs[0].count == 2);
  REQUIRE(encs[0].hide_on_failure);
  REQUIRE(equal(encs[1].body, Bytes{3}));
  REQUIRE_FALSE(encs[2].hide_on_failure);

  Node many("message");
  for (int i = 0; i < 30; ++i) many.add(enc("msg", "2"));
  REQUIRE(read_encs(many).size() == 10);
  REQUIRE(read_encs(Node("message")).empty());
}
