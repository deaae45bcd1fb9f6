#include "sandbox/network/app_state.h"

#include <algorithm>

#include "protocol/appstate/actions.h"
#include "sandbox/network/answers.h"
#include "sandbox/protobuf_field.h"
#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace {

constexpr const auto& names = protocol::app_state_collections;
constexpr std::size_t patches_per_answer = 500;
constexpr std::size_t max_patches = 5'000;
constexpr std::size_t max_patch_bytes = 1u << 20;

/// What every device is served: the patch with SyncdPatch.version (1) = {version 1} and deviceIndex (8) set. Appending
/// is enough: of a field that occurs twice the last one counts.
Bytes numbered(ByteView patch, std::uint64_t version, std::uint16_t device) {
  Bytes inner{0x08};
  append_varint(inner, version);
  Bytes out = protocol::to_bytes(patch);
  out.push_back(0x0a);
  append_varint(out, inner.size());
  protocol::append(out, inner);
  out.push_back(0x40);
  append_varint(out, device);
  return out;
}

Node error_collection(std::string_view name, unsigned code, std::string_view text) {
  Node node("collection");
  node.set("name", name).set("type", "error");
  return node.add(Node("error").set("code", std::uint64_t{code}).set("text", text));
}

std::string_view path_of(std::string_view direct_path) { return direct_path.substr(0, direct_path.find('?')); }

}  // namespace

// --- syncing

void AppState::on_iq(const Origin& origin, const Node& iq) {
  const auto* sync_node = iq.child("sync");
  if (!sync_node || sync_node->children("collection").size() > names.size())
    return c_.send(origin.key, error_of(iq, 400, "bad-request"));
  Node answers("sync");
  Advanced advanced;
  for (const auto* asked : sync_node->children("collection")) answers.add(sync(origin, *asked, advanced));
  c_.send(origin.key, result_of(iq).add(std::move(answers)));
  if (!advanced.empty()) tell_other_devices(origin, advanced);
}

Node AppState::sync(const Origin& origin, const Node& asked, Advanced& advanced) {
  const auto name = asked.attr("name");
  if (std::find(names.begin(), names.end(), name) == names.end()) return error_collection(name, 404, "item-not-found");
  auto& collection = accounts_[origin.key.phone][name];
  const auto version = asked.number("version").value_or(0);
  const auto* patch = asked.child("patch");
  if (!patch) return served(collection, name, version, asked.attr("return_snapshot") == "true");
  if (patch->data().size() > max_patch_bytes) return error_collection(name, 413, "too-large");
  if (version != collection.version) {
    auto conflict = error_collection(name, 409, "conflict");
    conflict.set("version", collection.version);
    add_patches(conflict, collection, version);
    return conflict;
  }
  take_patch(origin.key, name, collection, patch->data());
  advanced.emplace_back(name, collection.version);
  Node taken("collection");
  return taken.set("name", name).set("version", collection.version).set("type", "result");
}

void AppState::take_patch(const DeviceKey& from, const std::string& name, Collection& collection, ByteView patch) {
  ++collection.version;
  collection.patches.emplace_back(collection.version, numbered(patch, collection.version, from.device));
  patch_changed(from.phone, name, collection.version);
  if (collection.patches.size() <= max_patches) return;
  patch_changed(from.phone, name, collection.patches.front().first);
  collection.patches.pop_front();
}

Node AppState::served(const Collection& collection, const std::string& name, std::uint64_t version, bool snapshot) {
  if (version > collection.version) {
    auto refused = error_collection(name, 400, "bad-request");
    return refused.set("version", collection.version);
  }
  Node node("collection");
  node.set("name", name).set("version", collection.version).set("type", "result");
  const bool from_snapshot = collection.snapshot.version != 0 && (version == 0 || snapshot);
  if (from_snapshot) node.add(Node("snapshot").bytes(collection.snapshot.reference));
  add_patches(node, collection, from_snapshot ? collection.snapshot.version : version);
  return node;
}

/// Patches after `version`, with has_more_patches when there are more than one answer holds.
void AppState::add_patches(Node& node, const Collection& collection, std::uint64_t version) {
  Node patches("patches");
  std::size_t count = 0;
  for (const auto& [number, patch] : collection.patches) {
    if (number <= version) continue;
    if (++count > patches_per_answer) {
      node.set("has_more_patches", "true");
      break;
    }
    patches.add(Node("patch").bytes(patch));
  }
  if (count > 0) node.add(std::move(patches));
}

