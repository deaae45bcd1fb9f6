#pragma once
// How look-ups see a turn's own changes: of records.cpp alone. Written holds an index for each kind of question, mostly
// places in the list of changes, so that nothing is copied and no look-up walks through the whole list.

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

#include "sessions/records.h"

namespace wharf::sessions {

template <class Row>
const Row& Records::at(std::size_t place) const {
  return std::get<Row>(changes_.rows().at(place));
}

/// A row of table message that this turn inserts.
struct Records::NewMessage {
  std::size_t place;  // of its InsertMessage
  Jid chat;           // where it is filed by now
  bool read = false;  // by a ReadReceived
  bool gone = false;  // by a RemoveMessage; its chat has begun all the same
};

class Records::Written {
 public:
  explicit Written(const Records& records) : groups(records), records_(records) {}

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
  std::map<Jid, std::optional<storage::ContactRow>> contacts;  // as they are now
  std::map<Jid, std::optional<storage::TrustedTokenRow>> trusted_tokens;
  using InCollection = std::pair<std::string, std::string>;
  std::map<std::string, storage::AppStateRow> app_states;
  std::map<std::pair<std::string, protocol::Digest32>, std::optional<storage::AppStateRecord>> app_state_records;
  std::map<InCollection, std::optional<storage::AppStateWish>> app_state_wishes;  // by collection and action
  std::map<protocol::Bytes, protocol::Bytes> app_state_keys;
  std::map<std::string, std::optional<storage::StatusAudienceRow>> audiences;  // of status posts, as they are now
  std::map<Jid, std::optional<storage::ChannelRow>> channels;                  // as they are now
  GroupsWritten groups;
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
    if (message && message->from_me && message->ack == storage::AckLevel::scheduled) released.insert(change.chat);
    rewrites_by_id[change.id].push_back(place);
  }
  void note(const storage::WithdrawMessage& change, std::size_t place) { rewrites_by_id[change.id].push_back(place); }
  void note(const storage::EditMessage& change, std::size_t place) { rewrites_by_id[change.id].push_back(place); }
  void note(const storage::RevokeMessage& change, std::size_t place) { rewrites_by_id[change.id].push_back(place); }
  void note(const storage::PutDetails& change, std::size_t place) { rewrites_by_id[change.id].push_back(place); }
  void note(const storage::PutOpened& change, std::size_t place) { rewrites_by_id[change.id].push_back(place); }
  void note(const storage::PutContent& change, std::size_t place) { rewrites_by_id[change.id].push_back(place); }
  void note(const storage::PutStar& change, std::size_t place) { rewrites_by_id[change.id].push_back(place); }
  void note(const storage::PutPin& change, std::size_t place) { rewrites_by_id[change.id].push_back(place); }
  void note(const storage::RemoveMessage& change, std::size_t place) {
    if (change.from_me && change.chat.is_status()) audiences[change.id] = std::nullopt;
    if (const auto found = messages.find(change.id); found != messages.end()) {
      for (NewMessage& message : found->second) {
        const bool own = records_.at<storage::InsertMessage>(message.place).row.from_me;
        if (message.chat == change.chat && own == change.from_me) message.gone = true;
      }
    }
    const auto row = records_.committed(change.chat, change.id, change.from_me);
    if (!row) return;
    removed[change.id].emplace_back(change.chat, change.from_me);
    if (!row->from_me && row->ack < storage::AckLevel::read && row->target_id.empty())
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
    if (!row || row->from_me || row->ack >= storage::AckLevel::read) return;
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

  void note(const storage::PutIdempotency& change, std::size_t place) { idempotency[change.row.key] = place; }
  void note(const storage::PutUpload& change, std::size_t) { uploads[change.key] = change.message_id; }
  void note(const storage::ForgetUpload& change, std::size_t) { uploads[change.key] = std::nullopt; }
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

  void note(const storage::PutContact& change, std::size_t) { contacts[change.row.user] = change.row; }
  void note(const storage::RemoveContact& change, std::size_t) { contacts[change.user] = std::nullopt; }
  void note(const storage::PutTrustedToken& change, std::size_t) { trusted_tokens[change.row.user] = change.row; }
  void note(const storage::RemoveTrustedToken& change, std::size_t) { trusted_tokens[change.user] = std::nullopt; }

  void note(const storage::PutAppState& change, std::size_t) { app_states[change.row.collection] = change.row; }
  void note(const storage::PutAppStateRecord& change, std::size_t) {
    app_state_records[{change.collection, change.record.index_mac}] = change.record;
  }
  void note(const storage::RemoveAppStateRecord& change, std::size_t) {
    app_state_records[{change.collection, change.index_mac}] = std::nullopt;
  }
  void note(const storage::PutAppStateWish& change, std::size_t) {
    app_state_wishes[{change.wish.collection, change.wish.action}] = change.wish;
  }
  void note(const storage::RemoveAppStateWish& change, std::size_t) {
    app_state_wishes[{change.collection, change.action}] = std::nullopt;
  }
  void note(const storage::PutAppStateKey& change, std::size_t) { app_state_keys[change.key_id] = change.key; }
  void note(const storage::PutStatusAudience& change, std::size_t) { audiences[change.row.post] = change.row; }

  void note(const storage::PutChannel& change, std::size_t) { channels[change.row.channel] = change.row; }
  void note(const storage::RemoveChannel& change, std::size_t) { channels[change.channel] = std::nullopt; }

  // records_groups.h
  void note(const storage::PutGroup& change, std::size_t) { groups.note(change); }
  void note(const storage::AgeGroup& change, std::size_t) { groups.note(change); }
  void note(const storage::PutSenderKey& change, std::size_t) { groups.note(change); }
  void note(const storage::PutOwnSenderKey& change, std::size_t) { groups.note(change); }
  void note(const storage::DropOwnSenderKey& change, std::size_t) { groups.note(change); }
  void note(const storage::ForgetGroupKeys& change, std::size_t) { groups.note(change); }
  void note(const storage::PutKeyCopies& change, std::size_t) { groups.note(change); }
  void note(const storage::SendKeyCopies& change, std::size_t) { groups.note(change); }
  void note(const storage::SettleKeyCopies& change, std::size_t) { groups.note(change); }
  void note(const storage::TakeKeyCopiesBack& change, std::size_t) { groups.note(change); }
  void note(const storage::MoveSenderKeys& change, std::size_t) { groups.note(change); }
  void note(const storage::NoteMember& change, std::size_t) { groups.note(change); }
  void note(const storage::OpenReach& change, std::size_t) { groups.note(change); }

  void note(const storage::WipeDevice& wipe, std::size_t) {
    groups.note(wipe);
    wiped = true;
    device_lists.clear();
    contacts.clear();
    trusted_tokens.clear();
    app_states.clear();
    app_state_records.clear();
    app_state_wishes.clear();
    app_state_keys.clear();
    channels.clear();
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
  void note(const storage::PutFolderRemoval&, std::size_t) {}
  void note(const storage::InsertSession&, std::size_t) {}
  void note(const storage::RemoveSession&, std::size_t) {}
  // Of no session.
  void note(const storage::PutWebhook&, std::size_t) {}
  void note(const storage::RemoveWebhook&, std::size_t) {}
  void note(const storage::AdvanceWebhook&, std::size_t) {}
  void note(const storage::PutDelivery&, std::size_t) {}
  void note(const storage::RemoveDelivery&, std::size_t) {}
  void note(const storage::EndFolderRemoval&, std::size_t) {}
  void note(const storage::RememberFolder&, std::size_t) {}

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

}  // namespace wharf::sessions
