#include "protocol/noise/symmetric_state.h"

#include <catch2/catch.hpp>

#include "protocol/noise/frame.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;
using wharf::test::text;
using wharf::test::vectors;

namespace {

/// Replays a transcript; the hash is compared behind every step, keys and counter through the ciphertexts.
void replay(const boost::json::value& steps, std::size_t count, std::string_view write_key, std::string_view read_key) {
  const auto& list = steps.as_array();
  REQUIRE(list.size() == count);
  REQUIRE(text(list.at(1).as_object(), "data") == to_hex(connection_header));
  SymmetricState state(text(list.at(0).as_object(), "protocol_name"), connection_header);
  for (std::size_t i = 1; i < list.size(); ++i) {
    const auto& step = list[i].as_object();
    const std::string_view op = text(step, "op");
    INFO(i << " " << op << " " << text(step, "what"));
    if (op == "mixHash") {
      if (i > 1) state.mix_hash(hex(step.at("data")));  // the prologue is mixed at construction
    } else if (op == "mixKey") {
      state.mix_key(hex(step.at("shared_secret")));
    } else if (op == "encryptAndHash") {
      REQUIRE(to_hex(state.encrypt(hex(step.at("plaintext")))) == text(step, "ciphertext"));
    } else {
      REQUIRE(op == "decryptAndHash");
      const Result<Bytes> plaintext = state.decrypt(hex(step.at("ciphertext")));
      REQUIRE(plaintext);
      REQUIRE(to_hex(*plaintext) == text(step, "plaintext"));
    }
    REQUIRE(to_hex(state.hash()) == text(step, "h"));
  }
  const auto split = state.split();
  REQUIRE(to_hex(split.client_to_server) == write_key);
  REQUIRE(to_hex(split.server_to_client) == read_key);
}

}  // namespace

TEST_CASE("every step of the published transcripts is reproduced") {
  const auto& file = vectors("noise-xx").as_object();
  const auto run = [&](std::string_view transcript, std::string_view steps, std::size_t count) {
    INFO(transcript << " " << steps);
    const auto& t = file.at(transcript).as_object();
    replay(t.at(steps), count, text(t, "client_write_key"), text(t, "client_read_key"));
  };
  run("xx", "client_steps", 11);
  run("xx", "server_steps", 11);
  run("ik_resume", "client_steps", 12);
  run("xx_fallback", "client_steps", 11);
}

TEST_CASE("a failed decryption changes nothing") {
  SymmetricState sender(noise_xx, connection_header), receiver(noise_xx, connection_header);
  Bytes sealed = sender.encrypt(as_bytes("text"));
  sealed[0] ^= 1;
  REQUIRE(receiver.decrypt(sealed).error().code == Errc::bad_mac);
  sealed[0] ^= 1;
  REQUIRE(*receiver.decrypt(sealed) == to_bytes("text"));
  REQUIRE(receiver.hash() == sender.hash());
}
