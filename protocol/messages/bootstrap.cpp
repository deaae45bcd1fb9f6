#include "protocol/messages/bootstrap.h"

#include <zlib.h>

#include <stdexcept>
#include <string>

#include "protocol/messages/wire.h"
#include "protocol/proto/bootstrap.pb.h"

namespace wharf::protocol {

namespace {

constexpr int type_history_sync_notification = 5;
constexpr int type_app_state_sync_key_share = 6;
constexpr std::uint64_t type_app_state_sync_key_request = 7;
constexpr int initial_bootstrap = 0;

std::string deflated(const std::string& text) {
  uLongf size = compressBound(static_cast<uLong>(text.size()));
  std::string out(size, '\0');
  const int status = compress(reinterpret_cast<Bytef*>(out.data()), &size, reinterpret_cast<const Bytef*>(text.data()),
                              static_cast<uLong>(text.size()));
  if (status != Z_OK) throw std::runtime_error("zlib refused to compress");  // out of memory only
  out.resize(size);
  return out;
}

Bytes encoded(const wire::bootstrap::Message& message) {
  return to_bytes(std::string_view(message.SerializeAsString()));
}

}  // namespace

Bytes build_key_share(const AppStateKeyShare& share) {
  wire::bootstrap::Message message;
  auto& content = *message.mutable_protocol_message();
  content.set_type(type_app_state_sync_key_share);
  auto& key = *content.mutable_app_state_sync_key_share()->add_keys();
  key.mutable_key_id()->set_key_id(share.key_id.data(), share.key_id.size());
  auto& data = *key.mutable_key_data();
  data.set_key_data(share.key_data.data(), share.key_data.size());
  data.mutable_fingerprint()->set_raw_id(share.raw_id);
  data.mutable_fingerprint()->set_current_index(share.current_index);
  for (const std::uint32_t index : share.device_indexes) data.mutable_fingerprint()->add_device_indexes(index);
  data.set_timestamp(share.timestamp);
  for (const Bytes& id : share.missing)
    content.mutable_app_state_sync_key_share()->add_keys()->mutable_key_id()->set_key_id(id.data(), id.size());
  return encoded(message);
}

Bytes build_key_request(std::span<const Bytes> key_ids) {
  Bytes request, content, message;
  for (const Bytes& id : key_ids) {
    Bytes key_id;
    append_field(key_id, 1, id);
    append_field(request, 1, key_id);
  }
  append_varint_field(content, 2, type_app_state_sync_key_request);
  append_field(content, 8, request);
  append_field(message, 12, content);
  return message;
}

Bytes build_empty_initial_history() {
  wire::bootstrap::HistorySync history;
  history.set_sync_type(initial_bootstrap);
  history.set_chunk_order(0);
  history.set_progress(100);

  wire::bootstrap::Message message;
  auto& content = *message.mutable_protocol_message();
  content.set_type(type_history_sync_notification);
  auto& notification = *content.mutable_history_sync_notification();
  notification.set_sync_type(initial_bootstrap);
  notification.set_chunk_order(0);
  notification.set_progress(100);
  notification.set_initial_hist_bootstrap_inline_payload(deflated(history.SerializeAsString()));
  return encoded(message);
}

}  // namespace wharf::protocol
