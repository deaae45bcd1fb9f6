// The phone's part of app state: it makes the key, and writes the first version of every collection before a companion
// is linked. Specification 06 sections 13 and 14, 04 section 8.

#include <array>
#include <utility>

#include "protocol/appstate/collection.h"
#include "protocol/messages/wire.h"
#include "sandbox/phone_state.h"

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

void Phone::State::make_app_state_key() {
  if (app_state_key) return;
  app_state_key.emplace();
  // BE16 device 0, BE32 epoch: a random one, as after some rotations.
  const Bytes epoch = protocol::big_endian(1 + random().below(60'000), 4);
  std::copy(epoch.begin(), epoch.end(), app_state_key->key_id.begin() + 2);
  app_state_key->key_data = random().bytes<32>();
  app_state_key->timestamp = now_ms();
  core_changed();
}

void Phone::State::write_app_state() {
  make_app_state_key();
  const auto keys = protocol::AppStateKeys::expand(app_state_key->key_data);
  for (const std::string name : collections) {
    if (network.app_state_version(account.phone, name) != 0) continue;
    std::vector<protocol::AppStateMutation> records;
    if (name == "critical_block")
      records.push_back(push_name(account.name.empty() ? account.phone : account.name, now_ms()));
    protocol::AppStateCollection collection;
    collection.version = 1;
    // The MAC covers the name of the collection: under another name it is a wrong one.
    const std::string signed_name = network.faults().bad_snapshot_mac ? name + "?" : name;
    const Bytes written =
        protocol::build_snapshot(collection, signed_name, records, {app_state_key->key_id, keys}, random());
    AppStateSnapshot snapshot;
    snapshot.version = collection.version;
    // Clients append &hash=…: a path without a query would become a broken URL.
    snapshot.direct_path =
        "/v/t62.7118-24/" + protocol::to_hex(random().bytes<12>()) + "_n.enc?ccb=11-4&oh=sandbox&oe=0";
    auto blob = protocol::seal_blob(written, snapshot.direct_path, random());
    snapshot.reference = std::move(blob.reference);
    snapshot.file = std::move(blob.encrypted);
    network.publish_app_state(account.phone, name, std::move(snapshot));
  }
}

std::vector<Bytes> Phone::State::requested_keys(ByteView message) {
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

}  // namespace wharf::sandbox
