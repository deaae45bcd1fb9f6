#pragma once
// Receipts: those that this phone gives for what it received and read, and those that it gets. Specification 03
// section 7.

#include <boost/json/fwd.hpp>
#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/stanzas/messages.h"
#include "sandbox/phone/chats.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/log.h"
#include "sandbox/phone/sent_messages.h"

namespace wharf::sandbox {

class PhoneReceipts {
 public:
  PhoneReceipts(PhoneContext& context, const PhoneChats& chats, PhoneLog& log, SentMessages& sent)
      : c_(context), chats_(chats), log_(log), sent_(sent) {}

  /// A message was taken: the receipt that settles it, or an ack alone while receipts are withheld.
  void confirm(const Node& message, const protocol::MessageSource& source);
  /// False: delivery receipts are withheld until true again.
  void deliver(bool on);
  /// As Phone::read.
  protocol::Result<std::size_t> read(std::string_view chat, std::string_view id = {});
  /// Any but a retry receipt.
  void on_receipt(const Node& receipt);

  // --- rows: phone_withheld, and a word in the phone's
  std::optional<Bytes> row(std::string_view name) const;
  void restore(std::string_view name, Node receipt);
  void save(boost::json::object& core) const;
  void load(const boost::json::object& core);

 private:
  static constexpr std::size_t max_withheld = 20'000;
  /// A receipt names its messages in the addressing they came in: the chat, and in a group their author.
  using Form = std::pair<Jid, std::optional<Jid>>;
  using ByForm = std::map<Form, std::vector<std::string>>;  // ids, newest first

  void withhold(Node receipt);
  void withheld_changed(std::uint64_t number) { c_.changed(RowKind::phone_withheld, row_number(number, 8)); }
  bool mark_read(std::size_t position, ByForm& marked);
  void send_read_receipts(ByForm marked);
  const PhoneMessage* received(std::string_view chat, std::string_view id) const;
  void read_by_companion(const protocol::IncomingReceipt& receipt);
  /// `type` of one who got or read these messages of this phone.
  void raise(const protocol::IncomingReceipt& receipt, const std::vector<std::string>& ids, const DeviceKey& who,
             std::string_view type);

  PhoneContext& c_;
  const PhoneChats& chats_;
  PhoneLog& log_;
  SentMessages& sent_;
  bool delivering_ = true;
  std::map<std::uint64_t, Node> withheld_;  // delivery receipts, oldest first
};

}  // namespace wharf::sandbox
