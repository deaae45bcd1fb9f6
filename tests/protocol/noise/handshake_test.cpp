#include "protocol/noise/handshake.h"

#include <catch2/catch.hpp>

#include "protocol/noise/frame.h"
#include "protocol/proto/noise.pb.h"
#include "tests/support/noise_vectors.h"

using namespace wharf::protocol;
using namespace wharf::test;
using wharf::wire::noise::HandshakeMessage;

namespace {

const boost::json::object& transcript(std::string_view name) { return vectors("noise-xx").at(name).as_object(); }

Bytes message(std::string_view name, std::string_view which) {
  return hex(transcript(name).at("messages").at(which).at("protobuf"));
}

Bytes payload() { return hex(vectors("noise-xx").at("client_payload")); }

HandshakeInitiator::Settings settings(bool resume = false) {
  HandshakeInitiator::Settings out;
  out.root = noise_key("cert-root").pub;
  out.now = 1'800'000'000;
  if (resume) out.resume = KnownServer{noise_key("server-static").pub, noise_window};
  return out;
}

HandshakeInitiator initiator_of_vectors(HandshakeInitiator::Settings with = settings()) {
  return HandshakeInitiator(noise_key("client-static"), noise_key("client-ephemeral"), payload(), std::move(with));
}

HandshakeResponder responder_of_vectors(bool force_fallback = false) {
  return HandshakeResponder({noise_key("server-static"), noise_chain(), force_fallback}, noise_key("server-ephemeral"),
                            connection_header);
}

void require_keys(const TransportKeys& keys, std::string_view name) {
  REQUIRE(to_hex(keys.client_to_server) == text(transcript(name), "client_write_key"));
  REQUIRE(to_hex(keys.server_to_client) == text(transcript(name), "client_read_key"));
}

/// The transport frames of a transcript, sealed and opened in order.
void require_transport(const TransportKeys& keys, std::string_view name, std::size_t frames) {
  const auto& transport = transcript(name).at("transport").as_object();
  const auto direction = [&](std::string_view which, const AesKey& key) {
    const auto& list = transport.at(which).as_array();
    REQUIRE(list.size() == frames);
    TransportCipher sender(key), receiver(key);
    for (const auto& frame : list) {
      const Bytes plaintext = hex(frame.at("plaintext"));
      const Bytes sealed = sender.seal(plaintext);
      REQUIRE(to_hex(sealed) == text(frame.as_object(), "ciphertext_with_tag"));
      Bytes wire;
      append_frame(wire, sealed);
      REQUIRE(to_hex(wire) == text(frame.as_object(), "wire"));
      REQUIRE(*receiver.open(sealed) == plaintext);
    }
    REQUIRE(sender.counter() == frames);
    REQUIRE(receiver.counter() == frames);
  };
  direction("client_to_server", keys.client_to_server);
  direction("server_to_client", keys.server_to_client);
}

}  // namespace

TEST_CASE("XX on the client equals the transcript") {
  HandshakeInitiator initiator = initiator_of_vectors();
  REQUIRE(to_hex(initiator.client_hello()) == to_hex(message("xx", "client_hello")));
  const auto finished = initiator.on_server_hello(message("xx", "server_hello"));
  REQUIRE(finished);
  REQUIRE(to_hex(finished->client_finish) == to_hex(message("xx", "client_finish")));
  REQUIRE_FALSE(finished->resumed);
  REQUIRE(finished->server.static_key == noise_key("server-static").pub);
  REQUIRE(finished->server.window.not_after == noise_window.not_after);
  require_keys(finished->keys, "xx");
  require_transport(finished->keys, "xx", 3);
}

TEST_CASE("XX on the server equals the transcript") {
  HandshakeResponder responder = responder_of_vectors();
  const auto reply = responder.on_client_hello(message("xx", "client_hello"));
  REQUIRE(reply);
  REQUIRE(to_hex(reply->server_hello) == to_hex(message("xx", "server_hello")));
  REQUIRE_FALSE(reply->authenticated);
  const auto authenticated = responder.on_client_finish(message("xx", "client_finish"));
  REQUIRE(authenticated);
  REQUIRE(authenticated->client_static == noise_key("client-static").pub);
  REQUIRE(authenticated->client_payload == payload());
  require_keys(authenticated->keys, "xx");
}

