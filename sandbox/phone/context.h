#pragma once
// What the parts of a simulated phone share: the network, its turns, the stanzas it sends and the questions it asks,
// and how accounts are named. Owned by Phone::State; the parts hold a reference. What arrived is handled in a turn,
// what it caused is sent at its end, and the next turn comes from NetworkClock::after(0).

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/stanzas/iq.h"
#include "sandbox/network.h"

namespace wharf::sandbox {

class PhoneContext {
 public:
  /// `handle` gets each stanza that arrived.
  PhoneContext(Network& net, Account& own, std::function<void(const Node&)> handle)
      : network(net), account(own), ids(net.random()), handle_(std::move(handle)) {}

  Network& network;
  Account& account;
  protocol::StanzaIds ids;
  std::shared_ptr<int> alive = std::make_shared<int>(0);  // callbacks held by others ask for it before they touch us

  std::int64_t now_ms() const { return network.clock().unix_ms(); }
  std::uint64_t now() const { return static_cast<std::uint64_t>(now_ms() / 1000); }
  protocol::Random& random() const { return network.random(); }

  // --- turns
  bool powered() const { return powered_; }
  void start() { powered_ = true; }
  void stop();
  /// Whoever asked hears that no answer comes (closed).
  void close_questions();
  /// They are not answered at all.
  void forget_questions() { questions_.clear(); }
  void arrived(const Node& stanza);
  void schedule();
  /// Leaves at the end of the turn.
  void send(Node stanza);
  using Answer = std::function<void(protocol::Result<Node>)>;
  /// `iq` carries `id`. Errors: closed (switched off), timed_out; an error answer arrives as a Node.
  void ask(Node iq, Answer answer);
  void on_answer(const Node& iq);

  // --- who is who
  DeviceKey self() const { return {account.phone, 0}; }
  Jid own_pn() const { return account.pn_jid(); }
  Jid own_lid() const { return account.lid_jid(); }  // "" of an account without
  /// A chat with `peer` is addressed by LID when both have one, else by number; never mixed (03 section 4.8).
  bool by_lid(const Account& peer) const { return account.has_lid() && peer.has_lid(); }
  Jid form_for(const Account& peer) const { return by_lid(peer) ? peer.lid_jid() : peer.pn_jid(); }
  /// The account of a number or JID as people write it; nullptr when nobody has it.
  Account* look_up(std::string_view phone_or_jid) const;
  Account* find(std::string_view phone) const { return network.find_account(phone); }
  std::optional<DeviceKey> key_of(const Jid& jid) const;

  // --- rows that are no longer as on disk
  void changed(RowKind kind, std::string name = {}) { network.changes().changed(kind, account.phone, std::move(name)); }
  void core_changed() { changed(RowKind::phone); }
  // --- row: phone_outbox, stanzas that leave in the next turn
  std::optional<Bytes> outbox_row() const;
  void restore_outbox(const Node& list);

 private:
  struct Question {
    Answer answer;
    std::shared_ptr<void> deadline;
  };
  void run_turn();
  std::optional<Answer> take_question(const std::string& id);

  std::function<void(const Node&)> handle_;
  bool powered_ = false;
  bool in_turn_ = false;
  std::shared_ptr<void> turn_;
  std::deque<Node> inbox_, outbox_;  // the inbox is not kept: what is not acked comes again
  std::map<std::string, Question> questions_;
};

}  // namespace wharf::sandbox
