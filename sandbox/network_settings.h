#pragma once
// What the simulated server is told from outside: its settings, the faults that tests switch on, and whom it tells of
// what concerns a phone. And what it counts.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "protocol/noise/client_payload.h"
#include "sandbox/account.h"
#include "sandbox/linking.h"

namespace wharf::sandbox {

struct NetworkSettings {
  std::string settings_name = "sandbox";
  std::size_t pre_key_low_mark = 5;
  std::size_t max_queued_per_device = 20'000;
  std::size_t max_accounts = 100'000;
  std::size_t max_stanza_log = 2'000;  // ring
  protocol::AppVersion minimum_version{2, 3000, 0};
  std::string media_host = "127.0.0.1:443";  // of media_conn answers
  unsigned code_attempts_per_hour = 3;       // companion_hello per number, then 429
  bool notify_devices_by_lid = true;         // device-list changes in LID form too (knob devices.notify = both)
  // --- groups
  std::size_t max_groups = 20'000;            // then 419
  std::size_t max_group_members = 1'024;      // then 419
  std::size_t max_group_subject = 100;        // characters; more is 406
  std::size_t max_group_description = 2'048;  // likewise
  std::int64_t group_left_seconds = 86'400;   // who left cannot be added again for so long: 408
  std::size_t aggregate_receipts_from = 32;   // members of a group in which receipts for a message come together
  std::int64_t aggregate_receipts_ms = 100;   // those that come within so long
};

/// Counters and knobs that tests read and set (06 sections 19 and 20). Names are those of POST /sandbox/v1/faults.
struct Faults {
  bool bad_certificate = false;        // chain signed by a foreign root
  bool bad_account_signature = false;  // pair-success: account signature flipped (by the phone: the HMAC is right)
  bool bad_hmac = false;               // pair-success: HMAC flipped
  bool bad_signed_prekey = false;      // bundles: signature of the signed prekey flipped
  bool force_fallback = false;         // IK answered by XX
  bool offline_strict = false;         // 06 section 9 rule 2
  bool compress = false;               // stanzas over 1 KB compressed
  unsigned drop_acks = 0;              // the next n message acks are lost
  unsigned duplicate_deliveries = 0;   // the next n messages are delivered twice
  unsigned corrupt_messages = 0;       // the next n ciphertexts get their MAC flipped
  unsigned reorder = 0;                // hold the next n messages to a device and deliver them reversed
  bool hold_messages = false;  // queue deliveries to companions until released (order: released reversed when reorder)
  unsigned refuse_logins = 0;  // failure 503 for the next n
  // 429 for the next n of a companion (never of a phone)
  unsigned rate_limit_sends = 0;  // messages
  unsigned rate_limit_iqs = 0;    // IQs but the keep-alive, with backoff
  unsigned rate_limit_usync = 0;  // usync queries, in place of each protocol's data
  bool bad_snapshot_mac = false;  // app state: phones write snapshots with a wrong MAC
  // --- groups
  bool groups_by_number = false;          // new groups name their members by number (06 section 11, knob pn)
  bool hide_group_numbers = false;        // in LID groups only admins and contacts see a member's number
  unsigned switch_group_addressing = 0;   // before the next n messages of companions to a group it changes its mode
  unsigned remove_group_member = 0;       // before the next n messages of companions to a group a member is removed
  unsigned lose_sender_keys = 0;          // the next n messages to groups lose their sender keys
  unsigned lose_group_notifications = 0;  // the next n for a companion; it hears that its groups are dirty
  unsigned admit_group_strangers = 0;     // the next n messages of who is not in the group are delivered
};

struct NetworkStats {
  std::uint64_t messages_accepted = 0, messages_delivered = 0, receipts_relayed = 0, retries_relayed = 0;
  std::uint64_t duplicate_sends = 0;  // same id again: acked, not delivered twice
  /// A message key (sender device, target device, ratchet key, counter) seen with two different ciphertexts. Must be 0.
  std::uint64_t reused_message_keys = 0;
  std::map<DeviceKey, std::uint64_t> reused_by;  // whose, since this process began
  /// Accepted fan-outs that came again under their id with other bytes for a device that had its copy, by sender, since
  /// this process began. Not wrong in itself: who keeps no sealed stanzas seals anew.
  std::map<DeviceKey, std::uint64_t> changed_resends;
  /// Those of them that went to groups with another ciphertext for all, and the same copies otherwise, and rightly so:
  /// what a device is sent that was missed is encrypted for the whole group once more. Either it reaches somebody, or
  /// the answer to the form before said that devices are others.
  std::map<DeviceKey, std::uint64_t> sealed_anew_for_groups;
  std::uint64_t unknown_iqs = 0;
  std::uint64_t connections = 0, logins = 0, resumed_logins = 0;
};

struct Group;  // network/groups/group.h

/// A message to a group as it is taken, with who is in the group then. Good until the listener returns.
struct TakenGroupMessage {
  const DeviceKey& from;
  const std::string& id;
  const Group& group;
  protocol::ByteView shared;  // the ciphertext for all; empty when there is none
  bool again = false;         // it was taken before; who is in the group since gets it now
};

/// Whom the network tells; each may be unset.
struct NetworkListeners {
  /// Called for the account named in a companion_hello / when its companion_finish arrives.
  std::function<void(const std::string& phone, LinkCodeHello)> on_link_code_hello;
  std::function<void(const std::string& phone, LinkCodeFinish)> on_link_code_finish;
  /// A companion became active, uploaded its first prekeys, went away.
  std::function<void(const DeviceKey&)> on_device_linked, on_first_prekeys, on_device_removed;
  /// A message, a usync or a code pairing named a number nobody has: may create the account. Unset: unknown stays
  /// unknown.
  std::function<void(const std::string& phone)> on_unknown_number;
  /// Told of each message to a group whenever it comes, before anybody gets it.
  std::function<void(const TakenGroupMessage&)> on_group_message;
  /// Told of each line of the wire log.
  std::function<void(const std::string& line)> on_wire;
};

}  // namespace wharf::sandbox
