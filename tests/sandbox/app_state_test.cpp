// What the phones write to app state, and how a new companion gets it.

#include "protocol/appstate/actions.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <map>

#include "protocol/messages/padding.h"
#include "protocol/messages/wire.h"
#include "tests/sandbox/disk.h"
#include "tests/sandbox/phone_world.h"

namespace wharf::sandbox::test {

namespace {

constexpr const char* collections[] = {"critical_block", "critical_unblock_low", "regular_high", "regular",
                                       "regular_low"};

struct Synced {
  Node collection;
  protocol::AppStateCollection state;
  protocol::Result<std::vector<protocol::AppStateMutation>> actions = protocol::Error(protocol::Errc::not_ready, "");
};

Node sync(Client& client, const std::string& name, std::uint64_t version, bool snapshot, const Bytes& patch = {}) {
  const auto id = client.world.id();
  Node collection("collection");
  collection.set("name", name).set("version", version).set("return_snapshot", snapshot ? "true" : "false");
  if (!patch.empty()) collection.add(Node("patch").bytes(patch));
  client.send(protocol::iq_set(id, "w:sync:app:state").add(Node("sync").add(std::move(collection))));
  for (const auto& stanza : client.received) {
    if (stanza.is("iq") && stanza.attr("id") == id) return stanza.child("sync")->children().at(0);
  }
  FAIL("no answer");
  return {};
}

/// A first sync with the key that the phone shared, through the file on the media host.
Synced first_sync(Client& client, const protocol::AppStateKeys& keys, const std::string& name) {
  Synced out;
  out.collection = sync(client, name, 0, true);
  const auto* snapshot = out.collection.child("snapshot");
  REQUIRE(snapshot);
  const auto path = protocol::bytes_field(snapshot->data(), 2);
  REQUIRE(path);
  const auto* file =
      client.world.network.media(std::string(protocol::as_text(*path)) + "&hash=x&mms-type=md-app-state");
  REQUIRE(file);
  const auto plain = protocol::open_blob(snapshot->data(), *file);
  REQUIRE(plain);
  out.actions = protocol::apply_snapshot(out.state, name, *plain, [&](ByteView) { return &keys; });
  return out;
}

struct Kept : PhoneWorld {
  Kept() { Disk::watch(network); }  // before the first phone
  Disk disk;
};

struct Linked : Kept {
  Phone& anna = phone("15550000001", "Anna");
  std::unique_ptr<Client> client;
  protocol::AppStateKeys keys;
  Bytes key_id;
  void link() {
    client = linked_client(*this, anna);
    for (const auto& message : client->read_messages()) {
      for (const auto& key : message.app_state_keys) {
        key_id = key.id;
        keys = protocol::AppStateKeys::expand(key.data);
      }
    }
    REQUIRE(key_id.size() == 6);
  }
};

}  // namespace

TEST_CASE("a new companion finds a snapshot of every collection, and the push name in one") {
  Linked world;
  world.link();
  for (const std::string name : collections) {
    INFO(name);
    const auto synced = first_sync(*world.client, world.keys, name);
    REQUIRE(synced.actions);
    CHECK(synced.state.version == 1);
    CHECK(synced.collection.attr("version") == "1");
    CHECK_FALSE(synced.collection.child("patches"));
    if (name != "critical_block") {
      CHECK(synced.actions->empty());
      continue;
    }
    REQUIRE(synced.actions->size() == 1);
    const auto& action = synced.actions->front();
    CHECK(action.index == R"(["setting_pushName"])");
    CHECK(action.version == 1);
    const auto setting = protocol::bytes_field(action.value, 7);
    REQUIRE(setting);
    CHECK(protocol::as_text(protocol::bytes_field(*setting, 1).value()) == "Anna");
    CHECK(protocol::varint_field(action.value, 1).has_value());
  }
  CHECK(world.network.media("/v/t62.7118-24/no-such?x=1") == nullptr);
}

TEST_CASE("patches follow the snapshot, and a second companion gets both") {
  Linked world;
  world.link();
  auto synced = first_sync(*world.client, world.keys, "regular_low");
  std::vector<protocol::AppStateMutation> pin(1);
  pin[0].index = R"(["pin_v1","15550000002@s.whatsapp.net"])";
  pin[0].version = 5;
  const auto patch = protocol::build_patch(synced.state, "regular_low", pin,
                                           {world.key_id, world.keys, world.client->key.device}, world.random);
  CHECK(sync(*world.client, "regular_low", 1, false, patch).attr("version") == "2");
  world.settle();
  CHECK(world.network.queue_length({"15550000001", 0}) == 0);  // the phone hears of it and acks

  auto tablet = linked_client(world, world.anna);
  auto second = first_sync(*tablet, world.keys, "regular_low");
  REQUIRE(second.actions);
  const auto* patches = second.collection.child("patches");
  REQUIRE(patches);
  REQUIRE(patches->children().size() == 1);
  const auto applied = protocol::apply_patch(second.state, "regular_low", patches->children()[0].data(),
                                             [&](ByteView) { return &world.keys; });
  REQUIRE(applied);
  CHECK(applied->front().index == pin[0].index);
  CHECK(second.state.hash == synced.state.hash);
  CHECK_FALSE(sync(*tablet, "regular_low", 1, false).child("snapshot"));  // it has that version already
}

TEST_CASE("the fault bad_snapshot_mac is seen by a strict companion") {
  Linked world;
  world.network.faults().bad_snapshot_mac = true;
  world.link();
  const auto synced = first_sync(*world.client, world.keys, "critical_block");
  CHECK(synced.actions.error().code == protocol::Errc::bad_mac);
}

TEST_CASE("app state and its files survive a restart of the network") {
  Linked world;
  world.link();
  world.disk.commit(world.network, world.phones);
  PhoneWorld later;
  REQUIRE(world.disk.load(later.network, later.phones));
  protocol::ParsedClientPayload login;
  login.username = std::stoull(world.client->key.phone);
  login.device = world.client->key.device;
  Client again(later);
  again.key = world.client->key;
  REQUIRE(later.network.login(world.client->keys.noise.pub, login, again));
  const auto synced = first_sync(again, world.keys, "critical_block");
  REQUIRE(synced.actions);
  CHECK(synced.actions->size() == 1);
}

TEST_CASE("a companion that asks for keys gets the known one, and a bare id for one the phone lacks") {
  Linked world;
  world.link();
  // Message{protocolMessage 12 {type 2 = 7, appStateSyncKeyRequest 8 {keyIds 1 {keyId 1}…}}}
  const auto wrapped = [](std::uint32_t number, const Bytes& value) {
    Bytes out;
    protocol::append_field(out, number, value);
    return out;
  };
  const Bytes unknown{0, 0, 9, 9, 9, 9};
  Bytes content{0x10, 0x07};
  protocol::append(content,
                   wrapped(8, protocol::concat(wrapped(1, wrapped(1, world.key_id)), wrapped(1, wrapped(1, unknown)))));
  const auto padded = protocol::pad_message(wrapped(12, content), world.random);
  const DeviceKey phone{"15550000001", 0};
  const auto sealed = protocol::encrypt(world.client->sessions.at(phone), world.client->keys.identity, padded);
  REQUIRE(sealed);
  Node message("message");
  message.set("id", "REQ").set("to", world.network.find_account(std::string_view("15550000001"))->lid_jid());
  message.set("type", "text").set("category", "peer");
  Node enc("enc");
  enc.set("v", "2").set("type", sealed->kind == protocol::CiphertextKind::pre_key_message ? "pkmsg" : "msg");
  message.add(enc.bytes(sealed->body));
  world.client->send(message);
  world.settle();
  const auto answers = world.client->read_messages();
  REQUIRE(answers.size() == 1);
  const auto& keys = answers[0].app_state_keys;
  REQUIRE(keys.size() == 2);
  CHECK(keys[0].id == world.key_id);
  CHECK(keys[0].data.size() == 32);
  CHECK(keys[1].id == unknown);
  CHECK(keys[1].data.empty());
}

// --- the address book and the name

namespace {

/// What the newest state of the collection says, by index; removed ones are not there.
std::map<std::string, Bytes> contents(Client& client, const protocol::AppStateKeys& keys, const std::string& name) {
  auto synced = first_sync(client, keys, name);
  REQUIRE(synced.actions);
  std::map<std::string, Bytes> out;
  for (const auto& record : *synced.actions) out[record.index] = record.value;
  if (const auto* patches = synced.collection.child("patches")) {
    for (const Node& patch : patches->children()) {
      const auto applied = protocol::apply_patch(synced.state, name, patch.data(), [&](ByteView) { return &keys; });
      REQUIRE(applied);
      for (const auto& mutation : *applied) {
        if (mutation.operation == protocol::AppStateMutation::Operation::set) out[mutation.index] = mutation.value;
        else out.erase(mutation.index);
      }
    }
  }
  return out;
}

/// A companion's patch on the newest version.
std::string patched(Linked& world, const std::string& name, const std::vector<protocol::AppStateMutation>& mutations) {
  auto synced = first_sync(*world.client, world.keys, name);
  REQUIRE(synced.actions);
  if (const auto* patches = synced.collection.child("patches"))
    for (const Node& patch : patches->children())
      REQUIRE(protocol::apply_patch(synced.state, name, patch.data(), [&](ByteView) { return &world.keys; }));
  const std::uint64_t base = synced.state.version;
  const Bytes patch = protocol::build_patch(synced.state, name, mutations,
                                            {world.key_id, world.keys, world.client->key.device}, world.random);
  const auto answer = sync(*world.client, name, base, false, patch);
  world.settle();
  return answer.attr("type");
}

const std::string book(protocol::critical_unblock_low), profile(protocol::critical_block);
const std::string ben_index = R"(["contact","15550000002@s.whatsapp.net"])";
const Jid ben_number("15550000002", "s.whatsapp.net");

std::optional<protocol::Result<void>> saved(Linked& world, const Account& whom, const std::string& name) {
  auto heard = std::make_shared<std::optional<protocol::Result<void>>>();
  world.anna.save_contact(whom, name, [heard](const protocol::Result<void>& done) { *heard = done; });
  world.settle();
  return *heard;
}

std::size_t server_syncs(const Client& client) {
  return static_cast<std::size_t>(std::count_if(client.received.begin(), client.received.end(), [](const Node& node) {
    return node.is("notification") && node.attr("type") == "server_sync";
  }));
}

}  // namespace

TEST_CASE("a phone takes over what a companion saves, renames, removes and calls the account") {
  Linked world;
  world.phone("15550000002", "Ben");
  world.link();
  using Names = std::map<std::string, std::string>;
  CHECK(patched(world, book, {protocol::save_contact(ben_number, {"Ben Baker", "Ben", {}, {}}, 1)}) == "result");
  CHECK(world.anna.contacts() == Names{{"15550000002", "Ben Baker"}});
  CHECK(patched(world, book, {protocol::save_contact(ben_number, {"", "Benny", {}, {}}, 2)}) == "result");
  CHECK(world.anna.contacts() == Names{{"15550000002", "Benny"}});
  CHECK(patched(world, book, {protocol::remove_contact(ben_number, 3)}) == "result");
  CHECK(world.anna.contacts().empty());
  CHECK(patched(world, profile, {protocol::set_push_name("Harbour", 4)}) == "result");
  CHECK(world.network.find_account(std::string_view("15550000001"))->name == "Harbour");
}

TEST_CASE("what the user of a phone saves and calls it is patched, and its companions hear of it") {
  Linked world;
  world.phone("15550000002", "Ben");
  world.phone("15550000003", "Carl");
  const Account& ben = *world.network.find_account(std::string_view("15550000002"));
  const Account& carl = *world.network.find_account(std::string_view("15550000003"));
  // Before anybody is linked it is in the first snapshot.
  REQUIRE(saved(world, carl, "Carl C"));
  world.link();
  auto now = contents(*world.client, world.keys, book);
  REQUIRE(now.size() == 1);
  CHECK(protocol::read_contact(now.begin()->second)->full_name == "Carl C");
  CHECK(protocol::read_contact(now.begin()->second)->lid == carl.lid_jid());
  const std::size_t before = server_syncs(*world.client);
  const auto first = saved(world, ben, "Ben B");
  REQUIRE((first && first->has_value()));
  CHECK(server_syncs(*world.client) == before + 1);
  now = contents(*world.client, world.keys, book);
  REQUIRE(now.contains(ben_index));
  CHECK(protocol::read_contact(now.at(ben_index))->full_name == "Ben B");
  // On what a companion wrote meanwhile.
  CHECK(patched(world, book, {protocol::save_contact(ben_number, {"Benny", "", {}, {}}, 5)}) == "result");
  REQUIRE(saved(world, carl, "")->has_value());
  now = contents(*world.client, world.keys, book);
  REQUIRE(now.size() == 1);
  CHECK(protocol::read_contact(now.at(ben_index))->full_name == "Benny");
  CHECK(world.anna.contacts() == std::map<std::string, std::string>{{"15550000002", "Benny"}});
  const Jid nobody("999999999", "lid");
  CHECK(patched(world, book, {protocol::save_contact(nobody, {"Nobody", "", {}, {}}, 6)}) == "result");
  CHECK(world.anna.contacts() ==
        std::map<std::string, std::string>{{"15550000002", "Benny"}, {"999999999@lid", "Nobody"}});
  bool heard = false;
  world.anna.rename("Annie", [&](const protocol::Result<Node>& answer) { heard = answer.has_value(); });
  world.settle();
  CHECK(heard);
  const auto named = contents(*world.client, world.keys, profile);
  CHECK(protocol::read_push_name(named.at(R"(["setting_pushName"])")) == "Annie");
}

TEST_CASE("a phone that was off does what companions changed when it is on again") {
  Linked world;
  world.phone("15550000002", "Ben");
  world.link();
  world.anna.power(false);
  world.settle();
  CHECK(patched(world, book, {protocol::save_contact(ben_number, {"Ben Baker", "", {}, {}}, 1)}) == "result");
  CHECK(world.anna.contacts().empty());
  const auto refused = saved(world, *world.network.find_account(std::string_view("15550000002")), "Ben");
  REQUIRE(refused);
  CHECK(refused->error().code == protocol::Errc::closed);
  world.anna.power(true);
  world.settle();
  CHECK(world.anna.contacts().size() == 1);
}

TEST_CASE("a phone knows its address book after a restart, and patches on") {
  Linked world;
  world.phone("15550000002", "Ben");
  world.link();
  REQUIRE(saved(world, *world.network.find_account(std::string_view("15550000002")), "Ben B")->has_value());
  world.disk.commit(world.network, world.phones);
  PhoneWorld later;
  REQUIRE(world.disk.load(later.network, later.phones));
  Phone& anna = *later.phones.find("15550000001");
  CHECK(anna.contacts().at("15550000002") == "Ben B");
  later.settle();
  bool done = false;
  anna.save_contact(*later.network.find_account(std::string_view("15550000002")), "Benny",
                    [&](const protocol::Result<void>& result) { done = result.has_value(); });
  later.settle();
  CHECK(done);
  CHECK(later.network.app_state_version("15550000001", book) == 3);
  CHECK(anna.contacts().at("15550000002") == "Benny");
}

TEST_CASE("a phone that was installed anew writes everything with its new key") {
  Linked world;
  world.phone("15550000002", "Ben");
  world.link();
  REQUIRE(saved(world, *world.network.find_account(std::string_view("15550000002")), "Ben B")->has_value());
  const Bytes before = world.key_id;
  world.anna.reinstall();
  world.settle();
  world.link();
  CHECK(world.key_id != before);
  const auto now = contents(*world.client, world.keys, book);
  REQUIRE(now.size() == 1);
  CHECK(protocol::read_contact(now.at(ben_index))->full_name == "Ben B");
}

}  // namespace wharf::sandbox::test
