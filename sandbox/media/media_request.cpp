#include "sandbox/media/media_request.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "net/percent_encoding.h"
#include "protocol/media/media_urls.h"
#include "web/query.h"

namespace wharf::sandbox {

namespace {

/// Where files of one kind are uploaded and deleted: 04 sections 2.1 and 3.4.
struct Door {
  std::string_view path;  // before "/{token}"
  std::string_view kind;
};
constexpr std::array doors{
    Door{"/mms/image", "image"},
    Door{"/mms/video", "video"},
    Door{"/mms/audio", "audio"},
    Door{"/mms/document", "document"},
    Door{"/mms/sticker", "sticker"},
    Door{"/mms/gif", "gif"},
    Door{"/mms/ptt", "ptt"},
    Door{"/mms/ptv", "ptv"},
    Door{"/mms/md-msg-hist", "md-msg-hist"},
    Door{"/mms/md-app-state", "md-app-state"},
    Door{"/mms/thumbnail-link", "thumbnail-link"},
    Door{"/mms/thumbnail-image", "thumbnail-image"},
    Door{"/mms/thumbnail-video", "thumbnail-video"},
    Door{"/mms/thumbnail-document", "thumbnail-document"},
    Door{"/mms/sticker-pack", "sticker-pack"},
    Door{"/mms/thumbnail-sticker-pack", "thumbnail-sticker-pack"},
    Door{"/mms/group-history", "group-history"},
    Door{"/newsletter/newsletter-image", "newsletter-image"},
    Door{"/newsletter/newsletter-video", "newsletter-video"},
    Door{"/newsletter/newsletter-audio", "newsletter-audio"},
    Door{"/newsletter/newsletter-document", "newsletter-document"},
    Door{"/newsletter/newsletter-sticker", "newsletter-sticker"},
    Door{"/newsletter/newsletter-sticker-pack", "newsletter-sticker-pack"},
    Door{"/newsletter/newsletter-gif", "newsletter-gif"},
    Door{"/newsletter/newsletter-ptt", "newsletter-ptt"},
    Door{"/newsletter/newsletter-ptv", "newsletter-ptv"},
    Door{"/newsletter/newsletter-thumbnail-link", "newsletter-thumbnail-link"},
    Door{"/product/image", "product-image"},
    Door{"/pps/biz-cover-photo", "biz-cover-photo"},
};
constexpr std::array<std::string_view, 4> upload_roots{"/mms/", "/newsletter/", "/product/", "/pps/"};

struct Target {
  std::string_view path, query;  // raw
};
Target split(std::string_view target) {
  const auto mark = target.find('?');
  if (mark == std::string_view::npos) return {target, {}};
  return {target.substr(0, mark), target.substr(mark + 1)};
}

const Door* find_door(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return nullptr;
  const auto found =
      std::find_if(doors.begin(), doors.end(), [&](const Door& door) { return door.path == path.substr(0, slash); });
  return found == doors.end() ? nullptr : found;
}

/// The whole text as a decimal number without a sign.
std::optional<std::uint64_t> read_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// 401 and 403 make a client ask for a new media_conn; so they come before what only another request could mend.
std::optional<MediaRefusal> refuse_auth(const web::Query& query,
                                        const std::function<AuthState(std::string_view)>& check) {
  switch (check(query.text("auth"))) {
    case AuthState::valid: return std::nullopt;
    case AuthState::expired: return MediaRefusal{403, "the upload token has expired"};
    case AuthState::unknown: break;
  }
  return MediaRefusal{401, "no upload token, or one that was never given out"};
}

MediaRequest read_post(const net::HttpRequest& head, const Door& door, const protocol::Digest32& hash,
                       const web::Query& query, std::uint64_t max_file_bytes) {
  if (query.text("resume") == "1") return MediaProbe{std::string(door.kind), hash};
  const auto length = read_number(head.header("content-length"));
  if (!length) return MediaRefusal{411, "a Content-Length is required"};
  std::uint64_t offset = 0;
  if (query.has("file_offset")) {
    const auto given = read_number(query.text("file_offset"));
    if (!given) return MediaRefusal{400, "file_offset is not a number"};
    offset = *given;
  }
  if (*length == 0) return MediaRefusal{400, "an empty file"};
  if (offset > max_file_bytes || *length > max_file_bytes - offset) return MediaRefusal{413, "the file is too large"};
  return MediaUpload{std::string(door.kind), hash, *length, offset};
}

}  // namespace

std::string MediaFile::path() const { return "/v/t62/" + id + ".enc"; }

std::string MediaFile::query() const {
  std::array<char, 16> hex{};
  const auto end = std::to_chars(hex.data(), hex.data() + hex.size(), signed_until_ms / 1000, 16).ptr;
  return "ccb=11-4&oh=" + signature + "&oe=" + std::string(hex.data(), end);
}

std::string MediaFile::direct_path() const { return path() + "?" + query(); }

bool is_upload_target(std::string_view target) {
  return std::any_of(upload_roots.begin(), upload_roots.end(),
                     [target](std::string_view root) { return target.starts_with(root); });
}

std::string_view upload_kind(std::string_view target) {
  const Door* door = find_door(split(target).path);
  return door ? door->kind : std::string_view();
}

MediaRequest read_media_request(const net::HttpRequest& head, std::uint64_t max_file_bytes,
                                const std::function<AuthState(std::string_view)>& check) {
  const auto [path, raw_query] = split(head.target);
  const bool reads = head.method == "GET" || head.method == "HEAD";
  // Pictures of groups lie under a root of uploads.
  if (!is_upload_target(path) || (reads && find_door(path) == nullptr)) {
    if (reads) return MediaDownload{std::string(path), std::string(raw_query)};
    return MediaRefusal{404, "files are only read here"};
  }
  const Door* door = find_door(path);
  if (!door) return MediaRefusal{404, "files of this kind are not kept"};
  if (head.method != "POST" && head.method != "DELETE") return MediaRefusal{405, "only POST and DELETE"};
  const auto query = web::Query::parse(raw_query);
  if (!query) return MediaRefusal{400, "a broken query"};
  if (auto refusal = refuse_auth(*query, check)) return *refusal;
  const auto segment = net::percent_decode(path.substr(path.rfind('/') + 1), net::Plus::literal);
  const auto named = segment ? protocol::read_upload_token(*segment) : std::nullopt;
  const auto token = protocol::read_upload_token(query->text("token"));
  if (!named || !token) return MediaRefusal{400, "the token is not the base64url of a SHA-256"};
  if (*named != *token) return MediaRefusal{400, "the tokens of path and query differ"};
  if (head.method == "DELETE") return MediaDeletion{std::string(door->kind), *named};
  return read_post(head, *door, *named, *query, max_file_bytes);
}

unsigned judge_download(const MediaFile* file, std::string_view query, std::int64_t now_ms) {
  if (!file) return 404;
  const auto given = web::Query::parse(query);
  const auto own = web::Query::parse(file->query());
  if (!given || !own) return 403;
  for (const std::string_view name : {"oh", "oe"}) {
    if (given->text(name) != own->text(name)) return 403;
  }
  if (now_ms >= file->signed_until_ms) return 403;
  return file->gone || now_ms >= file->expires_ms ? 410 : 200;
}

}  // namespace wharf::sandbox
