#include <catch2/catch.hpp>

#include "net/loop.h"
#include "protocol/noise/client_payload.h"
#include "sandbox/connection.h"
#include "tests/sandbox/fixture.h"

using namespace wharf;
using namespace wharf::sandbox;
using namespace wharf::sandbox::test;

namespace {

/// A socket that is a pair of byte strings.
struct MemorySocket final : net::WebSocket {
  Callbacks callbacks;
  Bytes sent;
  bool closed = false;
  std::size_t queued = 0;
  void start(Callbacks c) override { callbacks = std::move(c); }
  void send(net::MessageType, std::vector<std::uint8_t> payload) override { protocol::append(sent, payload); }
  std::size_t queued_bytes() const override { return queued; }
  void when_drained(std::function<void()> callback) override { callback(); }
  void pause(bool) override {}
  void close(std::uint16_t, std::string_view) override { closed = true; }
  void abort() override { closed = true; }
  std::string remote_address() const override { return "memory"; }
};

struct Server {
  World world;
  net::asio::io_context loop;
  net::LoopScheduler scheduler{loop};
  protocol::CertificateAuthority authority{protocol::KeyPair::generate(world.random),
                                           protocol::KeyPair::generate(world.random)};
  NoiseIdentity identity;
  std::vector<std::shared_ptr<Connection>> connections;
  int ended = 0;
  bool hold = false;  // as if a commit were on its way
  std::vector<std::function<void()>> held;
  Server() {
    identity.server_static = protocol::KeyPair::generate(world.random);
    const protocol::CertificateWindow window{0, 4'000'000'000};
    identity.chain = protocol::issue_certificate_chain(authority, identity.server_static.pub, window, world.random);
    const protocol::CertificateAuthority foreign{protocol::KeyPair::generate(world.random),
                                                 protocol::KeyPair::generate(world.random)};
    identity.foreign_chain =
        protocol::issue_certificate_chain(foreign, identity.server_static.pub, window, world.random);
  }
  std::shared_ptr<MemorySocket> connect() {
    auto socket = std::make_shared<MemorySocket>();
    connections.push_back(std::make_shared<Connection>(
        world.network, identity, socket, scheduler,
        [this](std::function<void()> effect) { hold ? held.push_back(std::move(effect)) : effect(); },
        [this](Connection&) { ++ended; }));
    connections.back()->start();
    return socket;
  }
  void run() {
    loop.restart();
    loop.poll();
  }
};

void feed(MemorySocket& socket, ByteView bytes) { socket.callbacks.message(net::MessageType::binary, bytes); }

/// Our own client on the other end of the socket.
struct Client {
  Client(Server& s, const Keys& keys, Bytes payload, std::optional<protocol::KnownServer> resume = {})
      : server(s), socket(s.connect()) {
    protocol::HandshakeInitiator::Settings settings;
    settings.root = s.authority.root.pub;
    settings.resume = std::move(resume);
    initiator.emplace(keys.noise, protocol::KeyPair::generate(s.world.random), std::move(payload), settings);
  }
  bool handshake(bool byte_by_byte = false) {
    Bytes out = protocol::client_prologue({});
    protocol::append_frame(out, initiator->client_hello());
    put(out, byte_by_byte);
    auto hello = next();
    if (!hello) return false;
    auto finished = initiator->on_server_hello(*hello);
    if (!finished) return false;
    resumed = finished->resumed;
    known = finished->server;
    write = protocol::TransportCipher(finished->keys.client_to_server);
    read = protocol::TransportCipher(finished->keys.server_to_client);
    if (!finished->client_finish.empty()) put_frame(finished->client_finish, byte_by_byte);
    return true;
  }
  void put(ByteView bytes, bool byte_by_byte = false) {
    if (!byte_by_byte) return feed(*socket, bytes);
    for (auto byte : bytes) feed(*socket, ByteView(&byte, 1));
  }
  void put_frame(ByteView body, bool byte_by_byte = false) {
    Bytes frame;
    protocol::append_frame(frame, body);
    put(frame, byte_by_byte);
  }
  void send(const Node& node) { put_frame(write.seal(protocol::encode_node(node))); }
  std::optional<Bytes> next() {
    reader.feed(std::exchange(socket->sent, {}));
    auto frame = reader.next();
    REQUIRE(frame);
    return std::move(*frame);
  }
  std::optional<Node> receive() {
    auto frame = next();
    if (!frame) return std::nullopt;
    auto plain = read.open(*frame);
    REQUIRE(plain);
    auto node = protocol::decode_node(*plain);
    REQUIRE(node);
    return std::move(*node);
  }

