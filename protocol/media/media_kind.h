#pragma once
// What a file is, to the protocol: the kind decides the keys, the download's `mms-type` and the upload path. It is
// taken from the protobuf message, never from the MIME type. Specification 04 section 2.1.

#include <cstdint>
#include <optional>
#include <string_view>

namespace wharf::protocol {

enum class MediaKind : std::uint8_t {
  image,
  video,
  gif,  // a video with gifPlayback
  ptv,  // a round video note
  audio,
  voice,  // a voice note: audio with ptt
  document,
  sticker,  // with the keys of an image
  history,
  app_state,
  link_thumbnail,
};

/// HKDF info of the key expansion.
std::string_view media_key_info(MediaKind kind);
/// Value of `mms-type` in a download.
std::string_view mms_type(MediaKind kind);
/// "/mms/…", without a slash at the end.
std::string_view upload_path(MediaKind kind);
/// Channels take files unencrypted: "/newsletter/newsletter-…" (04 section 3.4); nullopt for kinds they do not know.
std::optional<std::string_view> newsletter_upload_path(MediaKind kind);

}  // namespace wharf::protocol
