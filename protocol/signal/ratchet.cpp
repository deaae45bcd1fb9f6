#include "protocol/signal/ratchet.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "protocol/crypto/aes.h"

namespace wharf::protocol::detail {

namespace {

constexpr std::uint32_t last_counter = std::numeric_limits<std::uint32_t>::max();

/// One text for MAC and padding: the difference would be an oracle.
Error undecryptable() { return {Errc::bad_mac, "message does not verify"}; }

Result<Bytes> verify_and_decrypt(const Secret32& seed, const PublicKey& sender, const PublicKey& receiver,
                                 const SignalMessage& message) {
  const MessageKeys keys = message_keys(seed);
  const auto mac = message_mac(keys.mac_key, sender, receiver, message.authenticated);
  if (!equal_constant_time(mac, message.mac)) return undecryptable();
  Result<Bytes> plaintext = cbc_decrypt(keys.cipher_key, keys.iv, message.ciphertext);
  if (!plaintext) return undecryptable();
  return plaintext;
}

std::optional<std::size_t> find_chain(const RatchetState& state, const PublicKey& ratchet_key) {
  const auto found = std::find_if(state.receiving.begin(), state.receiving.end(),
                                  [&](const ReceivingChain& chain) { return chain.ratchet_key == ratchet_key; });
  if (found == state.receiving.end()) return std::nullopt;
  return static_cast<std::size_t>(found - state.receiving.begin());
}

/// Moves `opened.chain_key` from counter `from` to `to`.
void walk(Opened& opened, std::uint32_t from, std::uint32_t to) {
  const std::uint32_t steps = to - from;
  opened.passed.reserve(std::min<std::size_t>(steps, SessionLimits::max_skipped_keys));
  for (std::uint32_t left = steps; left > 0; --left) {
    if (left <= SessionLimits::max_skipped_keys) opened.passed.push_back(opened.chain_key);
    opened.chain_key = next_chain_key(opened.chain_key);
  }
}

}  // namespace

Result<RootStep> root_step(const Secret32& root_key, const PrivateKey& own, const PublicKey& peer) {
  const Result<Key32> shared = agree(own, peer);
  if (!shared) return Error(Errc::invalid_key, "ratchet agreement is all zero");
  const Secret32 secret(*shared);
  auto derived = hkdf_sha256<64>(secret.bytes, root_key.bytes, as_bytes("WhisperRatchet"));
  RootStep step;
  std::copy_n(derived.begin(), 32, step.root_key.bytes.begin());
  std::copy_n(derived.begin() + 32, 32, step.chain_key.bytes.begin());
  wipe(derived);
  return step;
}

MessageKeys::~MessageKeys() {
  wipe(cipher_key);
  wipe(mac_key);
  wipe(iv);
}

MessageKeys message_keys(const Secret32& seed) {
  constexpr Key32 no_salt{};
  auto derived = hkdf_sha256<80>(seed.bytes, no_salt, as_bytes("WhisperMessageKeys"));
  MessageKeys keys;
  std::copy_n(derived.begin(), 32, keys.cipher_key.begin());
  std::copy_n(derived.begin() + 32, 32, keys.mac_key.begin());
  std::copy_n(derived.begin() + 64, 16, keys.iv.begin());
  wipe(derived);
  return keys;
}

std::array<std::uint8_t, mac_bytes> message_mac(ByteView mac_key, const PublicKey& sender, const PublicKey& receiver,
                                                ByteView authenticated) {
  const Digest32 full = hmac_sha256(mac_key, concat(typed(sender), typed(receiver), authenticated));
  std::array<std::uint8_t, mac_bytes> mac;
  std::copy_n(full.begin(), mac_bytes, mac.begin());
  return mac;
}

Result<Bytes> seal_message(RatchetState& state, const PublicKey& own_identity, ByteView plaintext) {
  SendingChain& chain = state.sending;
  if (chain.counter == last_counter) return Error(Errc::no_session, "the sending chain is used up");

  const MessageKeys keys = message_keys(message_seed(chain.chain_key));
  const Bytes ciphertext = cbc_encrypt(keys.cipher_key, keys.iv, plaintext);
  Bytes message = write_signal_message(chain.ratchet.pub, chain.counter, chain.previous_counter, ciphertext);
  append(message, message_mac(keys.mac_key, own_identity, state.remote_identity, message));

  chain.chain_key = next_chain_key(chain.chain_key);
  ++chain.counter;
  return message;
}

Result<Opened> open_message(const RatchetState& state, const PublicKey& own_identity, const SignalMessage& message,
                            std::uint32_t& derivations_left) {
  Opened opened;
  opened.chain = find_chain(state, message.ratchet_key);
  const ReceivingChain* chain = opened.chain ? &state.receiving[*opened.chain] : nullptr;
  Secret32 seed;

  if (chain != nullptr && message.counter < chain->counter) {
    opened.skipped = find_skipped(chain->skipped, message.counter);
    if (!opened.skipped) return Error(Errc::duplicate_message, "the message key was consumed before");
    seed = chain->skipped[*opened.skipped].seed;
  } else {
    const std::uint32_t start = chain != nullptr ? chain->counter : 0;
    const std::uint32_t jump = message.counter - start;
    // The last counter is refused because the chain could not stand behind it.
    if (jump > SessionLimits::max_forward_jump || jump > derivations_left || message.counter == last_counter)
      return Error(Errc::future_message, "the counter is too far ahead");
    derivations_left -= jump;
    if (chain != nullptr) {
      opened.chain_key = chain->chain_key;
    } else {
      const Result<RootStep> step = root_step(state.root_key, state.sending.ratchet.secret, message.ratchet_key);
      if (!step) return step.error();
      opened.root_key = step->root_key;
      opened.chain_key = step->chain_key;
    }
    walk(opened, start, message.counter);
    seed = message_seed(opened.chain_key);
  }

  Result<Bytes> plaintext = verify_and_decrypt(seed, state.remote_identity, own_identity, message);
  if (!plaintext) return plaintext.error();
  opened.plaintext = std::move(*plaintext);
  return opened;
}

Result<void> commit_opened(RatchetState& state, const SignalMessage& message, const Opened& opened, Random& random) {
  if (opened.skipped) {
    auto& skipped = state.receiving[*opened.chain].skipped;
    skipped.erase(skipped.begin() + static_cast<std::ptrdiff_t>(*opened.skipped));
    return {};
  }

  if (!opened.chain) {
    KeyPair ratchet = KeyPair::generate(random);
    const Result<RootStep> step = root_step(opened.root_key, ratchet.secret, message.ratchet_key);
    if (!step) return step.error();
    state.root_key = step->root_key;
    SendingChain& sending = state.sending;
    sending.previous_counter = sending.counter == 0 ? 0 : sending.counter - 1;
    sending.counter = 0;
    sending.chain_key = step->chain_key;
    sending.ratchet = std::move(ratchet);

    if (state.receiving.size() >= SessionLimits::max_receiving_chains) state.receiving.erase(state.receiving.begin());
    state.receiving.emplace_back().ratchet_key = message.ratchet_key;
  }

  ReceivingChain& chain = opened.chain ? state.receiving[*opened.chain] : state.receiving.back();
  std::uint32_t counter = message.counter - static_cast<std::uint32_t>(opened.passed.size());
  const std::size_t kept = chain.skipped.size() + opened.passed.size();
  if (kept > SessionLimits::max_skipped_keys) {
    const std::size_t surplus = std::min(kept - SessionLimits::max_skipped_keys, chain.skipped.size());
    chain.skipped.erase(chain.skipped.begin(), chain.skipped.begin() + static_cast<std::ptrdiff_t>(surplus));
  }
  for (const Secret32& passed : opened.passed) chain.skipped.push_back({counter++, message_seed(passed)});
  chain.chain_key = next_chain_key(opened.chain_key);
  chain.counter = message.counter + 1;
  return {};
}

}  // namespace wharf::protocol::detail
