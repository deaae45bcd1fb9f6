// Reading and writing under sender keys. Specification 03 section 2.

#include "protocol/signal/sender_key.h"

#include <algorithm>
#include <utility>

#include "protocol/crypto/aes.h"
#include "protocol/signal/message_codec.h"

namespace wharf::protocol {

using detail::Secret32;
using detail::SenderKeyState;
using detail::SkippedKey;

namespace {

/// What one message is encrypted with. There is no MAC key: the signature stands for it.
struct MessageKeys {
  BlockIv iv{};
  AesKey cipher_key{};

  explicit MessageKeys(const Secret32& seed) {
    constexpr Key32 no_salt{};
    auto derived = hkdf_sha256<48>(seed.bytes, no_salt, as_bytes("WhisperGroup"));
    std::copy_n(derived.begin(), 16, iv.begin());
    std::copy_n(derived.begin() + 16, 32, cipher_key.begin());
    wipe(derived);
  }
  MessageKeys(const MessageKeys&) = delete;
  MessageKeys& operator=(const MessageKeys&) = delete;
  ~MessageKeys() {
    wipe(iv);
    wipe(cipher_key);
  }
};

/// The author signed it, so what does not decrypt is his mistake: a bad message, no forgery.
Result<Bytes> open(const Secret32& seed, ByteView ciphertext) {
  const MessageKeys keys(seed);
  Result<Bytes> plaintext = cbc_decrypt(keys.cipher_key, keys.iv, ciphertext);
  if (!plaintext) return Error(Errc::malformed, "group message does not decrypt");
  return plaintext;
}

/// Moves `chain_key` from iteration `from` to `to`; returns the seeds of the last `kept` iterations on the way.
std::vector<SkippedKey> walk(Secret32& chain_key, std::uint32_t from, std::uint32_t to, std::size_t kept) {
  std::vector<SkippedKey> seeds;
  seeds.reserve(std::min<std::size_t>(to - from, kept));
  for (std::uint32_t iteration = from; iteration < to; ++iteration) {
    if (to - iteration <= kept) seeds.push_back({iteration, detail::message_seed(chain_key)});
    chain_key = detail::next_chain_key(chain_key);
  }
  return seeds;
}

/// Adds the keys from an earlier start on, as many as there is room for. Position and consumed keys stay as they are.
bool extend(SenderKeyState& state, const detail::SenderKeyDistribution& earlier, const SenderKeyBounds& bounds) {
  if (earlier.iteration >= state.start) return false;
  const std::size_t room = bounds.skipped_keys - std::min(state.skipped.size(), bounds.skipped_keys);
  if (room == 0 || state.start - earlier.iteration > bounds.forward_jump) return false;
  Secret32 chain_key = earlier.chain_key;
  std::vector<SkippedKey> seeds = walk(chain_key, earlier.iteration, state.start, room);
  const std::uint32_t start = seeds.front().counter;
  seeds.insert(seeds.end(), state.skipped.begin(), state.skipped.end());
  state.skipped = std::move(seeds);
  state.start = start;
  return true;
}

/// A message from before the position of the chain: its key was kept, consumed, or never ours.
Result<Bytes> read_late(SenderKeyState& state, const detail::SenderKeyMessage& message) {
  if (message.iteration < state.start) return Error(Errc::no_sender_key, "the group message is from before our key");
  const auto index = detail::find_skipped(state.skipped, message.iteration);
  if (!index) return Error(Errc::duplicate_message, "the message key was consumed before");
  const auto kept = state.skipped.begin() + static_cast<std::ptrdiff_t>(*index);
  Result<Bytes> plaintext = open(kept->seed, message.ciphertext);
  if (plaintext) state.skipped.erase(kept);
  return plaintext;
}

Result<Bytes> read_ahead(SenderKeyState& state, const detail::SenderKeyMessage& message,
                         const SenderKeyBounds& bounds) {
  if (message.iteration - state.iteration > bounds.forward_jump || message.iteration > SenderKeyLimits::max_iteration)
    return Error(Errc::future_message, "the iteration is too far ahead");
  Secret32 chain_key = state.chain_key;
  const std::vector<SkippedKey> passed = walk(chain_key, state.iteration, message.iteration, bounds.skipped_keys);
  Result<Bytes> plaintext = open(detail::message_seed(chain_key), message.ciphertext);
  if (!plaintext) return plaintext;

  auto& skipped = state.skipped;
  skipped.insert(skipped.end(), passed.begin(), passed.end());  // all or nothing; what follows cannot fail
  const std::size_t surplus = skipped.size() - std::min(skipped.size(), bounds.skipped_keys);
  skipped.erase(skipped.begin(), skipped.begin() + static_cast<std::ptrdiff_t>(surplus));
  state.chain_key = detail::next_chain_key(chain_key);
  state.iteration = message.iteration + 1;
  return plaintext;
}

}  // namespace

// --- of others

SenderKeyState* SenderKeyRecord::find(std::uint32_t key_id) {
  const auto found =
      std::find_if(states_.begin(), states_.end(), [&](const SenderKeyState& state) { return state.id == key_id; });
  return found == states_.end() ? nullptr : &*found;
}

bool SenderKeyRecord::holds(std::uint32_t key_id) const {
  return std::any_of(states_.begin(), states_.end(), [&](const SenderKeyState& state) { return state.id == key_id; });
}

Result<DistributionEffect> SenderKeyRecord::process(ByteView distribution, const SenderKeyBounds& bounds) {
  const auto parsed = detail::parse_sender_key_distribution(distribution);
  if (!parsed) return parsed.error();
  if (parsed->iteration > SenderKeyLimits::max_iteration)
    return Error(Errc::malformed, "sender key of an iteration that no chain reaches");

  // The top bit is no part of the key. Taken for another key it would open everything that was read once more.
  PublicKey signing_key = parsed->signing_key;
  signing_key[31] &= 0x7f;
  SenderKeyState* known = find(parsed->id);
  if (known != nullptr && known->signing_key == signing_key)
    return extend(*known, *parsed, bounds) ? DistributionEffect::extended : DistributionEffect::none;

  SenderKeyState state;
  state.id = parsed->id;
  state.start = state.iteration = parsed->iteration;
  state.chain_key = parsed->chain_key;
  state.signing_key = signing_key;
  states_.reserve(states_.size() + 1);
  std::erase_if(states_, [&](const SenderKeyState& held) { return held.id == state.id; });
  if (states_.size() == SenderKeyLimits::max_keys) states_.erase(states_.begin());
  states_.push_back(std::move(state));
  return DistributionEffect::added;
}

Result<GroupDecrypted> SenderKeyRecord::decrypt(ByteView body, const SenderKeyBounds& bounds) {
  const auto message = detail::parse_sender_key_message(body);
  if (!message) return message.error();
  SenderKeyState* state = find(message->id);
  if (state == nullptr) return Error(Errc::no_sender_key, "the sender key is not held");
  if (!xeddsa_verify(state->signing_key, message->authenticated, message->signature))
    return Error(Errc::bad_signature, "the group message is not signed by its author");

  Result<Bytes> plaintext =
      message->iteration < state->iteration ? read_late(*state, *message) : read_ahead(*state, *message, bounds);
  if (!plaintext) return plaintext.error();
  return GroupDecrypted{std::move(*plaintext), message->id, message->iteration};
}

Result<GroupMessageKey> read_group_message_key(ByteView body) {
  const auto message = detail::parse_sender_key_message(body);
  if (!message) return message.error();
  return GroupMessageKey{message->id, message->iteration};
}

// --- our own

OwnSenderKey OwnSenderKey::create(Random& random) {
  OwnSenderKey key;
  key.id_ = random.u32() & 0x7fff'ffff;
  random.fill(key.chain_key_.bytes);
  key.signing_ = KeyPair::generate(random);
  return key;
}

Bytes OwnSenderKey::distribution() const {
  return detail::write_sender_key_distribution({id_, iteration_, chain_key_, signing_.pub});
}

Result<GroupCiphertext> OwnSenderKey::encrypt(ByteView plaintext, Random& random) {
  if (iteration_ > SenderKeyLimits::max_iteration) return Error(Errc::no_sender_key, "the sender key is used up");
  GroupCiphertext out;
  out.key_id = id_;
  out.iteration = iteration_;
  out.distribution = distribution();
  const MessageKeys keys(detail::message_seed(chain_key_));
  out.body = detail::write_sender_key_message(id_, iteration_, cbc_encrypt(keys.cipher_key, keys.iv, plaintext));
  append(out.body, xeddsa_sign(signing_, out.body, random));

  chain_key_ = detail::next_chain_key(chain_key_);
  ++iteration_;
  return out;
}

}  // namespace wharf::protocol
