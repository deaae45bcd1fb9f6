#pragma once
// What a turn writes, as data: a value for each kind of row change, and the events that report them. Values print and
// compare, so that a test can say "this stanza, in this state, gives these rows and these events". The writer applies
// them in order (storage/apply.h).

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "storage/app_state.h"
#include "storage/channels.h"
#include "storage/chat_timers.h"
#include "storage/chats.h"
#include "storage/contacts.h"
#include "storage/events.h"
#include "storage/folder_removals.h"
#include "storage/groups.h"
#include "storage/keys.h"
#include "storage/member_receipts.h"
#include "storage/messages.h"
#include "storage/outbox.h"
#include "storage/peers.h"
#include "storage/read_receipts.h"
#include "storage/resends.h"
#include "storage/sender_keys.h"
#include "storage/sessions.h"
#include "storage/status_audiences.h"
#include "storage/trusted_tokens.h"
#include "storage/uploads.h"
#include "storage/webhooks.h"

namespace wharf::storage {

using Change =
    std::variant<InsertMessage, ReleaseMessage, WithdrawMessage, EditMessage, RevokeMessage, PutDetails, PutOpened,
                 PutContent, PutStar, PutPin, RemoveMessage, RaiseAck, RaiseAckById, ReadReceived, LowerUnread,
                 RemoveChat, MergeChats, PutChatTimer, InsertOutbox, SealOutbox, EndUpload, CountOutboxAttempt,
                 RemoveOutbox, PutIdempotency, PutUpload, ForgetUpload, PutFolderRemoval, EndFolderRemoval,
                 RememberFolder, InsertReadReceipt, CountReadReceiptAttempt, RemoveReadReceipt, PutResends, NoteCopy,
                 AddPreKeys, RemovePreKey, AddRetryPreKey, AddSignedPreKey, PutRetry, PutAppStateKey, PutRatchet,
                 RemoveRatchet, MigrateUser, PutIdentity, ForgetUserKeys, PutLid, PutDeviceList, RemoveDeviceList,
                 AgeDeviceList, PutContact, RemoveContact, PutTrustedToken, RemoveTrustedToken, PutAppState,
                 PutAppStateRecord, RemoveAppStateRecord, PutAppStateWish, RemoveAppStateWish, PutChannel,
                 RemoveChannel, PutGroup, AgeGroup, PutSenderKey, PutOwnSenderKey, DropOwnSenderKey, ForgetGroupKeys,
                 PutKeyCopies, SendKeyCopies, SettleKeyCopies, TakeKeyCopiesBack, MoveSenderKeys, OpenReach, NoteMember,
                 PutStatusAudience, InsertSession, UpdateSession, TouchSession, RemoveSession, PutDevice, WipeDevice,
                 PutWebhook, RemoveWebhook, AdvanceWebhook, PutDelivery, RemoveDelivery>;

/// One line: the kind and its fields; of keys, records and contents only the size.
std::string to_text(const Change& change);
std::string to_text(const NewEvent& event);

/// Rows of one turn, in order, then its events. Move-only: it can hold keys, which the writer wipes.
/// What handles the whole variant stands in changes.cpp: every file that includes this would compile it again.
class Changes {
 public:
  Changes();
  Changes(Changes&&) noexcept;
  Changes& operator=(Changes&&) noexcept;
  ~Changes();

  /// Row: a kind of Change.
  template <class Row>
  void add(Row row);
  void emit(NewEvent event) { events_.push_back(std::move(event)); }
  bool empty() const { return rows_.empty() && events_.empty(); }
  void append(Changes&& more);
  /// About as much as they hold: what bounds a batch.
  std::size_t bytes() const;

  const std::vector<Change>& rows() const { return rows_; }
  const std::vector<NewEvent>& events() const { return events_; }
  friend bool operator==(const Changes& one, const Changes& other);

 private:
  friend class Store;
  std::vector<Change> rows_;
  std::vector<NewEvent> events_;
};
/// A line for each row and event.
std::string to_text(const Changes& changes);

}  // namespace wharf::storage
