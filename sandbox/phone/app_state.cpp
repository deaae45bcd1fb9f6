#include "sandbox/phone/app_state.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <utility>

#include "protocol/appstate/collection.h"
#include "protocol/messages/wire.h"
#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace {

constexpr std::array<const char*, 5> collections = {"critical_block", "critical_unblock_low", "regular_high", "regular",
                                                    "regular_low"};
constexpr std::uint32_t protocol_message_field = 12, key_request_field = 8;

/// SyncActionValue{timestamp 1 (ms), pushNameSetting 7 {name 1}}.
protocol::AppStateMutation push_name(std::string_view name, std::int64_t now_ms) {
  protocol::AppStateMutation mutation;
  mutation.index = R"(["setting_pushName"])";
  mutation.version = 1;
  protocol::append_varint(mutation.value, 1u << 3);
  protocol::append_varint(mutation.value, static_cast<std::uint64_t>(now_ms));
  Bytes setting;
  protocol::append_field(setting, 1, protocol::as_bytes(name));
  protocol::append_field(mutation.value, 7, setting);
  return mutation;
}

}  // namespace

const protocol::AppStateKeyShare& PhoneAppState::key() {
  if (key_) return *key_;
  key_.emplace();
  // BE16 device 0, BE32 epoch: a random one, as after some rotations.
  const Bytes epoch = protocol::big_endian(1 + c_.random().below(60'000), 4);
  std::copy(epoch.begin(), epoch.end(), key_->key_id.begin() + 2);
  key_->key_data = c_.random().bytes<32>();
  key_->timestamp = c_.now_ms();
  c_.core_changed();
  return *key_;
}

void PhoneAppState::write() {
  (void)key();
  for (const std::string name : collections) {
    if (c_.network.app_state_version(c_.account.phone, name) == 0) write_collection(name);
  }
}

void PhoneAppState::write_collection(const std::string& name) {
  const auto& key = this->key();
  const auto keys = protocol::AppStateKeys::expand(key.key_data);
  std::vector<protocol::AppStateMutation> records;
  if (name == "critical_block")
    records.push_back(push_name(c_.account.name.empty() ? c_.account.phone : c_.account.name, c_.now_ms()));
  protocol::AppStateCollection collection;
  collection.version = 1;
  // The MAC covers the name of the collection: under another name it is a wrong one.
  const std::string signed_name = c_.network.faults().bad_snapshot_mac ? name + "?" : name;
  const Bytes written = protocol::build_snapshot(collection, signed_name, records, {key.key_id, keys}, c_.random());
  AppStateSnapshot snapshot;
  snapshot.version = collection.version;
  // Clients append &hash=…: a path without a query would become a broken URL.
  snapshot.direct_path =
      "/v/t62.7118-24/" + protocol::to_hex(c_.random().bytes<12>()) + "_n.enc?ccb=11-4&oh=sandbox&oe=0";
  auto blob = protocol::seal_blob(written, snapshot.direct_path, c_.random());
  snapshot.reference = std::move(blob.reference);
  snapshot.file = std::move(blob.encrypted);
  c_.network.publish_app_state(c_.account.phone, name, std::move(snapshot));
}

std::vector<Bytes> PhoneAppState::requested_keys(ByteView message) {
  std::vector<Bytes> ids;
  const auto content = protocol::merged_field(message, protocol_message_field);
  const auto request = content ? protocol::merged_field(*content, key_request_field) : std::nullopt;
  if (!request) return ids;
  protocol::WireReader reader(*request);
  while (const auto field = reader.next()) {
    if (field->number != 1 || field->type != protocol::WireType::length || ids.size() == 100) continue;
    if (const auto id = protocol::bytes_field(field->value, 1)) ids.push_back(protocol::to_bytes(*id));
  }
  return ids;
}

// --- in the phone's row

void PhoneAppState::save(boost::json::object& core) const {
  if (!key_) return;
  core["appStateKey"] =
      boost::json::array{base64_value(key_->key_id), base64_value(key_->key_data), boost::json::value(key_->timestamp)};
}

void PhoneAppState::load(const boost::json::object& core) {
  const auto* saved = core.if_contains("appStateKey");
  if (!saved) return;
  key_.emplace();
  key_->key_id = array_of<6>(saved->as_array().at(0));
  key_->key_data = array_of<32>(saved->as_array().at(1));
  key_->timestamp = number_of<std::int64_t>(saved->as_array().at(2));
}

}  // namespace wharf::sandbox
