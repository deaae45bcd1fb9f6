#pragma once
// The rows of one session as a turn sees them: those that are committed and, on top of them, what this turn has written
// so far. A turn takes up to 64 inputs and commits once, so the second input must see what the first one wrote though
// no reader can read it yet. Everything that a turn writes goes in through add(), and every look-up of sessions/ comes
// through here: it asks what add() has noted, then the reader. The one place in sessions/ that knows the database.
//
// What each kind of change means for look-ups stands in records.cpp, one overload for each: a new kind does not compile
// without one. What the parts hold in memory themselves and read at their start only (queues, the rows of session and
// device, and the ratchets and identities of KeyCache, which writes them at the end of the turn) is read as committed.
//
// Look-ups throw storage::ReadFailure, and so does add() where a change builds on the row before it. O(log n) in what
// the turn has written, unless said otherwise.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/binary/jid.h"
#include "protocol/crypto/hash.h"
#include "sessions/records_groups.h"
#include "storage/changes.h"

namespace wharf::sessions {

using protocol::Jid;

class Records {
 public:
  /// `reader` sees the commit of every earlier turn, and outlives this object.
  Records(storage::Database& reader, storage::SessionId session);
  ~Records();

  storage::SessionId session() const { return session_; }

  // --- the turn
  /// Row: a kind of storage::Change that a session writes.
  template <class Row>
  void add(Row row);
  void append(storage::Changes&& more);
  void emit(storage::NewEvent event) { changes_.emit(std::move(event)); }
  /// Ends the turn: its rows go to the writer, or nowhere. From here on look-ups tell what is committed, so until the
  /// commit is back nothing of them: the next turn does not start before that.
  storage::Changes take();

  // --- messages and chats
  bool has_message(const Jid& chat, const std::string& id) const;
  /// As storage::find_message.
  std::optional<storage::MessageRow> find_message(const Jid& chat, const std::string& id,
                                                  std::optional<bool> from_me = {}) const;
  /// In any chat, the newest. Its `row` is 0 when it was written in this turn: no network has had it then.
  /// As storage::find_message_of_either.
  std::optional<storage::MessageRow> find_message_of_either(const std::string& id,
                                                            std::optional<bool> from_me = {}) const {
    auto row = find_message_by_id(id, from_me.value_or(true));
    return row || from_me ? std::move(row) : find_message_by_id(id, false);
  }
  std::optional<storage::MessageRow> find_message_by_id(const std::string& id, bool from_me) const;
  /// What was said about this message: the newest `most` of what is committed, then those of this turn.
  std::vector<storage::MessageRow> add_ons(const Jid& chat, const std::string& target_id, bool target_from_me,
                                           std::size_t most) const;
  /// Anything about a message of this id, whose and in which chat ever.
  bool has_add_ons(const std::string& target_id) const;
  bool has_copy(std::int64_t message_row, storage::CopyHolder holder, std::uint16_t device) const;
  /// Linear in the messages of this turn.
  bool has_chat(const Jid& chat) const;
  /// As somebody can have read it: what arrived in this turn is not counted as unread, and a chat that began in it is
  /// not there; what was marked as read, removed or merged in it is.
  std::optional<storage::ChatRow> find_chat(const Jid& chat) const;
  /// The newest first; as find_chat, without those of this turn.
  std::vector<storage::MessageRow> newest_messages(const Jid& chat, std::size_t most) const;
  /// As find_chat, without those of this turn: storage::unread_messages.
  std::vector<storage::UnreadMessage> unread_messages(const Jid& chat, std::size_t most, std::size_t looked_at) const;
  /// storage::album_members, and those of this turn behind them; each once, in the order in which they were written:
  /// whoever ends an album relies on it. Linear in the messages of this turn.
  std::vector<std::string> album_members(const storage::MessageRow& head) const;
  /// Those of this turn, the newest first; their `row` is 0. Linear in the messages of this turn.
  std::vector<storage::MessageRow> new_messages(const Jid& chat) const;
  /// All zero when nothing is known.
  storage::ChatTimer chat_timer(const Jid& chat) const;

  // --- counts and answers that are kept
  std::optional<storage::IdempotencyRow> find_idempotency(const std::string& key, storage::UnixMs not_before) const;
  /// The own message that announces the upload of this file; it may be gone.
  std::optional<std::string> find_upload(const storage::UploadKey& key) const;
  /// A count of zero when there is no row.
  storage::RetryRow retry(const Jid& author, const std::string& id) const;
  /// storage::awaited_authors, and those of this turn. Linear in what this turn asked for once more.
  std::vector<Jid> awaited_authors(const std::string& id, const Jid& chat, std::size_t most) const;
  /// Whether any message was asked for once more.
  bool has_retries() const;
  /// Zero resends when there is no row.
  storage::ResendRow resends(const Jid& device, const std::string& id) const;

  // --- peers
  std::optional<Jid> find_lid(const Jid& pn) const;
  std::optional<Jid> find_pn(const Jid& lid) const;
  std::optional<storage::DeviceListRow> find_device_list(const Jid& user) const;
  /// For KeyCache: as committed, unless the device was wiped in this turn.
  std::optional<protocol::Bytes> find_ratchet(const Jid& device) const;
  std::optional<protocol::PublicKey> find_identity(const Jid& device) const;

