#include "media/file_type.h"

#include <magic.h>

#include <algorithm>
#include <memory>
#include <utility>

namespace wharf::media {

using protocol::ByteReader;
using protocol::ByteView;

namespace {

constexpr std::string_view unknown_type = "application/octet-stream";
constexpr std::string_view zip_type = "application/zip", zip_signature = "PK\x03\x04";

using Magic = std::unique_ptr<magic_set, void (*)(magic_t)>;

/// No look inside compressed files (nor the programs that would be started for it), and none of the parsers of whole
/// formats behind libmagic's table of patterns that tell nothing here: ELF, compound documents (their directory is
/// rarely within the head), CSV (guessed from any text with commas).
constexpr int magic_flags = MAGIC_MIME_TYPE | MAGIC_NO_CHECK_COMPRESS | MAGIC_NO_COMPRESS_FORK | MAGIC_NO_CHECK_ELF |
                            MAGIC_NO_CHECK_CDF | MAGIC_NO_CHECK_CSV | MAGIC_NO_CHECK_APPTYPE;

/// What it does with bytes made to keep it busy: how far patterns search and refer to each other.
constexpr std::pair<int, std::size_t> magic_bounds[] = {
    {MAGIC_PARAM_BYTES_MAX, sniffed_bytes},
    {MAGIC_PARAM_ENCODING_MAX, 16u << 10},
    {MAGIC_PARAM_REGEX_MAX, 4096},
    {MAGIC_PARAM_INDIR_MAX, 15},
    {MAGIC_PARAM_NAME_MAX, 50},
};

Magic open_magic() {
  Magic magic(magic_open(magic_flags), magic_close);
  if (!magic) return magic;
  for (const auto& [parameter, bound] : magic_bounds) magic_setparam(magic.get(), parameter, &bound);
  if (magic_load(magic.get(), nullptr) != 0) magic.reset();
  return magic;
}

std::string ask_magic(ByteView head) {
  // A magic_t is for one thread. The database behind it is mapped and shared by all.
  thread_local const Magic magic = open_magic();
  const char* type = magic ? magic_buffer(magic.get(), head.data(), head.size()) : nullptr;
  return std::string(type ? std::string_view(type) : unknown_type);
}

struct Renamed {
  std::string_view from, to;
};
/// What libmagic calls a type, and what everybody else does.
constexpr Renamed renamed_types[] = {
    {"application/ogg", "audio/ogg"},
    {"audio/x-wav", "audio/wav"},
    {"audio/vnd.wave", "audio/wav"},
    {"audio/x-m4a", "audio/mp4"},
    {"audio/x-hx-aac-adts", "audio/aac"},
    {"audio/x-hx-aac-adif", "audio/aac"},
    {"audio/x-flac", "audio/flac"},
    {"audio/AMR", "audio/amr"},
    {"audio/x-mp4a-latm", "audio/aac"},
    {"video/x-m4v", "video/mp4"},
    {"image/x-ms-bmp", "image/bmp"},
    {"image/svg", "image/svg+xml"},
    {"application/x-gzip", "application/gzip"},
    {"application/x-rar", "application/vnd.rar"},
    {"application/x-zip", zip_type},
    {"application/csv", "text/csv"},
    {"text/rtf", "application/rtf"},
    {"text/xml", "application/xml"},
    {"text/x-vcard", "text/vcard"},
};

std::string registered(std::string type) {
  const auto found = std::ranges::find(renamed_types, type, &Renamed::from);
  if (found != std::end(renamed_types)) return std::string(found->to);
  // Guesses at programming languages, which letters and lists easily look like.
  if (type.starts_with("text/x-")) return "text/plain";
  // libmagic's own kinds, of files that are none (empty ones, devices).
  if (type.find('/') == std::string::npos || type.starts_with("inode/") || type.starts_with("regular/"))
    return std::string(unknown_type);
  return type;
}

/// Whether the first page of an Ogg stream (RFC 3533 section 6) holds the identification of Opus (RFC 7845
/// section 5.1).
bool begins_with_opus(ByteView head) {
  ByteReader reader(head);
  if (!reader.take(26)) return false;
  const auto segments = reader.u8();
  if (!segments || !reader.take(*segments)) return false;
  const auto magic = reader.take(8);
  return magic && protocol::as_text(*magic) == "OpusHead";
}

/// Which file makes an archive a document. libmagic wants them in an order that not all writers keep.
constexpr Renamed archive_members[] = {
    {"word/", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {"xl/", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {"ppt/", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {"AndroidManifest.xml", "application/vnd.android.package-archive"},
};

/// Looks at the name in each local file header (APPNOTE 6.3 at 4.3.7) of the head.
std::string archive_type(ByteView head) {
  constexpr std::size_t name_length_at = 26, header_bytes = 30;
  const std::string_view text = protocol::as_text(head);
  for (std::size_t at = text.find(zip_signature); at != std::string_view::npos; at = text.find(zip_signature, at + 4)) {
    if (text.size() - at < header_bytes) break;
    const std::size_t length = head[at + name_length_at] | std::size_t{head[at + name_length_at + 1]} << 8;
    const std::string_view name = text.substr(at + header_bytes, length);
    for (const auto& [prefix, type] : archive_members)
      if (name.starts_with(prefix)) return std::string(type);
  }
  return std::string(zip_type);
}

}  // namespace

std::string sniff_type(ByteView head) {
  if (head.empty()) return std::string(unknown_type);
  head = head.first(std::min(head.size(), sniffed_bytes));
  std::string type = registered(ask_magic(head));
  // libmagic has patterns for so many kinds of archive that it misses some plain ones.
  const bool archive = type == unknown_type && protocol::as_text(head).starts_with(zip_signature);
  if (archive || type == zip_type) return archive_type(head);
  if (type == "audio/ogg" && begins_with_opus(head)) return "audio/ogg; codecs=opus";
  return type;
}

}  // namespace wharf::media
