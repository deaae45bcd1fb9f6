#include "protocol/media/media_keys.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "tests/support/media_files.h"

using namespace wharf::protocol;
using wharf::test::hex;
using wharf::test::text;
using wharf::test::vector_media_key;
using wharf::test::vectors;

namespace {

const std::map<std::string_view, MediaKind> kinds = {{"image", MediaKind::image},
                                                     {"video", MediaKind::video},
                                                     {"gif", MediaKind::gif},
                                                     {"ptv", MediaKind::ptv},
                                                     {"audio", MediaKind::audio},
                                                     {"ptt", MediaKind::voice},
                                                     {"document", MediaKind::document},
                                                     {"sticker", MediaKind::sticker},
                                                     {"md-msg-hist", MediaKind::history},
                                                     {"md-app-state", MediaKind::app_state},
                                                     {"thumbnail-link", MediaKind::link_thumbnail}};

void require_keys(const MediaKeys& keys, const boost::json::object& expected) {
  REQUIRE(equal(keys.iv, hex(expected.at("iv"))));
  REQUIRE(equal(keys.cipher, hex(expected.at("cipherKey"))));
  REQUIRE(equal(keys.mac, hex(expected.at("macKey"))));
}

}  // namespace

TEST_CASE("the key expansion vectors come out, by kind and by info string") {
  const auto& expansions = vectors("media").at("keyExpansion").as_array();
  REQUIRE(expansions.size() == 19);
  std::set<MediaKind> seen;
  for (const auto& entry : expansions) {
    const auto& expected = entry.as_object();
    require_keys(expand_media_key(vector_media_key(), text(expected, "infoString")), expected);
    const auto kind = kinds.find(text(expected, "kind"));
    if (kind == kinds.end()) continue;  // sticker packs, thumbnails and others without a kind here
    seen.insert(kind->second);
    REQUIRE(media_key_info(kind->second) == text(expected, "infoString"));
    require_keys(expand_media_key(vector_media_key(), kind->second), expected);
  }
  REQUIRE(seen.size() == kinds.size());
}

TEST_CASE("each kind is uploaded below its path and asked for by its type") {
  // Specification 04 section 2.1.
  struct Row {
    MediaKind kind;
    std::string_view type, path;
  };
  constexpr Row rows[] = {{MediaKind::image, "image", "/mms/image"},
                          {MediaKind::sticker, "image", "/mms/image"},
                          {MediaKind::video, "video", "/mms/video"},
                          {MediaKind::ptv, "video", "/mms/video"},
                          {MediaKind::gif, "video", "/mms/video"},
                          {MediaKind::audio, "audio", "/mms/audio"},
                          {MediaKind::voice, "audio", "/mms/audio"},
                          {MediaKind::document, "document", "/mms/document"},
                          {MediaKind::history, "md-msg-hist", "/mms/md-msg-hist"},
                          {MediaKind::app_state, "md-app-state", "/mms/md-app-state"},
                          {MediaKind::link_thumbnail, "thumbnail-link", "/mms/thumbnail-link"}};
  REQUIRE(std::size(rows) == kinds.size());
  for (const Row& row : rows) {
    REQUIRE(mms_type(row.kind) == row.type);
    REQUIRE(upload_path(row.kind) == row.path);
  }
}

TEST_CASE("channels have a path of their own for what they can show") {
  REQUIRE(newsletter_upload_path(MediaKind::voice) == "/newsletter/newsletter-ptt");
  REQUIRE(newsletter_upload_path(MediaKind::gif) == "/newsletter/newsletter-gif");
  REQUIRE_FALSE(newsletter_upload_path(MediaKind::history));
  REQUIRE_FALSE(newsletter_upload_path(MediaKind::app_state));
}
