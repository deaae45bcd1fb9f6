// Look-ups about people.
#include "protocol/appstate/actions.h"
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

template <class Stored, class Wanted>
std::vector<Jid> Records::contacts_where(std::size_t most, Stored stored, Wanted wanted) const {
  std::vector<Jid> users;
  if (!(written_ && written_->wiped)) users = stored(reader_, session_, most);
  if (!written_) return users;
  std::erase_if(users, [&](const Jid& user) { return written_->contacts.contains(user); });
  for (const auto& [user, row] : written_->contacts)
    if (row && wanted(*row) && users.size() < most) users.push_back(user);
  return users;
}

std::vector<Jid> Records::watched_contacts(std::size_t most) const {
  return contacts_where(most, storage::watched_contacts, [](const storage::ContactRow& row) { return row.watched; });
}

std::optional<std::vector<Jid>> Records::saved_contacts(std::size_t most) const {
  const auto book = find_app_state(std::string(protocol::critical_unblock_low));
  if (!book || book->version == 0) return std::nullopt;
  return contacts_where(most, storage::saved_contacts, [](const storage::ContactRow& row) {
    return !row.name.empty() && row.registered != storage::Registered::no;
  });
}

}  // namespace wharf::sessions
