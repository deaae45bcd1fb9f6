#pragma once
// Row changes onto rows, inside the writer's transaction. Each kind is written where its table is read. For
// storage/*.cpp only. Errors: conflict, malformed, storage, storage_full. Throws ReadFailure.

#include "storage/changes.h"
#include "storage/database.h"

namespace wharf::storage {

Result<void> apply(Database& db, const Change& change);
/// Secrets in it are overwritten: once it is stored, or never will be. A batch may be written twice (store.cpp).
void wipe_secrets(Change& change);

Result<void> apply(Database& db, const InsertMessage& change);
Result<void> apply(Database& db, const EditMessage& change);
Result<void> apply(Database& db, const RevokeMessage& change);
Result<void> apply(Database& db, const PutDetails& change);
Result<void> apply(Database& db, const PutOpened& change);
Result<void> apply(Database& db, const PutContent& change);
Result<void> apply(Database& db, const PutStar& change);
Result<void> apply(Database& db, const PutPin& change);
Result<void> apply(Database& db, const RemoveMessage& change);
Result<void> apply(Database& db, const RaiseAck& change);
Result<void> apply(Database& db, const ReleaseMessage& change);
Result<void> apply(Database& db, const WithdrawMessage& change);
Result<void> apply(Database& db, const RaiseAckById& change);
Result<void> apply(Database& db, const ReadReceived& change);
Result<void> apply(Database& db, const LowerUnread& change);
Result<void> apply(Database& db, const RemoveChat& change);
Result<void> apply(Database& db, const MergeChats& change);
Result<void> apply(Database& db, const PutChatTimer& change);
Result<void> apply(Database& db, const InsertOutbox& change);
Result<void> apply(Database& db, const SealOutbox& change);
Result<void> apply(Database& db, const EndUpload& change);
Result<void> apply(Database& db, const CountOutboxAttempt& change);
Result<void> apply(Database& db, const RemoveOutbox& change);
Result<void> apply(Database& db, const PutIdempotency& change);
Result<void> apply(Database& db, const PutUpload& change);
Result<void> apply(Database& db, const ForgetUpload& change);
/// That own message announces nothing any more.
Result<void> forget_uploads_of(Database& db, SessionId session, const std::string& message_id);
Result<void> apply(Database& db, const PutStatusAudience& change);
/// The post is gone.
Result<void> forget_status_audience(Database& db, SessionId session, const std::string& post);
Result<void> apply(Database& db, const PutFolderRemoval& change);
Result<void> apply(Database& db, const EndFolderRemoval& change);
Result<void> apply(Database& db, const RememberFolder& change);
Result<void> apply(Database& db, const InsertReadReceipt& change);
Result<void> apply(Database& db, const CountReadReceiptAttempt& change);
Result<void> apply(Database& db, const RemoveReadReceipt& change);
Result<void> apply(Database& db, const PutResends& change);
Result<void> apply(Database& db, const NoteCopy& change);
Result<void> apply(Database& db, const AddPreKeys& change);
Result<void> apply(Database& db, const RemovePreKey& change);
Result<void> apply(Database& db, const AddRetryPreKey& change);
Result<void> apply(Database& db, const AddSignedPreKey& change);
Result<void> apply(Database& db, const PutRetry& change);
Result<void> apply(Database& db, const PutAppStateKey& change);
Result<void> apply(Database& db, const PutRatchet& change);
Result<void> apply(Database& db, const RemoveRatchet& change);
Result<void> apply(Database& db, const MigrateUser& change);
Result<void> apply(Database& db, const PutIdentity& change);
Result<void> apply(Database& db, const ForgetUserKeys& change);
Result<void> apply(Database& db, const PutLid& change);
Result<void> apply(Database& db, const PutDeviceList& change);
Result<void> apply(Database& db, const RemoveDeviceList& change);
Result<void> apply(Database& db, const AgeDeviceList& change);
Result<void> apply(Database& db, const PutContact& change);
Result<void> apply(Database& db, const RemoveContact& change);
Result<void> apply(Database& db, const PutTrustedToken& change);
Result<void> apply(Database& db, const RemoveTrustedToken& change);
Result<void> apply(Database& db, const PutAppState& change);
Result<void> apply(Database& db, const PutAppStateRecord& change);
Result<void> apply(Database& db, const RemoveAppStateRecord& change);
Result<void> apply(Database& db, const PutAppStateWish& change);
Result<void> apply(Database& db, const RemoveAppStateWish& change);
Result<void> apply(Database& db, const PutChannel& change);
Result<void> apply(Database& db, const RemoveChannel& change);
Result<void> apply(Database& db, const PutGroup& change);
Result<void> apply(Database& db, const AgeGroup& change);
Result<void> apply(Database& db, const PutSenderKey& change);
Result<void> apply(Database& db, const PutOwnSenderKey& change);
Result<void> apply(Database& db, const DropOwnSenderKey& change);
Result<void> apply(Database& db, const ForgetGroupKeys& change);
Result<void> apply(Database& db, const PutKeyCopies& change);
Result<void> apply(Database& db, const SendKeyCopies& change);
Result<void> apply(Database& db, const SettleKeyCopies& change);
Result<void> apply(Database& db, const TakeKeyCopiesBack& change);
Result<void> apply(Database& db, const MoveSenderKeys& change);
Result<void> apply(Database& db, const OpenReach& change);
Result<void> apply(Database& db, const NoteMember& change);
Result<void> apply(Database& db, const InsertSession& change);
Result<void> apply(Database& db, const UpdateSession& change);
Result<void> apply(Database& db, const TouchSession& change);
Result<void> apply(Database& db, const RemoveSession& change);
Result<void> apply(Database& db, const PutDevice& change);
Result<void> apply(Database& db, const WipeDevice& change);
Result<void> apply(Database& db, const PutWebhook& change);
Result<void> apply(Database& db, const RemoveWebhook& change);
Result<void> apply(Database& db, const AdvanceWebhook& change);
Result<void> apply(Database& db, const PutDelivery& change);
Result<void> apply(Database& db, const RemoveDelivery& change);

}  // namespace wharf::storage
