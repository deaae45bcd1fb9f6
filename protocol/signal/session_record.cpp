// SessionRecord and its storage format (blob_format.h).
//
//   record    version 01 | flags (1 = has a current state) | number of states | states, current first
//   state     flags (1 initiated by the peer, 2 pending prekey, 4 pending one-time prekey) | remote identity 32 |
//             remote registration id 4 | base key 32 | root key 32 | own ratchet secret 32 | own ratchet public 32 |
//             sending chain key 32 | sending counter 4 | previous counter 4 |
//             [signed prekey id 4] | [one-time prekey id 4] | number of receiving chains 1 | chains, oldest first
//   chain     ratchet key 32 | chain key 32 | counter 4 | number of skipped keys 2 | skipped keys, ascending
//   skipped   counter 4 | seed 32

#include <algorithm>
#include <utility>

#include "protocol/signal/blob_format.h"
#include "protocol/signal/ratchet_state.h"
#include "protocol/signal/session.h"

namespace wharf::protocol {

using detail::BlobReader;
using detail::BlobWriter;
using detail::PendingPreKey;
using detail::RatchetState;
using detail::ReceivingChain;
using detail::Secret32;
using detail::SkippedKey;

namespace {

constexpr std::uint8_t format_version = 1;
constexpr std::uint8_t record_has_current = 1;
constexpr std::uint8_t state_initiated_by_peer = 1;
constexpr std::uint8_t state_pending = 2;
constexpr std::uint8_t state_pending_one_time = 4;

constexpr std::size_t header_bytes = 3;
constexpr std::size_t state_bytes = 1 + 32 + 4 + 5 * 32 + 4 + 4 + 1;
constexpr std::size_t chain_bytes = 32 + 32 + 4 + 2;
constexpr std::size_t skipped_bytes = 4 + 32;

std::size_t blob_bytes(const std::vector<RatchetState>& states) {
  std::size_t size = header_bytes;
  for (const RatchetState& state : states) {
    size += state_bytes + state.receiving.size() * chain_bytes + state.skipped_count() * skipped_bytes;
    if (state.pending) size += state.pending->one_time_id ? 8 : 4;
  }
  return size;
}

void write_state(BlobWriter& out, const RatchetState& state) {
  out.u8((state.initiated_by_peer ? state_initiated_by_peer : 0) | (state.pending ? state_pending : 0) |
         (state.pending && state.pending->one_time_id ? state_pending_one_time : 0));
  out.key(state.remote_identity);
  out.u32(state.remote_registration_id);
  out.key(state.base_key);
  out.key(state.root_key.bytes);
  out.key(state.sending.ratchet.secret.scalar());
  out.key(state.sending.ratchet.pub);
  out.key(state.sending.chain_key.bytes);
  out.u32(state.sending.counter);
  out.u32(state.sending.previous_counter);
  if (state.pending) {
    out.u32(state.pending->signed_pre_key_id);
    if (state.pending->one_time_id) out.u32(*state.pending->one_time_id);
  }
  out.u8(state.receiving.size());
  for (const ReceivingChain& chain : state.receiving) {
    out.key(chain.ratchet_key);
    out.key(chain.chain_key.bytes);
    out.u32(chain.counter);
    out.u16(chain.skipped.size());
    for (const SkippedKey& skipped : chain.skipped) {
      out.u32(skipped.counter);
      out.key(skipped.seed.bytes);
    }
  }
}

bool read_chain(BlobReader& in, ReceivingChain& chain) {
  chain.ratchet_key = in.key();
  chain.chain_key = Secret32(in.key());
  chain.counter = in.number(4);
  const std::size_t count = in.number(2);
  if (!in.good() || count > SessionLimits::max_skipped_keys || count * skipped_bytes > in.remaining()) return false;
  chain.skipped.reserve(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint32_t counter = in.number(4);
    const bool ascending = chain.skipped.empty() || counter > chain.skipped.back().counter;
    if (!ascending || counter >= chain.counter) return false;
    chain.skipped.push_back({counter, Secret32(in.key())});
  }
  return in.good();
}

bool read_state(BlobReader& in, RatchetState& state) {
  const std::uint32_t flags = in.number(1);
  state.initiated_by_peer = (flags & state_initiated_by_peer) != 0;
  state.remote_identity = in.key();
  state.remote_registration_id = in.number(4);
  state.base_key = in.key();
  state.root_key = Secret32(in.key());
  state.sending.ratchet.secret = PrivateKey(in.key());
  state.sending.ratchet.pub = in.key();
  state.sending.chain_key = Secret32(in.key());
  state.sending.counter = in.number(4);
  state.sending.previous_counter = in.number(4);
  if (flags & state_pending) {
    PendingPreKey& pending = state.pending.emplace();
    pending.signed_pre_key_id = in.number(4);
    if (flags & state_pending_one_time) pending.one_time_id = in.number(4);
  } else if (flags & state_pending_one_time) {
    return false;
  }
  const std::size_t chains = in.number(1);
  if (!in.good() || flags > (state_initiated_by_peer | state_pending | state_pending_one_time) ||
      chains > SessionLimits::max_receiving_chains || chains * chain_bytes > in.remaining())
    return false;
  state.receiving.resize(chains);
  return std::all_of(state.receiving.begin(), state.receiving.end(),
                     [&](ReceivingChain& chain) { return read_chain(in, chain); });
}

}  // namespace

SessionRecord::SessionRecord() = default;
SessionRecord::SessionRecord(const SessionRecord&) = default;
SessionRecord::SessionRecord(SessionRecord&& other) noexcept
    : states_(std::move(other.states_)), has_current_(std::exchange(other.has_current_, false)) {
  other.states_.clear();
}
SessionRecord& SessionRecord::operator=(const SessionRecord&) = default;
SessionRecord& SessionRecord::operator=(SessionRecord&& other) noexcept {
  states_ = std::exchange(other.states_, {});
  has_current_ = std::exchange(other.has_current_, false);
  return *this;
}
SessionRecord::~SessionRecord() = default;

Result<SessionRecord> SessionRecord::parse(ByteView blob) {
  const Error malformed(Errc::malformed, "session record does not follow its format");
  BlobReader in(blob);
  const std::uint32_t version = in.number(1);
  if (!in.good() || version == 0) return malformed;
  if (version != format_version) return Error(Errc::unsupported, "session record is of a newer version");

  const std::uint32_t flags = in.number(1);
  const std::size_t count = in.number(1);
  SessionRecord record;
  record.has_current_ = flags == record_has_current;
  if (!in.good() || flags > record_has_current || count * state_bytes > in.remaining() ||
      count > SessionLimits::max_archived_states + (record.has_current_ ? 1 : 0) || (record.has_current_ && count == 0))
    return malformed;
  record.states_.resize(count);
  std::size_t skipped = 0;
  for (RatchetState& state : record.states_) {
    if (!read_state(in, state)) return malformed;
    skipped += state.skipped_count();
  }
  if (in.remaining() != 0 || skipped > SessionLimits::max_skipped_keys_per_record) return malformed;
  return record;
}

Bytes SessionRecord::serialize() const {
  Bytes blob(blob_bytes(states_));
  BlobWriter out(blob.data());
  out.u8(format_version);
  out.u8(has_current_ ? record_has_current : 0);
  out.u8(states_.size());
  for (const RatchetState& state : states_) write_state(out, state);
  return blob;
}

bool SessionRecord::has_current() const { return has_current_; }

bool SessionRecord::awaiting_reply() const { return has_current_ && states_.front().pending.has_value(); }

bool SessionRecord::awaits_reply_on(const PreKeyBundle& bundle) const {
  if (!awaiting_reply() || !bundle.one_time) return false;
  const RatchetState& state = states_.front();
  return state.remote_identity == bundle.identity && state.pending->signed_pre_key_id == bundle.signed_pre_key_id &&
         state.pending->one_time_id == bundle.one_time->id;
}

std::uint32_t SessionRecord::remote_registration_id() const {
  return has_current_ ? states_.front().remote_registration_id : 0;
}

std::optional<PublicKey> SessionRecord::remote_identity() const {
  if (!has_current_) return std::nullopt;
  return states_.front().remote_identity;
}

Bytes SessionRecord::base_key() const { return has_current_ ? to_bytes(ByteView(states_.front().base_key)) : Bytes(); }

std::size_t SessionRecord::archived_count() const { return states_.size() - (has_current_ ? 1 : 0); }

void SessionRecord::archive_current() {
  has_current_ = false;
  if (states_.size() > SessionLimits::max_archived_states) states_.resize(SessionLimits::max_archived_states);
}

void SessionRecord::make_current(RatchetState&& state) {
  states_.insert(states_.begin(), std::move(state));
  has_current_ = true;
  if (archived_count() > SessionLimits::max_archived_states) states_.resize(1 + SessionLimits::max_archived_states);
}

void SessionRecord::promote(std::size_t index) {
  const auto chosen = states_.begin() + static_cast<std::ptrdiff_t>(index);
  std::rotate(states_.begin(), chosen, chosen + 1);
  has_current_ = true;
}

void SessionRecord::forget_surplus_keys() {
  std::size_t total = 0;
  for (const RatchetState& state : states_) total += state.skipped_count();
  for (auto state = states_.rbegin(); state != states_.rend(); ++state) {
    for (ReceivingChain& chain : state->receiving) {
      if (total <= SessionLimits::max_skipped_keys_per_record) return;
      total -= chain.skipped.size();
      chain.skipped.clear();
    }
  }
}

}  // namespace wharf::protocol
