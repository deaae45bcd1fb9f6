#pragma once
// Receipts in groups: to the author that they name, of his account every device; retry receipts to the one that sent.
// In a large group those for one message that come close together are told together. Specification 06 sections 8.5 and
// 8.6.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"
#include "sandbox/network/delivery_memory.h"
#include "sandbox/network/groups/group.h"

namespace wharf::sandbox {

class GroupReceipts {
 public:
  GroupReceipts(NetworkContext& context, Accounts& accounts, Delivery& delivery, DeliveryMemory& memory)
      : c_(context), accounts_(accounts), delivery_(delivery), memory_(memory) {}

  /// `receipt` was acked and has settled what it answers.
  void on_receipt(const Origin& origin, const Node& receipt, const Group& group);
  /// What is held back to be told together leaves now.
  void release();

  // --- rows: gathered_receipt
  std::optional<Bytes> row(std::uint64_t number) const;
  void restore(std::uint64_t number, const Node& envelope);

 private:
  struct Held {
    std::string author;  // phone
    Node receipt;        // as it would go by itself
  };
  /// Author, group, message, type.
  using Topic = std::tuple<std::string, std::string, std::string, std::string>;
  static Topic topic_of(const Held& held);
  Node relayed(const Origin& origin, const Node& receipt, const Group& group, std::string_view type) const;
  void relay_retry(const Origin& origin, const Node& receipt, const Group& group, const DeviceKey& author);
  void tell_own_devices(const Origin& origin, const Node& receipt, const Group& group, std::string_view type);
  void hold(Held held);
  void flush(const Topic& topic);
  void tell(const std::string& author, const Node& receipt);
  Node together(const std::vector<Node>& receipts);

  NetworkContext& c_;
  Accounts& accounts_;
  Delivery& delivery_;
  DeliveryMemory& memory_;
  std::map<std::uint64_t, Held> held_;
  std::map<Topic, std::shared_ptr<void>> windows_;
  std::uint64_t last_held_ = 0;
};

}  // namespace wharf::sandbox
