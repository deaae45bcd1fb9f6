#include "protocol/media/media_kind.h"

#include <stdexcept>

namespace wharf::protocol {

namespace {

struct Row {
  std::string_view key_info;
  std::string_view mms_type;
  std::string_view upload_path;
  std::string_view newsletter_path;
};

constexpr std::string_view image_keys = "WhatsApp Image Keys";
constexpr std::string_view video_keys = "WhatsApp Video Keys";
constexpr std::string_view audio_keys = "WhatsApp Audio Keys";

// Where clients differ about the path (gif, voice, sticker) it is the one two of them agree on.
constexpr Row image_row{image_keys, "image", "/mms/image", "/newsletter/newsletter-image"};
constexpr Row video_row{video_keys, "video", "/mms/video", "/newsletter/newsletter-video"};
constexpr Row gif_row{video_keys, "video", "/mms/video", "/newsletter/newsletter-gif"};
constexpr Row ptv_row{video_keys, "video", "/mms/video", "/newsletter/newsletter-ptv"};
constexpr Row audio_row{audio_keys, "audio", "/mms/audio", "/newsletter/newsletter-audio"};
constexpr Row voice_row{audio_keys, "audio", "/mms/audio", "/newsletter/newsletter-ptt"};
constexpr Row document_row{"WhatsApp Document Keys", "document", "/mms/document", "/newsletter/newsletter-document"};
constexpr Row sticker_row{image_keys, "image", "/mms/image", "/newsletter/newsletter-sticker"};
constexpr Row history_row{"WhatsApp History Keys", "md-msg-hist", "/mms/md-msg-hist", ""};
constexpr Row app_state_row{"WhatsApp App State Keys", "md-app-state", "/mms/md-app-state", ""};
constexpr Row link_thumbnail_row{"WhatsApp Link Thumbnail Keys", "thumbnail-link", "/mms/thumbnail-link",
                                 "/newsletter/newsletter-thumbnail-link"};

const Row& row(MediaKind kind) {
  switch (kind) {
    case MediaKind::image: return image_row;
    case MediaKind::video: return video_row;
    case MediaKind::gif: return gif_row;
    case MediaKind::ptv: return ptv_row;
    case MediaKind::audio: return audio_row;
    case MediaKind::voice: return voice_row;
    case MediaKind::document: return document_row;
    case MediaKind::sticker: return sticker_row;
    case MediaKind::history: return history_row;
    case MediaKind::app_state: return app_state_row;
    case MediaKind::link_thumbnail: return link_thumbnail_row;
  }
  throw std::logic_error("no such media kind");
}

}  // namespace

std::string_view media_key_info(MediaKind kind) { return row(kind).key_info; }

std::string_view mms_type(MediaKind kind) { return row(kind).mms_type; }

std::string_view upload_path(MediaKind kind) { return row(kind).upload_path; }

std::optional<std::string_view> newsletter_upload_path(MediaKind kind) {
  const std::string_view path = row(kind).newsletter_path;
  if (path.empty()) return std::nullopt;
  return path;
}

}  // namespace wharf::protocol
