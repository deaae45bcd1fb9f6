#include <catch2/catch.hpp>

#include "protocol/messages/message_id.h"
#include "tests/sandbox/fixture.h"

using namespace wharf;
using namespace wharf::sandbox;
using namespace wharf::sandbox::test;

TEST_CASE("every namespace of the catalogue is answered, unknown ones with 400 and a count") {
  World world;
  Primary anna(world, "15550000001");
  auto desk = ready_companion(world, anna);
  struct Row {
    const char *type, *xmlns, *child, *expected;  // child of the result, or an error code
  };
  const Row rows[] = {
      {"get", "w:p", "ping", ""},
      {"get", "urn:xmpp:ping", "", ""},
      {"set", "passive", "active", ""},
      {"get", "abt", "props", "props"},
      {"get", "privacy", "privacy", "privacy"},
      {"get", "blocklist", "", "list"},
      {"set", "w:m", "media_conn", "media_conn"},
      {"get", "w:g2", "participating", "groups"},
      {"get", "w:profile:picture", "picture", "400"},
      {"set", "w:profile:picture", "picture", "406"},
      {"set", "status", "status", ""},
      {"set", "disappearing_mode", "disappearing_mode", "406"},
      {"get", "w:biz", "business_profile", "business_profile"},
      {"get", "fb:thrift_iq", "x", "404"},
      {"get", "w:biz:catalog", "x", "404"},
      {"get", "bot", "bot", "bot"},
      {"set", "urn:xmpp:whatsapp:dirty", "clean", ""},
      {"get", "urn:xmpp:whatsapp:push", "settings", "settings"},
      {"set", "urn:xmpp:whatsapp:push", "config", ""},
      {"get", "w:mex", "query", "result"},
      {"get", "newsletter", "my_addons", "my_addons"},
      {"get", "tos", "request", ""},
      {"set", "w:stats", "add", ""},
      {"get", "w:qr", "qr", "qr"},
      {"get", "fbid:devices", "x", "501"},
      {"get", "no:such", "x", "400"},
  };
  for (const auto& row : rows) {
    INFO(row.xmlns);
    const auto id = world.id();
    const Jid to = row.xmlns == std::string_view("w:g2") ? Jid("", protocol::server::group) : protocol::server_jid();
    Node iq("iq");
    iq.set("id", id).set("to", to).set("type", row.type).set("xmlns", row.xmlns);
    if (*row.child) iq.add(Node(row.child));
    desk->send(iq);
    const auto& answer = desk->inbox->answer(id);
    CHECK(answer.jid("from") == to);
    const auto error = protocol::iq_error_of(answer);
    const std::string got = error                       ? std::to_string(error->code)
                            : answer.children().empty() ? ""
                                                        : answer.children()[0].tag;
    CHECK(got == row.expected);
  }
  CHECK(world.network.stats().unknown_iqs == 1);
}

TEST_CASE("media_conn carries every attribute whatsmeow insists on") {
  World world;
  Primary anna(world, "15550000001");
  auto desk = ready_companion(world, anna);
  Node iq = protocol::iq_set("m", "w:m");
  desk->send(iq.add(Node("media_conn")));
  const auto& connection = desk->inbox->answer("m").children().at(0);
  for (const auto name : {"auth", "ttl", "auth_ttl", "max_buckets"}) CHECK(connection.has(name));
  CHECK(connection.child("host")->has("hostname"));
}

TEST_CASE("an answer to a group request comes from the group") {
  World world;
  Primary anna(world, "15550000001");
  auto desk = ready_companion(world, anna);
  const Jid group("120363000000000001", protocol::server::group);
  Node iq("iq");
  desk->send(iq.set("id", "g").set("to", group).set("type", "get").set("xmlns", "w:g2").add(Node("query")));
  CHECK(desk->inbox->answer("g").jid("from") == group);
  Node all("iq");
  desk->send(all.set("id", "p")
                 .set("to", Jid("", protocol::server::group))
                 .set("type", "get")
                 .set("xmlns", "w:g2")
                 .add(Node("participating")));
  CHECK(desk->inbox->answer("p").child("groups"));
}