  Server& server;
  std::shared_ptr<MemorySocket> socket;
  std::optional<protocol::HandshakeInitiator> initiator;
  protocol::TransportCipher write, read;
  protocol::FrameReader reader;
  protocol::KnownServer known;
  bool resumed = false;
};

Bytes registration_bytes(const Keys& keys) {
  return protocol::registration_payload(
      {}, {keys.identity.registration_id, keys.identity.identity.pub, keys.signed_pre_key.id,
           keys.signed_pre_key.pair.pub, keys.signed_pre_key.signature});
}

Bytes login_bytes(const Companion& companion) {
  protocol::LoginIdentity login;
  login.jid = companion.pn();
  return protocol::login_payload({}, login);
}

}  // namespace

TEST_CASE("a registration over the wire shows refs, and a login over the wire gets success") {
  Server server;
  Primary anna(server.world, "15550000001");
  Companion desk(server.world, anna);
  Client fresh(server, desk.keys, registration_bytes(desk.keys));
  REQUIRE(fresh.handshake(GENERATE(false, true)));
  const auto iq = fresh.receive();
  REQUIRE(iq);
  CHECK(protocol::pair_device_refs(*iq).size() == 6);

  desk.link();
  Client known(server, desk.keys, login_bytes(desk));
  REQUIRE(known.handshake());
  CHECK_FALSE(known.resumed);
  REQUIRE(known.receive()->is("success"));
  known.receive();  // ib offline
  known.send(protocol::ping_iq("p"));
  CHECK(known.receive()->attr("id") == "p");
}

TEST_CASE("a client that knows the server resumes in one round trip, or falls back when told to") {
  Server server;
  Primary anna(server.world, "15550000001");
  Companion desk(server.world, anna);
  desk.link();
  Client first(server, desk.keys, login_bytes(desk));
  REQUIRE(first.handshake());
  server.world.network.faults().force_fallback = GENERATE(false, true);
  const bool fallback = server.world.network.faults().force_fallback;
  Client second(server, desk.keys, login_bytes(desk), first.known);
  REQUIRE(second.handshake());
  CHECK(second.resumed == !fallback);
  REQUIRE(second.receive()->is("success"));
  CHECK(server.world.network.stats().resumed_logins == (fallback ? 0 : 1));
  const auto replaced = [&] {
    std::optional<Node> last;
    first.reader.feed(std::exchange(first.socket->sent, {}));
    while (auto node = first.receive()) last = std::move(node);
    return last;
  }();
  REQUIRE(replaced);
  CHECK(replaced->is("stream:error"));
}

TEST_CASE("a chain under a foreign root is not accepted by a strict client") {
  Server server;
  server.world.network.faults().bad_certificate = true;
  Keys keys(server.world.random);
  Client client(server, keys, registration_bytes(keys));
  CHECK_FALSE(client.handshake());
}

TEST_CASE("bad bytes end their own connection and no other") {
  Server server;
  Primary anna(server.world, "15550000001");
  Companion desk(server.world, anna);
  desk.link();
  Client good(server, desk.keys, login_bytes(desk));
  REQUIRE(good.handshake());
  REQUIRE(good.receive()->is("success"));
  good.receive();

  Keys keys(server.world.random);
  Client bad(server, keys, registration_bytes(keys));
  SECTION("not WA") { feed(*bad.socket, protocol::as_bytes("GET / HTTP/1.1")); }
  SECTION("another dictionary") { feed(*bad.socket, Bytes{0x57, 0x41, 6, 2}); }
  SECTION("a text message") { bad.socket->callbacks.message(net::MessageType::text, Bytes{0x57}); }
  SECTION("garbage for a hello") {
    bad.put(protocol::client_prologue({}));
    bad.put_frame(Bytes(40, 0xff));
  }
  SECTION("an empty hello") {
    bad.put(protocol::client_prologue({}));
    bad.put_frame({});
  }
  SECTION("a second hello instead of the finish") {
    Bytes out = protocol::client_prologue({});
    protocol::append_frame(out, bad.initiator->client_hello());
    bad.put(out);
    bad.put_frame(bad.initiator->client_hello());
  }
  SECTION("an undecodable payload") {
    Client junk(server, keys, Bytes{0xff, 0xff, 0xff});
    REQUIRE(junk.handshake());
    CHECK(junk.receive()->attr("reason") == "400");
    junk.send(protocol::ping_iq("p"));
    CHECK(junk.socket->sent.empty());
    junk.socket->callbacks.closed("the client leaves");
    server.run();
    CHECK(server.ended == 1);
    feed(*bad.socket, Bytes{0});
  }
  SECTION("a frame that does not decrypt") {
    REQUIRE(bad.handshake());
    bad.put_frame(Bytes(64, 1));
  }
  SECTION("an empty frame") {
    REQUIRE(bad.handshake());
    bad.put_frame({});
  }
  SECTION("a stanza that does not decode") {
    REQUIRE(bad.handshake());
    bad.receive();
    bad.put_frame(bad.write.seal(Bytes{0, 0xf8, 0x05}));
    CHECK(bad.receive()->child("xml-not-well-formed"));
  }
  SECTION("nesting beyond 32") {
    REQUIRE(bad.handshake());
    bad.receive();
    Node deep("a");
    for (int i = 0; i < 40; ++i) {
      Node outer("a");
      outer.add(std::move(deep));
      deep = std::move(outer);
    }
    bad.send(deep);
    CHECK(bad.receive()->child("xml-not-well-formed"));
  }
  // After a stream error the client has a moment to close by itself; nothing it still says is answered.
  if (!bad.socket->closed) {
    bad.socket->sent.clear();
    bad.send(protocol::ping_iq("p"));
    CHECK(bad.socket->sent.empty());
    bad.socket->callbacks.closed("the client leaves");
  }
  server.run();
  CHECK(server.ended >= 1);
  CHECK_FALSE(good.socket->closed);
  good.send(protocol::ping_iq("alive"));
  CHECK(good.receive()->attr("id") == "alive");
}

TEST_CASE("a client that does not read is dropped instead of buffered for ever") {
  Server server;
  Primary anna(server.world, "15550000001");
  Companion desk(server.world, anna);
  desk.link();
  Client client(server, desk.keys, login_bytes(desk));
  REQUIRE(client.handshake());
  client.socket->queued = 33u << 20;
  client.send(protocol::ping_iq("p"));
  CHECK(client.socket->closed);
  server.run();
  CHECK_FALSE(server.world.network.is_online(desk.key));
  CHECK(server.ended == 1);
}

TEST_CASE("large stanzas are compressed when the network is told to") {
  Server server;
  server.world.network.faults().compress = true;
  Primary anna(server.world, "15550000001");
  Companion desk(server.world, anna);
  desk.link();
  Client client(server, desk.keys, login_bytes(desk));
  REQUIRE(client.handshake());
  client.receive();
  client.receive();
  anna.send(protocol::peer_message_stanza("big", desk.pn(), {protocol::CiphertextKind::message, Bytes(5000, 7)}, {}));
  CHECK(client.socket->sent.size() < 1000);
  const auto message = client.receive();
  REQUIRE(message);
  CHECK(message->child("enc")->data().size() == 5000);
}

TEST_CASE("the end of a socket detaches the device") {
  Server server;
  Primary anna(server.world, "15550000001");
  Companion desk(server.world, anna);
  desk.link();
  Client client(server, desk.keys, login_bytes(desk));
  REQUIRE(client.handshake());
  CHECK(server.world.network.is_online(desk.key));
  client.socket->callbacks.closed("gone");
  server.run();
  CHECK_FALSE(server.world.network.is_online(desk.key));
}
