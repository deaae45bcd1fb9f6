#pragma once
// The durable outbox of a session: queued, sealed (encrypted, the bytes are stored), acknowledged. What goes in is
// decided elsewhere (acceptance.h). Order per chat is kept (lanes.h); a chat that waits for keys, or for the upload of
// a file, does not hold up others. What expires ends as an error unless it was sealed (a status post that the server
// has not acknowledged: also then, on the next connection). Sealed bytes are resent unchanged until their ack comes, so
// a crash at any point neither loses nor doubles a message and never reuses a message key. When the ack says that the
// server knows devices that a message was not sealed for, it stays until it was
// sealed and sent for those too, once: to everybody else it is sent by then. Specification 03 sections 4.1, 4.8.
//
// But for where a file is it knows no WhatsApp: what a message is made of, how it is encrypted and what an answer of
// the server means is asked of the Sealer, and of the directory only who is who.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "sessions/add_ons.h"
#include "sessions/alarms.h"
#include "sessions/holdings.h"
#include "sessions/lanes.h"
#include "sessions/media/uploads.h"
#include "sessions/sealer.h"
#include "sessions/sending_terms.h"
#include "storage/outbox.h"

namespace wharf::sessions {

class Outbox {
 public:
  /// From a send to its ack (03 section 4.8). A connection that keeps one waiting longer is given up; what it carried
  /// goes out again, unchanged, on the next one.
  static constexpr std::chrono::seconds ack_patience{75};
  /// Connections that may leave one message unanswered before it ends as an error, so that no message makes a session
  /// reconnect for ever.
  static constexpr std::uint32_t max_unanswered = 4;

  Outbox(Context& context, Directory& directory, Sealer& sealer, AddOns& add_ons, Uploads& uploads);

  /// Why a message ends that never left.
  static constexpr const char* deleted = "the message was deleted before it was sent";
  static constexpr const char* expired = "expired: it could not be sent in time";
  /// Of a status post that was sent, but not acknowledged before its connection ended.
  static constexpr const char* outlived = "expired: the server did not acknowledge it in time; it may have arrived";

  /// At start: a row that was accepted and not acknowledged; the number of the last one.
  void resume(storage::OutboxRow row);
  void number_from(std::int64_t last_row) { last_row_ = last_row; }
  /// Of a row that is to be inserted: for what is scheduled too.
  std::int64_t new_row() { return ++last_row_; }
  /// Queues a message whose row is written in this turn, and sends it at once where nothing is to be waited for.
  void take(const storage::MessageRow& message, const SendingTerms& terms);
  /// The session came online: sealed messages again, then what waits.
  void on_online();
  bool awaits(std::string_view message_id) const { return by_id_.contains(message_id); }
  /// A stanza of it is on its way. An ack that comes while none is answers what was sent beside the outbox.
  bool expects_ack(std::string_view message_id) const;
  /// It waits and was not sealed yet: it can still be cancelled, and no network has had it.
  bool is_unsealed(std::string_view message_id) const;
  /// The request that asked for it; "" where none is known.
  std::string cause_of(std::string_view message_id) const;
  /// on_verdict() of an ack without an error will tell that the server has the message.
  bool would_accept(std::string_view message_id) const;
  /// The server has answered a message. Nothing for one that is not awaited.
  void on_verdict(std::string_view message_id, const Sealer::Verdict& verdict);
  /// A receipt for one of our messages proves that the server had it, whether or not its ack got through: by this time
  /// of the server's clock, since ours may be wrong by days.
  void on_receipt(std::string_view message_id, UnixMs at);
  void on_link_down();
  enum class Cancelled : std::uint8_t { yes, unknown, too_late };
  /// Ends a message that was not sealed yet; its ack says why. One that was may be on its way already, and is followed
  /// to its ack.
  Cancelled cancel(std::string_view message_id, const std::string& why);
  /// All of a canonical chat that were not sealed yet.
  std::size_t cancel_chat(const Jid& chat, const std::string& why);
  /// The session was logged out: nothing of the outbox can be sent any more.
  void cancel_all(const std::string& why);
  /// The session is removed: files that were to be uploaded go with its rows.
  void release_files();
  /// When on_due() has something to do: while offline, only what expires.
  std::optional<net::SteadyTime> due() const;
  void on_due();
  std::size_t size() const { return items_.size(); }
  /// Messages that are not sent yet: not those that only some devices lack.
  std::size_t unsent() const { return items_.size() - acknowledged_; }
  void count(Holdings& held) const;
  /// Set by the session: this connection swallowed a message.
  std::function<void()> on_unanswered;

 private:
  static constexpr unsigned max_resends = 3;
  static constexpr unsigned max_expired_at_once = 64;  // in one turn