TEST_CASE("usync answers in the form and order of the question") {
  World world;
  Primary anna(world, "15550000001"), ben(world, "15550000002");
  auto desk = ready_companion(world, anna);
  auto bens = ready_companion(world, ben);
  const std::vector<Jid> asked = {ben.account().pn_jid(), anna.account().lid_jid(),
                                  Jid("15559999999", protocol::server::user)};
  desk->send(protocol::usync_devices_iq("u", "sid", asked));
  const auto users = protocol::read_usync(desk->inbox->answer("u"));
  REQUIRE(users);
  REQUIRE(users->size() == 3);
  CHECK((*users)[0].jid == ben.account().pn_jid());
  CHECK((*users)[0].lid == ben.account().lid_jid());
  REQUIRE((*users)[0].devices.size() == 2);
  CHECK_FALSE((*users)[0].devices[0].key_index);
  CHECK((*users)[0].devices[1].key_index == 1u);
  CHECK(protocol::usable_devices((*users)[0], ben.keys.identity.identity.pub) == std::vector<std::uint16_t>{0, 1});
  CHECK((*users)[1].jid == anna.account().lid_jid());
  CHECK_FALSE((*users)[2].has_devices);
  const auto* list =
      desk->inbox->answer("u").child("usync")->child("list")->children()[0].child("devices")->child("device-list");
  CHECK(list->attr("hash") == protocol::participant_hash(std::vector<Jid>{ben.account().pn_jid(), bens->pn()}));
}

TEST_CASE("a contact query echoes its text and tells who exists") {
  World world;
  Primary anna(world, "15550000001"), ben(world, "15550000002");
  auto desk = ready_companion(world, anna);
  desk->send(protocol::usync_contacts_iq("u", "sid", std::vector<std::string>{"15550000002", "15559999999"}));
  const auto users = protocol::read_usync(desk->inbox->answer("u"));
  REQUIRE(users);
  REQUIRE(users->size() == 2);
  CHECK((*users)[0].contact_query == "+15550000002");
  CHECK((*users)[0].contact_type == "in");
  CHECK((*users)[0].lid == ben.account().lid_jid());
  CHECK((*users)[1].contact_type == "out");
}

TEST_CASE("app state keeps versions: empty at first, patches in order, conflict for a stale one") {
  World world;
  Primary anna(world, "15550000001");
  auto desk = ready_companion(world, anna), tablet = ready_companion(world, anna);
  const auto sync = [&](Companion& who, std::string_view name, std::uint64_t version, std::string_view patch) -> Node {
    const auto id = world.id();
    Node collection("collection");
    collection.set("name", name).set("version", version);
    if (!patch.empty()) collection.add(Node("patch").text(patch));
    Node iq = protocol::iq_set(id, "w:sync:app:state");
    who.send(iq.add(Node("sync").add(std::move(collection))));
    return who.inbox->answer(id).child("sync")->children().at(0);
  };
  const auto empty = sync(*desk, "regular", 0, "");
  CHECK(empty.attr("version") == "0");
  CHECK_FALSE(empty.has("has_more_patches"));
  CHECK(empty.attr("type") == "result");
  CHECK(sync(*desk, "regular", 0, "one").attr("version") == "1");
  const auto* notified = tablet->inbox->last("notification");
  REQUIRE(notified);
  CHECK(notified->attr("type") == "server_sync");
  CHECK(notified->child("collection")->attr("version") == "1");
  const auto stale = sync(*tablet, "regular", 0, "two");
  CHECK(stale.child("error")->attr("code") == "409");
  CHECK(stale.child("patches")->children().size() == 1);
  CHECK(sync(*tablet, "regular", 1, "two").attr("version") == "2");
  const auto fetched = sync(*desk, "regular", 1, "");
  REQUIRE(fetched.child("patches"));
  const auto served = fetched.child("patches")->children().at(0).data();
  // SyncdPatch.version {2} and deviceIndex appended to the opaque patch.
  CHECK(protocol::to_hex(served) == protocol::to_hex(protocol::as_bytes("two")) + "0a020802" + "40" + "02");
  CHECK(sync(*desk, "no_such", 0, "").child("error")->attr("code") == "404");
  CHECK(sync(*desk, "regular", 9, "").child("error")->attr("code") == "400");
}

