// How look-ups see a turn's own changes. Written holds an index for each kind of question, mostly places in the list of
// changes, so that nothing is copied and no look-up walks through the whole list.
#include "sessions/records.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "storage/database.h"

namespace wharf::sessions {

using storage::AckLevel;
using storage::MessageRow;

/// A row of table message that this turn inserts.
struct Records::NewMessage {
  std::size_t place;  // of its InsertMessage
  Jid chat;           // where it is filed by now
  bool read = false;  // by a ReadReceived
  bool gone = false;  // by a RemoveMessage; its chat has begun all the same
};

class Records::Written {
 public:
  explicit Written(const Records& records) : records_(records) {}

  using DeviceAndId = std::pair<Jid, std::string>;
  using Copy = std::tuple<std::int64_t, storage::CopyHolder, std::uint16_t>;
  using Places = std::vector<std::size_t>;

  std::map<std::string, std::vector<NewMessage>> messages;  // by id, in order
  std::map<std::string, std::vector<std::string>> add_ons;  // ids of those of this turn, by the message they are about
  std::map<std::string, Places> raises_by_id, rewrites_by_id;
  Places merges;
  std::map<std::int64_t, Places> raises_by_row;
  std::map<Jid, std::optional<storage::ChatRow>> chats;  // as they are now; nullopt: gone
  std::map<Jid, std::optional<Jid>> fates;   // of the committed messages of a chat: filed under another, or removed
  std::map<Jid, storage::ChatTimer> timers;  // as they are now
  std::map<std::string, std::vector<std::pair<Jid, bool>>> removed;  // committed messages: by id, chat and side
  std::set<Jid> released;  // chats that have come to be by a message that was scheduled
  std::set<Copy> copies;
  std::map<std::string, std::size_t> idempotency;
  std::map<storage::UploadKey, std::optional<std::string>> uploads;  // as they are now
  std::map<DeviceAndId, std::size_t> retries, resends;
  std::map<Jid, std::optional<Jid>> lids, pns;
  std::map<Jid, std::optional<storage::DeviceListRow>> device_lists;  // as they are now
  std::map<protocol::PreKeyId, protocol::PreKey> pre_keys;            // added
  std::set<protocol::PreKeyId> used_pre_keys;
  std::map<protocol::PreKeyId, std::size_t> signed_pre_keys;
  bool wiped = false;  // the committed keys, lists and counts are those of a device that is gone

  /// The chats under which the committed messages of this one lie.
  std::vector<Jid> sources(const Jid& chat) const {
    std::vector<Jid> from;
    if (!fates.contains(chat)) from.push_back(chat);
    for (const auto& [source, now] : fates) {
      if (now == chat) from.push_back(source);
    }
    return from;
  }

  // --- what each change means for later look-ups. `place`: where it will stand in the list of changes.