  // --- people
  std::optional<storage::ContactRow> find_contact(const Jid& user) const;
  std::optional<storage::TrustedTokenRow> find_trusted_token(const Jid& user) const;
  /// storage::watched_contacts, without and with those of this turn.
  std::vector<Jid> watched_contacts(std::size_t most) const;

  // --- app state
  std::optional<storage::AppStateRow> find_app_state(const std::string& collection) const;
  std::optional<storage::AppStateRecord> find_app_state_record(const std::string& collection,
                                                               const protocol::Digest32& index_mac) const;
  /// storage::app_state_records_of. Linear in the records of this turn.
  std::vector<storage::AppStateRecord> app_state_records_of(const std::string& collection,
                                                            const std::string& action) const;
  /// As committed: storage::app_state_records_after.
  std::vector<storage::AppStateRecord> app_state_records_after(const std::string& collection, protocol::ByteView after,
                                                               std::size_t most) const;
  /// storage::app_state_wishes, without and with those of this turn; those of this turn last.
  std::vector<storage::AppStateWish> app_state_wishes(const std::string& collection, std::size_t most) const;
  std::optional<protocol::Bytes> find_app_state_key(protocol::ByteView key_id) const;
  std::vector<protocol::Bytes> app_state_key_ids() const;

  // --- status posts
  std::optional<storage::StatusAudienceRow> find_status_audience(const std::string& post) const;
  /// Those with whom there is a chat, without those that begin in this turn: at most `most` chats are looked at, those
  /// used last.
  std::vector<Jid> chat_partners(std::size_t most) const;
  /// Those whom the records of the phone's address book name, as they name them; nullopt: it was never read. Of `most`
  /// records; one person may have several.
  std::optional<std::vector<Jid>> saved_contacts(std::size_t most) const;

  // --- channels
  std::optional<storage::ChannelRow> find_channel(const Jid& channel) const;
  /// storage::load_channels, without and with those of this turn.
  std::vector<storage::ChannelRow> channels(std::size_t most) const;

  // --- groups
  std::optional<storage::GroupRow> find_group(const Jid& group) const;
  /// storage::stale_groups, and those that became stale in this turn; after an AgeGroup of all once that is committed.
  std::vector<Jid> stale_groups(std::size_t most) const;
  std::optional<protocol::Bytes> find_sender_key(const Jid& group, const Jid& author) const;
  /// As committed: of every device of the user, at most `most`.
  std::vector<std::pair<Jid, protocol::Bytes>> sender_keys_of(const Jid& group, const Jid& user,
                                                              std::size_t most) const;
  std::optional<protocol::Bytes> find_own_sender_key(const Jid& group) const;
  /// Where the own key of the group is, or goes. Linear in its devices.
  KeyCopies key_copies(const Jid& group) const;
  std::optional<storage::GroupReach> find_reach(std::int64_t message_row) const;
  storage::AckLevel member_level(std::int64_t message_row, const Jid& user) const;
  /// As committed: numbers under which something was said of the message, of the first `most` who have said something.
  std::vector<Jid> speakers_by_number(std::int64_t message_row, std::size_t most) const;

  // --- own prekeys
  std::optional<protocol::KeyPair> find_pre_key(protocol::PreKeyId id) const;
  /// from <= id < to, ascending.
  std::vector<protocol::PreKey> load_pre_keys(protocol::PreKeyId from, protocol::PreKeyId to) const;
  std::optional<protocol::SignedPreKey> find_signed_pre_key(protocol::PreKeyId id) const;

  // --- what a session begins with; as committed
  std::vector<storage::OutboxRow> load_outbox() const;
  std::int64_t last_outbox_row() const;
  std::vector<storage::ReadReceiptRow> load_read_receipts() const;

 private:
  class Written;
  struct NewMessage;
  Written& written();
  template <class Row>
  const Row& at(std::size_t place) const;
  /// `row.chat`: where it lay at that place. That it may lie elsewhere by now is for the caller.
  void apply_changes(storage::MessageRow& row, std::size_t from_place) const;
  storage::MessageRow inserted(const NewMessage& message) const;
  /// The committed message of this side that lies in the chat by now, as it is now; nullopt also when it was removed.
  std::optional<storage::MessageRow> committed(const Jid& chat, const std::string& id, bool from_me) const;

  storage::Database& reader_;
  storage::SessionId session_;
  storage::Changes changes_;
  mutable std::optional<bool> any_timers_;  // asked once: of the many sessions without, no message costs a look-up
  std::unique_ptr<Written> written_;        // nullptr until this turn writes: an idle session holds none
};

/// Session and device as they are in the rows now: what a session that begins again is made of. nullopt: it was
/// removed.
struct SessionRows {
  storage::SessionRow session;
  storage::DeviceRow device;
};
std::optional<SessionRows> load_session_rows(storage::Database& reader, storage::SessionId session);

}  // namespace wharf::sessions
