#include "tests/sessions/session_fixture.h"

#include <unistd.h>

#include <utility>

namespace wharf::test {

SessionFixture::SessionFixture()
    : directory(std::filesystem::temp_directory_path() /
                ("wharf-session-" + std::to_string(::getpid()) + "-" + std::to_string(++count))) {
  std::filesystem::create_directories(directory);
  storage::Store::Settings file;
  file.path = (directory / "t.sqlite").string();
  file.synchronous = storage::Synchronous::off;
  file.before_change = test::run_injected;
  store = *storage::Store::open(std::move(file));
  storage::Changes changes;
  row.id = storage::SessionId{1};
  row.name = "s";
  row.status = "ready";
  changes.add(storage::InsertSession{row});
  auto device = new_device(row.id, random, changes, 1'000);
  device.account = {1, 2, 3};
  device.jid = Jid("15550000001", "s.whatsapp.net", 3);
  device.lid = Jid("100000000000001", "lid", 3);
  device.server_has_prekeys = true;
  device.groups_listed = true;
  device.reads_shown = storage::ReadsShown::yes;
  changes.add(storage::PutDevice{device});
  store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  reopen();
}

SessionFixture::~SessionFixture() {
  session.reset();
  store.reset();
  std::filesystem::remove_all(directory);
}

void SessionFixture::reopen() {
  session =
      std::make_unique<Session>(store->reader(), random, settings, row, *storage::load_device(store->reader(), row.id),
                                SessionConfig(), [this](std::string_view event, const std::string& fields) {
                                  logged.push_back(std::string(event) + " " + fields);
                                });
}

std::vector<Effect> SessionFixture::turn(std::vector<Input> inputs, bool durable) {
  Turn t = session->handle(std::move(inputs), Now{now_ms, steady});
  if (!durable) {
    fail_answers(t.effects, protocol::Error(protocol::Errc::storage, "lost"));
    return std::move(t.effects);
  }
  store->commit(std::move(t.changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  session->committed();
  for (Effect& effect : t.effects) {
    if (auto* answer = std::get_if<Answer>(&effect)) answer->deliver(nullptr);
    if (auto* answer = std::get_if<AnswerWithView>(&effect)) std::move(answer->reply)(session->view());
  }
  return std::move(t.effects);
}

std::vector<Effect> SessionFixture::turn_of(Input input, bool durable) {
  std::vector<Input> inputs;
  inputs.push_back(std::move(input));
  return turn(std::move(inputs), durable);
}

std::vector<Effect> SessionFixture::call(UniqueFunction<void()> inside, bool durable) {
  return turn_of(WorkDone{std::move(inside)}, durable);
}

std::vector<Effect> SessionFixture::begin() { return turn_of(Begin()); }

Input SessionFixture::as_input(Command command) { return CommandArrived{std::move(command), {}}; }

std::vector<Effect> SessionFixture::carry_out(Command command, bool durable) {
  return turn_of(as_input(std::move(command)), durable);
}

std::vector<Effect> SessionFixture::stanza(Node node) {
  return turn_of(StanzaArrived{std::move(node), session->link_epoch()});
}

std::vector<Node> SessionFixture::go_online() {
  std::vector<Node> said;
  turn_of(LinkUp{{}, false, session->link_epoch()});
  const auto effects = stanza(Node("success").set("t", "1700000000").set("lid", Jid("100000000000001", "lid", 3)));
  for (const Node& node : sent(effects)) {
    if (node.child("active")) said = sent(stanza(Node("iq").set("id", node.attr("id")).set("type", "result")));
  }
  REQUIRE(session->context().link.online());
  return said;
}

std::vector<Effect> SessionFixture::cut() {
  return turn_of(LinkDown{LinkEnd{LinkEnd::Kind::network, "cut"}, session->link_epoch()});
}

std::vector<Node> SessionFixture::sent(const std::vector<Effect>& effects) {
  std::vector<Node> nodes;
  for (const Effect& effect : effects) {
    if (const auto* send = std::get_if<SendPayload>(&effect)) nodes.push_back(*protocol::decode_node(send->payload));
  }
  return nodes;
}

std::optional<Outcome<SentMessage>> SessionFixture::send(SendMessage text, bool durable) {
  std::optional<Outcome<SentMessage>> answer;
  last = tell(
      std::move(text), [&](Outcome<SentMessage> sent) { answer = std::move(sent); }, durable);
  return answer;
}

SendMessage SessionFixture::text(std::string body) {
  SendMessage out;
  out.chat = Jid("15550000002", "s.whatsapp.net");
  out.content = std::move(body);
  return out;
}

SignalPeer SessionFixture::befriend(const Jid& contact) {
  SignalPeer peer = SignalPeer::make(random, 77);
  protocol::SessionRecord record;
  const auto device = storage::load_device(store->reader(), row.id);
  REQUIRE(
      protocol::start_session(record, {device->identity, device->registration_id}, peer.bundle(), random).has_value());
  storage::Changes changes;
  changes.add(storage::PutRatchet{row.id, contact.with_device(0), record.serialize()});
  storage::DeviceListRow list;
  list.fetched_at = now_ms;
  list.devices = {0};
  changes.add(storage::PutDeviceList{row.id, contact, list});
  list.devices = {3};
  changes.add(storage::PutDeviceList{row.id, Jid("100000000000001", "lid"), list});
  changes.add(storage::PutTrustedToken{row.id, {contact, {}, 0, static_cast<std::uint64_t>(now_ms / 1000)}});
  store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  return peer;
}

std::vector<protocol::Ciphertext> SessionFixture::ciphertexts(const std::vector<Node>& nodes) {
  std::vector<protocol::Ciphertext> found;
  for (const Node& node : nodes) {
    if (!node.is("message") || node.child("participants") == nullptr) continue;
    for (const Node* to : node.child("participants")->children("to")) {
      const Node* enc = to->child("enc");
      protocol::Ciphertext text;
      text.kind =
          enc->attr("type") == "pkmsg" ? protocol::CiphertextKind::pre_key_message : protocol::CiphertextKind::message;
      text.body = protocol::to_bytes(enc->data());
      found.push_back(std::move(text));
    }
  }
  return found;
}

std::vector<std::string> SessionFixture::event_names() {
  std::vector<std::string> names;
  storage::EventFilter filter;
  for (const auto& event : storage::read_events(store->reader(), filter)) names.push_back(event.name);
  return names;
}

protocol::PreKeyBundle published_bundle(SessionFixture& f) {
  const auto device = storage::load_device(f.store->reader(), f.row.id);
  const auto signed_key = storage::find_signed_pre_key(f.store->reader(), f.row.id, device->signed_pre_key_id);
  protocol::PreKeyBundle ours;
  ours.registration_id = device->registration_id;
  ours.identity = device->identity.pub;
  ours.signed_pre_key_id = signed_key->id;
  ours.signed_pre_key = signed_key->pair.pub;
  ours.signed_pre_key_signature = signed_key->signature;
  return ours;
}

}  // namespace wharf::test
