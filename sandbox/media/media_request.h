#pragma once
// What a request wants of the media host, read from its head alone, and which answer a download gets. Pure: no I/O, no
// state, no file name is ever made of anything in here. Specification 06 sections 15 and 25, 04 sections 3 and 4.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "net/http_server.h"
#include "protocol/crypto/hash.h"
#include "sandbox/media/media_file.h"
#include "sandbox/media/upload_auth.h"
#include "web/byte_range.h"

namespace wharf::sandbox {

struct MediaRefusal {
  unsigned status = 0;
  std::string why;
};
/// POST with a body of `length` bytes, which continue at `offset` of a file that has `hash` when it is whole.
struct MediaUpload {
  std::string kind;
  protocol::Digest32 hash{};
  std::uint64_t length = 0, offset = 0;
};
/// POST with resume=1: how much of it is there already?
struct MediaProbe {
  std::string kind;
  protocol::Digest32 hash{};
};
struct MediaDeletion {
  std::string kind;
  protocol::Digest32 hash{};
};
/// GET or HEAD of anything that is no address of uploads of one kind.
struct MediaDownload {
  std::string path, query;  // raw
};
using MediaRequest = std::variant<MediaRefusal, MediaUpload, MediaProbe, MediaDeletion, MediaDownload>;

/// `check` judges the value of `auth`. Refusals: 400 token or offset out of shape or not the same in path and query,
/// 401 no or unknown auth, 403 expired auth, 404 no such address, 405, 411 no Content-Length, 413 over
/// `max_file_bytes`.
MediaRequest read_media_request(const net::HttpRequest& head, std::uint64_t max_file_bytes,
                                const std::function<AuthState(std::string_view)>& check);
/// Whether the target is one where files are uploaded or deleted, whatever is wrong with the rest of the request.
bool is_upload_target(std::string_view target);
/// The kind that an upload address is for ("/mms/image/…" -> "image"); "" of any other target.
std::string_view upload_kind(std::string_view target);

/// 200, 404 unknown, 403 signature missing, wrong or out of time, 410 expired. `query`: raw, of the request.
unsigned judge_download(const MediaFile* file, std::string_view query, std::int64_t now_ms);

using web::answer_range;
using web::RangeAnswer;

}  // namespace wharf::sandbox