  void note(const storage::InsertMessage& change, std::size_t place) {
    messages[change.row.id].push_back({place, change.row.chat, false});
    if (!change.row.target_id.empty()) add_ons[change.row.target_id].push_back(change.row.id);
  }
  void note(const storage::ReleaseMessage& change, std::size_t place) {
    const auto message = records_.find_message(change.chat, change.id);
    if (message && message->from_me && message->ack == AckLevel::scheduled) released.insert(change.chat);
    rewrites_by_id[change.id].push_back(place);
  }
  void note(const storage::WithdrawMessage& change, std::size_t place) { rewrites_by_id[change.id].push_back(place); }
  void note(const storage::EditMessage& change, std::size_t place) { rewrites_by_id[change.id].push_back(place); }
  void note(const storage::RevokeMessage& change, std::size_t place) { rewrites_by_id[change.id].push_back(place); }
  void note(const storage::PutDetails& change, std::size_t place) { rewrites_by_id[change.id].push_back(place); }
  void note(const storage::PutContent& change, std::size_t place) { rewrites_by_id[change.id].push_back(place); }
  void note(const storage::PutStar& change, std::size_t place) { rewrites_by_id[change.id].push_back(place); }
  void note(const storage::PutPin& change, std::size_t place) { rewrites_by_id[change.id].push_back(place); }
  void note(const storage::RemoveMessage& change, std::size_t place) {
    if (const auto found = messages.find(change.id); found != messages.end()) {
      for (NewMessage& message : found->second) {
        const bool own = records_.at<storage::InsertMessage>(message.place).row.from_me;
        if (message.chat == change.chat && own == change.from_me) message.gone = true;
      }
    }
    const auto row = records_.committed(change.chat, change.id, change.from_me);
    if (!row) return;
    removed[change.id].emplace_back(change.chat, change.from_me);
    if (!row->from_me && row->ack < AckLevel::read && row->target_id.empty())
      note(storage::LowerUnread{change.session, change.chat, 1}, place);
  }
  /// A committed message that lies in this chat by now was deleted in this turn.
  bool is_removed(const Jid& chat, const std::string& id, bool from_me) const {
    const auto found = removed.find(id);
    return found != removed.end() &&
           std::find(found->second.begin(), found->second.end(), std::pair(chat, from_me)) != found->second.end();
  }
  void note(const storage::RaiseAck& change, std::size_t place) { raises_by_row[change.message_row].push_back(place); }
  void note(const storage::RaiseAckById& change, std::size_t place) { raises_by_id[change.id].push_back(place); }
  void note(const storage::NoteCopy& change, std::size_t) {
    copies.emplace(change.message_row, change.holder, change.device);
  }

  // Of a committed one it is one of those that find_chat counts.
  void note(const storage::ReadReceived& change, std::size_t place) {
    if (const auto found = messages.find(change.id); found != messages.end()) {
      for (NewMessage& message : found->second) {
        if (message.gone || message.chat != change.chat ||
            records_.at<storage::InsertMessage>(message.place).row.from_me)
          continue;
        message.read = true;
        return;
      }
    }
    const auto row = records_.find_message(change.chat, change.id);
    if (!row || row->from_me || row->ack >= AckLevel::read) return;
    raises_by_row[row->row].push_back(place);
    note(storage::LowerUnread{change.session, change.chat, 1}, place);
  }
  void note(const storage::LowerUnread& change, std::size_t) {
    if (auto chat = records_.find_chat(change.chat)) {
      chat->unread -= std::min(chat->unread, change.by);
      chats[change.chat] = std::move(chat);
    }
  }
  void note(const storage::RemoveChat& change, std::size_t) { file_elsewhere(change.chat, std::nullopt); }
  void note(const storage::MergeChats& change, std::size_t place) {
    merges.push_back(place);
    const auto from = records_.find_chat(change.from);
    auto to = records_.find_chat(change.to);
    if (const auto timer = records_.chat_timer(change.from); timer != storage::ChatTimer()) {
      const auto there = records_.chat_timer(change.to);
      if (there == storage::ChatTimer() || timer.set_at > there.set_at) timers[change.to] = timer;
      timers[change.from] = storage::ChatTimer();
    }
    file_elsewhere(change.from, change.to);
    if (!from) return;
    if (to) {
      to->unread += from->unread;
    } else {
      to = from;
      to->chat = change.to;
    }
    to->alternate = change.from;
    chats[change.to] = std::move(to);
  }
  void note(const storage::PutChatTimer& change, std::size_t) { timers[change.chat] = change.timer; }

  void note(const storage::PutUpload& change, std::size_t) { uploads[change.key] = change.message_id; }
  void note(const storage::ForgetUpload& change, std::size_t) { uploads[change.key] = std::nullopt; }
  void note(const storage::PutIdempotency& change, std::size_t place) { idempotency[change.row.key] = place; }
  void note(const storage::PutRetry& change, std::size_t place) { retries[{change.author, change.id}] = place; }
  void note(const storage::PutResends& change, std::size_t place) { resends[{change.device, change.id}] = place; }

