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

std::optional<bool> SenderKeys::lists(const Jid& group, const Jid& author) {
  if (!roster_ || roster_->group != group) {
    roster_ = Roster{group, std::nullopt};
    const auto known = groups_.find(group);
    if (known && !known->stale && known->member && !known->metadata.partial) {
      auto& users = roster_->users.emplace();
      for (const protocol::groups::Participant& member : known->metadata.members) {
        const Jid user = directory_.canonical_user(member.jid);
        if (!user.is_lid() && !member.lid) roster_->some_without_lid = true;
        // One look-up for the first of them: in a group that hides numbers it would be one for each.
        if (!roster_->some_without_number && user.is_lid() && !member.pn && !directory_.person(user).pn)
          roster_->some_without_number = true;
        users.insert(user);
        for (const auto& name : {member.lid, member.pn})
          if (name) users.insert(*name);
      }
    }
  }
  if (!roster_->users) return std::nullopt;
  if (roster_->users->contains(author.user_jid())) return true;
  if (author.is_lid() ? roster_->some_without_lid && !directory_.person(author.user_jid()).pn
                      : roster_->some_without_number)
    return std::nullopt;
  return false;
}

bool SenderKeys::is_stranger(const Jid& group, const Jid& author) {
  if (!group.is_group() || directory_.is_own(author)) return false;
  const std::pair whose(group, author.user_jid());
  const auto known = strangers_.find(whose);
  const auto listed = lists(group, author);
  if (!listed) return known != strangers_.end();
  if (*listed) {
    if (known != strangers_.end()) strangers_.erase(known);
    return false;
  }
  if (known != strangers_.end() && c_.now.steady < known->second + asks_again_after) return true;
  if (known == strangers_.end() && strangers_.size() == strangers_kept) strangers_.erase(strangers_.begin());
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
