#pragma once
// The durable queue of outgoing messages: accepted, sealed (encrypted, stanza stored), acknowledged. Order per chat is
// kept; a chat that waits for keys does not hold up others. A sealed stanza is resent unchanged, same id and same bytes,
// until its ack comes, so a crash at any point neither loses nor doubles a message and never reuses a message key.
// Specification 03 sections 4.1, 4.8.

#include <deque>
#include <map>
#include <set>
#include <string>

#include "protocol/messages/content.h"
#include "protocol/stanzas/messages.h"
#include "sessions/fanout.h"
#include "storage/messages.h"

namespace wharf::sessions {

class SendQueue {
 public:
  SendQueue(Context& context, Directory& directory, Fanout& fanout);

  /// At start: what was accepted and not acknowledged.
  void load();
  void accept(SendText request, Done<SentMessage> done);
  /// The session came online: sealed stanzas again, then what waits.
  void on_online();
  void on_ack(const protocol::MessageAck& ack);
  void on_deadline();
  void on_link_down();
  std::size_t size() const { return items_.size(); }
  void end_turn() { accepted_now_.clear(); }
  /// The session was logged out: nothing of the queue can be sent any more.
  void fail_all(const std::string& why);

 private:
  static constexpr unsigned max_resends = 3;

  struct Item {
    Jid chat;
    std::string message_id;
    storage::OutboxState state = storage::OutboxState::waiting;
    Bytes stanza;                  // when sealed
    bool sent = false;             // on this connection
    unsigned temporary_errors = 0;
  };
  struct Lane {
    std::deque<std::int64_t> waiting;
    bool preparing = false;
    unsigned failures = 0;
    net::SteadyTime retry_at{};
  };

  /// What this turn accepted under an Idempotency-Key ("k" + key) or a chosen id ("i" + id): not readable as rows yet.
  struct AcceptedNow {
    std::string request_hash;
    SentMessage sent;
  };
  bool replay_of_this_turn(const SendText& request, const Done<SentMessage>& done);
  void on_prepared(const Jid& chat, bool ok);
  Result<SentMessage> find_earlier(const SendText& request, const Jid& chat, bool& found);
  Result<protocol::Quote> quote_of(const Jid& chat, const std::string& id);
  void pump(const Jid& chat);
  void pump_all();
  bool seal_head(std::int64_t row, Item& item);
  void fail(std::int64_t row, const std::string& why);
  void drop(std::int64_t row);
  SentMessage sent_message(const storage::MessageRow& row, bool replayed);

  Context& c_;
  Directory& directory_;
  Fanout& fanout_;
  std::map<std::int64_t, Item> items_;             // by outbox row: order of acceptance
  std::map<std::string, std::int64_t> by_id_;      // message id -> row
  std::map<Jid, Lane> lanes_;                      // by canonical chat; erased when empty
  std::map<std::string, AcceptedNow> accepted_now_;
  std::int64_t last_row_ = 0;
  std::size_t in_flight_ = 0;
};

}  // namespace wharf::sessions
