#pragma once
// Receipts: they settle queue entries, are acked, and go on to whom their type concerns. Retry receipts too, and the
// answers of phones to those that ask for a file again. Specification 06 sections 8.5, 8.6 and 12, 04 section 6.

#include <string>
#include <string_view>

#include "sandbox/network/accounts.h"
#include "sandbox/network/blocklist.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"
#include "sandbox/network/delivery_memory.h"
#include "sandbox/network/groups/group_receipts.h"
#include "sandbox/network/groups/group_store.h"

namespace wharf::sandbox {

class Receipts {
 public:
  Receipts(NetworkContext& context, Accounts& accounts, Delivery& delivery, DeliveryMemory& memory,
           Blocklist& blocklist, const GroupStore& groups, GroupReceipts& group_receipts)
      : c_(context),
        accounts_(accounts),
        delivery_(delivery),
        memory_(memory),
        blocklist_(blocklist),
        groups_(groups),
        group_receipts_(group_receipts) {}

  void on_receipt(const Origin& origin, const Node& receipt);
  /// What only a phone sends: its answer to a server-error receipt, to a companion of its own.
  void on_notification(const Origin& origin, const Node& notification);

 private:
  /// A receipt on its way to somebody known.
  struct Passage {
    const Origin& origin;
    const Node& receipt;
    const std::string& type;
    const Address& target;
    Jid from;  // the sending device, in the target's form
  };
  void acknowledge(const Origin& origin, const Node& receipt, const std::string& type, const Jid& to);
  void relay_retry(const Passage& passage);
  void tell_own_devices(const Passage& passage, const Jid& chat);
  void relay(const Passage& passage);
  /// The receipt as another device gets it: everything but the addresses unchanged, `t` always there.
  Node relayed(const Passage& passage, std::string_view type) const;

  NetworkContext& c_;
  Accounts& accounts_;
  Delivery& delivery_;
  DeliveryMemory& memory_;
  Blocklist& blocklist_;
  const GroupStore& groups_;
  GroupReceipts& group_receipts_;
};

}  // namespace wharf::sandbox
