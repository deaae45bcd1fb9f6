#pragma once
// A device with identity, signed prekey and one-time prekeys, as far as pairwise sessions need one.

#include <map>

#include "protocol/signal/session.h"

namespace wharf::test {

struct SignalPeer {
  protocol::LocalIdentity local;
  protocol::SignedPreKey signed_pre_key;
  std::map<protocol::PreKeyId, protocol::KeyPair> one_time;
  protocol::SessionRecord session;  // with the one peer of a test

  static SignalPeer make(protocol::Random& random, std::uint32_t registration_id, unsigned one_time_keys = 1) {
    SignalPeer peer;
    peer.local.identity = protocol::KeyPair::generate(random);
    peer.local.registration_id = registration_id;
    peer.signed_pre_key = protocol::make_signed_pre_key(peer.local.identity, 1, random);
    for (protocol::PreKeyId id = 1; id <= one_time_keys; ++id)
      peer.one_time.emplace(id, protocol::KeyPair::generate(random));
    return peer;
  }

  /// What the server hands out: with the first one-time prekey left, if any.
  protocol::PreKeyBundle bundle() const {
    protocol::PreKeyBundle out;
    out.registration_id = local.registration_id;
    out.identity = local.identity.pub;
    out.signed_pre_key_id = signed_pre_key.id;
    out.signed_pre_key = signed_pre_key.pair.pub;
    out.signed_pre_key_signature = signed_pre_key.signature;
    if (!one_time.empty()) out.one_time = {one_time.begin()->first, one_time.begin()->second.pub};
    return out;
  }

  protocol::OwnPreKeys own_pre_keys() const {
    protocol::OwnPreKeys keys;
    keys.signed_pre_key = [this](protocol::PreKeyId id) -> std::optional<protocol::KeyPair> {
      if (id != signed_pre_key.id) return std::nullopt;
      return signed_pre_key.pair;
    };
    keys.one_time = [this](protocol::PreKeyId id) -> std::optional<protocol::KeyPair> {
      const auto found = one_time.find(id);
      if (found == one_time.end()) return std::nullopt;
      return found->second;
    };
    return keys;
  }

  protocol::Ciphertext send(std::string_view text) {
    return protocol::encrypt(session, local, protocol::as_bytes(text)).value();
  }

  /// Decrypts either kind and drops the one-time prekey that was used.
  protocol::Result<protocol::Decrypted> receive(const protocol::Ciphertext& message, protocol::Random& random) {
    auto decrypted = message.kind == protocol::CiphertextKind::pre_key_message
                         ? decrypt_pre_key_message(session, local, own_pre_keys(), message.body, random)
                         : decrypt_message(session, local, message.body, random);
    if (decrypted && decrypted->used_one_time) one_time.erase(*decrypted->used_one_time);
    return decrypted;
  }
};

}  // namespace wharf::test
