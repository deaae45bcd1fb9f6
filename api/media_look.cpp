#include "api/media_look.h"

#include <fmt/format.h>

#include <utility>

#include "media/file_type.h"
#include "media/image.h"
#include "media/sticker.h"
#include "media/voice_note.h"
#include "web/file_name.h"
#include "web/header_parameters.h"

namespace wharf::api {

namespace {

using protocol::ByteView;
using protocol::Errc;
using protocol::Error;
using protocol::MessageKind;
using protocol::Result;

constexpr const char* unknown_type = "application/octet-stream";
constexpr const char* voice_type = "audio/ogg; codecs=opus";
constexpr unsigned thumbnail_edge = 100;

struct Looking {
  const MediaWish& wish;
  const std::optional<media::Converter>& converter;
  std::string found;  // by the bytes
  std::string whole;

  ByteView bytes() const { return protocol::as_bytes(whole); }
};

Error not_a(std::string_view wanted, const std::string& found) {
  return Error(Errc::unsupported, fmt::format("must be {}; these bytes are {}", wanted, found));
}

Error no_converter(std::string_view what) {
  return Error(Errc::unsupported,
               fmt::format("{}, which takes the program ffmpeg, and this server has none (media.ffmpeg)", what));
}

/// What cannot be previewed is sent without a preview.
void add_thumbnail(protocol::MediaFile& file, Result<protocol::Bytes> thumbnail) {
  if (thumbnail) file.thumbnail = std::move(*thumbnail);
}

Result<LookedAt> look_at_image(Looking& in, LookedAt out) {
  if (in.found != "image/jpeg" && in.found != "image/png" && in.found != "image/webp")
    return not_a("a JPEG, PNG or WebP image", in.found);
  const auto info = media::inspect_image(in.bytes());
  if (!info) return info.error();
  auto thumbnail = media::jpeg_thumbnail(in.bytes());
  // Broken pixels are the sender's to hear of; only a picture too large for a preview goes without.
  if (!thumbnail && thumbnail.error().code != Errc::too_large) return thumbnail.error();
  out.file.width = info->width;
  out.file.height = info->height;
  out.file.mimetype = in.found;
  add_thumbnail(out.file, std::move(thumbnail));
  return out;
}

Result<LookedAt> look_at_sticker(Looking& in, LookedAt out) {
  if (in.found != "image/webp" && in.found != "image/png" && in.found != "image/jpeg")
    return not_a("a WebP, PNG or JPEG image", in.found);
  auto sticker = media::make_sticker(in.bytes());
  if (!sticker) return sticker.error();
  out.file.width = sticker->width;
  out.file.height = sticker->height;
  out.file.animated = sticker->animated;
  out.file.mimetype = "image/webp";
  if (!protocol::equal(sticker->webp, in.bytes())) out.other = std::string(protocol::as_text(sticker->webp));
  return out;
}

/// From the bytes that are sent.
void measure_video(const Looking& in, ByteView video, LookedAt& out) {
  if (!in.converter || video.empty()) return;
  if (const auto probe = in.converter->probe(video)) {
    out.file.width = probe->width;
    out.file.height = probe->height;
    out.file.seconds = probe->seconds;
  }
  add_thumbnail(out.file, in.converter->video_frame(video, thumbnail_edge));
}

Result<LookedAt> look_at_video(Looking& in, LookedAt out) {
  out.file.mimetype = in.found;
  if (in.found == "image/gif" && in.wish.kind == MessageKind::gif) {
    if (!in.converter) return no_converter("a GIF is sent as a silent video");
    if (in.whole.size() > MediaPreparations::max_whole_bytes || in.whole.empty())
      return Error(Errc::too_large, fmt::format("must be at most {} bytes as a GIF to be converted",
                                                MediaPreparations::max_whole_bytes));
    auto converted = in.converter->gif_to_mp4(in.bytes());
    if (!converted) return converted.error();
    out.file.mimetype = "video/mp4";
    measure_video(in, *converted, out);
    out.other = std::string(protocol::as_text(*converted));
    return out;
  }
  if (!in.found.starts_with("video/"))
    return not_a(in.wish.kind == MessageKind::gif ? "a GIF image or a video" : "a video", in.found);
  measure_video(in, in.bytes(), out);
  return out;
}

Result<LookedAt> look_at_audio(Looking& in, LookedAt out) {
  if (!in.found.starts_with("audio/")) return not_a("sound", in.found);
  out.file.mimetype = in.found;
  if (in.found == voice_type) {
    if (const auto note = media::read_voice_note(in.bytes())) out.file.seconds = note->seconds;
  } else if (in.converter) {
    if (const auto probe = in.converter->probe(in.bytes())) out.file.seconds = probe->seconds;
  }
  return out;
}

Result<LookedAt> look_at_voice(Looking& in, LookedAt out) {
  std::string converted;
  if (in.found != voice_type) {
    if (!in.found.starts_with("audio/") && !in.found.starts_with("video/")) return not_a("sound", in.found);
    if (!in.converter) return no_converter(fmt::format("a voice note is Opus in Ogg: {} must be converted", in.found));
    const auto note = in.converter->to_voice_note(in.bytes());
    if (!note) return note.error();
    converted = protocol::as_text(*note);
  }
  const auto note = media::read_voice_note(converted.empty() ? in.bytes() : protocol::as_bytes(converted));
  if (!note) return note.error();
  out.file.mimetype = voice_type;
  out.file.seconds = note->seconds;
  out.file.waveform = note->waveform;
  if (!converted.empty()) out.other = std::move(converted);
  return out;
}

/// A document is whatever its sender says, where the bytes do not say otherwise.
std::string document_type(const Looking& in, const std::string& name, const std::string& said) {
  if (web::is_media_type(in.wish.mimetype)) return web::lower_case(in.wish.mimetype);
  if (in.found != unknown_type && in.found != "text/plain" && in.found != "application/zip") return in.found;
  if (auto by_name = media::type_for_name(name); !by_name.empty()) return by_name;
  if (web::is_media_type(said) && web::lower_case(said) != unknown_type) return web::lower_case(said);
  return in.found;
}

}  // namespace

bool wants_whole(const MediaWish& wish, std::uint64_t length, bool converts) {
  switch (wish.kind) {
    case MessageKind::document: return false;
    case MessageKind::video:
    case MessageKind::gif:
    case MessageKind::video_note: return converts && length <= media::ConverterSettings().max_video_bytes;
    default: return true;
  }
}

Result<LookedAt> look_at(const MediaWish& wish, const std::string& name, const std::string& said_type,
                         const std::string& head, std::string whole, const std::optional<media::Converter>& converter) {
  Looking in{wish, converter, media::sniff_type(protocol::as_bytes(head)), std::move(whole)};
  LookedAt out;
  out.kind = wish.kind;
  if (!wish.file_name.empty() || !name.empty())
    out.file.file_name = web::safe_file_name(wish.file_name.empty() ? name : wish.file_name);
  switch (wish.kind) {
    case MessageKind::image: return look_at_image(in, std::move(out));
    case MessageKind::sticker: return look_at_sticker(in, std::move(out));
    case MessageKind::video:
    case MessageKind::gif:
    case MessageKind::video_note: return look_at_video(in, std::move(out));
    case MessageKind::audio: return look_at_audio(in, std::move(out));
    case MessageKind::voice: return look_at_voice(in, std::move(out));
    default: break;
  }
  out.file.mimetype = document_type(in, out.file.file_name, said_type);
  if (out.file.file_name.empty())
    out.file.file_name = "file" + std::string(media::extension_for_type(out.file.mimetype));
  return out;
}

}  // namespace wharf::api
