#include "sandbox/phone/groups/sender_keys.h"

#include <algorithm>
#include <boost/json.hpp>
#include <vector>

#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace json = boost::json;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

// --- the own key

Result<protocol::GroupCiphertext> PhoneSenderKeys::seal(const std::string& group, ByteView padded) {
  auto own = own_.find(group);
  if (own == own_.end()) own = own_.emplace(group, Own{protocol::OwnSenderKey::create(c_.random()), {}, {}}).first;
  own_changed(group);
  return own->second.key.encrypt(padded, c_.random());
}

Bytes PhoneSenderKeys::distribution(const std::string& group) const {
  const auto own = own_.find(group);
  return own == own_.end() ? Bytes() : own->second.key.distribution();
}

bool PhoneSenderKeys::holds(const std::string& group, const DeviceKey& device) const {
  const auto own = own_.find(group);
  return own != own_.end() && own->second.holders.contains(device);
}

void PhoneSenderKeys::note_holders(const std::string& group, std::uint32_t key, const std::set<DeviceKey>& devices) {
  const auto own = own_.find(group);
  if (own == own_.end() || own->second.key.id() != key) return;
  own->second.holders.insert(devices.begin(), devices.end());
  own_changed(group);
}

void PhoneSenderKeys::note_given(const std::string& group, const std::set<DeviceKey>& devices) {
  const auto own = own_.find(group);
  if (own == own_.end() || devices.empty()) return;
  own->second.given.insert(devices.begin(), devices.end());
  own_changed(group);
}

void PhoneSenderKeys::unmark(const std::string& group, const DeviceKey& device) {
  const auto own = own_.find(group);
  if (own != own_.end() && own->second.holders.erase(device) > 0) own_changed(group);
}

void PhoneSenderKeys::unmark_all(const std::string& phone) {
  for (auto& [group, own] : own_) {
    if (std::erase_if(own.holders, [&](const DeviceKey& device) { return device.phone == phone; }) > 0)
      own_changed(group);
  }
}

void PhoneSenderKeys::rotate(const std::string& group) {
  if (own_.erase(group) > 0) own_changed(group);
}

void PhoneSenderKeys::rotate_if_given(const std::string& group, const std::string& phone) {
  const auto own = own_.find(group);
  if (own == own_.end()) return;
  const auto& given = own->second.given;
  if (std::any_of(given.begin(), given.end(), [&](const DeviceKey& device) { return device.phone == phone; }))
    rotate(group);
}

void PhoneSenderKeys::rotate_if_given(const std::string& phone) {
  std::vector<std::string> groups;
  for (const auto& [group, own] : own_) groups.push_back(group);
  for (const auto& group : groups) rotate_if_given(group, phone);
}

void PhoneSenderKeys::rotate_beside(const std::string& group, const std::set<std::string>& phones) {
  const auto own = own_.find(group);
  if (own == own_.end()) return;
  const auto& given = own->second.given;
  if (std::any_of(given.begin(), given.end(), [&](const DeviceKey& device) { return !phones.contains(device.phone); }))
    rotate(group);
}

// --- those of others

void PhoneSenderKeys::changed(const Author& author) {
  c_.changed(RowKind::phone_sender_key, author.first + '\0' + text_of(author.second));
}

Result<void> PhoneSenderKeys::learn(const std::string& group, const DeviceKey& author, ByteView distribution) {
  const Author name{group, author};
  protocol::SenderKeyRecord record = others_[name];
  const auto effect = record.process(distribution);
  if (!effect) {
    if (others_[name].empty()) others_.erase(name);
    return effect.error();
  }
  others_[name] = std::move(record);
  if (*effect != protocol::DistributionEffect::none) changed(name);
  return {};
}

PhoneSenderKeys::Author PhoneSenderKeys::find(const Author& author, ByteView body) const {
  const auto key = protocol::read_group_message_key(body);
  const auto known = others_.find(author);
  if (!key || (known != others_.end() && known->second.holds(key->key_id))) return author;
  for (const auto& [other, record] : others_) {
    if (other.first == author.first && other.second.phone == author.second.phone && record.holds(key->key_id))
      return other;
  }
  return author;
}

Result<protocol::GroupDecrypted> PhoneSenderKeys::open(const std::string& group, const DeviceKey& author,
                                                       ByteView body) {
  const auto known = others_.find(find({group, author}, body));
  if (known == others_.end()) return Error(Errc::no_sender_key, "no sender key of this device");
  changed(known->first);
  return known->second.decrypt(body);
}

// --- ending

void PhoneSenderKeys::forget(const std::string& group) {
  rotate(group);
  std::erase_if(others_, [&](const auto& entry) {
    const bool of_group = entry.first.first == group;
    if (of_group) changed(entry.first);
    return of_group;
  });
}

void PhoneSenderKeys::forget_others() {
  for (const auto& [author, record] : std::exchange(others_, {})) changed(author);
}

void PhoneSenderKeys::clear() {
  forget_others();
  for (const auto& [group, own] : std::exchange(own_, {})) own_changed(group);
}

// --- rows

PhoneSenderKeys::Author PhoneSenderKeys::author_of(std::string_view name) {
  const auto end = name.find('\0');
  if (end == std::string_view::npos) damaged("a sender key");
  return {std::string(name.substr(0, end)), device_of(name.substr(end + 1))};
}

std::optional<Bytes> PhoneSenderKeys::own_row(const std::string& group) const {
  const auto own = own_.find(group);
  if (own == own_.end()) return std::nullopt;
  json::array holders, given;
  for (const DeviceKey& device : own->second.holders) holders.emplace_back(text_of(device));
  for (const DeviceKey& device : own->second.given) given.emplace_back(text_of(device));
  return packed({{"key", base64_value(own->second.key.serialize())},
                 {"holders", std::move(holders)},
                 {"given", std::move(given)}});
}

void PhoneSenderKeys::restore_own(const std::string& group, ByteView row) {
  const auto saved = unpacked(row);
  auto key = protocol::OwnSenderKey::parse(bytes_of(saved.at("key")));
  if (!key) damaged("an own sender key");
  Own own{std::move(*key), {}, {}};
  for (const auto& device : saved.at("holders").as_array()) own.holders.insert(device_of(device.as_string()));
  own.given = own.holders;
  if (const json::value* given = saved.if_contains("given")) {
    for (const auto& device : given->as_array()) own.given.insert(device_of(device.as_string()));
  }
  own_.insert_or_assign(group, std::move(own));
}

std::optional<Bytes> PhoneSenderKeys::row(std::string_view name) const {
  const auto found = others_.find(author_of(name));
  if (found == others_.end()) return std::nullopt;
  return found->second.serialize();
}

void PhoneSenderKeys::restore(std::string_view name, ByteView row) {
  auto record = protocol::SenderKeyRecord::parse(row);
  if (!record) damaged("a sender key");
  others_[author_of(name)] = std::move(*record);
}

}  // namespace wharf::sandbox