  void note(const storage::PutLid& change, std::size_t) {
    // Both ends of the old pairs are told apart, as in the rows.
    if (const auto old_lid = records_.find_lid(change.pn)) pns[*old_lid] = std::nullopt;
    if (const auto old_pn = records_.find_pn(change.lid)) lids[*old_pn] = std::nullopt;
    lids[change.pn] = change.lid;
    pns[change.lid] = change.pn;
  }
  void note(const storage::PutDeviceList& change, std::size_t) { device_lists[change.user] = change.row; }
  void note(const storage::RemoveDeviceList& change, std::size_t) { device_lists[change.user] = std::nullopt; }
  void note(const storage::AgeDeviceList& change, std::size_t) {
    if (auto list = records_.find_device_list(change.user)) {
      list->fetched_at = 0;
      device_lists[change.user] = std::move(list);
    }
  }

  void note(const storage::AddPreKeys& change, std::size_t) {
    for (const protocol::PreKey& key : change.keys) add_pre_key(key);
  }
  // What it makes surplus is found until the commit: a key too many reads nothing that it should not.
  void note(const storage::AddRetryPreKey& change, std::size_t) { add_pre_key(change.key); }
  void note(const storage::RemovePreKey& change, std::size_t) {
    pre_keys.erase(change.id);
    used_pre_keys.insert(change.id);
  }
  void note(const storage::AddSignedPreKey& change, std::size_t place) { signed_pre_keys[change.key.id] = place; }

  void note(const storage::WipeDevice&, std::size_t) {
    wiped = true;
    device_lists.clear();
    retries.clear();
    resends.clear();
    pre_keys.clear();
    used_pre_keys.clear();
    signed_pre_keys.clear();
  }

  // Held by the queues, which read them at their start only.
  void note(const storage::InsertOutbox&, std::size_t) {}
  void note(const storage::SealOutbox&, std::size_t) {}
  void note(const storage::EndUpload&, std::size_t) {}
  void note(const storage::CountOutboxAttempt&, std::size_t) {}
  void note(const storage::RemoveOutbox&, std::size_t) {}
  void note(const storage::InsertReadReceipt&, std::size_t) {}
  void note(const storage::CountReadReceiptAttempt&, std::size_t) {}
  void note(const storage::RemoveReadReceipt&, std::size_t) {}
  // Held by KeyCache, which writes them at the end of the turn.
  void note(const storage::PutRatchet&, std::size_t) {}
  void note(const storage::RemoveRatchet&, std::size_t) {}
  void note(const storage::MigrateUser&, std::size_t) {}
  void note(const storage::PutIdentity&, std::size_t) {}
  void note(const storage::ForgetUserKeys&, std::size_t) {}
  // Held by Context.
  void note(const storage::UpdateSession&, std::size_t) {}
  void note(const storage::TouchSession&, std::size_t) {}
  void note(const storage::PutDevice&, std::size_t) {}
  // Nobody looks them up in a turn; after the end of a session, nobody looks up anything.
  void note(const storage::PutAppStateKey&, std::size_t) {}
  void note(const storage::InsertSession&, std::size_t) {}
  void note(const storage::RemoveSession&, std::size_t) {}
  // Of no session.
  void note(const storage::PutWebhook&, std::size_t) {}
  void note(const storage::RemoveWebhook&, std::size_t) {}
  void note(const storage::AdvanceWebhook&, std::size_t) {}
  void note(const storage::PutDelivery&, std::size_t) {}
  void note(const storage::RemoveDelivery&, std::size_t) {}

 private:
  void add_pre_key(const protocol::PreKey& key) {
    pre_keys[key.id] = key;
    used_pre_keys.erase(key.id);
  }
  /// Everything of the chat is that of another one (nullopt: gone). Linear in the messages of this turn; rare.
  void file_elsewhere(const Jid& chat, const std::optional<Jid>& now) {
    for (const Jid& source : sources(chat)) fates[source] = now;
    fates.try_emplace(chat, now);
    for (auto& [id, places] : removed) {
      for (auto& [of, own] : places)
        if (now && of == chat) of = *now;
    }
    chats[chat] = std::nullopt;
    if (released.erase(chat) > 0 && now) released.insert(*now);
    for (auto& [id, rows] : messages) {
      if (!now) std::erase_if(rows, [&](const NewMessage& message) { return message.chat == chat; });
      for (NewMessage& message : rows) {
        if (message.chat == chat) message.chat = *now;
      }
    }
  }

