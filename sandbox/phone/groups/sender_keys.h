#pragma once
// A phone's sender keys: its own in each group, with who was given it, and those of others by group and author device.
// Specification 03 section 2.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/signal/sender_key.h"
#include "sandbox/phone/context.h"

namespace wharf::sandbox {

/// Groups are named by their JID as text.
class PhoneSenderKeys {
 public:
  explicit PhoneSenderKeys(PhoneContext& context) : c_(context) {}

  // --- the own key
  /// A padded message under the key of the group; the first one makes it. Errors: no_sender_key.
  protocol::Result<protocol::GroupCiphertext> seal(const std::string& group, ByteView padded);
  /// What opens the next message, for a device that is sent one again; empty without a key.
  Bytes distribution(const std::string& group) const;
  /// The device was given the key that is in use.
  bool holds(const std::string& group, const DeviceKey& device) const;
  /// The server has taken key `key` for these; nothing when another one is in use by now.
  void note_holders(const std::string& group, std::uint32_t key, const std::set<DeviceKey>& devices);
  void unmark(const std::string& group, const DeviceKey& device);
  /// These are sent the key that is in use, whether it arrives or not.
  void note_given(const std::string& group, const std::set<DeviceKey>& devices);
  /// In all groups: what the account was given is lost.
  void unmark_all(const std::string& phone);
  /// The next message makes a new key and gives it to everybody.
  void rotate(const std::string& group);
  /// The same when any device of the account may have been given the one in use.
  void rotate_if_given(const std::string& group, const std::string& phone);
  void rotate_if_given(const std::string& phone);  // in all groups
  /// The same when any device of an account beside these may have been given it.
  void rotate_beside(const std::string& group, const std::set<std::string>& phones);

  // --- those of others
  /// Errors: as SenderKeyRecord::process.
  protocol::Result<void> learn(const std::string& group, const DeviceKey& author, ByteView distribution);
  /// Errors: as SenderKeyRecord::decrypt.
  protocol::Result<protocol::GroupDecrypted> open(const std::string& group, const DeviceKey& author, ByteView body);

  /// The phone is out of the group: nothing of it is kept.
  void forget(const std::string& group);
  /// Keys of others alone, of every group: what a wiped store is like.
  void forget_others();
  void clear();

  // --- rows: phone_own_sender_key, phone_sender_key
  std::optional<Bytes> own_row(const std::string& group) const;
  std::optional<Bytes> row(std::string_view name) const;
  void restore_own(const std::string& group, ByteView row);
  void restore(std::string_view name, ByteView row);

 private:
  struct Own {
    protocol::OwnSenderKey key;
    std::set<DeviceKey> holders, given;  // who has it, and who may have it
  };
  using Author = std::pair<std::string, DeviceKey>;  // group, device
  static Author author_of(std::string_view name);
  void own_changed(const std::string& group) { c_.changed(RowKind::phone_own_sender_key, group); }
  void changed(const Author& author);
  /// The author's record, or that of another of his devices that holds the key.
  Author find(const Author& author, ByteView body) const;

  PhoneContext& c_;
  std::map<std::string, Own> own_;
  std::map<Author, protocol::SenderKeyRecord> others_;
};

}  // namespace wharf::sandbox
