#include "protocol/messages/add_on_secret.h"

#include <algorithm>

#include "protocol/crypto/aes.h"
#include "protocol/crypto/hash.h"
#include "protocol/messages/wire.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t secret_bytes = 32, tag_bytes = 16;

AesKey key_of(const AddOn& about, ByteView secret) {
  const std::string info =
      about.target_id + about.target_author.to_string() + about.author.to_string() + std::string(about.use);
  return hkdf_sha256<32>(secret, {}, as_bytes(info));
}

/// Votes and answers are bound to who gives them; the others are not (03 section 10).
Bytes aad_of(const AddOn& about) {
  if (about.use != add_on::poll_vote && about.use != add_on::event_response) return {};
  Bytes aad = to_bytes(as_bytes(about.target_id));
  aad.push_back(0);
  append(aad, as_bytes(about.author.to_string()));
  return aad;
}

}  // namespace

SealedAddOn seal_add_on(const AddOn& about, ByteView secret, ByteView plaintext, Random& random) {
  const GcmIv iv = random.bytes<12>();
  return {gcm_seal(key_of(about, secret), iv, plaintext, aad_of(about)), to_bytes(iv)};
}

Result<Bytes> open_add_on(const AddOn& about, ByteView secret, ByteView payload, ByteView iv) {
  const auto nonce = exactly<12>(iv);
  if (secret.size() != secret_bytes || !nonce || payload.size() < tag_bytes)
    return Error(Errc::malformed, "sealed add-on");
  return gcm_open(key_of(about, secret), *nonce, payload, aad_of(about));
}

std::array<std::uint8_t, 32> option_hash(std::string_view option) { return sha256(as_bytes(option)); }

Bytes encode_choices(const std::vector<std::string>& options) {
  Bytes out;
  for (const std::string& option : options) append_field(out, 1, option_hash(option));
  return out;
}

Result<std::optional<std::vector<std::string>>> read_choices(ByteView vote, const Poll& poll) {
  constexpr std::size_t max_hashes = 256;
  std::vector<bool> chosen(poll.options.size());
  std::vector<std::array<std::uint8_t, 32>> hashes;
  hashes.reserve(poll.options.size());
  for (const std::string& option : poll.options) hashes.push_back(option_hash(option));
  std::size_t seen = 0;
  WireReader reader(vote);
  while (const auto field = reader.next()) {
    if (field->number != 1 || field->type != WireType::length || ++seen > max_hashes) continue;
    const auto hash = exactly<32>(field->value);
    if (!hash) continue;
    const auto known = std::find(hashes.begin(), hashes.end(), *hash);
    if (known != hashes.end()) chosen[static_cast<std::size_t>(known - hashes.begin())] = true;
  }
  if (reader.failed()) return Error(Errc::malformed, "PollVoteMessage");
  std::vector<std::string> options;
  for (std::size_t i = 0; i < chosen.size(); ++i)
    if (chosen[i]) options.push_back(poll.options[i]);
  if (poll.selectable > 0 && options.size() > poll.selectable) return std::optional<std::vector<std::string>>();
  return std::optional(std::move(options));
}

}  // namespace wharf::protocol
