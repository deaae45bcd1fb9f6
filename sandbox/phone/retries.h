#pragma once
// Messages that did not decrypt, on both sides: asking for them again and sending them again. Specification 03
// section 8.

#include <cstdint>
#include <map>
#include <string>
#include <utility>

#include "protocol/stanzas/messages.h"
#include "sandbox/phone/chats.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/groups/group_fanout.h"
#include "sandbox/phone/keys.h"
#include "sandbox/phone/log.h"
#include "sandbox/phone/sent_messages.h"
#include "sandbox/phone/sessions.h"

namespace wharf::sandbox {

class PhoneRetries {
 public:
  PhoneRetries(PhoneContext& context, const PhoneChats& chats, const PhoneGroups& groups, PhoneKeys& keys,
               PhoneSessions& sessions, PhoneGroupFanout& fanout, SentMessages& sent, PhoneLog& log)
      : c_(context),
        chats_(chats),
        groups_(groups),
        keys_(keys),
        sessions_(sessions),
        fanout_(fanout),
        sent_(sent),
        log_(log) {}

  /// `enc`: the one that did not decrypt.
  void ask_again(const Node& message, const protocol::MessageSource& source, const DeviceKey& author,
                 const protocol::ReceivedEnc& enc, const protocol::Error& reason);
  /// It could be read in the end.
  void settled(const DeviceKey& author, const std::string& id) { counters_.erase({author, id}); }
  /// A retry receipt. Acked when the resend is on its way or nothing will be sent: until then the request comes again
  /// after a restart.
  void on_request(const Node& receipt);
  void clear() { counters_.clear(); }

 private:
  // The number of a request, what is asked for one message, what is sent for one message: a cut may take each.
  static constexpr unsigned max_retries = 5, max_requests = 20, max_resends = 10;
  static constexpr std::size_t max_counters = 10'000;
  void show_failed(const protocol::MessageSource& source, const DeviceKey& author, const protocol::Error& reason);
  bool concerned(const SentMessage& message, const DeviceKey& requester) const;
  void resend(const protocol::RetryRequest& request, const DeviceKey& requester);

  PhoneContext& c_;
  const PhoneChats& chats_;
  const PhoneGroups& groups_;
  PhoneKeys& keys_;
  PhoneSessions& sessions_;
  PhoneGroupFanout& fanout_;
  SentMessages& sent_;
  PhoneLog& log_;
  struct Asked {
    std::uint32_t number = 0;
    unsigned requests = 0;
  };
  std::map<std::pair<DeviceKey, std::string>, Asked> counters_;  // of messages we could not decrypt
};

}  // namespace wharf::sandbox
