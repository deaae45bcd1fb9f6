#include "protocol/media/media_retry.h"

#include <algorithm>
#include <limits>

#include "protocol/media/media_urls.h"
#include "protocol/messages/wire.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr std::string_view key_info = "WhatsApp Media Retry Notification";
constexpr std::size_t max_sealed_bytes = 16 * 1024;
constexpr std::size_t message_secret_bytes = 32;

// ServerErrorReceipt and MediaRetryNotification share their first field.
constexpr std::uint32_t stanza_id_field = 1;
constexpr std::uint32_t direct_path_field = 2;
constexpr std::uint32_t result_field = 3;
constexpr std::uint32_t message_secret_field = 4;

AesKey retry_key(const MediaKey& key) { return hkdf_sha256<32>(key, {}, as_bytes(key_info)); }

Node encrypt_node(std::string_view id, ByteView plain, const MediaKey& media_key, Random& random) {
  AesKey key = retry_key(media_key);
  const GcmIv iv = random.bytes<12>();
  Node node("encrypt");
  node.add(Node("enc_p").bytes(gcm_seal(key, iv, plain, as_bytes(id)))).add(Node("enc_iv").bytes(iv));
  wipe(key);
  return node;
}

Result<SealedRetry> read_encrypt(const Node& stanza) {
  const Node* node = stanza.child("encrypt");
  if (node == nullptr) return Error(Errc::malformed, "media retry without encrypt");
  const ByteView payload = node->child_data("enc_p").value_or(ByteView());
  const auto iv = exactly<12>(node->child_data("enc_iv").value_or(ByteView()));
  if (payload.empty() || !iv) return Error(Errc::malformed, "media retry without payload or with a bad nonce");
  if (payload.size() > max_sealed_bytes) return Error(Errc::too_large, "payload of a media retry");
  return SealedRetry{to_bytes(payload), *iv};
}

/// The protobuf, checked to be one and to be about message `id`.
Result<Bytes> open_sealed(const SealedRetry& sealed, std::string_view id, const MediaKey& media_key) {
  AesKey key = retry_key(media_key);
  Result<Bytes> plain = gcm_open(key, sealed.iv, sealed.payload, as_bytes(id));
  wipe(key);
  if (!plain) return plain;
  WireReader reader(*plain);
  while (reader.next()) {
  }
  if (reader.failed()) return Error(Errc::malformed, "media retry holds no protobuf");
  if (as_text(bytes_field(*plain, stanza_id_field).value_or(ByteView())) != id)
    return Error(Errc::conflict, "media retry of another message");
  return plain;
}

bool is_shared(const Jid& chat) { return chat.is_group() || chat.server == server::broadcast; }

Node rmr_node(const RetriedMessage& message) {
  Node node("rmr");
  node.set("jid", message.chat).set("from_me", message.from_me ? "true" : "false");
  if (message.participant && is_shared(message.chat)) node.set("participant", *message.participant);
  return node;
}

/// An absent <rmr> is no message; one without a chat is an error.
Result<std::optional<RetriedMessage>> read_rmr(const Node& stanza) {
  std::optional<RetriedMessage> message;
  const Node* node = stanza.child("rmr");
  if (node == nullptr) return message;
  const auto chat = node->jid("jid");
  if (!chat || chat->user.empty()) return Error(Errc::malformed, "media retry without a chat");
  message = RetriedMessage{*chat, node->attr("from_me") == "true", std::nullopt};
  if (is_shared(*chat)) message->participant = node->jid("participant");
  return message;
}

Node notification_node(std::string_view id, const Jid& own, std::uint64_t unix_seconds) {
  Node node("notification");
  node.set("from", own.user_jid()).set("type", "mediaretry").set("id", id).set("t", unix_seconds);
  return node;
}

/// `code` as a failure: a bare "success" has nothing to say where the file is.
MediaRetryOutcome failure(std::uint64_t code) {
  if (code == 2) return MediaRetryOutcome::not_found;
  if (code == 3) return MediaRetryOutcome::decryption_error;
  return MediaRetryOutcome::general_error;
}

}  // namespace

