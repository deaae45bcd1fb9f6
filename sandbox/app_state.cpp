// App state: five collections of opaque patches per account, ordered by version. The server knows no keys: it checks
// versions, stores, serves and notifies. Specification 06 section 13.

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "sandbox/network_state.h"
#include "sandbox/protobuf_field.h"

namespace wharf::sandbox {

namespace {

constexpr std::array<std::string_view, 5> names = {"critical_block", "critical_unblock_low", "regular_high", "regular",
                                                   "regular_low"};
constexpr std::size_t patches_per_answer = 500;
constexpr std::size_t max_patches = 5'000;
constexpr std::size_t max_patch_bytes = 1u << 20;

/// What every device is served: the patch with SyncdPatch.version (1) = {version 1} and deviceIndex (8) set. Appending
/// is enough: of a field that occurs twice the last one counts.
Bytes served(ByteView patch, std::uint64_t version, std::uint16_t device) {
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

/// Patches after `version`, with has_more_patches when there are more than one answer holds.
void add_patches(Node& node, const Collection& collection, std::uint64_t version) {
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

}  // namespace

void Network::State::on_app_state(Origin& origin, const Node& iq) {
  const auto* sync = iq.child("sync");
  if (!sync || sync->children("collection").size() > names.size())
    return answer(origin, error_of(iq, 400, "bad-request"));
  Node answers("sync");
  std::vector<std::pair<std::string, std::uint64_t>> advanced;
  for (const auto* asked : sync->children("collection")) {
    const auto name = asked->attr("name");
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      answers.add(error_collection(name, 404, "item-not-found"));
      continue;
    }
    auto& collection = origin.party.app_state[name];
    const auto version = asked->number("version").value_or(0);
    const auto* patch = asked->child("patch");
    Node node("collection");
    if (patch && patch->data().size() > max_patch_bytes) {
      node = error_collection(name, 413, "too-large");
    } else if (patch && version != collection.version) {
      node = error_collection(name, 409, "conflict");
      node.set("version", collection.version);
      add_patches(node, collection, version);
    } else if (patch) {
      ++collection.version;
      collection.patches.emplace_back(collection.version, served(patch->data(), collection.version, origin.key.device));
      patch_changed(origin.party, name, collection.version);
      if (collection.patches.size() > max_patches) {
        patch_changed(origin.party, name, collection.patches.front().first);
        collection.patches.pop_front();
      }
      node.set("name", name).set("version", collection.version).set("type", "result");
      advanced.emplace_back(name, collection.version);
    } else if (version > collection.version) {
      node = error_collection(name, 400, "bad-request");
      node.set("version", collection.version);
    } else {
      node.set("name", name).set("version", collection.version).set("type", "result");
      const bool from_snapshot =
          collection.snapshot.version != 0 && (version == 0 || asked->attr("return_snapshot") == "true");
      if (from_snapshot) node.add(Node("snapshot").bytes(collection.snapshot.reference));
      add_patches(node, collection, from_snapshot ? collection.snapshot.version : version);
    }
    answers.add(std::move(node));
  }
  answer(origin, result_of(iq).add(std::move(answers)));
  if (advanced.empty()) return;
  for (const auto& [device, known] : origin.party.account.devices) {
    if (device == origin.key.device) continue;
    Node notification("notification");
    notification.set("from", origin.party.account.pn_jid()).set("type", "server_sync").set("id", next_id());
    notification.set("t", static_cast<std::uint64_t>(now()));
    for (const auto& [name, version] : advanced) {
      notification.add(Node("collection").set("name", name).set("version", version));
    }
    enqueue({origin.key.phone, device}, std::move(notification));
  }
}

}  // namespace wharf::sandbox
