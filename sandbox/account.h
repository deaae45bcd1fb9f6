#pragma once
// What the simulated server knows of its users: accounts, devices, prekeys. It never sees plaintext or private keys.
// Specification 06 sections 6 and 7.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "protocol/binary/jid.h"
#include "protocol/signal/session.h"
#include "protocol/stanzas/prekeys.h"

namespace wharf::sandbox {

using protocol::Bytes;
using protocol::ByteView;
using protocol::Jid;
using protocol::Node;

/// A device of an account, whichever identity a stanza used. Device 0 is the phone.
struct DeviceKey {
  std::string phone;  // names the account for good: Account::phone
  std::uint16_t device = 0;
  friend auto operator<=>(const DeviceKey&, const DeviceKey&) = default;
};
/// "491701234567:2", as logs and rows name it.
inline std::string text_of(const DeviceKey& key) { return key.phone + ":" + std::to_string(key.device); }

struct Device {
  std::uint16_t id = 0;
  std::uint32_t key_index = 0;
  protocol::PublicKey noise_key{};  // companions: must match at login
  protocol::PublishedKeys keys;
  bool has_keys = false;
  std::map<std::uint64_t, protocol::PreKeyBundle::OneTime> one_time;  // by order of upload, oldest first
  std::uint64_t last_one_time = 0;
  Bytes device_identity;  // ADVSignedDeviceIdentity, four fields; empty for device 0
  std::string os;
  std::uint32_t platform_type = 0;
  bool require_full_sync = false;
};

struct Account {
  /// Names the account for good, whatever its number is by now: the digits that it was created with; of one that got a
  /// number which another account had left behind, with '#' and a count behind them.
  std::string phone;
  std::string number;                       // digits
  std::string lid;                          // 15 digits; "" of an account that was not migrated to LIDs
  std::vector<std::string> former_lids;     // those that it had before: nobody else gets them
  std::string name;                         // push name
  std::map<std::uint16_t, Device> devices;  // 0 is always there
  Bytes key_index_list;                     // ADVSignedKeyIndexList as the phone published it
  std::uint64_t key_index_time = 0;
  bool read_receipts = true;  // privacy setting
  /// The login answer instead of success (faults: banned, outdated…), 0 = none.
  unsigned failure = 0;
  // --- refusals of messages, 06 section 8.4
  bool restricted = false;                 // who begins a chat with it needs a token that it issued: 463
  std::optional<unsigned> new_chats_left;  // it may begin so many chats, then 475; none: any number
  bool has_lid() const { return !lid.empty(); }
  Jid pn_jid(std::uint16_t device = 0) const { return Jid(number, protocol::server::user, device); }
  /// Of an account with a LID.
  Jid lid_jid(std::uint16_t device = 0) const { return Jid(lid, protocol::server::lid, device); }
  /// As a stanza names it that speaks of people by LID, or by number; by number where there is no LID.
  Jid form(bool by_lid, std::uint16_t device = 0) const {
    return by_lid && has_lid() ? lid_jid(device) : pn_jid(device);
  }
  /// The LID where there is one.
  Jid jid(std::uint16_t device = 0) const { return form(true, device); }
};

}  // namespace wharf::sandbox
