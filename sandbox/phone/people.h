#pragma once
// A phone among others: whether it shows itself as there, whom it watches, and what it was told of them. Specification
// 06 sections 10 and 12, 02 section 12.

#include <boost/json/fwd.hpp>
#include <deque>
#include <functional>
#include <set>
#include <string>

#include "protocol/notifications/events.h"
#include "sandbox/phone/chats.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/seen.h"

namespace wharf::sandbox {

class PhonePeople {
 public:
  static constexpr std::size_t max_seen = 256;  // the oldest go
  static constexpr std::size_t max_watched = 1'000;

  PhonePeople(PhoneContext& context, const PhoneChats& chats) : c_(context), chats_(chats) {}

  using Answer = PhoneContext::Answer;
  /// What its user asks the server; `make` gets the id of the IQ. Errors: closed (it is or was switched off),
  /// timed_out.
  void ask(const std::function<Node(std::string_view id)>& make, Answer answer);

  // --- `heard` is called when the server has handled it, or with the errors of ask()
  void show_available(bool available, Answer heard);
  void rename(const std::string& name, Answer heard);
  /// Errors: refused (it watches max_watched others already).
  void watch(const Account& whom, bool on, Answer heard);
  bool available() const { return available_; }
  const std::set<std::string>& watched() const { return watched_; }  // phone numbers

  /// The phone was switched on: it says whether it is there, and asks again for those whom it watches.
  void resume();

  void on_presence(const Node& presence);
  void on_chat_state(const Node& stanza);
  void on_notification(const Node& notification);
  /// Newest last; not kept over a restart.
  const std::deque<PhoneSeen>& seen() const { return seen_; }

  // --- in the phone's row
  void save(boost::json::object& core) const;
  void load(const boost::json::object& core);

 private:
  using What = decltype(PhoneSeen::what);
  void note(const Jid& from, What what);
  void take(const protocol::NotificationEvent& event);
  void declare();
  void subscribe(const std::string& phone);
  void when_heard(Answer heard);

  PhoneContext& c_;
  const PhoneChats& chats_;
  bool available_ = true;
  std::set<std::string> watched_;
  std::deque<PhoneSeen> seen_;
};

}  // namespace wharf::sandbox