  const Records& records_;
};

Records::Records(storage::Database& reader, storage::SessionId session) : reader_(reader), session_(session) {}
Records::~Records() = default;

Records::Written& Records::written() {
  if (!written_) written_ = std::make_unique<Written>(*this);
  return *written_;
}

template <class Row>
const Row& Records::at(std::size_t place) const {
  return std::get<Row>(changes_.rows().at(place));
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

namespace {

/// False: no change that rewrites a message. `chat`: where the message lay when the change was written.
bool rewrite(MessageRow& row, const storage::Change& change, const Jid& chat) {
  if (const auto* edit = std::get_if<storage::EditMessage>(&change)) {
    if (edit->from_me == row.from_me && edit->chat == chat && row.revoked_at == 0 && row.edited_at <= edit->at) {
      row.body = edit->body;
      row.mentions = edit->mentions;
      row.edited_at = edit->at;
    }
    return true;
  }
  if (const auto* revoke = std::get_if<storage::RevokeMessage>(&change)) {
    if (revoke->from_me == row.from_me && revoke->chat == chat && row.revoked_at == 0) {
      row.body.clear();
      row.content.clear();
      row.details.clear();
      row.quoted_id.clear();
      row.mentions.clear();
      row.starred_at = row.pinned_until = 0;
      row.revoked_at = revoke->at;
    }
    return true;
  }
  if (const auto* release = std::get_if<storage::ReleaseMessage>(&change)) {
    if (row.from_me && release->chat == chat && row.ack == AckLevel::scheduled) {
      row.ack = AckLevel::pending;
      row.timestamp = row.created_at = release->at;
    }
    return true;
  }
  if (const auto* withdraw = std::get_if<storage::WithdrawMessage>(&change)) {
    if (row.from_me && withdraw->chat == chat && row.ack == AckLevel::scheduled) {
      row.ack = AckLevel::withdrawn;
      row.error = withdraw->error;
    }
    return true;
  }
  if (const auto* put = std::get_if<storage::PutContent>(&change)) {
    if (put->from_me == row.from_me && put->chat == chat && row.revoked_at == 0) row.content = put->content;
    return true;
  }
  if (const auto* star = std::get_if<storage::PutStar>(&change)) {
    if (star->from_me == row.from_me && star->chat == chat && row.revoked_at == 0) row.starred_at = star->at;
    return true;
  }
  if (const auto* pin = std::get_if<storage::PutPin>(&change)) {
    if (pin->from_me == row.from_me && pin->chat == chat && row.revoked_at == 0 && row.pinned_at <= pin->at) {
      row.pinned_until = pin->until;
      row.pinned_by = pin->by;
      row.pinned_at = pin->at;
    }
    return true;
  }
  const auto* details = std::get_if<storage::PutDetails>(&change);
  if (details != nullptr && details->from_me == row.from_me && details->chat == chat) row.details = details->details;
  return details != nullptr;
}

}  // namespace

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
    } else if (!rewrite(row, change, chat)) {
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
    auto row = storage::find_message(reader_, session_, source, id);
    // Of two with one id the own one is found first.
    if (row && row->from_me != from_me) {
      row = storage::find_message_by_id(reader_, session_, id, from_me);
      if (row && row->chat != source) row.reset();
    }
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

std::optional<MessageRow> Records::find_message(const Jid& chat, const std::string& id) const {
  if (!written_) return storage::find_message(reader_, session_, chat, id);
  std::optional<MessageRow> best;
  const auto consider = [&](MessageRow row) {
    if (!best || (row.from_me && !best->from_me)) best = std::move(row);
  };
  if (written_->removed.contains(id)) {
    for (const bool from_me : {true, false}) {
      if (auto row = committed(chat, id, from_me)) consider(std::move(*row));
    }
  } else {
    for (const Jid& source : written_->sources(chat)) {
      auto row = storage::find_message(reader_, session_, source, id);
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
