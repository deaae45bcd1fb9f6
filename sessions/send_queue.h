#pragma once
// The durable queue of outgoing messages: accepted, sealed (encrypted, stanza stored), acknowledged. Order per chat is
// kept; a chat that waits for keys does not hold up others. A sealed stanza is resent unchanged, same id and same
// bytes, until its ack comes, so a crash at any point neither loses nor doubles a message and never reuses a message
// key. Specification 03 sections 4.1, 4.8.

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/messages/content.h"
#include "protocol/stanzas/ack.h"
#include "protocol/stanzas/messages.h"
#include "sessions/alarms.h"
#include "sessions/commands.h"
#include "sessions/fanout.h"
#include "sessions/holdings.h"

namespace wharf::sessions {

class SendQueue {
 public:
  /// From a send to its ack (03 section 4.8). A connection that keeps one waiting longer is given up; what it carried
  /// goes out again, unchanged, on the next one.
  static constexpr std::chrono::seconds ack_patience{75};
  /// Connections that may leave one message unanswered before it ends as an error, so that no message makes a session
  /// reconnect for ever.
  static constexpr std::uint32_t max_unanswered = 4;

  SendQueue(Context& context, Directory& directory, Fanout& fanout);

  /// At start: what was accepted and not acknowledged.
  void load();
  void accept(const SendText& request, Reply<SentMessage> reply);
  /// The session came online: sealed stanzas again, then what waits.
  void on_online();
  void on_ack(const protocol::Ack& ack);
  bool awaits(const std::string& message_id) const { return by_id_.contains(message_id); }
  /// A receipt for one of our messages proves that the server had it, whether or not its ack got through.
  void on_receipt(const std::string& message_id);
  void on_link_down();
  /// The user deletes the chat: what was not sealed yet is cancelled, its ack says so. Sealed stanzas may be on their
  /// way already and are followed to their ack.
  void forget_chat(const Jid& chat);
  /// When on_due() has something to do: only while online.
  std::optional<net::SteadyTime> due() const;
  void on_due();
  std::size_t size() const { return items_.size(); }
  void count(Holdings& held) const {
    held.queued = items_.size();
    held.in_flight = in_flight_;
    held.in_flight_bytes = in_flight_bytes_;
    held.lanes = lanes_.size();
  }
  /// The session was logged out: nothing of the queue can be sent any more.
  void fail_all(const std::string& why);
  /// Set by the session: this connection swallowed a message.
  std::function<void()> on_unanswered;

 private:
  static constexpr unsigned max_resends = 3;

  struct Item {
    Jid chat;
    std::string message_id;
    storage::OutboxState state = storage::OutboxState::waiting;
    Bytes stanza;       // when sealed
    bool sent = false;  // on this connection
    unsigned temporary_errors = 0;
    std::uint32_t unanswered = 0;  // connections given up for want of its ack
    bool readdressed = false;      // refused under the LID, sealed again under the phone number
  };
  struct Lane {
    std::deque<std::int64_t> waiting;
    bool preparing = false;
    unsigned failures = 0;
  };

  /// The first answer to the same request, when there was one. Errors: conflict.
  Outcome<std::optional<SentMessage>> find_earlier(const SendText& request, const Jid& chat);
  Outcome<std::optional<SentMessage>> find_earlier_by_key(const SendText& request, const Jid& chat,
                                                          const std::string& key, Subject kind);
  void remember(const SendText& request, const SentMessage& sent);
  Outcome<protocol::Quote> quote_of(const Jid& chat, const std::string& id);
  void on_prepared(const Jid& chat, Fanout::Prepared prepared);
  void pump(const Jid& chat);
  void pump_all();
  bool room_in_flight() const;
  /// Errors: not_found (the message is gone), too_large, those of Fanout::seal. The ratchets have advanced on success.
  Result<Bytes> seal(const Item& item, Fanout::Addressing addressing);
  Result<Bytes> seal(const Item& item, const storage::MessageRow& message, Fanout::Addressing addressing);
  void seal_head(std::int64_t row, Item& item);
  bool seal_again_as_phone_number(std::int64_t row, Item& item);
  void transmit(std::int64_t row, Item& item);
  void confirm(std::int64_t row, UnixMs at);
  void on_silence(std::int64_t row);
  void fail(std::int64_t row, const std::string& why);
  void drop(std::int64_t row);
  SentMessage sent_message(const storage::MessageRow& row, bool replayed);

  Context& c_;
  Directory& directory_;
  Fanout& fanout_;
  std::map<std::int64_t, Item> items_;         // by outbox row: order of acceptance
  std::map<std::string, std::int64_t> by_id_;  // message id -> row
  std::map<Jid, Lane> lanes_;                  // by canonical chat; erased when empty
  Alarms<std::int64_t> resends_;               // after a temporary refusal
  Alarms<std::int64_t> answers_due_;           // of what is in flight on this connection
  Alarms<Jid> lanes_due_;                      // lanes whose keys could not be had
  std::int64_t last_row_ = 0;
  std::size_t in_flight_ = 0;  // sealed items
  std::size_t in_flight_bytes_ = 0;
};

}  // namespace wharf::sessions
