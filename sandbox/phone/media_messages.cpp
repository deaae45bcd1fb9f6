#include "sandbox/phone/media_messages.h"

#include <utility>

#include "protocol/media/media_encryptor.h"
#include "protocol/messages/media_location.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::MessageKind;
using protocol::Result;

namespace {

bool streams(MessageKind kind) {
  return kind == MessageKind::video || kind == MessageKind::gif || kind == MessageKind::video_note ||
         kind == MessageKind::audio || kind == MessageKind::voice;
}

bool may_be_seen_once(MessageKind kind) {
  return kind == MessageKind::image || kind == MessageKind::video || kind == MessageKind::audio ||
         kind == MessageKind::voice;
}

}  // namespace

std::string usual_mimetype(MessageKind kind) {
  switch (kind) {
    case MessageKind::image: return "image/jpeg";
    case MessageKind::video:
    case MessageKind::gif:
    case MessageKind::video_note: return "video/mp4";
    case MessageKind::audio: return "audio/mpeg";
    case MessageKind::voice: return "audio/ogg; codecs=opus";
    case MessageKind::sticker: return "image/webp";
    default: return "application/octet-stream";
  }
}

Result<SealedMedia> seal_media(const PhoneMedia& media, std::int64_t unix_seconds, protocol::Random& random) {
  const auto kind = protocol::media_kind(media.kind);
  if (!kind) return Error(Errc::malformed, "media: that is no kind of file");
  if (media.bytes.empty()) return Error(Errc::malformed, "media: the file is empty");
  if (media.bytes.size() > PhoneMedia::max_bytes) return Error(Errc::too_large, "media: the file is too large");
  if (media.view_once && !may_be_seen_once(media.kind))
    return Error(Errc::malformed, "media: only pictures, videos and sounds can be seen once");
  if (!media.album.empty() && media.kind != MessageKind::image && media.kind != MessageKind::video)
    return Error(Errc::malformed, "media: only pictures and videos belong to albums");

  SealedMedia sealed;
  const auto key = random.bytes<32>();
  protocol::MediaEncryptor encryptor(key, *kind,
                                     streams(media.kind) ? protocol::Sidecar::streaming : protocol::Sidecar::none);
  sealed.file.reserve(static_cast<std::size_t>(protocol::encrypted_length(media.bytes.size())));
  encryptor.update(protocol::as_bytes(media.bytes), sealed.file);
  auto digest = encryptor.finish(sealed.file);

  sealed.content.kind = media.kind;
  sealed.content.caption = media.caption;
  auto& file = sealed.content.file;
  file.mimetype = media.mimetype.empty() ? usual_mimetype(media.kind) : media.mimetype;
  file.file_name = media.file_name;
  file.length = digest.file_length;
  file.sha256 = protocol::to_bytes(digest.file_sha256);
  file.enc_sha256 = protocol::to_bytes(digest.file_enc_sha256);
  file.key = protocol::to_bytes(key);
  file.key_at = unix_seconds;
  file.width = media.width;
  file.height = media.height;
  file.seconds = media.seconds;
  file.sidecar = std::move(digest.sidecar);
  return sealed;
}

std::optional<PhoneMessage::Media> shown_media(const protocol::IncomingMessage& content) {
  const auto* file = std::get_if<protocol::MediaFile>(&content.body);
  if (file == nullptr || !protocol::media_kind(content.kind)) return std::nullopt;
  PhoneMessage::Media media;
  media.kind = protocol::name(content.kind);
  media.mimetype = file->mimetype;
  media.file_name = file->file_name;
  media.size = file->length;
  media.width = file->width;
  media.height = file->height;
  media.seconds = file->seconds;
  return media;
}

Result<MessageFile> file_of(ByteView encoded) {
  auto content = protocol::parse_message(encoded);
  if (!content) return content.error();
  auto* file = std::get_if<protocol::MediaFile>(&content->body);
  const auto kind = protocol::media_kind(content->kind);
  if (file == nullptr || !kind) return Error(Errc::not_found, "the message has no file");
  const auto reference = protocol::read_media_reference(file->key, file->enc_sha256, file->sha256);
  if (!reference) return reference.error();
  return MessageFile{*kind, *reference, std::move(*file)};
}

}  // namespace wharf::sandbox
