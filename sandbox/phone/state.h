#pragma once
// The inside of a simulated phone: its parts, which part gets which stanza, and which rows. It is a client of the
// network like any other: stanzas go to Network::handle, answers come back through deliver.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "sandbox/phone.h"
#include "sandbox/phone/account_keys.h"
#include "sandbox/phone/app_state.h"
#include "sandbox/phone/auto_replies.h"
#include "sandbox/phone/bootstrap.h"
#include "sandbox/phone/calls.h"
#include "sandbox/phone/chats.h"
#include "sandbox/phone/companions.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/device_lists.h"
#include "sandbox/phone/downloads.h"
#include "sandbox/phone/fanout.h"
#include "sandbox/phone/groups/group_fanout.h"
#include "sandbox/phone/groups/groups.h"
#include "sandbox/phone/groups/sender_keys.h"
#include "sandbox/phone/keys.h"
#include "sandbox/phone/log.h"
#include "sandbox/phone/pairing.h"
#include "sandbox/phone/people.h"
#include "sandbox/phone/receipts.h"
#include "sandbox/phone/receiving.h"
#include "sandbox/phone/retries.h"
#include "sandbox/phone/reuploads.h"
#include "sandbox/phone/sending.h"
#include "sandbox/phone/sent_messages.h"
#include "sandbox/phone/sessions.h"
#include "sandbox/phone/transmission.h"

namespace wharf::sandbox {

struct Phone::State final : DevicePort {
  State(Network& network, Account& account, std::shared_ptr<Worker> worker, std::shared_ptr<PhoneFiles> shared);
  ~State() override;

  std::shared_ptr<PhoneFiles> files;                            // shared by the phones of the network
  std::vector<std::weak_ptr<std::function<void()>>> listeners;  // Phone::on_messages
  // In the order in which they need each other.
  PhoneContext context;
  PhoneLog log;
  PhoneKeys keys;
  PhoneAccountKeys account_keys;
  PhoneDeviceLists device_lists;
  PhoneSessions sessions;
  PhoneSenderKeys sender_keys;
  PhoneGroups groups;
  PhoneChats chats;
  PhonePeople people;
  PhoneCalls calls;
  PhoneAppState app_state;
  PhoneCompanions companions;
  PhonePairing pairing;
  SentMessages sent;
  PhoneGroupFanout group_fanout;
  PhoneFanout fanout;
  PhoneTransmission transmission;
  PhoneAddOns add_ons;
  PhoneSending sending;
  PhoneBootstrap bootstrap;
  PhoneReceipts receipts;
  PhoneRetries retries;
  PhoneAutoReplies auto_replies;
  PhoneDownloads downloads;
  PhoneReuploads reuploads;
  PhoneReceiving receiving;

  // --- the port
  void deliver(const Node& stanza) override { context.arrived(stanza); }
  void disconnect() override { power_off(); }

  void power_on();
  void power_off();
  /// New identity, and nothing kept of what belonged to the old one.
  void reinstall();

  // --- rows: rows.cpp
  std::optional<Bytes> row(const RowKey& key) const;
  void restore(const RowKey& key, ByteView row);  // throws when damaged
  void restored();

 private:
  void on_message_changed(std::uint64_t number);
  void handle(const Node& stanza);
  void on_iq(const Node& iq);
  void on_receipt(const Node& receipt);
  void on_notification(const Node& notification);
  void on_devices(const Node& notification, const std::string& phone);
  void on_new_identity(const std::string& phone);
  Bytes core_row() const;
  void restore_core(ByteView row);

  bool start_powered_ = false;
};

}  // namespace wharf::sandbox
