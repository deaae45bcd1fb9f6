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

std::vector<Jid> Records::watched_contacts(std::size_t most) const {
  std::vector<Jid> users;
  if (!(written_ && written_->wiped)) users = storage::watched_contacts(reader_, session_, most);
  if (!written_) return users;
  std::erase_if(users, [&](const Jid& user) { return written_->contacts.contains(user); });
  for (const auto& [user, row] : written_->contacts)
    if (row && row->watched && users.size() < most) users.push_back(user);
  return users;
}

std::optional<std::vector<Jid>> Records::saved_contacts(std::size_t most) const {
  const std::string book(protocol::critical_unblock_low);
  const auto stands = find_app_state(book);
  if (!stands || stands->version == 0) return std::nullopt;
  std::vector<Jid> users;
  const auto add = [&](const storage::AppStateRecord& record) {
    const auto who = protocol::contact_of(protocol::index_parts(record.action));
    if (who && users.size() < most) users.push_back(*who);
  };
  for (const std::string_view action : {protocol::contact_action, protocol::lid_contact_action}) {
    if (written_ && written_->wiped) break;
    const std::string start = protocol::index_start(action);
    for (const auto& record : storage::app_state_records_under(reader_, session_, book, start, most))
      if (!written_ || !written_->app_state_records.contains({book, record.index_mac})) add(record);
  }
  if (!written_) return users;
  for (const auto& [place, record] : written_->app_state_records)
    if (record && place.first == book) add(*record);
  return users;
}

}  // namespace wharf::sessions
