// Look-ups about people.
#include "sessions/records_written.h"
#include "storage/chat_list.h"

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

std::optional<storage::StatusAudienceRow> Records::find_status_audience(const std::string& post) const {
  if (written_) {
    if (const auto found = written_->audiences.find(post); found != written_->audiences.end()) return found->second;
  }
  return storage::find_status_audience(reader_, session_, post);
}

std::vector<Jid> Records::chat_partners(std::size_t most) const {
  if (written_ && written_->wiped) return {};  // those of the device before
  std::vector<Jid> partners = storage::chat_partners(reader_, session_, most);
  if (!written_) return partners;
  // A chat that this turn has removed or merged into another.
  std::erase_if(partners, [&](const Jid& chat) {
    const auto now = written_->chats.find(chat);
    return now != written_->chats.end() && !now->second;
  });
  return partners;
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