Node media_retry_receipt(std::string_view id, const Jid& own, const std::optional<RetriedMessage>& message,
                         const MediaKey& key, Random& random) {
  Node receipt("receipt");
  receipt.set("id", id).set("to", own.user_jid()).set("type", "server-error");
  if (!message) receipt.set("category", "peer");
  Bytes plain;
  append_field(plain, stanza_id_field, as_bytes(id));
  receipt.add(encrypt_node(id, plain, key, random));
  if (message) receipt.add(rmr_node(*message));
  return receipt;
}

Result<MediaRetryRequest> read_media_retry_receipt(const Node& receipt) {
  MediaRetryRequest request;
  request.id = receipt.attr("id");
  if (!receipt.is("receipt") || receipt.attr("type") != "server-error" || !acceptable_id(request.id))
    return Error(Errc::malformed, "not a server-error receipt");
  auto message = read_rmr(receipt);
  if (!message) return message.error();
  auto sealed = read_encrypt(receipt);
  if (!sealed) return sealed.error();
  request.message = std::move(*message);
  request.sealed = std::move(*sealed);
  return request;
}

Result<void> check_media_retry_request(const MediaRetryRequest& request, const MediaKey& key) {
  const Result<Bytes> plain = open_sealed(request.sealed, request.id, key);
  if (!plain) return plain.error();
  return {};
}

Result<MediaRetryNotification> read_media_retry_notification(const Node& node) {
  MediaRetryNotification notification;
  notification.id = node.attr("id");
  if (!node.is("notification") || node.attr("type") != "mediaretry" || !acceptable_id(notification.id))
    return Error(Errc::malformed, "not a mediaretry notification");
  auto message = read_rmr(node);
  if (!message) return message.error();
  notification.message = std::move(*message);
  if (const Node* error = node.child("error")) {
    const std::uint64_t code = error->number("code").value_or(0);
    constexpr std::uint64_t bound = std::numeric_limits<std::uint32_t>::max();
    notification.error_code = static_cast<std::uint32_t>(std::min(code, bound));
    return notification;
  }
  auto sealed = read_encrypt(node);
  if (!sealed) return sealed.error();
  notification.sealed = std::move(*sealed);
  return notification;
}

Result<MediaRetryAnswer> open_media_retry(const MediaRetryNotification& notification, const MediaKey& key) {
  MediaRetryAnswer answer;
  if (notification.error_code) {
    answer.outcome = failure(*notification.error_code);
    return answer;
  }
  const Result<Bytes> plain = open_sealed(notification.sealed, notification.id, key);
  if (!plain) return plain.error();
  const std::uint64_t result = varint_field(*plain, result_field).value_or(0);
  if (result != static_cast<std::uint64_t>(MediaRetryOutcome::success)) {
    answer.outcome = failure(result);
    return answer;
  }
  answer.outcome = MediaRetryOutcome::success;
  answer.direct_path = as_text(bytes_field(*plain, direct_path_field).value_or(ByteView()));
  if (!acceptable_direct_path(answer.direct_path))
    return Error(Errc::malformed, "successful media retry without a direct path");
  const auto secret = bytes_field(*plain, message_secret_field);
  if (secret && secret->size() == message_secret_bytes) answer.message_secret = to_bytes(*secret);
  return answer;
}

Node media_retry_notification(std::string_view id, const Jid& own, std::uint64_t unix_seconds,
                              const std::optional<RetriedMessage>& message, const MediaRetryAnswer& answer,
                              const MediaKey& key, Random& random) {
  Bytes plain;
  append_field(plain, stanza_id_field, as_bytes(id));
  if (!answer.direct_path.empty()) append_field(plain, direct_path_field, as_bytes(answer.direct_path));
  append_varint_field(plain, result_field, static_cast<std::uint64_t>(answer.outcome));
  if (!answer.message_secret.empty()) append_field(plain, message_secret_field, answer.message_secret);

  Node node = notification_node(id, own, unix_seconds);
  node.add(encrypt_node(id, plain, key, random));
  if (message) node.add(rmr_node(*message));
  return node;
}

Node media_retry_error(std::string_view id, const Jid& own, std::uint64_t unix_seconds,
                       const std::optional<RetriedMessage>& message, MediaRetryOutcome code) {
  Node node = notification_node(id, own, unix_seconds);
  if (message) node.add(rmr_node(*message));
  return node.add(Node("error").set("code", static_cast<std::uint64_t>(code)));
}

}  // namespace wharf::protocol
