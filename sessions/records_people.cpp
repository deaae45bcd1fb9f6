// Look-ups about people.
#include "sessions/records_written.h"

namespace wharf::sessions {

std::optional<storage::ContactRow> Records::find_contact(const Jid& user) const {
  if (written_) {
    if (const auto found = written_->contacts.find(user); found != written_->contacts.end()) return found->second;
    if (written_->wiped) return std::nullopt;
  }
  return storage::find_contact(reader_, session_, user);
}

std::optional<storage::TrustedTokenRow> Records::find_trusted_token(const Jid& user) const {
  if (written_) {
    const auto found = written_->trusted_tokens.find(user);
    if (found != written_->trusted_tokens.end()) return found->second;
    if (written_->wiped) return std::nullopt;
  }
  return storage::find_trusted_token(reader_, session_, user);
}

std::vector<Jid> Records::watched_contacts(std::size_t most) const {
  std::vector<Jid> watched;
  if (!(written_ && written_->wiped)) watched = storage::watched_contacts(reader_, session_, most);
  if (!written_) return watched;
  std::erase_if(watched, [&](const Jid& user) { return written_->contacts.contains(user); });
  for (const auto& [user, row] : written_->contacts)
    if (row && row->watched && watched.size() < most) watched.push_back(user);
  return watched;
}

}  // namespace wharf::sessions
