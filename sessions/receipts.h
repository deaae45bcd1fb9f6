#pragma once
// What comes back for messages we sent: delivery and read receipts, and requests to send one again. Specification 03
// sections 7.3 and 8.2.

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "protocol/stanzas/ack.h"
#include "protocol/stanzas/messages.h"
#include "sessions/fanout.h"
#include "sessions/groups/group_fanout.h"
#include "sessions/groups/rosters.h"

namespace wharf::sessions {

class Receipts {
 public:
  Receipts(Context& context, Directory& directory, TrustedTokens& tokens, Fanout& fanout, Groups& groups,
           Rosters& rosters, GroupFanout& group_fanout, StatusAudiences& audiences)
      : c_(context),
        directory_(directory),
        tokens_(tokens),
        fanout_(fanout),
        groups_(groups),
        rosters_(rosters),
        group_fanout_(group_fanout),
        audiences_(audiences) {}

  void on_receipt(const Node& receipt);
  /// What is known of the group has changed: who asked for its messages meanwhile is answered.
  void on_group_changed(const Jid& group);
  /// The server's answer to a message that was sent again to one device: the request for it is acked. It refuses that
  /// where a group names its members otherwise by now: once the group is known as it is, the device gets it under its
  /// name there. False: it answers none of these.
  bool on_resend_ack(const protocol::Ack& ack);
  void on_link_down();
  std::optional<net::SteadyTime> due() const;
  void on_due();
  /// Set by the session: a receipt of a device that the message was for shows that the server has had it.
  std::function<void(const std::string& message_id, UnixMs at)> on_proof;
  /// Set by the session: it waits in the outbox, and no network has had it.
  std::function<bool(const std::string& message_id)> is_unsealed;
  /// What changes a message (changes_message) had ended as an error and was sent all the same, as its recipient's
  /// receipt proves.
  std::function<void(const std::string& message_id)> on_late_proof;

 private:
  static constexpr std::size_t max_ids = 256;
  static constexpr std::size_t max_member_receipts = 4'096;  // of one stanza: ids times members
  static constexpr std::size_t max_waiting = 1'024;          // retry receipts that wait for their group, whole stanzas
  static constexpr std::size_t max_put_off = 64;             // … whose resend the server did not take for now
  static constexpr std::size_t answered_per_turn = 32;       // of those whose group is known: each may cost its members
  static constexpr std::size_t max_resent = 256;             // … whose resend the server is to answer
  static constexpr std::chrono::minutes put_off_for{1};
  static constexpr std::size_t max_strangers = 64;         // for whom a group is asked for, on one connection
  static constexpr std::size_t max_unlisted = 256;         // retry receipts that wait for a list; users it was asked of
  static constexpr std::chrono::minutes named_again{10};   // a list that does not name the device is asked for once in
  static constexpr std::chrono::seconds listed_again{60};  // … and one that is not to be had

