#pragma once
// What the server remembers of accepted messages: their time (an ack of a re-sent id repeats it), which device got them
// already (a re-send is not delivered twice), which message keys were seen, and what bytes an id stood for.
// Specification 06 sections 8.3, 8.6. All of it is bounded in number and the messages in age. Each message and each key
// is a row (rows.h): a key that is used again after a restart is seen too. The bytes are in memory only.

#include <array>
#include <cstdint>
#include <cstring>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocol/bytes.h"
#include "sandbox/account.h"

namespace wharf::sandbox {

/// 128 bits of SHA-256: names a message or a message key without keeping its parts.
using Fingerprint = std::array<std::uint8_t, 16>;
struct FingerprintHash {
  std::size_t operator()(const Fingerprint& fingerprint) const {
    std::size_t hash;
    std::memcpy(&hash, fingerprint.data(), sizeof hash);
    return hash;
  }
};

/// A map that forgets its oldest entries.
template <class Value>
class BoundedMap {
 public:
  explicit BoundedMap(std::size_t limit) : limit_(limit) {}
  Value* find(const Fingerprint& key) {
    auto found = map_.find(key);
    return found == map_.end() ? nullptr : &found->second;
  }
  /// The caller makes room.
  void insert(const Fingerprint& key, Value value) {
    if (map_.insert_or_assign(key, std::move(value)).second) order_.push_back(key);
  }
  bool over_limit() const { return order_.size() > limit_; }
  const Fingerprint& oldest_key() const { return order_.front(); }
  bool empty() const { return order_.empty(); }
  Value& oldest() { return map_.at(order_.front()); }
  void pop() {
    map_.erase(order_.front());
    order_.pop_front();
  }

 private:
  std::size_t limit_;
  std::unordered_map<Fingerprint, Value, FingerprintHash> map_;
  std::deque<Fingerprint> order_;
};

class DeliveryMemory {
 public:
  /// `changed` and `key_changed` hear the name of each row that is new, other than before or gone.
  DeliveryMemory(std::function<void(std::string name)> changed, std::function<void(std::string name)> key_changed)
      : changed_(std::move(changed)), key_changed_(std::move(key_changed)) {}

  /// The unix second at which this device's message was accepted first; nullopt when it is new.
  std::optional<std::int64_t> accepted_at(const DeviceKey& sender, std::string_view id);
  void accept(const DeviceKey& sender, std::string_view id, std::int64_t now_seconds);

  // --- of an accepted message only
  enum class Target : std::uint8_t { unknown, delivered, asked_again };
  Target target(const DeviceKey& sender, std::string_view id, const DeviceKey& target);
  void delivered(const DeviceKey& sender, std::string_view id, const DeviceKey& target);
  /// A retry receipt: the next delivery of this id to this device is no duplicate.
  void ask_again(const DeviceKey& sender, std::string_view id, const DeviceKey& target);
  /// Of a copy in a fan-out, behind delivered(): true when the one for this device that came first, since this process
  /// began, was another. No server compares them, and some clients seal a resend anew; one that keeps its sealed
  /// stanzas must send them unchanged.
  bool copy_changed(const DeviceKey& sender, std::string_view id, const DeviceKey& target,
                    protocol::ByteView ciphertext);
  /// The sender was told to seal the message anew: what it was is not compared with what it will be.
  void forget_copies(const DeviceKey& sender, std::string_view id);

  /// True when this message key was used with another ciphertext before.
  bool key_reused(const DeviceKey& sender, const DeviceKey& target, protocol::ByteView ratchet_key,
                  std::uint32_t counter, protocol::ByteView ciphertext);

  // --- rows; restored in any order, then ordered by age
  std::optional<Bytes> row(std::string_view name);
  /// False when damaged.
  bool restore(std::string_view name, ByteView row);
  std::optional<Bytes> key_row(std::string_view name);
  bool restore_key(std::string_view name, ByteView row);
  void restored();

 private:
  static constexpr std::int64_t remembered_seconds = 24 * 3600;
  struct Accepted {
    std::int64_t at = 0;
    struct Copy {
      Fingerprint device;
      Target state = Target::unknown;
      std::uint32_t hash = 0;  // of the fan-out's ciphertext; 0: none came in this life
    };
    std::vector<Copy> targets;  // ordered by device
    Copy* find(const DeviceKey& target);
  };
  void set(const DeviceKey& sender, std::string_view id, const DeviceKey& target, Target state);
  std::function<void(std::string)> changed_, key_changed_;
  BoundedMap<Accepted> accepted_{500'000};
  struct UsedKey {
    std::uint64_t ciphertext = 0;  // of its hash
    std::uint64_t number = 0;      // in order of use
  };
  BoundedMap<UsedKey> keys_{2'000'000};
  std::uint64_t last_key_ = 0;
  std::vector<std::pair<Fingerprint, Accepted>> restoring_;
  std::vector<std::pair<Fingerprint, UsedKey>> restoring_keys_;
};

}  // namespace wharf::sandbox