  struct Item {
    Jid chat;
    std::string message_id;
    std::string request_id;  // of the command that asked for it; "" after a restart
    storage::OutboxState state = storage::OutboxState::waiting;
    SendingTerms terms;               // `upload` while uploading
    Bytes sealed;                     // while waiting: of a post of a channel, the handle of its uploaded file
    bool sent = false;                // on this connection
    std::uint32_t expected_acks = 0;  // on this connection: what is sealed twice has one id for two answers
    unsigned temporary_errors = 0;
    std::uint32_t unanswered = 0;  // connections given up for want of its ack
    bool readdressed = false;      // refused, and sealed again: under another address, or for a group as it is now
    /// It changes a message or a chat (edit, revoke, pin, timer), which happens when the server has it. true after a
    /// restart, when nobody knows.
    bool changes_message = true;
  };
  /// A lane that is prepared at once would call pump() from within it, lane upon lane.
  struct Pumping {
    explicit Pumping(bool& flag) : pumping(flag) { pumping = true; }
    Pumping(const Pumping&) = delete;
    Pumping& operator=(const Pumping&) = delete;
    ~Pumping() { pumping = false; }
    bool& pumping;
  };

  // --- in
  Item item_of(const storage::MessageRow& message, const SendingTerms& terms);
  std::optional<Error> seal_at_once(Item& item, const storage::MessageRow& message);
  storage::OutboxRow row_of(std::int64_t row, const Item& item) const;
  Item& insert(std::int64_t row, Item item);

  // --- files
  void on_uploaded(std::int64_t row, const protocol::UploadAnswer& answer);
  void on_known(std::int64_t row, Bytes content);
  void on_not_uploaded(std::int64_t row, const std::string& why);
  /// Its message says where its file is. kept: it is the file that was uploaded.
  void leave_upload(std::int64_t row, const storage::MessageRow& message, Bytes content, bool kept,
                    std::string_view handle = {});

  // --- lanes
  bool may_go_at_once(const Jid& chat, const storage::MessageRow& message);
  /// What is prepared and sealed next.
  void aim_at(const Jid& chat, const Item& item);
  /// Where a message of this canonical chat waits: behind those that were queued when it was known by another id.
  Jid lane_of(const Jid& chat);
  void wait_in_lane(std::int64_t row, const Item& item);
  /// Seals what has its turn, and asks for the keys of those who need some.
  void pump();
  /// The chat has become canonical under another JID since its messages were queued.
  void move_lane(const Jid& from, const Jid& canonical);
  void on_prepared(const Jid& chat, Sealer::Prepared prepared);
  void prepare_later(const Jid& chat, unsigned failures);

  // --- in flight
  /// An item enters or leaves a state.
  void count(const Item& item, bool enters);
  bool room_in_flight() const;
  void seal_head(std::int64_t row, Item& item);
  void put_sealed(std::int64_t row, Item& item, Bytes sealed, storage::OutboxState state);
  bool readdress(std::int64_t row, Item& item);
  /// Refused as it was sealed: it waits for its turn again, and its sealed form is worth nothing.
  void unseal(std::int64_t row, Item& item);
  void transmit(std::int64_t row, Item& item);
  void try_again(std::int64_t row, Item& item);
  void on_silence(std::int64_t row);

  // --- ends
  void expire_due();
  void on_accepted(std::int64_t row, Item& item, const Sealer::Accepted& accepted);
  void on_refused(std::int64_t row, Item& item, const Sealer::Refused& refused);
  void tell_accepted(const Item& item, UnixMs at);
  /// Acknowledged; the devices that it was not sealed for wait in its lane.
  void complete(std::int64_t row, Item& item);
  /// Out of the queue; what waited for its room goes on.
  void end(std::int64_t row);
  /// Told as of the request that asked for the message, whatever is handled now.
  void fail(std::int64_t row, const std::string& why);
  /// Told as of the command that ends it; as of its own request when it is none that does.
  void cancel_row(std::int64_t row, const std::string& why);
  void end_as_error(std::int64_t row, const std::string& why);
  void drop(std::int64_t row);

  Context& c_;
  Directory& directory_;
  Sealer& sealer_;
  AddOns& add_ons_;
  Uploads& uploads_;
  std::map<std::int64_t, Item> items_;              // by outbox row: order of acceptance
  std::map<std::string_view, std::int64_t> by_id_;  // Item::message_id, a view of it -> row
  Lanes lanes_;                                     // by canonical chat
  Alarms<std::int64_t, UnixMs> expiries_;           // of what is not sealed
  Alarms<std::int64_t> resends_;                    // after a temporary refusal
  Alarms<std::int64_t> answers_due_;                // of what is in flight on this connection
  std::int64_t last_row_ = 0;
  std::size_t in_flight_ = 0;  // on their way or to be sent as they are
  std::size_t in_flight_bytes_ = 0;
  std::size_t acknowledged_ = 0;  // incomplete or completing
  bool pumping_ = false;
};

}  // namespace wharf::sessions