TEST_CASE("IK equals the transcript on both sides") {
  HandshakeInitiator initiator = initiator_of_vectors(settings(true));
  HandshakeResponder responder = responder_of_vectors();
  const Bytes hello = initiator.client_hello();
  REQUIRE(to_hex(hello) == to_hex(message("ik_resume", "client_hello")));
  const auto reply = responder.on_client_hello(hello);
  REQUIRE(reply);
  REQUIRE(to_hex(reply->server_hello) == to_hex(message("ik_resume", "server_hello")));
  REQUIRE(reply->authenticated);
  REQUIRE(reply->authenticated->client_static == noise_key("client-static").pub);
  REQUIRE(reply->authenticated->client_payload == payload());
  require_keys(reply->authenticated->keys, "ik_resume");

  const auto finished = initiator.on_server_hello(reply->server_hello);
  REQUIRE(finished);
  REQUIRE(finished->resumed);
  REQUIRE(finished->client_finish.empty());
  REQUIRE(finished->server.static_key == noise_key("server-static").pub);
  require_keys(finished->keys, "ik_resume");
  require_transport(finished->keys, "ik_resume", 1);
  REQUIRE(!responder.on_client_finish(message("xx", "client_finish")));  // there is none after IK
}

TEST_CASE("XXfallback equals the transcript on both sides") {
  HandshakeInitiator initiator = initiator_of_vectors(settings(true));
  HandshakeResponder responder = responder_of_vectors(true);
  const auto reply = responder.on_client_hello(initiator.client_hello());
  REQUIRE(reply);
  REQUIRE_FALSE(reply->authenticated);
  REQUIRE(to_hex(reply->server_hello) == to_hex(message("xx_fallback", "server_hello")));
  const auto finished = initiator.on_server_hello(reply->server_hello);
  REQUIRE(finished);
  REQUIRE_FALSE(finished->resumed);
  REQUIRE(to_hex(finished->client_finish) == to_hex(message("xx_fallback", "client_finish")));
  require_keys(finished->keys, "xx_fallback");
  require_transport(finished->keys, "xx_fallback", 1);
  const auto authenticated = responder.on_client_finish(finished->client_finish);
  REQUIRE(authenticated);
  REQUIRE(authenticated->client_payload == payload());
  require_keys(authenticated->keys, "xx_fallback");
}

TEST_CASE("a remembered key the server no longer has falls back and learns the new one") {
  HandshakeInitiator::Settings with = settings();
  SeededRandom random(3);
  with.resume = KnownServer{KeyPair::generate(random).pub, noise_window};
  HandshakeInitiator initiator = initiator_of_vectors(with);
  HandshakeResponder responder = responder_of_vectors();
  const auto reply = responder.on_client_hello(initiator.client_hello());
  REQUIRE(reply);
  REQUIRE_FALSE(reply->authenticated);
  const auto finished = initiator.on_server_hello(reply->server_hello);
  REQUIRE(finished);
  REQUIRE(finished->server.static_key == noise_key("server-static").pub);
  REQUIRE(responder.on_client_finish(finished->client_finish));
}

TEST_CASE("a remembered key of low order is not used") {
  HandshakeInitiator::Settings with = settings();
  with.resume = KnownServer{};
  REQUIRE(to_hex(initiator_of_vectors(with).client_hello()) == to_hex(message("xx", "client_hello")));
}

TEST_CASE("the client refuses a damaged ServerHello at every byte") {
  const Bytes good = message("xx", "server_hello");
  HandshakeInitiator untouched = initiator_of_vectors();
  untouched.client_hello();
  REQUIRE(untouched.on_server_hello(good));
  for (std::size_t i = 0; i < good.size(); ++i) {
    INFO(i);
    Bytes bad = good;
    bad[i] ^= 1;
    HandshakeInitiator changed = initiator_of_vectors();
    changed.client_hello();
    REQUIRE(!changed.on_server_hello(bad));
    HandshakeInitiator cut = initiator_of_vectors();
    cut.client_hello();
    REQUIRE(!cut.on_server_hello(ByteView(good).first(i)));
  }
}

TEST_CASE("the server refuses a damaged ClientFinish at every byte") {
  const Bytes good = message("xx", "client_finish");
  for (std::size_t i = 0; i < good.size(); ++i) {
    INFO(i);
    Bytes bad = good;
    bad[i] ^= 1;
    HandshakeResponder changed = responder_of_vectors();
    REQUIRE(changed.on_client_hello(message("xx", "client_hello")));
    REQUIRE(!changed.on_client_finish(bad));
  }
}

