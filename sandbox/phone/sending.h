#pragma once
// Messages of a phone's user and to its companions: each waits in the queue of its chat until those before it are
// encrypted, and one with a file until that is on the media host. Specification 03 section 4, 04 sections 3 and 5.

#include <deque>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/messages/content.h"
#include "sandbox/phone/add_ons.h"
#include "sandbox/phone/chats.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/fanout.h"
#include "sandbox/phone/files.h"
#include "sandbox/phone/log.h"
#include "sandbox/phone/sent_messages.h"
#include "sandbox/phone/transmission.h"

namespace wharf::sandbox {

class PhoneSending {
 public:
  PhoneSending(PhoneContext& context, const PhoneChats& chats, PhoneFanout& fanout, PhoneTransmission& transmission,
               SentMessages& sent, PhoneLog& log, PhoneAddOns& add_ons, PhoneFiles& files)
      : c_(context),
        chats_(chats),
        fanout_(fanout),
        transmission_(transmission),
        sent_(sent),
        log_(log),
        add_ons_(add_ons),
        files_(files) {}

  /// The id, which begins with `id_prefix` when there is one. Errors: malformed, not_found.
  protocol::Result<std::string> send(const Phone::Send& message, std::string_view id_prefix = {});
  /// A message to one companion of this phone.
  void send_peer(std::uint16_t device, Bytes encoded);

  /// The phone was switched on: every queue goes on.
  void resume();
  void clear() { queues_.clear(); }
  /// Of an earlier life: it waits in its queue again.
  void restore(const SentMessage& message) { queues_[queue_of(message)].ids.push_back(message.id); }

 private:
  struct Queue {
    std::deque<std::string> ids;
    bool busy = false;
  };
  /// A message of `send`, not sent yet.
  struct Draft {
    protocol::OutgoingMessage message;
    Bytes upload;                        // as in SentMessage
    std::vector<std::string> mentioned;  // phone numbers
  };
  /// Whom a status post, or its deletion, is for; nobody of other messages. Errors: not_found.
  protocol::Result<std::set<std::string>> audience_of(const Phone::Send& message);
  protocol::Result<Draft> build(const Phone::Send& message, const PhoneChat& chat) const;
  protocol::Result<protocol::Quote> quote(const std::string& id, const PhoneChat& chat) const;
  void enqueue(SentMessage message);
  /// The queue that a message waits in: its chat's, or that of a bootstrapped companion.
  static std::string queue_of(const SentMessage& message);
  void start_next(const std::string& queue);
  void begin(const std::string& queue, const std::string& id);
  void upload(const std::string& queue, const SentMessage& message);
  void uploaded(const std::string& queue, const std::string& id, const protocol::Result<PhoneFiles::Place>& place);
  void show_ready(const std::string& id, ByteView encoded);
  void finish(const std::string& queue, const protocol::Result<void>& outcome);

  PhoneContext& c_;
  const PhoneChats& chats_;
  PhoneFanout& fanout_;
  PhoneTransmission& transmission_;
  SentMessages& sent_;
  PhoneLog& log_;
  PhoneAddOns& add_ons_;
  PhoneFiles& files_;
  std::map<std::string, Queue> queues_;
  std::set<std::string> starting_;
};

}  // namespace wharf::sandbox
