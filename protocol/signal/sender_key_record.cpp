// The storage formats of sender keys (blob_format.h). A group has as many records as members who write: an idle one is
// hardly more than its two keys.
//
//   record   version 01 | number of keys 1 | keys, oldest first
//   key      key id 4 | start 4 | iteration 4 | chain key 32 | signing key 32 | number of skipped keys 2 |
//            skipped keys, ascending
//   skipped  iteration 4 | seed 32
//
//   own key  version 01 | key id 4 | iteration 4 | chain key 32 | signing secret 32 | signing public 32

#include <algorithm>

#include "protocol/signal/blob_format.h"
#include "protocol/signal/sender_key.h"

namespace wharf::protocol {

using detail::BlobReader;
using detail::BlobWriter;
using detail::Secret32;
using detail::SenderKeyState;
using detail::SkippedKey;

namespace {

constexpr std::uint8_t format_version = 1;
constexpr std::size_t header_bytes = 2;
constexpr std::size_t state_bytes = 3 * 4 + 2 * 32 + 2;
constexpr std::size_t skipped_bytes = 4 + 32;
constexpr std::size_t own_key_bytes = 1 + 2 * 4 + 3 * 32;
constexpr std::uint32_t iteration_end = SenderKeyLimits::max_iteration + 1;  // where a used-up chain stands

Error malformed() { return {Errc::malformed, "sender key does not follow its format"}; }

/// Errors: malformed, unsupported.
Result<void> read_version(BlobReader& in) {
  const std::uint32_t version = in.number(1);
  if (!in.good() || version == 0) return malformed();
  if (version != format_version) return Error(Errc::unsupported, "sender key is of a newer version");
  return {};
}

bool read_state(BlobReader& in, SenderKeyState& state) {
  state.id = in.number(4);
  state.start = in.number(4);
  state.iteration = in.number(4);
  state.chain_key = Secret32(in.key());
  state.signing_key = in.key();
  const std::size_t count = in.number(2);
  if (!in.good() || state.start > state.iteration || state.iteration > iteration_end ||
      count > SenderKeyLimits::max_skipped_keys || count * skipped_bytes > in.remaining())
    return false;
  state.skipped.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t iteration = in.number(4);
    const bool ascending = state.skipped.empty() || iteration > state.skipped.back().counter;
    if (!ascending || iteration < state.start || iteration >= state.iteration) return false;
    state.skipped.push_back({iteration, Secret32(in.key())});
  }
  return in.good();
}

}  // namespace

Result<SenderKeyRecord> SenderKeyRecord::parse(ByteView blob) {
  BlobReader in(blob);
  if (const Result<void> version = read_version(in); !version) return version.error();
  const std::size_t count = in.number(1);
  if (!in.good() || count > SenderKeyLimits::max_keys || count * state_bytes > in.remaining()) return malformed();
  SenderKeyRecord record;
  record.states_.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    SenderKeyState state;
    if (!read_state(in, state) || record.holds(state.id)) return malformed();
    record.states_.push_back(std::move(state));
  }
  if (in.remaining() != 0) return malformed();
  return record;
}

Bytes SenderKeyRecord::serialize() const {
  std::size_t size = header_bytes;
  for (const SenderKeyState& state : states_) size += state_bytes + state.skipped.size() * skipped_bytes;
  Bytes blob(size);
  BlobWriter out(blob.data());
  out.u8(format_version);
  out.u8(states_.size());
  for (const SenderKeyState& state : states_) {
    out.u32(state.id);
    out.u32(state.start);
    out.u32(state.iteration);
    out.key(state.chain_key.bytes);
    out.key(state.signing_key);
    out.u16(state.skipped.size());
    for (const SkippedKey& skipped : state.skipped) {
      out.u32(skipped.counter);
      out.key(skipped.seed.bytes);
    }
  }
  return blob;
}

Result<OwnSenderKey> OwnSenderKey::parse(ByteView blob) {
  BlobReader in(blob);
  if (const Result<void> version = read_version(in); !version) return version.error();
  OwnSenderKey key;
  key.id_ = in.number(4);
  key.iteration_ = in.number(4);
  key.chain_key_ = Secret32(in.key());
  key.signing_.secret = PrivateKey(in.key());
  key.signing_.pub = in.key();
  if (!in.good() || in.remaining() != 0 || key.iteration_ > iteration_end) return malformed();
  return key;
}

Bytes OwnSenderKey::serialize() const {
  Bytes blob(own_key_bytes);
  BlobWriter out(blob.data());
  out.u8(format_version);
  out.u32(id_);
  out.u32(iteration_);
  out.key(chain_key_.bytes);
  out.key(signing_.secret.scalar());
  out.key(signing_.pub);
  return blob;
}

}  // namespace wharf::protocol
