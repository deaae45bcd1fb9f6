#include "sessions/groups/own_key.h"

#include <algorithm>
#include <utility>

namespace wharf::sessions {

using protocol::groups::AddressingMode;

namespace {

// A byte for the name, then the key's own form.
constexpr std::uint8_t by_number = 1, by_lid = 2;

}  // namespace

std::optional<OwnKey> load_own_key(const Records& records, const Jid& group) {
  const auto blob = records.find_own_sender_key(group);
  if (!blob || blob->empty() || (blob->front() != by_number && blob->front() != by_lid)) return std::nullopt;
  auto key = protocol::OwnSenderKey::parse(ByteView(*blob).subspan(1));
  if (!key) return std::nullopt;
  return OwnKey{blob->front() == by_lid ? AddressingMode::lid : AddressingMode::phone_number, std::move(*key)};
}

void store_own_key(Context& context, const Jid& group, const OwnKey& own) {
  Bytes blob = own.key.serialize();
  blob.insert(blob.begin(), own.mode == AddressingMode::lid ? by_lid : by_number);
  context.records.add(storage::PutOwnSenderKey{context.id(), group, std::move(blob)});
}

void renew_status_key(Context& context, const Jid& user) {
  const Jid status = protocol::status_jid();
  const auto copies = context.records.key_copies(status);
  if (std::any_of(copies.begin(), copies.end(), [&](const auto& copy) { return copy.first.user_jid() == user; }))
    context.records.add(storage::DropOwnSenderKey{context.id(), status});
}

}  // namespace wharf::sessions
