#include "storage/changes.h"

#include <iterator>

namespace wharf::storage {

namespace {

// What can be large; the rest of a row is its struct.
std::size_t held(const InsertMessage& change) {
  return change.row.content.size() + change.row.body.size() + change.row.details.size();
}
std::size_t held(const EditMessage& change) {
  return change.body.size() + change.details.value_or("").size() + change.content.size();
}
std::size_t held(const PutDetails& change) { return change.details.size(); }
std::size_t held(const PutOpened& change) { return change.body.size() + change.details.size() + change.content.size(); }
std::size_t held(const PutContent& change) { return change.content.size(); }
std::size_t held(const SealOutbox& change) { return change.stanza.size(); }
std::size_t held(const InsertOutbox& change) { return change.row.stanza.size(); }
std::size_t held(const PutRatchet& change) { return change.record.size(); }
std::size_t held(const PutSenderKey& change) { return change.record.size(); }
std::size_t held(const PutContact& change) {
  const ContactRow& row = change.row;
  return row.push_name.size() + row.name.size() + row.verified_name.size() + row.username.size() + row.about.size();
}
std::size_t held(const PutTrustedToken& change) { return change.row.token.size(); }
std::size_t held(const PutAppStateRecord& change) { return change.record.key_id.size() + change.record.action.size(); }
std::size_t held(const PutAppStateWish& change) { return change.wish.action.size() + change.wish.value.size(); }
std::size_t held(const PutChannel& change) { return change.row.metadata.size(); }
std::size_t held(const PutGroup& change) { return change.row.metadata.size() + change.row.heard.size(); }
std::size_t held(const PutKeyCopies& change) {
  std::size_t bytes = change.copies.size() * sizeof(KeyCopy);
  for (const KeyCopy& copy : change.copies) bytes += copy.body.size();
  return bytes;
}
std::size_t held(const PutStatusAudience& change) {
  return (change.row.users.size() + change.row.excluded.size()) * (sizeof(protocol::Jid) + 32);
}
std::size_t held(const AddPreKeys& change) { return change.keys.size() * sizeof(protocol::PreKey); }
std::size_t held(const InsertSession& change) { return change.row.config.size() + change.row.metadata.size(); }
std::size_t held(const UpdateSession& change) { return change.row.config.size() + change.row.metadata.size(); }
template <class Row>
std::size_t held(const Row&) {
  return 0;
}

constexpr std::size_t usual_rows = 8;  // of a turn with one text

}  // namespace

Changes::Changes() = default;
Changes::Changes(Changes&&) noexcept = default;
Changes& Changes::operator=(Changes&&) noexcept = default;
Changes::~Changes() = default;

bool operator==(const Changes& one, const Changes& other) {
  return one.rows_ == other.rows_ && one.events_ == other.events_;
}

template <class Row>
void Changes::add(Row row) {
  if (rows_.empty()) rows_.reserve(usual_rows);
  rows_.emplace_back(std::in_place_type<Row>, std::move(row));
}
template void Changes::add(InsertMessage);
template void Changes::add(EditMessage);
template void Changes::add(RevokeMessage);
template void Changes::add(PutDetails);
template void Changes::add(PutOpened);
template void Changes::add(PutContent);
template void Changes::add(PutStar);
template void Changes::add(PutPin);
template void Changes::add(RemoveMessage);
template void Changes::add(RaiseAck);
template void Changes::add(ReleaseMessage);
template void Changes::add(WithdrawMessage);
template void Changes::add(RaiseAckById);
template void Changes::add(ReadReceived);
template void Changes::add(LowerUnread);
template void Changes::add(RemoveChat);
template void Changes::add(MergeChats);
template void Changes::add(PutChatTimer);
template void Changes::add(InsertOutbox);
template void Changes::add(SealOutbox);
template void Changes::add(EndUpload);
template void Changes::add(CountOutboxAttempt);
template void Changes::add(RemoveOutbox);
template void Changes::add(PutIdempotency);
template void Changes::add(PutUpload);
template void Changes::add(ForgetUpload);
template void Changes::add(PutFolderRemoval);
template void Changes::add(EndFolderRemoval);
template void Changes::add(RememberFolder);
template void Changes::add(InsertReadReceipt);
template void Changes::add(CountReadReceiptAttempt);
template void Changes::add(RemoveReadReceipt);
template void Changes::add(PutResends);
template void Changes::add(NoteCopy);
template void Changes::add(AddPreKeys);
template void Changes::add(RemovePreKey);
template void Changes::add(AddRetryPreKey);
template void Changes::add(AddSignedPreKey);
template void Changes::add(PutRetry);
template void Changes::add(PutAppStateKey);
template void Changes::add(PutRatchet);
template void Changes::add(RemoveRatchet);
template void Changes::add(MigrateUser);
template void Changes::add(PutIdentity);
template void Changes::add(ForgetUserKeys);
template void Changes::add(PutLid);
template void Changes::add(PutDeviceList);
template void Changes::add(RemoveDeviceList);
template void Changes::add(AgeDeviceList);
template void Changes::add(PutContact);
template void Changes::add(RemoveContact);
template void Changes::add(PutTrustedToken);
template void Changes::add(RemoveTrustedToken);
template void Changes::add(PutAppState);
template void Changes::add(PutAppStateRecord);
template void Changes::add(RemoveAppStateRecord);
template void Changes::add(PutAppStateWish);
template void Changes::add(RemoveAppStateWish);
template void Changes::add(PutChannel);
template void Changes::add(RemoveChannel);
template void Changes::add(PutGroup);
template void Changes::add(AgeGroup);
template void Changes::add(PutSenderKey);
template void Changes::add(PutOwnSenderKey);
template void Changes::add(DropOwnSenderKey);
template void Changes::add(ForgetGroupKeys);
template void Changes::add(PutKeyCopies);
template void Changes::add(SendKeyCopies);
template void Changes::add(SettleKeyCopies);
template void Changes::add(TakeKeyCopiesBack);
template void Changes::add(MoveSenderKeys);
template void Changes::add(OpenReach);
template void Changes::add(NoteMember);
template void Changes::add(PutStatusAudience);
template void Changes::add(InsertSession);
template void Changes::add(UpdateSession);
template void Changes::add(TouchSession);
template void Changes::add(RemoveSession);
template void Changes::add(PutDevice);
template void Changes::add(WipeDevice);
template void Changes::add(PutWebhook);
template void Changes::add(RemoveWebhook);
template void Changes::add(AdvanceWebhook);
template void Changes::add(PutDelivery);
template void Changes::add(RemoveDelivery);

void Changes::append(Changes&& more) {
  const auto move_to = [](auto& to, auto& from) {
    to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
    from.clear();
  };
  move_to(rows_, more.rows_);
  move_to(events_, more.events_);
}

std::size_t Changes::bytes() const {
  std::size_t bytes = rows_.size() * sizeof(Change);
  for (const Change& change : rows_) bytes += std::visit([](const auto& row) { return held(row); }, change);
  // The value beside the bytes holds about as much again.
  for (const NewEvent& event : events_) bytes += sizeof(NewEvent) + event.data.size() * (event.value ? 2 : 1);
  return bytes;
}

}  // namespace wharf::storage