TEST_CASE("a trusted-contact token reaches every device of the contact") {
  World world;
  Primary anna(world, "15550000001"), ben(world, "15550000002");
  auto desk = ready_companion(world, anna), bens = ready_companion(world, ben);
  Node token("token");
  token.set("jid", ben.account().lid_jid()).set("t", "1700000000").set("type", "trusted_contact");
  Node iq = protocol::iq_set("t", "privacy");
  desk->send(iq.add(Node("tokens").add(std::move(token))));
  CHECK(desk->inbox->answer("t").attr("type") == "result");
  const auto* told = bens->inbox->last("notification");
  REQUIRE(told);
  CHECK(told->attr("type") == "privacy_token");
  CHECK(told->jid("sender_lid") == anna.account().lid_jid());
  CHECK_FALSE(told->child("tokens")->child("token")->data().empty());
}

TEST_CASE("presence and chat state reach who asked and who is there") {
  World world;
  Primary anna(world, "15550000001"), ben(world, "15550000002");
  auto desk = ready_companion(world, anna), bens = ready_companion(world, ben);
  desk->send(protocol::presence("available", "Anna"));
  CHECK(anna.account().name == "Anna");
  Node subscribe("presence");
  desk->send(subscribe.set("type", "subscribe").set("to", ben.account().lid_jid()));
  REQUIRE(desk->inbox->last("presence"));
  CHECK(desk->inbox->last("presence")->attr("type") == "unavailable");
  bens->send(protocol::presence("available", "Ben"));
  CHECK(desk->inbox->last("presence")->attr("type").empty());
  CHECK(desk->inbox->last("presence")->jid("from") == ben.account().lid_jid());
  bens->disconnect();
  CHECK(desk->inbox->last("presence")->attr("type").empty());  // ten seconds of grace
  world.clock.advance(11'000);
  CHECK(desk->inbox->last("presence")->attr("type") == "unavailable");
  CHECK(desk->inbox->last("presence")->has("last"));

  Node chatstate("chatstate");
  ben.send(chatstate.set("to", anna.account().lid_jid()).add(Node("composing")));
  const auto* typing = desk->inbox->last("chatstate");
  REQUIRE(typing);
  CHECK(typing->jid("from") == ben.account().lid_jid());
  CHECK(typing->children().size() == 1);
}

TEST_CASE("contacts and own devices hear of a new companion in both identities") {
  World world;
  Primary anna(world, "15550000001"), ben(world, "15550000002");
  auto desk = ready_companion(world, anna), bens = ready_companion(world, ben);
  desk->send(message_to("m1", ben.account().pn_jid(), {ben.account().pn_jid(), bens->pn()}));
  auto tablet = ready_companion(world, anna);
  bool pn = false, lid = false, account_sync = false;
  for (const auto& node : bens->inbox->tagged("notification")) {
    const auto* add = node.child("add");
    if (!add) continue;
    pn |= add->child("device")->jid("jid") == tablet->pn() && node.jid("lid") == anna.account().lid_jid();
    lid |= add->child("device")->jid("jid") == tablet->lid();
    const auto list =
        protocol::read_key_index_list(add->child("key-index-list")->data(), anna.keys.identity.identity.pub);
    REQUIRE(list);
    CHECK(list->current_index == 2);
  }
  for (const auto& node : desk->inbox->tagged("notification")) account_sync |= node.attr("type") == "account_sync";
  CHECK(pn);
  CHECK(lid);
  CHECK(account_sync);
}

TEST_CASE("key_fetch hands out bundles by device, without those whose registration the asker knows") {
  World world;
  Primary anna(world, "15550000001"), ben(world, "15550000002");
  auto desk = ready_companion(world, anna);
  auto bens = ready_companion(world, ben);
  const bool identity = GENERATE(false, true);
  const auto fetch = [&](std::vector<Node> devices) {
    Node user("user");
    user.set("jid", ben.account().lid_jid());
    if (identity) user.set("reason", "identity");
    for (auto& device : devices) user.add(std::move(device));
    const auto id = world.id();
    Node iq("iq");
    iq.set("id", id).set("to", protocol::server_jid()).set("type", "get").set("xmlns", "encrypt");
    Node unknown("user");
    unknown.set("jid", Jid("999", "lid"));
    desk->send(iq.add(Node("key_fetch").add(std::move(user)).add(std::move(unknown))));
    return desk->inbox->answer(id);
  };
  const auto left = world.network.prekeys_left(bens->key);
  const Node all = fetch({});
  const auto* list = all.child("list");
  REQUIRE(list);
  REQUIRE(list->children().size() == 2);
  const auto devices = list->children()[0].children("device");
  REQUIRE(devices.size() == 2);
  CHECK(devices[0]->attr("id") == "0");
  CHECK(devices[1]->number("id") == bens->key.device);
  CHECK(devices[1]->child("skey"));
  CHECK(devices[1]->child("key"));
  CHECK(devices[1]->child("device-identity"));
  CHECK(list->children()[1].child("error")->attr("code") == "404");
  CHECK(world.network.prekeys_left(bens->key) == left - 1);

  const auto device = [&](std::uint16_t id, std::uint32_t registration) {
    Node node("device");
    return node.set("id", std::uint64_t{id}).add(Node("registration").bytes(protocol::big_endian(registration, 4)));
  };
  const Node some = fetch({device(0, ben.keys.identity.registration_id),
                           device(bens->key.device, bens->keys.identity.registration_id + 1)});
  const auto changed = some.child("list")->children()[0].children("device");
  REQUIRE(changed.size() == 1);
  CHECK(changed[0]->number("id") == bens->key.device);
  CHECK(world.network.stats().unknown_iqs == 0);
}

TEST_CASE("usync says nothing where there is nothing to say") {
  World world;
  Primary anna(world, "15550000001"), ben(world, "15550000002");
  auto desk = ready_companion(world, anna);
  Node query("query"), usync("usync"), list("list"), iq("iq");
  for (const auto* name : {"picture", "business", "lid"}) query.add(Node(name));
  list.add(Node("user").set("jid", ben.account().pn_jid()));
  iq.set("id", "u").set("to", protocol::server_jid()).set("type", "get").set("xmlns", "usync");
  desk->send(iq.add(usync.set("sid", "1").add(std::move(query)).add(std::move(list))));
  const auto& user = desk->inbox->answer("u").child("usync")->child("list")->children().at(0);
  REQUIRE(user.children().size() == 1);
  CHECK(user.children()[0].is("lid"));
}

TEST_CASE("a simulated phone shows as available while it is on") {
  World world;
  Primary anna(world, "15550000001"), ben(world, "15550000002");
  auto desk = ready_companion(world, anna);
  desk->send(protocol::presence("available", "Anna"));
  ben.send(protocol::presence("available", "Ben"));
  desk->send(Node("presence").set("type", "subscribe").set("to", ben.account().lid_jid()));
  REQUIRE(desk->inbox->last("presence"));
  CHECK(desk->inbox->last("presence")->attr("type").empty());
  world.network.detach(ben.key(), ben.inbox);
  world.clock.advance(10'000);
  CHECK(desk->inbox->last("presence")->attr("type") == "unavailable");
}
