#include "sessions/media/stored_media.h"

#include "protocol/media/encrypted_file.h"
#include "protocol/messages/media_location.h"

namespace wharf::sessions {

using protocol::Errc;

Outcome<StoredMedia> stored_media(protocol::ByteView content) {
  const auto message = protocol::parse_message(content);
  const auto* file = message ? std::get_if<protocol::MediaFile>(&message->body) : nullptr;
  const auto kind = message ? protocol::media_kind(message->kind) : std::nullopt;
  if (file == nullptr || !kind) return Refusal(Errc::not_found, Subject::media, "the message has no file");
  const auto reference = protocol::read_media_reference(file->key, file->enc_sha256, file->sha256);
  if (!reference)
    return Refusal(Errc::malformed, Subject::media, "the sender announced no usable file: " + reference.error().detail);
  if (file->length > protocol::max_media_length)
    return Refusal(Errc::malformed, Subject::media, "the sender announced a file of an impossible length");
  return StoredMedia{message->kind, *kind, *file, *reference, message->traits.view_once};
}

bool on_servers(const protocol::Jid& chat, const protocol::MediaFile& file, std::int64_t now_ms) {
  if (chat.is_channel()) return false;
  constexpr std::int64_t announced_again_s = 14 * 86'400;
  constexpr std::int64_t clock_ahead_s = 86'400;  // a time beyond it is no time of an upload
  const std::int64_t now_s = now_ms / 1000;
  return !file.direct_path.empty() && file.key_at > now_s - announced_again_s && file.key_at <= now_s + clock_ahead_s;
}

}  // namespace wharf::sessions
