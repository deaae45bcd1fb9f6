#pragma once
// What a phone does by itself with a message that it received: marks it read, answers it. Specification 06 section 19.

#include <boost/json/fwd.hpp>
#include <optional>
#include <utility>

#include "sandbox/phone.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/receipts.h"
#include "sandbox/phone/sending.h"

namespace wharf::sandbox {

class PhoneAutoReplies {
 public:
  PhoneAutoReplies(PhoneContext& context, PhoneReceipts& receipts, PhoneSending& sending)
      : c_(context), receipts_(receipts), sending_(sending) {}

  void set_rule(std::optional<Phone::AutoReply> rule) {
    rule_ = std::move(rule);
    c_.core_changed();
  }
  void set_read(bool on) {
    read_ = on;
    c_.core_changed();
  }
  void react(const PhoneMessage& received);

  // --- in the phone's row
  void save_read(boost::json::object& core) const;
  void save_rule(boost::json::object& core) const;
  void load(const boost::json::object& core);

 private:
  PhoneContext& c_;
  PhoneReceipts& receipts_;
  PhoneSending& sending_;
  std::optional<Phone::AutoReply> rule_;
  bool read_ = false;
};

}  // namespace wharf::sandbox