void AppState::tell_other_devices(const Origin& origin, const Advanced& advanced) {
  sync_.tell(origin.party.account, origin.key.device, "server_sync", [&advanced](Node& notification) {
    for (const auto& [name, version] : advanced) {
      notification.add(Node("collection").set("name", name).set("version", version));
    }
  });
}

// --- what a phone wrote

const AppState::Collection* AppState::find(std::string_view phone, std::string_view name) const {
  const auto account = accounts_.find(phone);
  if (account == accounts_.end()) return nullptr;
  const auto found = account->second.find(name);
  return found == account->second.end() ? nullptr : &found->second;
}

std::uint64_t AppState::version(std::string_view phone, std::string_view name) const {
  const auto* collection = find(phone, name);
  return collection ? collection->version : 0;
}

void AppState::publish(const std::string& phone, const std::string& name, AppStateSnapshot snapshot) {
  auto& collection = accounts_[phone][name];
  collection.version = snapshot.version;
  media_[std::string(path_of(snapshot.direct_path))] = {phone, name};
  collection.snapshot = std::move(snapshot);
  c_.changes.changed(RowKind::collection, phone, name);
}

const Bytes* AppState::media(std::string_view direct_path) const {
  const auto owner = media_.find(path_of(direct_path));
  if (owner == media_.end()) return nullptr;
  return &find(owner->second.first, owner->second.second)->snapshot.file;
}

// --- rows

void AppState::patch_changed(const std::string& phone, const std::string& collection, std::uint64_t version) {
  c_.changes.changed(RowKind::collection, phone, collection);
  c_.changes.changed(RowKind::patch, phone, collection + '\0' + row_number(version, 8));
}

std::optional<Bytes> AppState::row(const RowKey& key) const {
  const auto end = key.name.find('\0');
  const auto* collection = find(key.owner, std::string_view(key.name).substr(0, end));
  if (!collection) return std::nullopt;
  if (key.kind == RowKind::collection) return collection_row(*collection);
  const auto version = number_after(key.name, end + 1);
  for (const auto& [number, patch] : collection->patches) {
    if (number == version) return patch;
  }
  return std::nullopt;
}

void AppState::restore(const RowKey& key, ByteView row) {
  auto& collections = accounts_[key.owner];
  if (key.kind == RowKind::collection) {
    auto& collection = collections[key.name];
    read_collection(collection, row);
    const auto& path = collection.snapshot.direct_path;
    if (!path.empty()) media_[std::string(path_of(path))] = {key.owner, key.name};
    return;
  }
  const auto end = std::min(key.name.find('\0'), key.name.size());
  const auto version = number_after(key.name, end + 1);
  collections[key.name.substr(0, end)].patches.emplace_back(version, protocol::to_bytes(row));
}

/// 8 bytes of version; then, when the phone wrote a snapshot, a node of its parts.
Bytes AppState::collection_row(const Collection& collection) {
  Bytes row = protocol::to_bytes(row_number(collection.version, 8));
  const auto& snapshot = collection.snapshot;
  if (snapshot.version == 0) return row;
  Node parts("snapshot");
  parts.set("version", snapshot.version);
  parts.add(Node("path").text(snapshot.direct_path));
  parts.add(Node("reference").bytes(snapshot.reference)).add(Node("file").bytes(snapshot.file));
  protocol::append(row, protocol::encode_node(parts));
  return row;
}

void AppState::read_collection(Collection& collection, ByteView row) {
  if (row.size() < 8) damaged("collection");
  collection.version = protocol::from_big_endian(row.first(8));
  if (row.size() == 8) return;
  const auto parts = stanza_of(row.subspan(8));
  const auto part = [&](std::string_view name) {
    return protocol::to_bytes(parts.child_data(name).value_or(ByteView()));
  };
  collection.snapshot.version = parts.number("version").value_or(0);
  collection.snapshot.direct_path = std::string(protocol::as_text(part("path")));
  collection.snapshot.reference = part("reference");
  collection.snapshot.file = part("file");
}

}  // namespace wharf::sandbox
