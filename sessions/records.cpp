#include "sessions/records.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <stdexcept>
#include <utility>

#include "sessions/message_rewrites.h"
#include "sessions/records_written.h"
#include "storage/database.h"

namespace wharf::sessions {

using storage::AckLevel;
using storage::MessageRow;

Records::Records(storage::Database& reader, storage::SessionId session) : reader_(reader), session_(session) {}
Records::~Records() = default;

Records::Written& Records::written() {
  if (!written_) written_ = std::make_unique<Written>(*this);
  return *written_;
}

// --- the turn

template <class Row>
void Records::add(Row row) {
  if constexpr (std::is_same_v<Row, storage::PutChatTimer>) any_timers_ = true;
  written().note(row, changes_.rows().size());
  changes_.add(std::move(row));
}
template void Records::add(storage::InsertMessage);
template void Records::add(storage::ReleaseMessage);
template void Records::add(storage::WithdrawMessage);
template void Records::add(storage::EditMessage);
template void Records::add(storage::RevokeMessage);
template void Records::add(storage::PutDetails);
template void Records::add(storage::PutOpened);
template void Records::add(storage::PutContent);
template void Records::add(storage::PutStar);
template void Records::add(storage::PutPin);
template void Records::add(storage::RemoveMessage);
template void Records::add(storage::RaiseAck);
template void Records::add(storage::RaiseAckById);
template void Records::add(storage::NoteCopy);
template void Records::add(storage::ReadReceived);
template void Records::add(storage::LowerUnread);
template void Records::add(storage::RemoveChat);
template void Records::add(storage::MergeChats);
template void Records::add(storage::PutChatTimer);
template void Records::add(storage::InsertOutbox);
template void Records::add(storage::SealOutbox);
template void Records::add(storage::EndUpload);
template void Records::add(storage::PutUpload);
template void Records::add(storage::ForgetUpload);
template void Records::add(storage::PutFolderRemoval);
template void Records::add(storage::CountOutboxAttempt);
template void Records::add(storage::RemoveOutbox);
template void Records::add(storage::PutIdempotency);
template void Records::add(storage::InsertReadReceipt);
template void Records::add(storage::CountReadReceiptAttempt);
template void Records::add(storage::RemoveReadReceipt);
template void Records::add(storage::PutRetry);
template void Records::add(storage::PutResends);
template void Records::add(storage::AddPreKeys);
template void Records::add(storage::RemovePreKey);
template void Records::add(storage::AddRetryPreKey);
template void Records::add(storage::AddSignedPreKey);
template void Records::add(storage::PutAppStateKey);
template void Records::add(storage::PutRatchet);
template void Records::add(storage::RemoveRatchet);
template void Records::add(storage::MigrateUser);
template void Records::add(storage::PutIdentity);
template void Records::add(storage::ForgetUserKeys);
template void Records::add(storage::PutLid);
template void Records::add(storage::PutDeviceList);
template void Records::add(storage::RemoveDeviceList);
template void Records::add(storage::AgeDeviceList);
template void Records::add(storage::PutContact);
template void Records::add(storage::RemoveContact);
template void Records::add(storage::PutTrustedToken);
template void Records::add(storage::RemoveTrustedToken);
template void Records::add(storage::PutAppState);
template void Records::add(storage::PutAppStateRecord);
template void Records::add(storage::RemoveAppStateRecord);
template void Records::add(storage::PutAppStateWish);
template void Records::add(storage::RemoveAppStateWish);
template void Records::add(storage::PutChannel);
template void Records::add(storage::RemoveChannel);
template void Records::add(storage::PutGroup);
template void Records::add(storage::AgeGroup);
template void Records::add(storage::PutSenderKey);
template void Records::add(storage::PutOwnSenderKey);
template void Records::add(storage::DropOwnSenderKey);
template void Records::add(storage::ForgetGroupKeys);
template void Records::add(storage::PutKeyCopies);
template void Records::add(storage::SendKeyCopies);
template void Records::add(storage::SettleKeyCopies);
template void Records::add(storage::TakeKeyCopiesBack);
template void Records::add(storage::MoveSenderKeys);
template void Records::add(storage::NoteMember);
template void Records::add(storage::OpenReach);
template void Records::add(storage::PutStatusAudience);
template void Records::add(storage::UpdateSession);
template void Records::add(storage::TouchSession);
template void Records::add(storage::RemoveSession);
template void Records::add(storage::PutDevice);
template void Records::add(storage::WipeDevice);

void Records::append(storage::Changes&& more) {
  std::size_t place = changes_.rows().size();
  for (const storage::Change& change : more.rows()) {
    std::visit([&](const auto& row) { written().note(row, place); }, change);
    ++place;
  }
  changes_.append(std::move(more));
}

storage::Changes Records::take() {
  written_.reset();
  return std::exchange(changes_, storage::Changes());
}

// --- messages and chats

void Records::apply_changes(MessageRow& row, std::size_t from_place) const {
  Jid chat = row.chat;
  Written::Places places;
  const auto collect = [&](const auto& index, const auto& key) {
    if (const auto found = index.find(key); found != index.end())
      places.insert(places.end(), found->second.begin(), found->second.end());
  };
  collect(written_->raises_by_row, row.row);
  collect(written_->raises_by_id, row.id);
  collect(written_->rewrites_by_id, row.id);
  std::sort(places.begin(), places.end());
  const auto raise = [&](const auto& change) {
    if (change.timestamp) row.timestamp = *change.timestamp;
    if (change.level <= row.ack && change.level != AckLevel::error) return;
    row.ack = change.level;
    row.error = change.level == AckLevel::error ? change.error : std::string();
    if constexpr (requires { change.never_left; }) row.never_left = row.never_left || change.never_left;
    if constexpr (requires { change.at; }) {
      if (change.at == 0) return;
      if (change.level == AckLevel::delivered) row.delivered_at = change.at;
      if (change.level == AckLevel::read) row.read_at = change.at;
      if (change.level == AckLevel::played) row.played_at = change.at;
    }
  };
  auto merge = written_->merges.begin();
  for (const std::size_t place : places) {
    if (place < from_place) continue;
    const storage::Change& change = changes_.rows().at(place);
    for (; merge != written_->merges.end() && *merge < place; ++merge) {
      const auto& moved = at<storage::MergeChats>(*merge);
      if (*merge >= from_place && moved.from == chat) chat = moved.to;
    }
    if (const auto* by_row = std::get_if<storage::RaiseAck>(&change)) {
      raise(*by_row);
    } else if (const auto* by_id = std::get_if<storage::RaiseAckById>(&change)) {
      if (row.from_me) raise(*by_id);
    } else if (std::holds_alternative<storage::ReadReceived>(change)) {
      row.ack = std::max(row.ack, AckLevel::read);
    } else if (!rewrite_message(row, change, chat)) {
      throw std::logic_error("a change of messages that look-ups of the same turn do not know");
    }
  }
}

MessageRow Records::inserted(const NewMessage& message) const {
  MessageRow row = at<storage::InsertMessage>(message.place).row;
  apply_changes(row, message.place);
  row.chat = message.chat;
  if (message.read) row.ack = std::max(row.ack, AckLevel::read);
  return row;
}

std::optional<MessageRow> Records::committed(const Jid& chat, const std::string& id, bool from_me) const {
  if (written_->is_removed(chat, id, from_me)) return std::nullopt;
  for (const Jid& source : written_->sources(chat)) {
    auto row = storage::find_message(reader_, session_, source, id, from_me);
    if (!row) continue;
    apply_changes(*row, 0);
    row->chat = chat;
    return row;
  }
  return std::nullopt;
}

bool Records::has_message(const Jid& chat, const std::string& id) const {
  if (!written_) return storage::has_message(reader_, session_, chat, id);
  if (const auto found = written_->messages.find(id); found != written_->messages.end()) {
    if (std::any_of(found->second.begin(), found->second.end(),
                    [&](const auto& row) { return row.chat == chat && !row.gone; }))
      return true;
  }
  if (written_->removed.contains(id)) return committed(chat, id, true) || committed(chat, id, false);
  if (written_->fates.empty()) return storage::has_message(reader_, session_, chat, id);
  const auto sources = written_->sources(chat);
  return std::any_of(sources.begin(), sources.end(),
                     [&](const Jid& source) { return storage::has_message(reader_, session_, source, id); });
}

std::optional<MessageRow> Records::find_message(const Jid& chat, const std::string& id,
                                                std::optional<bool> from_me) const {
  if (!written_) return storage::find_message(reader_, session_, chat, id, from_me);
  std::optional<MessageRow> best;
  const auto consider = [&](MessageRow row) {
    if (from_me && row.from_me != *from_me) return;
    if (!best || (row.from_me && !best->from_me)) best = std::move(row);
  };
  if (written_->removed.contains(id)) {
    for (const bool side : {true, false}) {
      if (auto row = committed(chat, id, side)) consider(std::move(*row));
    }
  } else {
    for (const Jid& source : written_->sources(chat)) {
      auto row = storage::find_message(reader_, session_, source, id, from_me);
      if (!row) continue;
      apply_changes(*row, 0);
      row->chat = chat;
      consider(std::move(*row));
    }
  }
  if (const auto found = written_->messages.find(id); found != written_->messages.end()) {
    for (const auto& message : found->second) {
      if (message.chat == chat && !message.gone) consider(inserted(message));
    }
  }
  return best;
}

std::optional<MessageRow> Records::find_message_by_id(const std::string& id, bool from_me) const {
  if (!written_) return storage::find_message_by_id(reader_, session_, id, from_me);
  if (const auto found = written_->messages.find(id); found != written_->messages.end()) {
    for (auto message = found->second.rbegin(); message != found->second.rend(); ++message) {
      if (!message->gone && at<storage::InsertMessage>(message->place).row.from_me == from_me)
        return inserted(*message);
    }
  }
  auto message = storage::find_message_by_id(reader_, session_, id, from_me);
  if (!message) return std::nullopt;
  Jid chat = message->chat;
  if (const auto fate = written_->fates.find(chat); fate != written_->fates.end()) {
    if (!fate->second) return std::nullopt;
    chat = *fate->second;
  }
  if (written_->is_removed(chat, id, from_me)) return std::nullopt;
  apply_changes(*message, 0);
  message->chat = std::move(chat);
  return message;
}

std::vector<MessageRow> Records::add_ons(const Jid& chat, const std::string& target_id, bool target_from_me,
                                         std::size_t most) const {
  if (!written_) return storage::add_ons(reader_, session_, chat, target_id, target_from_me, most);
  std::vector<MessageRow> rows;
  for (const Jid& source : written_->sources(chat)) {
    for (MessageRow& row : storage::add_ons(reader_, session_, source, target_id, target_from_me, most)) {
      if (written_->is_removed(chat, row.id, row.from_me)) continue;
      apply_changes(row, 0);
      row.chat = chat;
      rows.push_back(std::move(row));
    }
  }
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
  if (const auto found = written_->add_ons.find(target_id); found != written_->add_ons.end()) {
    for (const std::string& id : found->second) {
      for (const NewMessage& message : written_->messages.at(id)) {
        const auto& stored = at<storage::InsertMessage>(message.place).row;
        if (message.chat == chat && !message.gone && stored.target_id == target_id &&
            stored.target_from_me == target_from_me)
          rows.push_back(inserted(message));
      }
    }
  }
  return rows;
}

bool Records::has_add_ons(const std::string& target_id) const {
  if (written_ && written_->add_ons.contains(target_id)) return true;
  return storage::has_add_ons(reader_, session_, target_id);
}

bool Records::has_copy(std::int64_t message_row, storage::CopyHolder holder, std::uint16_t device) const {
  if (written_ && written_->copies.contains({message_row, holder, device})) return true;
  return storage::has_copy(reader_, message_row, holder, device);
}

bool Records::has_chat(const Jid& chat) const {
  if (find_chat(chat)) return true;
  if (!written_) return false;
  if (written_->released.contains(chat)) return true;
  return std::any_of(written_->messages.begin(), written_->messages.end(), [&](const auto& item) {
    return std::any_of(item.second.begin(), item.second.end(), [&](const auto& row) {
      const MessageRow& message = at<storage::InsertMessage>(row.place).row;
      return row.chat == chat && message.target_id.empty() && events::in_conversation(message.ack);
    });
  });
}

std::optional<storage::ChatRow> Records::find_chat(const Jid& chat) const {
  if (written_) {
    if (const auto found = written_->chats.find(chat); found != written_->chats.end()) return found->second;
  }
  return storage::find_chat(reader_, session_, chat);
}

std::vector<MessageRow> Records::newest_messages(const Jid& chat, std::size_t most) const {
  if (!written_) return storage::page_messages(reader_, session_, chat, most, std::nullopt).messages;
  std::vector<MessageRow> rows;
  for (const Jid& source : written_->sources(chat)) {
    auto page = storage::page_messages(reader_, session_, source, most, std::nullopt);
    std::move(page.messages.begin(), page.messages.end(), std::back_inserter(rows));
  }
  std::erase_if(rows, [&](const MessageRow& row) { return written_->is_removed(chat, row.id, row.from_me); });
  std::sort(rows.begin(), rows.end(),
            [](const auto& a, const auto& b) { return std::tie(a.timestamp, a.row) > std::tie(b.timestamp, b.row); });
  if (rows.size() > most) rows.resize(most);
  for (MessageRow& row : rows) {
    apply_changes(row, 0);
    row.chat = chat;
  }
  return rows;
}

std::vector<std::string> Records::album_members(const MessageRow& head) const {
  std::vector<storage::AlbumMember> committed;
  for (const Jid& source : written_ ? written_->sources(head.chat) : std::vector<Jid>{head.chat}) {
    auto some = storage::album_members(reader_, session_, source, head.id, head.from_me);
    std::move(some.begin(), some.end(), std::back_inserter(committed));
  }
  std::sort(committed.begin(), committed.end(), [](const auto& a, const auto& b) { return a.row < b.row; });
  std::vector<std::string> members;
  for (storage::AlbumMember& member : committed) {
    const bool removed = written_ && written_->is_removed(head.chat, member.id, head.from_me);
    // Of two chats that this turn has merged both may have it.
    if (!removed && std::find(members.begin(), members.end(), member.id) == members.end())
      members.push_back(std::move(member.id));
  }
  if (!written_) return members;
  std::vector<const NewMessage*> added;
  for (const auto& [id, rows] : written_->messages) {
    for (const NewMessage& message : rows) {
      if (message.gone || message.chat != head.chat) continue;
      const MessageRow& row = at<storage::InsertMessage>(message.place).row;
      if (row.from_me == head.from_me && row.album_id == head.id) added.push_back(&message);
    }
  }
  std::sort(added.begin(), added.end(), [](const auto* a, const auto* b) { return a->place < b->place; });
  for (const NewMessage* message : added) members.push_back(at<storage::InsertMessage>(message->place).row.id);
  return members;
}

std::vector<storage::UnreadMessage> Records::unread_messages(const Jid& chat, std::size_t most,
                                                             std::size_t looked_at) const {
  if (!written_) return storage::unread_messages(reader_, session_, chat, most, looked_at);
  std::vector<storage::UnreadMessage> found;
  for (const Jid& source : written_->sources(chat)) {
    auto some = storage::unread_messages(reader_, session_, source, looked_at, looked_at);
    std::move(some.begin(), some.end(), std::back_inserter(found));
  }
  std::erase_if(found, [&](const storage::UnreadMessage& message) {
    if (written_->is_removed(chat, message.id, false)) return true;
    const auto raised = written_->raises_by_row.find(message.row);
    return raised != written_->raises_by_row.end() &&
           std::any_of(raised->second.begin(), raised->second.end(), [&](std::size_t place) {
             const auto* raise = std::get_if<storage::RaiseAck>(&changes_.rows().at(place));
             return raise == nullptr || raise->level >= AckLevel::read;
           });
  });
  std::sort(found.begin(), found.end(),
            [](const auto& a, const auto& b) { return std::tie(a.timestamp, a.row) > std::tie(b.timestamp, b.row); });
  if (found.size() > most) found.resize(most);
  return found;
}

std::vector<MessageRow> Records::new_messages(const Jid& chat) const {
  std::vector<const NewMessage*> found;
  if (written_) {
    for (const auto& [id, messages] : written_->messages) {
      for (const auto& message : messages) {
        if (message.chat == chat && !message.gone && at<storage::InsertMessage>(message.place).row.target_id.empty())
          found.push_back(&message);
      }
    }
  }
  const auto order = [&](const NewMessage* message) {
    return std::pair(at<storage::InsertMessage>(message->place).row.timestamp, message->place);
  };
  std::sort(found.begin(), found.end(), [&](const auto* a, const auto* b) { return order(a) > order(b); });
  std::vector<MessageRow> rows;
  rows.reserve(found.size());
  for (const auto* message : found) rows.push_back(inserted(*message));
  return rows;
}

storage::ChatTimer Records::chat_timer(const Jid& chat) const {
  if (written_) {
    if (const auto found = written_->timers.find(chat); found != written_->timers.end()) return found->second;
  }
  if (!any_timers_) any_timers_ = storage::has_chat_timers(reader_, session_);
  return *any_timers_ ? storage::find_chat_timer(reader_, session_, chat) : storage::ChatTimer();
}

// --- counts and answers that are kept

std::optional<std::string> Records::find_upload(const storage::UploadKey& key) const {
  if (written_) {
    const auto found = written_->uploads.find(key);
    if (found != written_->uploads.end()) return found->second;
  }
  return storage::find_upload(reader_, session_, key);
}

std::optional<storage::IdempotencyRow> Records::find_idempotency(const std::string& key,
                                                                 storage::UnixMs not_before) const {
  if (written_) {
    if (const auto found = written_->idempotency.find(key); found != written_->idempotency.end()) {
      const auto& row = at<storage::PutIdempotency>(found->second).row;
      return row.at >= not_before ? std::optional(row) : std::nullopt;
    }
  }
  return storage::find_idempotency(reader_, session_, key, not_before);
}

storage::RetryRow Records::retry(const Jid& author, const std::string& id) const {
  if (written_) {
    if (const auto found = written_->retries.find({author, id}); found != written_->retries.end())
      return at<storage::PutRetry>(found->second).row;
    if (written_->wiped) return {};
  }
  return storage::find_retry(reader_, session_, author, id);
}

std::vector<Jid> Records::awaited_authors(const std::string& id, const Jid& chat, std::size_t most) const {
  std::vector<Jid> out;
  if (!(written_ && written_->wiped)) out = storage::awaited_authors(reader_, session_, id, chat, most);
  if (!written_) return out;
  for (const auto& [whose, place] : written_->retries) {
    if (whose.second != id) continue;
    std::erase(out, whose.first);
    const storage::RetryRow& row = at<storage::PutRetry>(place).row;
    if (!row.told && row.chat == chat) out.push_back(whose.first);
  }
  return out;
}

bool Records::has_retries() const {
  if (written_) {
    if (!written_->retries.empty()) return true;
    if (written_->wiped) return false;
  }
  return storage::has_retries(reader_, session_);
}

storage::ResendRow Records::resends(const Jid& device, const std::string& id) const {
  if (written_) {
    if (const auto found = written_->resends.find({device, id}); found != written_->resends.end())
      return at<storage::PutResends>(found->second).row;
    if (written_->wiped) return {};
  }
  return storage::find_resends(reader_, session_, device, id).value_or(storage::ResendRow());
}

// --- peers

std::optional<Jid> Records::find_lid(const Jid& pn) const {
  if (written_) {
    if (const auto found = written_->lids.find(pn); found != written_->lids.end()) return found->second;
  }
  return storage::find_lid(reader_, session_, pn);
}

std::optional<Jid> Records::find_pn(const Jid& lid) const {
  if (written_) {
    if (const auto found = written_->pns.find(lid); found != written_->pns.end()) return found->second;
  }
  return storage::find_pn(reader_, session_, lid);
}

std::optional<storage::DeviceListRow> Records::find_device_list(const Jid& user) const {
  if (written_) {
    if (const auto found = written_->device_lists.find(user); found != written_->device_lists.end())
      return found->second;
    if (written_->wiped) return std::nullopt;
  }
  return storage::find_device_list(reader_, session_, user);
}

std::optional<protocol::Bytes> Records::find_ratchet(const Jid& device) const {
  if (written_ && written_->wiped) return std::nullopt;
  return storage::find_ratchet(reader_, session_, device);
}

std::optional<protocol::PublicKey> Records::find_identity(const Jid& device) const {
  if (written_ && written_->wiped) return std::nullopt;
  return storage::find_identity(reader_, session_, device);
}

// --- own prekeys

std::optional<protocol::KeyPair> Records::find_pre_key(protocol::PreKeyId id) const {
  if (written_) {
    if (const auto found = written_->pre_keys.find(id); found != written_->pre_keys.end()) return found->second.pair;
    if (written_->wiped || written_->used_pre_keys.contains(id)) return std::nullopt;
  }
  return storage::find_pre_key(reader_, session_, id);
}

std::vector<protocol::PreKey> Records::load_pre_keys(protocol::PreKeyId from, protocol::PreKeyId to) const {
  if (!written_) return storage::load_pre_keys(reader_, session_, from, to);
  std::map<protocol::PreKeyId, protocol::PreKey> keys(written_->pre_keys.lower_bound(from),
                                                      written_->pre_keys.lower_bound(to));
  if (!written_->wiped) {
    for (auto& key : storage::load_pre_keys(reader_, session_, from, to)) {
      if (!written_->used_pre_keys.contains(key.id)) keys.try_emplace(key.id, std::move(key));
    }
  }
  std::vector<protocol::PreKey> rows;
  rows.reserve(keys.size());
  for (auto& [id, key] : keys) rows.push_back(std::move(key));
  return rows;
}

std::optional<protocol::SignedPreKey> Records::find_signed_pre_key(protocol::PreKeyId id) const {
  if (written_) {
    if (const auto found = written_->signed_pre_keys.find(id); found != written_->signed_pre_keys.end())
      return at<storage::AddSignedPreKey>(found->second).key;
    if (written_->wiped) return std::nullopt;
  }
  return storage::find_signed_pre_key(reader_, session_, id);
}

// --- what a session begins with

std::vector<storage::OutboxRow> Records::load_outbox() const { return storage::load_outbox(reader_, session_); }
std::int64_t Records::last_outbox_row() const { return storage::last_outbox_row(reader_, session_); }
std::vector<storage::ReadReceiptRow> Records::load_read_receipts() const {
  return storage::load_read_receipts(reader_, session_);
}

std::optional<SessionRows> load_session_rows(storage::Database& reader, storage::SessionId session) {
  auto row = storage::load_session(reader, session);
  auto device = storage::load_device(reader, session);
  if (!row || !device) return std::nullopt;
  return SessionRows{std::move(*row), std::move(*device)};
}

}  // namespace wharf::sessions