TEST_CASE("a damaged IK answer is a bad MAC") {
  HandshakeMessage answer;
  const Bytes good = message("ik_resume", "server_hello");
  REQUIRE(answer.ParseFromArray(good.data(), static_cast<int>(good.size())));
  answer.mutable_server_hello()->mutable_payload()->back() ^= 1;
  HandshakeInitiator initiator = initiator_of_vectors(settings(true));
  initiator.client_hello();
  REQUIRE(initiator.on_server_hello(as_bytes(answer.SerializeAsString())).error().code == Errc::bad_mac);
}

TEST_CASE("sizes, missing fields and low-order keys are refused on both sides") {
  const auto hello = [](std::string_view ephemeral) {
    HandshakeMessage out;
    out.mutable_client_hello()->set_ephemeral(std::string(ephemeral));
    return out;
  };
  const auto errc = [](const HandshakeMessage& first) {
    return responder_of_vectors().on_client_hello(as_bytes(first.SerializeAsString())).error().code;
  };
  REQUIRE(errc(HandshakeMessage()) == Errc::malformed);
  REQUIRE(errc(hello(std::string(31, 'x'))) == Errc::malformed);
  REQUIRE(errc(hello(std::string(33, 'x'))) == Errc::malformed);
  REQUIRE(errc(hello(std::string(32, '\0'))) == Errc::invalid_key);
  HandshakeMessage half = hello(std::string(32, 'x'));
  half.mutable_client_hello()->set_static_key("x");
  REQUIRE(errc(half) == Errc::malformed);
  REQUIRE(responder_of_vectors().on_client_hello(Bytes{0xff, 0xff}).error().code == Errc::malformed);

  const Bytes good = message("xx", "server_hello");
  HandshakeMessage answer;
  REQUIRE(answer.ParseFromArray(good.data(), static_cast<int>(good.size())));
  const auto client_errc = [&](auto change) {
    HandshakeMessage changed = answer;
    change(*changed.mutable_server_hello());
    HandshakeInitiator initiator = initiator_of_vectors();
    initiator.client_hello();
    return initiator.on_server_hello(as_bytes(changed.SerializeAsString())).error().code;
  };
  REQUIRE(client_errc([](auto& h) { h.clear_static_key(); }) == Errc::malformed);
  REQUIRE(client_errc([](auto& h) { h.clear_payload(); }) == Errc::malformed);
  REQUIRE(client_errc([](auto& h) { h.clear_ephemeral(); }) == Errc::malformed);
  REQUIRE(client_errc([](auto& h) { h.mutable_ephemeral()->pop_back(); }) == Errc::malformed);
  REQUIRE(client_errc([](auto& h) { h.set_ephemeral(std::string(32, '\0')); }) == Errc::invalid_key);
}

TEST_CASE("a chain of another root ends the handshake") {
  HandshakeInitiator::Settings with = settings();
  with.root = whatsapp_root_key;
  HandshakeInitiator initiator = initiator_of_vectors(with);
  initiator.client_hello();
  REQUIRE(initiator.on_server_hello(message("xx", "server_hello")).error().code == Errc::bad_certificate);

  with = settings();
  with.now = noise_window.not_after + 1;
  HandshakeInitiator late = initiator_of_vectors(with);
  late.client_hello();
  REQUIRE(late.on_server_hello(message("xx", "server_hello")).error().code == Errc::bad_certificate);
}

TEST_CASE("messages out of order are refused") {
  HandshakeInitiator initiator = initiator_of_vectors();
  REQUIRE(!initiator.on_server_hello(message("xx", "server_hello")));
  initiator.client_hello();
  REQUIRE(initiator.on_server_hello(message("xx", "server_hello")));
  REQUIRE(!initiator.on_server_hello(message("xx", "server_hello")));

  HandshakeResponder responder = responder_of_vectors();
  REQUIRE(!responder.on_client_finish(message("xx", "client_finish")));
  REQUIRE(responder.on_client_hello(message("xx", "client_hello")));
  REQUIRE(!responder.on_client_hello(message("xx", "client_hello")));
}

TEST_CASE("the transport counter advances over a frame that fails") {
  const AesKey key{1};
  TransportCipher sender(key), receiver(key);
  Bytes first = sender.seal(as_bytes("first"));
  const Bytes second = sender.seal(as_bytes("second"));
  first[0] ^= 1;
  REQUIRE(receiver.open(first).error().code == Errc::bad_mac);
  REQUIRE(*receiver.open(second) == to_bytes("second"));
  REQUIRE(receiver.open(Bytes(15)).error().code == Errc::bad_mac);
  REQUIRE(receiver.counter() == 3);
}
