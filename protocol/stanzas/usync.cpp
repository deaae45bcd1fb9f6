#include "protocol/stanzas/usync.h"

#include <algorithm>

#include "protocol/stanzas/iq.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t max_devices = 100;
constexpr std::uint64_t max_device_id = 255;  // the device byte of a JID on the wire
constexpr std::uint64_t hosted_device_id = 99;
constexpr std::size_t max_key_index_list_bytes = 16 * 1024;
constexpr std::uint64_t min_backoff_seconds = 1, max_backoff_seconds = 24 * 60 * 60;

Node usync_iq(std::string_view id, std::string_view sid, std::string_view context, Node query, Node list) {
  Node usync("usync");
  usync.set("sid", sid).set("mode", "query").set("last", "true").set("index", "0").set("context", context);
  usync.add(std::move(query)).add(std::move(list));
  return iq_get(id, "usync").add(std::move(usync));
}

unsigned error_code(const Node& error) {
  return static_cast<unsigned>(std::min<std::uint64_t>(error.number("code").value_or(0), 9999));
}

Error request_error(std::string_view what, const Node& error) {
  const unsigned code = error_code(error);
  return Error(code == 429 ? Errc::rate_limited : Errc::refused,
               "usync " + std::string(what) + ": " + std::to_string(code) + " " + error.attr("text"));
}

/// The error of the whole request or of its main protocol, with what failed.
std::optional<std::pair<std::string, const Node*>> whole_error(const Node& answer) {
  static const Node no_detail("error");
  if (answer.attr("type") == "error") {
    const Node* error = answer.child("error");
    return std::pair(std::string("request"), error != nullptr ? error : &no_detail);
  }
  const Node* usync = answer.child("usync");
  const Node* result = usync == nullptr ? nullptr : usync->child("result");
  if (result == nullptr) return std::nullopt;
  for (const char* protocol : {"devices", "contact"}) {
    const Node* state = result->child(protocol);
    const Node* error = state == nullptr ? nullptr : state->child("error");
    if (error != nullptr) return std::pair(std::string(protocol), error);
  }
  return std::nullopt;
}

void read_devices(UsyncUser& user, const Node& devices) {
  if (const Node* list = devices.child("device-list")) {
    for (const Node* node : list->children("device")) {
      const auto id = node->number("id");
      if (!id || *id > max_device_id || user.devices.size() == max_devices) continue;
      const auto same = [&](const UsyncDevice& known) { return known.id == *id; };
      if (std::any_of(user.devices.begin(), user.devices.end(), same)) continue;
      UsyncDevice device;
      device.id = static_cast<std::uint16_t>(*id);
      if (const auto index = node->number("key-index"); index && *index <= UINT32_MAX) {
        device.key_index = static_cast<std::uint32_t>(*index);
      }
      device.hosted = node->attr("is_hosted") == "true" || *id == hosted_device_id;
      user.devices.push_back(device);
    }
  }
  // An empty list never replaces a good one.
  user.has_devices = !user.devices.empty();
  if (const auto list = devices.child_data("key-index-list"); list && list->size() <= max_key_index_list_bytes) {
    user.key_index_list = to_bytes(*list);
  }
}

UsyncUser read_user(const Node& node) {
  UsyncUser user;
  // The literal "undefined" stands for an invalid number: no JID, but the echo of the query still counts.
  if (const auto jid = node.jid("jid"); jid && !jid->user.empty()) user.jid = *jid;
  if (const auto pn = node.jid("pn_jid"); pn && pn->is_phone_number() && !pn->user.empty()) user.pn = pn;
  for (const Node& protocol : node.children()) {
    if (const Node* error = protocol.child("error")) {
      if (user.error_code == 0) user.error_code = error_code(*error);
      continue;
    }
    if (protocol.is("devices")) read_devices(user, protocol);
    if (protocol.is("lid")) {
      if (const auto lid = protocol.jid("val"); lid && lid->is_lid() && !lid->user.empty()) user.lid = lid;
    }
    if (protocol.is("contact")) {
      user.contact_type = protocol.attr("type");
      user.contact_query = protocol.text();
    }
  }
  return user;
}

}  // namespace

Node usync_devices_iq(std::string_view id, std::string_view sid, std::span<const Jid> users) {
  Node query("query"), list("list");
  query.add(Node("devices").set("version", "2")).add(Node("lid"));
  for (const Jid& user : users) list.add(Node("user").set("jid", user.user_jid()));
  return usync_iq(id, sid, "message", std::move(query), std::move(list));
}

Node usync_contacts_iq(std::string_view id, std::string_view sid, std::span<const std::string> phones) {
  Node query("query"), list("list");
  query.add(Node("contact")).add(Node("lid"));
  for (const std::string& phone : phones) {
    // Without the plus the server completes the number with the account's own country.
    list.add(Node("user").add(Node("contact").text("+" + phone)));
  }
  return usync_iq(id, sid, "interactive", std::move(query), std::move(list));
}

Result<std::vector<UsyncUser>> read_usync(const Node& answer) {
  if (const auto error = whole_error(answer)) return request_error(error->first, *error->second);
  const Node* usync = answer.child("usync");
  const Node* list = usync == nullptr ? nullptr : usync->child("list");
  if (list == nullptr) return Error(Errc::malformed, "usync answer without list");
  std::vector<UsyncUser> users;
  for (const Node* node : list->children("user")) {
    UsyncUser user = read_user(*node);
    if (user.jid.empty() && user.contact_query.empty()) continue;
    users.push_back(std::move(user));
  }
  return users;
}

std::uint64_t usync_backoff_seconds(const Node& answer) {
  const auto error = whole_error(answer);
  const auto backoff = error ? error->second->number("backoff") : std::nullopt;
  if (!backoff) return 0;
  return std::clamp(*backoff, min_backoff_seconds, max_backoff_seconds);
}

std::vector<std::uint16_t> usable_devices(const UsyncUser& user, const std::optional<PublicKey>& account_key) {
  std::vector<std::uint16_t> usable = {0};
  std::optional<KeyIndexList> valid;
  if (!user.key_index_list.empty()) {
    const Result<KeyIndexList> list = read_key_index_list(user.key_index_list, account_key);
    if (!list) return usable;
    valid = *list;
  }
  for (const UsyncDevice& device : user.devices) {
    // Sending to a companion without index earns a bad-request.
    if (device.id == 0 || device.key_index.value_or(0) == 0) continue;
    if (valid) {
      const auto& indexes = valid->valid_indexes;
      const bool listed = std::find(indexes.begin(), indexes.end(), *device.key_index) != indexes.end();
      // Above the current index: linked after the list was signed.
      if (!listed && *device.key_index <= valid->current_index) continue;
    }
    usable.push_back(device.id);
  }
  return usable;
}

Jid device_jid(const Jid& user, const UsyncDevice& device) {
  Jid jid = user.with_device(device.id);
  if (device.hosted) jid.server = user.is_lid() ? server::hosted_lid : server::hosted;
  return jid;
}

}  // namespace wharf::protocol
