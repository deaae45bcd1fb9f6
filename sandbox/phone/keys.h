#pragma once
// A phone's own keys: its identity and its prekeys. Specification 02 section 6.

#include <boost/json/fwd.hpp>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>

#include "protocol/signal/session.h"
#include "sandbox/phone/context.h"

namespace wharf::sandbox {

class PhoneKeys {
 public:
  explicit PhoneKeys(PhoneContext& context) : c_(context) {}

  /// The phone is installed: nothing of an earlier identity is left.
  void install();
  /// The keys in use and new one-time keys, to the server.
  void publish();
  /// It is held, and not published.
  protocol::PreKey new_one_time_key();
  /// It was used up.
  void consume(protocol::PreKeyId id);

  const protocol::LocalIdentity& local() const { return local_; }
  const protocol::SignedPreKey& signed_pre_key() const { return signed_keys_.rbegin()->second; }
  protocol::OwnPreKeys own_pre_keys() const;
  /// Names this installation in device identities and key index lists.
  std::uint32_t raw_id() const { return raw_id_; }

  // --- rows: phone_key, and a part of the phone's
  std::optional<Bytes> row(std::string_view name) const;
  void restore(std::string_view name, ByteView row);
  void save(boost::json::object& core) const;
  boost::json::object saved_signed_keys() const;
  void load(const boost::json::object& core);

 private:
  static constexpr std::size_t one_time_keys_per_upload = 30;
  static constexpr std::size_t max_one_time_keys = 2'000;  // dispensed ones that never came back are forgotten
  void key_changed(protocol::PreKeyId id) { c_.changed(RowKind::phone_key, row_number(id, 4)); }

  PhoneContext& c_;
  protocol::LocalIdentity local_;
  std::uint32_t raw_id_ = 0;
  std::map<protocol::PreKeyId, protocol::SignedPreKey> signed_keys_;
  std::map<protocol::PreKeyId, protocol::PreKey> one_time_keys_;
  protocol::PreKeyId next_key_id_ = 1;
};

}  // namespace wharf::sandbox
