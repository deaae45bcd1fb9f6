#include "tests/sandbox/fixture.h"

#include <spdlog/spdlog.h>

#include <catch2/catch.hpp>

namespace wharf::sandbox::test {

Inbox::Inbox() = default;
Inbox::~Inbox() = default;

void Inbox::deliver(const Node& stanza) { all.push_back(stanza); }

void Inbox::disconnect() { closed = true; }

std::vector<Node> Inbox::tagged(std::string_view tag) const {
  std::vector<Node> out;
  for (const auto& node : all) {
    if (node.is(tag)) out.push_back(node);
  }
  return out;
}

const Node* Inbox::last(std::string_view tag) const {
  for (auto node = all.rbegin(); node != all.rend(); ++node) {
    if (node->is(tag)) return &*node;
  }
  return nullptr;
}

const Node& Inbox::answer(std::string_view id) const {
  for (const auto& node : all) {
    if (node.is("iq") && node.attr("id") == id && (node.attr("type") == "result" || node.attr("type") == "error"))
      return node;
  }
  FAIL("no answer to iq " << id);
  throw 0;
}

Keys::Keys(protocol::Random& random)
    : noise(protocol::KeyPair::generate(random)),
      identity{protocol::KeyPair::generate(random), random.u32() & 0x3fff},
      signed_pre_key(protocol::make_signed_pre_key(identity.identity, 1, random)),
      adv_secret(random.bytes<32>()) {}

protocol::PublishedKeys Keys::published() const {
  protocol::PublishedKeys out;
  out.registration_id = identity.registration_id;
  out.identity = identity.identity.pub;
  out.signed_pre_key_id = signed_pre_key.id;
  out.signed_pre_key = signed_pre_key.pair.pub;
  out.signature = signed_pre_key.signature;
  return out;
}

std::vector<protocol::PreKey> Keys::pre_keys(protocol::PreKeyId first, std::size_t count,
                                             protocol::Random& random) const {
  std::vector<protocol::PreKey> out;
  for (std::size_t i = 0; i < count; ++i) {
    out.push_back({first + static_cast<protocol::PreKeyId>(i), protocol::KeyPair::generate(random)});
  }
  return out;
}

World::World() : network(Network::Settings(), clock, random) {
  spdlog::set_level(spdlog::level::off);  // the server complains about every wrong input these tests send
}

World::~World() = default;

std::string World::id() { return "t-" + std::to_string(++ids_); }

Primary::Primary(World& w, std::string n, std::string name) : world(w), number(std::move(n)), keys(w.random) {
  auto created = world.network.create_account(number, std::move(name));
  REQUIRE(created);
  protocol::UploadedKeys upload;
  upload.keys = keys.published();
  for (const auto& key : keys.pre_keys(1, 100, world.random)) upload.one_time.push_back({key.id, key.pair.pub});
  world.network.publish_phone_keys(**created, upload);
  world.network.attach_phone(number, inbox);
}

Primary::~Primary() = default;

Account& Primary::account() { return *world.network.find_account(number); }

DeviceKey Primary::key() const { return {number, 0}; }

void Primary::send(const Node& stanza) { world.network.handle(key(), stanza); }

PairDeviceUpload Primary::upload_for(const Keys& companion, std::string ref) {
  PairDeviceUpload upload;
  upload.ref = std::move(ref);
  upload.timestamp = static_cast<std::uint64_t>(world.clock.unix_ms() / 1000);
  upload.key_index = ++last_index;
  valid_indexes.push_back(last_index);
  upload.device_identity =
      protocol::issue_device_identity(keys.identity.identity, companion.identity.identity.pub,
                                      {42, upload.timestamp, upload.key_index}, companion.adv_secret, world.random);
  upload.key_index_list = protocol::issue_key_index_list(
      keys.identity.identity, {42, upload.timestamp, last_index, valid_indexes}, world.random);
  return upload;
}

Companion::Companion(World& w, Primary& p) : world(w), primary(p), keys(w.random), inbox(std::make_unique<Inbox>()) {}
Companion::~Companion() = default;

protocol::ParsedClientPayload Companion::registration() const {
  protocol::ParsedClientPayload payload;
  payload.version = protocol::AppVersion();
  payload.registration = protocol::ParsedClientPayload::Registration();
  auto& registration = *payload.registration;
  registration.keys = {keys.identity.registration_id, keys.identity.identity.pub, keys.signed_pre_key.id,
                       keys.signed_pre_key.pair.pub, keys.signed_pre_key.signature};
  registration.os = "Test";
  registration.platform_type = 1;
  return payload;
}

protocol::ParsedClientPayload Companion::login_payload(bool passive) const {
  protocol::ParsedClientPayload payload;
  payload.version = protocol::AppVersion();
  payload.username = std::stoull(primary.number);
  payload.device = key.device;
  payload.passive = passive;
  return payload;
}

void Companion::open_pairing() {
  earlier.push_back(std::move(inbox));
  inbox = std::make_unique<Inbox>();
  pairing = world.network.open_pairing(keys.noise.pub, registration(), *inbox);
}

protocol::PairSuccess Companion::scan() {
  REQUIRE(inbox->last("iq"));
  const auto refs = protocol::pair_device_refs(*inbox->last("iq"));
  REQUIRE(refs.size() == 6);
  world.network.handle_pairing_stanza(pairing, protocol::iq_result(*inbox->last("iq")));
  world.network.pair_device(primary.number, primary.upload_for(keys, refs[2]),
                            [this](protocol::Result<Jid> result) { linked = std::move(result); });
  success_iq = *inbox->last("iq");
  auto success = protocol::read_pair_success(success_iq);
  REQUIRE(success);
  REQUIRE(success->has_value());
  return **success;
}

Node Companion::sign(const protocol::PairSuccess& success) {
  auto identity =
      protocol::accept_pair_success(success.device_identity, keys.adv_secret, keys.identity.identity, world.random);
  REQUIRE(identity);
  return protocol::pair_device_sign(success_iq, identity->reply, identity->key_index);
}

void Companion::link() {
  open_pairing();
  const auto success = scan();
  world.network.handle_pairing_stanza(pairing, sign(success));
  REQUIRE(linked);
  key = {primary.number, linked->device};
}

bool Companion::login(bool passive) {
  earlier.push_back(std::move(inbox));
  inbox = std::make_unique<Inbox>();
  return world.network.login(keys.noise.pub, login_payload(passive), *inbox).has_value();
}

void Companion::send(const Node& stanza) { world.network.handle(key, stanza); }

void Companion::disconnect() { world.network.detach(key, *inbox); }

Jid Companion::pn() const { return primary.account().pn_jid(key.device); }
Jid Companion::lid() const { return primary.account().lid_jid(key.device); }

std::unique_ptr<Companion> ready_companion(World& world, Primary& primary) {
  auto companion = std::make_unique<Companion>(world, primary);
  companion->link();
  REQUIRE(companion->login());
  const auto id = world.id();
  companion->send(
      protocol::upload_prekeys_iq(id, companion->keys.published(), companion->keys.pre_keys(1, 20, world.random)));
  REQUIRE(companion->inbox->answer(id).attr("type") == "result");
  return companion;
}

Node message_to(std::string_view id, const Jid& to, const std::vector<Jid>& devices, std::string_view body) {
  Node participants("participants");
  for (const auto& device : devices) {
    Node row("to");
    row.set("jid", device);
    participants.add(
        row.add(Node("enc").set("v", "2").set("type", "msg").text(std::string(body) + device.to_string())));
  }
  Node message("message");
  return message.set("id", id).set("to", to).set("type", "text").add(std::move(participants));
}

}  // namespace wharf::sandbox::test
