#include "tests/sandbox/phone_world.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "protocol/messages/padding.h"
#include "protocol/pairing/code.h"
#include "protocol/pairing/qr.h"

namespace wharf::sandbox::test {

PhoneWorld::PhoneWorld() = default;
PhoneWorld::~PhoneWorld() = default;

Phone& PhoneWorld::phone(const std::string& number, const std::string& name) {
  auto created = phones.create(number, name);
  REQUIRE(created);
  return **created;
}

const PhoneMessage* with_text(const Phone& phone, std::string_view text) {
  const auto& all = phone.messages();
  const auto found = std::find_if(all.rbegin(), all.rend(), [&](const PhoneMessage& m) { return m.text == text; });
  return found == all.rend() ? nullptr : &*found;
}

std::vector<std::string> texts(const Phone& phone) {
  std::vector<std::string> out;
  for (const auto& message : phone.messages()) out.push_back(message.text);
  return out;
}

// --- linking

Client::Client(PhoneWorld& w) : world(w), keys(w.random) { keys.adv_secret = world.random.bytes<32>(); }

Client::~Client() = default;

void Client::disconnect() { closed = true; }

Jid Client::pn() const { return world.network.find_account(key.phone)->pn_jid(key.device); }
Jid Client::lid() const { return world.network.find_account(key.phone)->lid_jid(key.device); }

void Client::deliver(const Node& stanza) {
  received.push_back(stanza);
  if (key.device != 0) return;
  if (auto offered = protocol::pair_device_refs(stanza); !offered.empty()) {
    refs = offered;
    return;
  }
  if (const auto hello = protocol::read_primary_hello(stanza)) return on_primary_hello(*hello);
  const auto announced = protocol::read_pair_success(stanza);
  if (!announced || !announced->has_value()) return;
  const auto accepted = protocol::accept_pair_success((*announced)->device_identity, keys.adv_secret,
                                                      keys.identity.identity, world.random);
  if (!accepted) {
    const bool bad_hmac = accepted.error().code == protocol::Errc::bad_mac;
    return world.network.handle_pairing_stanza(
        pairing, protocol::iq_error(stanza, 401, bad_hmac ? "hmac-mismatch" : "signature-mismatch"));
  }
  success = **announced;
  key_index = accepted->key_index;
  device_identity = accepted->account;
  signed_reply_ = protocol::pair_device_sign(stanza, accepted->reply, accepted->key_index);
  if (answers_pairing) answer_pairing();
}

void Client::answer_pairing() {
  REQUIRE(signed_reply_);
  world.network.handle_pairing_stanza(pairing, *std::exchange(signed_reply_, std::nullopt));
}

void Client::open_pairing() {
  protocol::ParsedClientPayload registration;
  registration.registration = protocol::ParsedClientPayload::Registration();
  auto& r = *registration.registration;
  r.keys = {keys.identity.registration_id, keys.identity.identity.pub, keys.signed_pre_key.id,
            keys.signed_pre_key.pair.pub, keys.signed_pre_key.signature};
  r.os = "Test";
  r.platform_type = 1;
  pairing = world.network.open_pairing(keys.noise.pub, registration, *this);
  REQUIRE(refs.size() == 6);
}

std::string Client::qr() const {
  return protocol::qr_text({refs[0], keys.noise.pub, keys.identity.identity.pub, keys.adv_secret, '1'});
}

void Client::ask_code(const std::string& phone, const std::string& text) {
  code = text;
  ephemeral = protocol::KeyPair::generate(world.random);
  const auto salt = world.random.bytes<32>();
  protocol::CompanionHello hello;
  hello.phone = phone;
  hello.wrapped_ephemeral = protocol::wrap_pairing_ephemeral(protocol::pairing_code_key(code, salt), salt,
                                                             world.random.bytes<16>(), ephemeral.pub);
  hello.noise = keys.noise.pub;
  key.phone = phone;
  const auto id = world.id();
  world.network.handle_pairing_stanza(pairing, protocol::companion_hello_iq(id, hello));
  const auto ref = protocol::companion_hello_ref(answer(id));
  REQUIRE(ref.has_value());
  code_ref = *ref;
}

void Client::on_primary_hello(const protocol::PrimaryHello& hello) {
  REQUIRE(hello.ref == code_ref);
  const auto salt = protocol::wrapped_ephemeral_salt(hello.wrapped_ephemeral);
  REQUIRE(salt);
  const auto theirs =
      protocol::unwrap_pairing_ephemeral(protocol::pairing_code_key(code, *salt), hello.wrapped_ephemeral);
  REQUIRE(theirs);
  const auto finish =
      protocol::make_companion_finish(keys.identity.identity, ephemeral, *theirs, hello.identity, world.random);
  REQUIRE(finish);
  keys.adv_secret = finish->adv_secret;
  world.network.handle_pairing_stanza(
      pairing, protocol::companion_finish_iq(world.id(), key.phone, finish->wrapped_bundle, keys.identity.identity.pub,
                                             code_ref));
}

void Client::log_in() {
  REQUIRE(success.has_value());
  key = {world.network.find_account(success->jid.user_jid())->phone, success->jid.device};
  received.clear();
  read_ = 0;
  protocol::ParsedClientPayload login;
  login.username = std::stoull(success->jid.user);
  login.device = key.device;
  REQUIRE(world.network.login(keys.noise.pub, login, *this));
  const auto uploaded = keys.pre_keys(1, 20, world.random);
  for (const auto& pre_key : uploaded) one_time[pre_key.id] = pre_key.pair;
  const auto id = world.id();
  send(protocol::upload_prekeys_iq(id, keys.published(), uploaded));
  REQUIRE(answer(id).attr("type") == "result");
}

std::unique_ptr<Client> linked_client(PhoneWorld& world, Phone& phone) {
  auto client = std::make_unique<Client>(world);
  client->open_pairing();
  protocol::Result<Jid> linked = protocol::Error(protocol::Errc::not_ready, "");
  phone.scan(client->qr(), [&](protocol::Result<Jid> result) { linked = std::move(result); });
  world.settle();
  REQUIRE(linked);
  client->log_in();
  world.settle();
  return client;
}

// --- messages

const Node& Client::answer(const std::string& id) const {
  const auto found = std::find_if(received.begin(), received.end(), [&](const Node& node) {
    return node.is("iq") && node.attr("id") == id && node.attr("type") != "set" && node.attr("type") != "get";
  });
  REQUIRE(found != received.end());
  return *found;
}

void Client::send(const Node& stanza) { world.network.handle(key, stanza); }

Node Client::prepare(const std::string& to, const std::string& text, const std::string& id) {
  return prepare(to, protocol::build_text({text, {}, std::nullopt}, world.random).encoded, id);
}

Node Client::prepare(const std::string& to, ByteView encoded, const std::string& id) {
  Account& contact = *world.network.find_account(to);
  Account& own = *world.network.find_account(key.phone);
  std::vector<DeviceKey> devices;
  for (Account* account : {&contact, &own}) {
    if (account == &own && &contact == &own && !devices.empty()) continue;
    for (const auto& [number, device] : account->devices) {
      if (const DeviceKey target{account->phone, number}; target != key) devices.push_back(target);
    }
  }
  protocol::OutgoingStanza stanza;
  stanza.kind = protocol::stanza_kind(encoded);
  stanza.id = id;
  stanza.to = contact.lid_jid();
  stanza.peer_recipient_pn = contact.pn_jid();
  stanza.device_identity = device_identity;
  for (const DeviceKey& target : devices) {
    const Jid jid = world.network.find_account(target.phone)->lid_jid(target.device);
    const Bytes plain =
        target.phone == key.phone ? protocol::wrap_device_sent(encoded, stanza.to) : protocol::to_bytes(encoded);
    stanza.participants.push_back({jid, seal(target, plain)});
  }
  return protocol::message_stanza(stanza);
}

protocol::SessionRecord& Client::session_with(const DeviceKey& target) {
  auto& session = sessions[target];
  if (session.has_current()) return session;
  const auto asked = world.id();
  const Jid jid = world.network.find_account(target.phone)->lid_jid(target.device);
  send(protocol::fetch_bundles_iq(asked, std::vector<Jid>{jid}));
  const auto bundles = protocol::read_bundles(answer(asked));
  REQUIRE(bundles.size() == 1);
  REQUIRE(bundles[0].bundle.has_value());
  REQUIRE(protocol::start_session(session, keys.identity, *bundles[0].bundle, world.random));
  return session;
}

protocol::Ciphertext Client::seal(const DeviceKey& target, ByteView plain) {
  auto sealed = protocol::encrypt(session_with(target), keys.identity, protocol::pad_message(plain, world.random));
  REQUIRE(sealed);
  return std::move(*sealed);
}

Node Client::prepare_in_group(const Jid& group, const std::string& text, const std::string& id, Spoil spoil) {
  const auto asked = world.id();
  send(protocol::groups::request_iq(asked, protocol::groups::QueryGroup{group, {}}));
  std::vector<Jid> members = extra_members;
  const auto queried = protocol::groups::read_queried({group, {}}, answer(asked));
  if (queried && *queried) {
    for (const auto& member : (*queried)->members) members.push_back(member.jid);
  }
  const auto encoded = protocol::build_text({text, {}, std::nullopt}, world.random).encoded;
  auto own = own_sender_keys.find(group);
  if (own == own_sender_keys.end())
    own = own_sender_keys.emplace(group, protocol::OwnSenderKey::create(world.random)).first;
  auto sealed = own->second.encrypt(protocol::pad_message(encoded, world.random), world.random);
  REQUIRE(sealed);
  if (spoil == Spoil::signature) sealed->body.back() ^= 0x01;
  const Bytes given = protocol::with_sender_key({}, group, sealed->distribution);
  Node participants("participants");
  for (const Jid& member : members) {
    const Account& account = *world.network.find_account(member);
    for (const auto& [number, device] : account.devices) {
      const DeviceKey target{account.phone, number};
      if (target == key) continue;
      const auto one = seal(target, given);
      Node enc("enc");
      enc.set("v", "2").set("type", one.kind == protocol::CiphertextKind::pre_key_message ? "pkmsg" : "msg");
      const Jid jid = member.is_lid() ? account.lid_jid(number) : account.pn_jid(number);
      participants.add(Node("to").set("jid", jid).add(enc.bytes(one.body)));
    }
  }
  Node message("message");
  message.set("id", id).set("to", group).set("type", "text");
  message.add(std::move(participants));
  message.add(Node("enc").set("v", "2").set("type", "skmsg").bytes(sealed->body));
  return message.add(Node("device-identity").bytes(device_identity));
}

std::optional<Bytes> Client::open(const protocol::MessageSource& source, const DeviceKey& author,
                                  const protocol::ReceivedEnc& enc) {
  if (enc.type == "skmsg") {
    const auto opened = sender_keys[{source.chat, author}].decrypt(enc.body);
    return opened ? std::optional(opened->plaintext) : std::nullopt;
  }
  auto& session = sessions[author];
  const protocol::OwnPreKeys own_keys{[this](protocol::PreKeyId id) {
                                        return id == keys.signed_pre_key.id ? std::optional(keys.signed_pre_key.pair)
                                                                            : std::nullopt;
                                      },
                                      [this](protocol::PreKeyId id) {
                                        const auto found = one_time.find(id);
                                        return found == one_time.end() ? std::nullopt : std::optional(found->second);
                                      }};
  auto plain = enc.type == "pkmsg"
                   ? protocol::decrypt_pre_key_message(session, keys.identity, own_keys, enc.body, world.random)
                   : protocol::decrypt_message(session, keys.identity, enc.body, world.random);
  return plain ? std::optional(std::move(plain->plaintext)) : std::nullopt;
}

std::vector<protocol::IncomingMessage> Client::read_messages() {
  std::vector<protocol::IncomingMessage> out;
  for (; read_ < received.size(); ++read_) {
    const Node stanza = received[read_];  // a copy: receipts below may deliver more
    if (!stanza.is("message")) continue;
    const Account& own = *world.network.find_account(key.phone);
    const auto source = protocol::read_message_source(stanza, own.pn_jid(key.device), own.lid_jid(key.device));
    REQUIRE(source);
    const Account* author = world.network.find_account(source->author.user_jid());
    REQUIRE(author != nullptr);
    const DeviceKey device{author->phone, source->author.device};
    std::optional<protocol::IncomingMessage> content;
    for (const auto& enc : protocol::read_encs(stanza)) {
      const auto plain = open(*source, device, enc);
      if (!plain) continue;
      const auto unpadded = protocol::unpad_message(*plain);
      REQUIRE(unpadded);
      auto parsed = protocol::parse_message(*unpadded);
      REQUIRE(parsed);
      if (!parsed->sender_key_distribution.empty())
        REQUIRE(sender_keys[{source->chat, device}].process(parsed->sender_key_distribution));
      if (parsed->has_content || !source->chat.is_group()) content = std::move(*parsed);
    }
    if (!content) continue;
    const auto kind = source->peer      ? protocol::DeliveryReceipt::peer
                      : source->from_me ? protocol::DeliveryReceipt::sender
                                        : protocol::DeliveryReceipt::active;
    send(protocol::delivery_receipt(stanza, kind, *source));
    out.push_back(std::move(*content));
  }
  return out;
}

}  // namespace wharf::sandbox::test
