#include "sandbox/phone/companions.h"

#include <algorithm>
#include <boost/json.hpp>
#include <utility>

#include "protocol/crypto/hash.h"
#include "protocol/pairing/adv.h"
#include "sandbox/protobuf_field.h"
#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace json = boost::json;
using protocol::Errc;
using protocol::Error;
using protocol::Key32;
using protocol::Result;

namespace {

/// Under a correct HMAC, which only the phone can make: else the companion stops there and never checks the signature.
void spoil_account_signature(Bytes& container, const Key32& adv_secret) {
  const auto identity = protobuf_field(container, 1);
  const auto signature = protobuf_field(identity, 3);
  const auto hmac = protobuf_field(container, 2);
  if (signature.empty() || hmac.size() != 32) return;
  signature[0] ^= 0x01;
  const auto right = protocol::hmac_sha256(adv_secret, identity);
  std::copy(right.begin(), right.end(), hmac.begin());
}

}  // namespace

std::vector<std::uint16_t> PhoneCompanions::devices() const {
  std::vector<std::uint16_t> out;
  out.reserve(linked_.size());
  for (const auto& [device, companion] : linked_) out.push_back(device);
  return out;
}

std::vector<std::uint32_t> PhoneCompanions::valid_indexes() const {
  std::vector<std::uint32_t> indexes{0};
  for (const auto& [device, companion] : linked_) indexes.push_back(companion.key_index);
  return indexes;
}

Bytes PhoneCompanions::key_index_list(std::uint64_t timestamp, std::optional<std::uint32_t> added) {
  protocol::KeyIndexList list{keys_.raw_id(), timestamp, last_key_index_, valid_indexes()};
  if (added) list.valid_indexes.push_back(*added);
  return protocol::issue_key_index_list(keys_.local().identity, list, c_.random());
}

void PhoneCompanions::link(std::string ref, const protocol::PublicKey& identity, const Key32& adv_secret, Done done) {
  if (!c_.powered()) return done(Error(Errc::refused, "the phone is switched off"));
  app_state_.write();  // before linking: an official companion that finds no push name logs itself out
  PairDeviceUpload upload;
  upload.ref = std::move(ref);
  upload.timestamp = last_adv_time_ = std::max(c_.now(), last_adv_time_ + 1);  // strictly increasing
  upload.key_index = ++last_key_index_;                                        // spent even when the companion refuses
  upload.device_identity = protocol::issue_device_identity(
      keys_.local().identity, identity, {keys_.raw_id(), upload.timestamp, upload.key_index}, adv_secret, c_.random());
  if (c_.network.faults().bad_account_signature) spoil_account_signature(upload.device_identity, adv_secret);
  upload.key_index_list = key_index_list(upload.timestamp, upload.key_index);
  c_.core_changed();

  const Companion companion{upload.key_index, identity};
  const std::uint64_t signed_at = upload.timestamp;
  const std::weak_ptr<int> here = c_.alive;
  c_.network.pair_device(c_.account.phone, std::move(upload),
                         [this, here, companion, signed_at, done = std::move(done)](Result<Jid> device) {
                           if (here.expired()) return;
                           if (device) {
                             linked_[device->device] = companion;
                             c_.core_changed();
                             lists_.forget(c_.account.phone);
                             // Another one came or went since it was signed, and readers refuse an older list.
                             if (last_adv_time_ != signed_at) publish_list();
                           }
                           done(std::move(device));
                         });
}

void PhoneCompanions::publish_list() {
  last_adv_time_ = std::max(c_.now(), last_adv_time_ + 1);
  c_.account.key_index_list = key_index_list(last_adv_time_, std::nullopt);
  c_.account.key_index_time = last_adv_time_;
  c_.core_changed();
  c_.changed(RowKind::account);
}

void PhoneCompanions::on_removed(std::uint16_t device) {
  lists_.forget(c_.account.phone);
  sessions_.erase({c_.account.phone, device});
  c_.core_changed();
  if (linked_.erase(device) > 0) publish_list();
}

// --- in the phone's row

void PhoneCompanions::save(json::object& core) const {
  core["lastKeyIndex"] = last_key_index_;
  core["lastAdvTime"] = last_adv_time_;
}

json::object PhoneCompanions::saved_linked() const {
  json::object saved;
  for (const auto& [device, companion] : linked_) {
    saved[std::to_string(device)] = json::array{json::value(companion.key_index), base64_value(companion.identity)};
  }
  return saved;
}

void PhoneCompanions::load(const json::object& core) {
  last_key_index_ = number_of<std::uint32_t>(core.at("lastKeyIndex"));
  last_adv_time_ = number_of<std::uint64_t>(core.at("lastAdvTime"));
  for (const auto& [device, companion] : core.at("linked").as_object()) {
    linked_[name_number<std::uint16_t>(device)] = {number_of<std::uint32_t>(companion.as_array().at(0)),
                                                   array_of<32>(companion.as_array().at(1))};
  }
}

}  // namespace wharf::sandbox
