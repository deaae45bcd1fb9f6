#pragma once
// The messages of a phone, kept until they are too old to be asked for again, and how far each has come as the phone
// shows it.

#include <array>
#include <boost/json/fwd.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/phone/context.h"
#include "sandbox/phone/log.h"

namespace wharf::sandbox {

struct SentMessage {
  std::string id;
  std::string chat;  // account of the other party; of a group its JID
  Bytes encoded;
  Bytes upload;  // its file, encrypted, while that is not on the media host: `encoded` does not say where it is
  std::array<std::uint8_t, 32> secret{};
  std::optional<std::uint16_t> peer_device;  // a bootstrap message to this companion only
  std::set<DeviceKey> addressed;             // devices that got a ciphertext
  struct Resends {
    unsigned count = 0;
    Bytes base_key;  // of the session of the newest one; empty before the first
  };
  std::map<DeviceKey, Resends> resends;
  bool completed_fan_out = false;  // the one resend to devices that the device list had missed
  Node stanza;                     // while no ack came
  unsigned attempts = 0;
  std::int64_t sent_ms = 0;
  bool acked = false;
  bool queued = false;        // in its chat's queue: not encrypted yet
  bool owes_fan_out = false;  // the server named missing devices and they have got nothing yet
  std::uint64_t order = 0;    // grows from message to message
  bool done() const { return acked && !owes_fan_out; }
  /// Of a message to a group, once it is encrypted: what every device gets, and what opens it.
  struct Shared {
    Bytes message;              // of an skmsg
    Bytes distribution;         // the sender key as it was for this message: devices that were missed read it with that
    std::uint32_t key = 0;      // the id of that key
    std::set<DeviceKey> given;  // who gets it with this message; the others that are addressed have it
  };
  std::optional<Shared> shared;
  std::set<std::string> audience;  // of a status post, or its deletion: whom it is for, by phone number
  bool readdressed = false;        // the one resend after the group's addressing had changed
};

class SentMessages {
 public:
  SentMessages(PhoneContext& context, PhoneLog& log) : c_(context), log_(log) {}

  /// Forgets the oldest that are done when there are too many.
  void keep(SentMessage message);
  /// nullptr: forgotten. Pointers live until the next keep().
  SentMessage* find(const std::string& id);
  void changed(const std::string& id) { c_.changed(RowKind::phone_sent, id); }
  std::vector<std::string> owing_fan_out() const;
  /// What the phone shows of it: never back, and an error only while it is pending.
  void raise(std::string_view id, std::string_view status, std::string_view failure = {});
  /// Set by the phone: the server has answered this message, or it has failed. What depends on either is looked at
  /// anew.
  std::function<void(const std::string& id)> on_answered;
  /// The same of a message to a group, with one of its members: what is shown of the whole is the least.
  void raise_with(std::string_view id, const std::string& member, std::string_view status);
  /// All are forgotten; those that were not sent end with `why`.
  void abandon(std::string_view why);

  // --- row: phone_sent
  std::optional<Bytes> row(const std::string& id) const;
  void restore(ByteView row);
  /// Oldest first, after the last row.
  std::vector<const SentMessage*> restored();

 private:
  static constexpr std::size_t max_sent = 2'000;  // kept for retries

  PhoneContext& c_;
  PhoneLog& log_;
  std::map<std::string, SentMessage> messages_;  // by id
  std::deque<std::string> order_;
  std::uint64_t last_order_ = 0;
};

}  // namespace wharf::sandbox
