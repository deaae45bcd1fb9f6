#pragma once
// From encryption to the ack: a stanza goes out again unchanged while none comes, once more to devices that the server
// says were missed, and once anew when a group names its members otherwise by now.

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "sandbox/phone/context.h"
#include "sandbox/phone/fanout.h"
#include "sandbox/phone/log.h"
#include "sandbox/phone/sent_messages.h"

namespace wharf::sandbox {

class PhoneTransmission {
 public:
  PhoneTransmission(PhoneContext& context, PhoneFanout& fanout, SentMessages& sent, PhoneLog& log)
      : c_(context), fanout_(fanout), sent_(sent), log_(log) {}

  /// Errors: as PhoneFanout::seal.
  protocol::Result<void> seal_and_send(SentMessage& message);
  void on_ack(const Node& ack);

  /// The phone was switched on: what had no ack goes out again, what was owed is done.
  void resume();
  void pause() { timer_.reset(); }
  /// Nothing is waited for any more.
  void clear() { unacked_.clear(); }
  /// Of an earlier life: it had left and no ack came.
  void restore(const std::string& id) { unacked_.insert(id); }

 private:
  static constexpr unsigned max_send_attempts = 4;  // the same stanza again when no ack came
  static constexpr std::int64_t ack_timeout_ms = 10'000;
  void transmit(SentMessage& message, Node stanza);
  void check_unacked();
  /// False: it is waited for no longer.
  bool check_unacked(const std::string& id);
  void on_refusal(SentMessage& message, unsigned error);
  void complete_fan_out(const std::string& id);
  void end_fan_out(const std::string& id, const protocol::Result<void>& ready);

  PhoneContext& c_;
  PhoneFanout& fanout_;
  SentMessages& sent_;
  PhoneLog& log_;
  std::set<std::string> unacked_;
  std::shared_ptr<void> timer_;
};

}  // namespace wharf::sandbox