  void on_peer_receipt(const protocol::IncomingReceipt& receipt);
  /// Our message with this id. nullopt also for one of this very turn, for one that waits to be sealed, and for one
  /// that ended before it was: it has not left, so nobody can speak of it. Callers choose ids that others can guess.
  std::optional<storage::MessageRow> find_sent(const std::string& id);
  void raise(const std::string& id, const Jid& from, storage::AckLevel level, UnixMs at);
  /// Another device of this account has seen these, and nothing else.
  void on_statuses_seen(const std::vector<std::string>& ids);
  /// A receipt of a group, or of who sees a status: of one member, or of several together (03 section 7.3 step 2).
  void on_group_receipt(const protocol::IncomingReceipt& receipt);
  /// What this user has said of it so far, by either identity.
  storage::AckLevel said_by(std::int64_t message_row, const Jid& user);
  /// The user, by its canonical name, has said so; what it said under its other identity is one with that.
  void note_member(std::int64_t message_row, const Jid& user, storage::AckLevel level, UnixMs at);
  /// Who has spoken under a number, and under the LID that is known for it by now, has spoken once. True: there was
  /// such a one.
  bool unite_speakers(std::int64_t message_row, const storage::GroupReach& reach);
  void raise_in_group(const std::string& id, const Jid& group, const std::vector<protocol::IncomingReceipt::User>& who);
  void on_own_receipt(const protocol::IncomingReceipt& receipt);
  enum class RetryAnswer { done, later };  // later: it waits for something, the ack follows that
  void on_retry(const Node& receipt);
  RetryAnswer answer_retry(const Node& receipt);
  /// What we sent within the window, whoever asks for it.
  std::optional<storage::MessageRow> sent_lately(const std::string& id);
  /// The message of ours that this device may have again: sent to its user within the window, and not had by it yet.
  std::optional<storage::MessageRow> resendable(const protocol::RetryRequest& request, const Jid& requester,
                                                UnixMs asked_at);
  bool is_recipient(const storage::MessageRow& message, const protocol::RetryRequest& request, const Jid& requester,
                    UnixMs asked_at);
  /// It asks for a message that went to a group in which we do not know it, which is asked for once a connection.
  bool is_new_stranger(const protocol::RetryRequest& request, const Jid& requester);
  /// Of a group or a status post, whose key would go with it: the device stands in a list that nothing calls stale.
  bool is_listed(const Jid& requester);
  /// It asks for a message of a group that its user may have, and the list of its account may name it by now.
  bool wants_list(const protocol::RetryRequest& request, const Jid& requester, UnixMs asked_at);
  RetryAnswer wait_for_list(const Node& receipt, const Jid& user);
  void ask_for_list(const Jid& user);
  /// When the server had the request.
  UnixMs asked_at(const Node& receipt) const;
  struct Resend {
    Bytes plaintext;
    protocol::StanzaKind kind;
    std::optional<Jid> recipient;  // of a copy for an own device: the chat
  };
  /// How the group names this device, and itself speaks of names, by now: it may have changed that since the message
  /// was sent. Of statuses as the device called itself.
  struct InRoom {
    Jid device;
    std::string addressing_mode;
  };
  InRoom name_in(const Jid& room, const protocol::RetryRequest& request, const Jid& requester);
  /// What a resend of a status post says of its audience; "" of everything else.
  std::string setting_of(const storage::MessageRow& message) const;
  Resend resend_of(const protocol::RetryRequest& request, const storage::MessageRow& message, bool with_key);
  void count_resend(const protocol::RetryRequest& request, const Jid& requester, storage::ResendRow resends);
  RetryAnswer resend(const Node& receipt, const protocol::RetryRequest& request, const Jid& requester,
                     storage::ResendRow resends);
  void stop_waiting_for_oldest();
  void answer_described();

  Context& c_;
  Directory& directory_;
  TrustedTokens& tokens_;
  Fanout& fanout_;
  Groups& groups_;
  Rosters& rosters_;
  GroupFanout& group_fanout_;
  StatusAudiences& audiences_;
  std::size_t waiting_ = 0;                // retry receipts whose group is being asked for, held, or to be answered
  std::map<Jid, std::vector<Node>> held_;  // those whose group the server could not describe yet
  std::deque<Node> described_;             // those whose group is known by now, in their order: some a turn
  /// Retry receipts in the order of what was sent for them, until the server has answered that, or will not.
  struct Resent {
    Node receipt;
    net::SteadyTime until;
  };
  std::vector<Resent> resent_;
  std::vector<Resent> put_off_;                // whose resend the server did not take for now, until it is tried again
  std::map<Jid, std::vector<Node>> unlisted_;  // retry receipts by the user whose list they wait for
  std::size_t unlisted_count_ = 0;
  std::optional<net::SteadyTime> lists_due_;  // no answer: asked for again then
  struct ListAsked {
    net::SteadyTime until;
    bool had = false;  // there was one, which did not name the device
  };
  std::map<Jid, ListAsked> lists_asked_;     // users, of whom it is not asked for again until then
  std::set<std::pair<Jid, Jid>> strangers_;  // group and user: who was asked for, on this connection
};

}  // namespace wharf::sessions
