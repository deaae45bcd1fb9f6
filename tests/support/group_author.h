#pragma once
// Somebody who writes to a group and may do so wrongly: any iteration, any ciphertext, signed all the same.

#include <string_view>

#include "protocol/crypto/aes.h"
#include "protocol/signal/message_codec.h"
#include "protocol/signal/sender_key.h"
#include "tests/support/scripted_random.h"

namespace wharf::test {

struct GroupAuthor {
  std::uint32_t id = 0;
  protocol::detail::Secret32 first_chain_key;
  protocol::KeyPair signing;

  static GroupAuthor make(protocol::Random& random, std::uint32_t id) {
    return {id, protocol::detail::Secret32(random.bytes<32>()), protocol::KeyPair::generate(random)};
  }

  protocol::detail::Secret32 chain_key(std::uint32_t iteration) const {
    protocol::detail::Secret32 key = first_chain_key;
    for (; iteration > 0; --iteration) key = protocol::detail::next_chain_key(key);
    return key;
  }
  protocol::Bytes distribution(std::uint32_t iteration) const {
    return protocol::detail::write_sender_key_distribution({id, iteration, chain_key(iteration), signing.pub});
  }

  /// `protobuf` after the version byte, signed.
  protocol::Bytes signed_body(protocol::ByteView protobuf) const {
    protocol::SeededRandom random(1);
    protocol::Bytes body = protocol::concat(protocol::Bytes{protocol::detail::message_version}, protobuf);
    protocol::append(body, protocol::xeddsa_sign(signing, body, random));
    return body;
  }
  protocol::Bytes signed_ciphertext(std::uint32_t iteration, protocol::ByteView ciphertext) const {
    const protocol::Bytes body = protocol::detail::write_sender_key_message(id, iteration, ciphertext);
    return signed_body(protocol::ByteView(body).subspan(1));
  }
  protocol::Bytes message(std::uint32_t iteration, std::string_view text) const {
    const auto keys = protocol::hkdf_sha256<48>(protocol::detail::message_seed(chain_key(iteration)).bytes,
                                                protocol::Key32{}, protocol::as_bytes("WhisperGroup"));
    const auto iv = *protocol::exactly<16>(protocol::ByteView(keys).first(16));
    const auto cipher_key = *protocol::exactly<32>(protocol::ByteView(keys).subspan(16));
    return signed_ciphertext(iteration, protocol::cbc_encrypt(cipher_key, iv, protocol::as_bytes(text)));
  }

  /// The same key as the device that owns it has it.
  protocol::OwnSenderKey own() const {
    ScriptedRandom random(protocol::big_endian(id, 4));
    random.push(protocol::to_bytes(protocol::ByteView(first_chain_key.bytes)));
    random.push(protocol::to_bytes(signing.secret.view()));
    return protocol::OwnSenderKey::create(random);
  }
};

}  // namespace wharf::test
