#include "sessions/media/stored_media.h"

#include "protocol/crypto/hash.h"
#include "protocol/media/encrypted_file.h"
#include "protocol/messages/media_location.h"

namespace wharf::sessions {

using protocol::Errc;

namespace {

/// All but the reference.
Outcome<StoredMedia> announced(protocol::ByteView content) {
  const auto message = protocol::parse_message(content);
  const auto* file = message ? std::get_if<protocol::MediaFile>(&message->body) : nullptr;
  const auto kind = message ? protocol::media_kind(message->kind) : std::nullopt;
  if (file == nullptr || !kind) return Refusal(Errc::not_found, Subject::media, "the message has no file");
  if (file->length > protocol::max_media_length)
    return Refusal(Errc::malformed, Subject::media, "the sender announced a file of an impossible length");
  return StoredMedia{message->kind, *kind, *file, {}, message->traits.view_once, false};
}

Outcome<StoredMedia> with_reference(StoredMedia media, const protocol::Result<protocol::MediaReference>& reference) {
  if (!reference)
    return Refusal(Errc::malformed, Subject::media, "the sender announced no usable file: " + reference.error().detail);
  media.reference = *reference;
  return media;
}

/// Of a file that has no key: one for the vault alone. Of its channel too, so that a hash alone opens nothing that came
/// from elsewhere.
protocol::Bytes vault_key(const protocol::Jid& channel, protocol::ByteView file_sha256) {
  const auto key = protocol::hkdf_sha256<32>(file_sha256, protocol::as_bytes(channel.to_string()),
                                             protocol::as_bytes("Wharf plain media"));
  return protocol::Bytes(key.begin(), key.end());
}

}  // namespace

Outcome<StoredMedia> stored_media(protocol::ByteView content) {
  auto media = announced(content);
  if (!media) return media;
  const auto reference = protocol::read_media_reference(media->file.key, media->file.enc_sha256, media->file.sha256);
  return with_reference(std::move(*media), reference);
}

Outcome<StoredMedia> posted_media(const protocol::Jid& channel, protocol::ByteView content) {
  auto media = announced(content);
  if (!media) return media;
  media->plain = true;
  const protocol::Bytes& hash = media->file.sha256;
  const auto reference = protocol::read_media_reference(vault_key(channel, hash), {}, hash);
  return with_reference(std::move(*media), reference);
}

Outcome<StoredMedia> stored_media(const storage::MessageRow& message) {
  if (!message.chat.is_channel()) return stored_media(message.content);
  auto media = posted_media(message.chat, message.content);
  if (!media || !message.from_me) return media;
  // What was posted from here lies in the vault under the key that was made for it.
  const protocol::MediaFile& file = media->file;
  if (auto own = protocol::read_media_reference(file.key, file.enc_sha256, file.sha256);
      own && own->hashes.file_enc_sha256)
    media->reference = *own;
  return media;
}

bool on_servers(const protocol::Jid& chat, const protocol::MediaFile& file, std::int64_t now_ms) {
  if (chat.is_channel()) return false;
  constexpr std::int64_t announced_again_s = 14 * 86'400;
  constexpr std::int64_t clock_ahead_s = 86'400;  // a time beyond it is no time of an upload
  const std::int64_t now_s = now_ms / 1000;
  return !file.direct_path.empty() && file.key_at > now_s - announced_again_s && file.key_at <= now_s + clock_ahead_s;
}

}  // namespace wharf::sessions
