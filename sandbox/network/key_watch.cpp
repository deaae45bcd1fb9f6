#include "sandbox/network/key_watch.h"

#include "protocol/signal/sender_key.h"
#include "protocol/signal/session.h"

namespace wharf::sandbox {

void KeyWatch::look(const Origin& origin, const Node& message, const DeviceKey& target, const Node& enc) {
  const auto& from = origin.key;
  const bool pre_key = enc.attr("type") == "pkmsg";
  const auto kind = pre_key ? protocol::CiphertextKind::pre_key_message : protocol::CiphertextKind::message;
  const auto key = protocol::read_message_key(kind, enc.data());
  if (key && memory_.key_reused(from, target, key->ratchet_key, key->counter, enc.data()))
    note_reuse(origin, text_of(target), message);
  if (pre_key && from.device != 0 && !message.child("device-identity")) {
    c_.complain("pkmsg without device-identity from companion " + from.phone + " in message " + message.attr("id"));
  }
}

void KeyWatch::look_shared(const Origin& origin, const Node& message, const DeviceKey& group, const Node& enc) {
  const auto key = protocol::read_group_message_key(enc.data());
  if (key && memory_.key_reused(origin.key, group, protocol::big_endian(key->key_id, 4), key->iteration, enc.data()))
    note_reuse(origin, group.phone, message);
}

void KeyWatch::note_reuse(const Origin& origin, const std::string& target, const Node& message) {
  ++c_.stats.reused_message_keys;
  ++c_.stats.reused_by[origin.key];
  c_.server_row_changed(reused_keys_row);
  c_.complain("MESSAGE KEY REUSED by " + text_of(origin.key) + " to " + target + " in message " + message.attr("id"));
}

}  // namespace wharf::sandbox
