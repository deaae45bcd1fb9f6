#include "sessions/groups/sender_keys.h"

#include <algorithm>
#include <utility>

namespace wharf::sessions {

using protocol::SenderKeyRecord;

std::optional<SenderKeyRecord> SenderKeys::load(const Jid& file, const Jid& author) const {
  const auto blob = c_.records.find_sender_key(file, author);
  auto record = blob ? SenderKeyRecord::parse(*blob) : Result<SenderKeyRecord>(Error(Errc::not_found, "no key"));
  // One that cannot be read is no worse than none: a retry brings another.
  if (!record) return std::nullopt;
  return std::move(*record);
}

// Some senders' messages name the account alone, and their key came from one of its devices (03 section 2).
std::optional<SenderKeys::Found> SenderKeys::find(const Jid& file, const Jid& author, ByteView body) const {
  auto own = load(file, author);
  const auto message = protocol::read_group_message_key(body);
  if (!message || (own && own->holds(message->key_id))) {
    if (own) return Found{author, std::move(*own)};
    return std::nullopt;
  }
  for (auto& [device, blob] : c_.records.sender_keys_of(file, author.user_jid(), devices_looked_at)) {
    auto record = SenderKeyRecord::parse(blob);
    // As it is by now: this turn may have read with it.
    if (!record || !record->holds(message->key_id)) continue;
    if (auto now = load(file, device)) return Found{device, std::move(*now)};
  }
  if (own) return Found{author, std::move(*own)};
  return std::nullopt;
}

Result<Bytes> SenderKeys::decrypt(const Jid& group, const Jid& author, ByteView body) {
  const Jid file = file_of(group);
  auto found = find(file, author, body);
  if (!found) return Error(Errc::no_sender_key, "no sender key of this author");
  auto opened = found->record.decrypt(body, bounds_of(group));
  if (!opened) return opened.error();
  c_.records.add(storage::PutSenderKey{c_.id(), file, found->author, found->record.serialize()});
  return std::move(opened->plaintext);
}

bool SenderKeys::is_stranger(const Jid& group, const Jid& author, bool was_one) {
  if (!group.is_group() || directory_.is_own(author)) return false;
  const std::pair whose(group, author.user_jid());
  const auto known = strangers_.find(whose);
  const auto* description = rosters_.find(group);
  const auto listed = rosters_.lists(group, whose.second);
  if (!listed || description->stale)
    return known != strangers_.end() || was_one || (listed == false && crowded_.contains(group));
  if (*listed) {
    if (known != strangers_.end()) strangers_.erase(known);
    return false;
  }
  if (known != strangers_.end() && c_.now.steady < known->second + asks_again_after) return true;
  if (known == strangers_.end() && strangers_.size() == strangers_kept) {
    const auto older = [](const auto& a, const auto& b) { return a.second < b.second; };
    const auto oldest = std::min_element(strangers_.begin(), strangers_.end(), older);
    crowded_.insert(oldest->first.first);
    strangers_.erase(oldest);
  }
  strangers_[whose] = c_.now.steady;
  groups_.mark_stale(group);
  groups_.refresh(group, [](Groups::Refreshed) {});
  return true;
}

void SenderKeys::process(const Jid& group, const Jid& author, const std::string& named_group, ByteView distribution) {
  const auto refuse = [&](const std::string& why) {
    if (on_refused) on_refused(group, author, why);
  };
  if (named_group != group.to_string()) return refuse("it is for another group");
  if (is_stranger(group, author)) return refuse("its author is not a member");
  const Jid file = file_of(group);
  auto record = load(file, author).value_or(SenderKeyRecord());
  const auto effect = record.process(distribution, bounds_of(group));
  if (!effect) return refuse(effect.error().detail);
  if (*effect == protocol::DistributionEffect::none) return;
  c_.records.add(storage::PutSenderKey{c_.id(), file, author, record.serialize()});
}

}  // namespace wharf::sessions
