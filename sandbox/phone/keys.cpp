#include "sandbox/phone/keys.h"

#include <boost/json.hpp>
#include <string>
#include <utility>

#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace json = boost::json;
using protocol::PreKeyId;

namespace {

constexpr std::uint32_t registration_id_bound = 16'380;  // 14 bits, never 0
constexpr PreKeyId key_id_bound = 0xffffff;

}  // namespace

void PhoneKeys::install() {
  auto& random = c_.random();
  local_.identity = protocol::KeyPair::generate(random);
  local_.registration_id = 1 + random.below(registration_id_bound);
  raw_id_ = random.u32();
  // Ids of an earlier installation must not name keys of this one.
  next_key_id_ = 1 + random.below(key_id_bound / 2);
  signed_keys_.clear();
  for (const auto& [id, key] : std::exchange(one_time_keys_, {})) key_changed(id);
  const PreKeyId id = 1 + random.below(key_id_bound - 1);
  signed_keys_[id] = protocol::make_signed_pre_key(local_.identity, id, random);
  c_.core_changed();
}

protocol::PreKey PhoneKeys::new_one_time_key() {
  protocol::PreKey key;
  key.id = next_key_id_;
  next_key_id_ = next_key_id_ % key_id_bound + 1;
  key.pair = protocol::KeyPair::generate(c_.random());
  one_time_keys_[key.id] = key;
  key_changed(key.id);
  c_.core_changed();  // next_key_id
  if (one_time_keys_.size() > max_one_time_keys) {
    key_changed(one_time_keys_.begin()->first);
    one_time_keys_.erase(one_time_keys_.begin());
  }
  return key;
}

void PhoneKeys::consume(PreKeyId id) {
  one_time_keys_.erase(id);
  key_changed(id);
}

void PhoneKeys::publish() {
  const auto& signed_key = signed_pre_key();
  protocol::UploadedKeys upload;
  upload.keys = {local_.registration_id, local_.identity.pub, signed_key.id, signed_key.pair.pub, signed_key.signature};
  for (std::size_t i = 0; i < one_time_keys_per_upload; ++i) {
    const protocol::PreKey key = new_one_time_key();
    upload.one_time.push_back({key.id, key.pair.pub});
  }
  c_.network.publish_phone_keys(c_.account, upload);
}

protocol::OwnPreKeys PhoneKeys::own_pre_keys() const {
  const auto find = [](const auto& keys, PreKeyId id) -> std::optional<protocol::KeyPair> {
    const auto found = keys.find(id);
    if (found == keys.end()) return std::nullopt;
    return found->second.pair;
  };
  return {[this, find](PreKeyId id) { return find(signed_keys_, id); },
          [this, find](PreKeyId id) { return find(one_time_keys_, id); }};
}

// --- rows

std::optional<Bytes> PhoneKeys::row(std::string_view name) const {
  const auto found = one_time_keys_.find(static_cast<PreKeyId>(number_in_row(name)));
  if (found == one_time_keys_.end()) return std::nullopt;
  return protocol::to_bytes(found->second.pair.secret.view());
}

void PhoneKeys::restore(std::string_view name, ByteView row) {
  const auto id = static_cast<PreKeyId>(number_in_row(name));
  one_time_keys_[id] = {id, protocol::KeyPair::from_secret(array_of<32>(row))};
}

void PhoneKeys::save(json::object& core) const {
  core["identity"] = base64_value(local_.identity.secret.view());
  core["registrationId"] = local_.registration_id;
  core["nextKeyId"] = next_key_id_;
  core["rawId"] = raw_id_;
}

json::object PhoneKeys::saved_signed_keys() const {
  json::object saved;
  for (const auto& [id, key] : signed_keys_) {
    saved[std::to_string(id)] = json::array{base64_value(key.pair.secret.view()), base64_value(key.signature)};
  }
  return saved;
}

void PhoneKeys::load(const json::object& core) {
  local_.identity = protocol::KeyPair::from_secret(array_of<32>(core.at("identity")));
  local_.registration_id = number_of<std::uint32_t>(core.at("registrationId"));
  next_key_id_ = number_of<PreKeyId>(core.at("nextKeyId"));
  raw_id_ = number_of<std::uint32_t>(core.at("rawId"));
  for (const auto& [id, key] : core.at("signedKeys").as_object()) {
    const auto number = name_number<PreKeyId>(id);
    const auto pair = protocol::KeyPair::from_secret(array_of<32>(key.as_array().at(0)));
    signed_keys_[number] = {number, pair, array_of<64>(key.as_array().at(1))};
  }
  if (signed_keys_.empty()) damaged("no signed prekey");
}

}  // namespace wharf::sandbox
