#pragma once
// Receipts: those that this phone gives for what it received and read, and those that it gets. Specification 03
// section 7.

#include <boost/json/fwd.hpp>
#include <cstddef>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "protocol/stanzas/messages.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/log.h"
#include "sandbox/phone/sent_messages.h"

namespace wharf::sandbox {

class PhoneReceipts {
 public:
  PhoneReceipts(PhoneContext& context, PhoneLog& log, SentMessages& sent) : c_(context), log_(log), sent_(sent) {}

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
  using ByForm = std::map<Jid, std::vector<std::string>>;  // ids, newest first

  void withhold(Node receipt);
  void withheld_changed(std::uint64_t number) { c_.changed(RowKind::phone_withheld, row_number(number, 8)); }
  bool mark_read(std::size_t position, ByForm& marked);
  void send_read_receipts(ByForm marked);
  void read_by_companion(const protocol::IncomingReceipt& receipt);

  PhoneContext& c_;
  PhoneLog& log_;
  SentMessages& sent_;
  bool delivering_ = true;
  std::map<std::uint64_t, Node> withheld_;  // delivery receipts, oldest first
};

}  // namespace wharf::sandbox
