// Extensions and types, in both directions.

#include <algorithm>

#include "media/file_type.h"

namespace wharf::media {

namespace {

struct Entry {
  std::string_view extension, type;
};

/// Of several extensions of one type the first is the one that files are given.
constexpr Entry table[] = {
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".png", "image/png"},
    {".webp", "image/webp"},
    {".gif", "image/gif"},
    {".bmp", "image/bmp"},
    {".tiff", "image/tiff"},
    {".tif", "image/tiff"},
    {".svg", "image/svg+xml"},
    {".heic", "image/heic"},
    {".avif", "image/avif"},
    {".mp4", "video/mp4"},
    {".m4v", "video/mp4"},
    {".mov", "video/quicktime"},
    {".webm", "video/webm"},
    {".mkv", "video/x-matroska"},
    {".avi", "video/x-msvideo"},
    {".3gp", "video/3gpp"},
    {".mpg", "video/mpeg"},
    {".mpeg", "video/mpeg"},
    {".mp3", "audio/mpeg"},
    {".m4a", "audio/mp4"},
    {".aac", "audio/aac"},
    {".ogg", "audio/ogg"},
    {".oga", "audio/ogg"},
    {".opus", "audio/ogg; codecs=opus"},
    {".wav", "audio/wav"},
    {".flac", "audio/flac"},
    {".amr", "audio/amr"},
    {".mid", "audio/midi"},
    {".pdf", "application/pdf"},
    {".doc", "application/msword"},
    {".xls", "application/vnd.ms-excel"},
    {".ppt", "application/vnd.ms-powerpoint"},
    {".docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
    {".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
    {".pptx", "application/vnd.openxmlformats-officedocument.presentationml.presentation"},
    {".odt", "application/vnd.oasis.opendocument.text"},
    {".ods", "application/vnd.oasis.opendocument.spreadsheet"},
    {".odp", "application/vnd.oasis.opendocument.presentation"},
    {".rtf", "application/rtf"},
    {".epub", "application/epub+zip"},
    {".txt", "text/plain"},
    {".log", "text/plain"},
    {".md", "text/markdown"},
    {".csv", "text/csv"},
    {".html", "text/html"},
    {".htm", "text/html"},
    {".xml", "application/xml"},
    {".json", "application/json"},
    {".vcf", "text/vcard"},
    {".ics", "text/calendar"},
    {".zip", "application/zip"},
    {".gz", "application/gzip"},
    {".tar", "application/x-tar"},
    {".7z", "application/x-7z-compressed"},
    {".rar", "application/vnd.rar"},
    {".apk", "application/vnd.android.package-archive"},
};

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

}  // namespace

std::string type_for_name(std::string_view file_name) {
  // A name that only begins with a dot has no extension.
  const std::size_t dot = file_name.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || file_name[dot - 1] == '/') return {};
  if (file_name.size() - dot > 8) return {};
  const std::string extension = lower_case(file_name.substr(dot));
  const auto found = std::ranges::find(table, extension, &Entry::extension);
  return found == std::end(table) ? std::string() : std::string(found->type);
}

std::string_view extension_for_type(std::string_view mime) {
  const std::string whole = lower_case(mime.substr(0, 128));
  std::string_view type = std::string_view(whole).substr(0, whole.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  const auto found = std::ranges::find(table, type, &Entry::type);
  return found == std::end(table) ? std::string_view() : found->extension;
}

std::vector<std::string> known_extensions() {
  std::vector<std::string> out;
  for (const Entry& entry : table) out.emplace_back(entry.extension);
  return out;
}

}  // namespace wharf::media
