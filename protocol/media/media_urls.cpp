#include "protocol/media/media_urls.h"

#include <algorithm>
#include <charconv>

namespace wharf::protocol {

namespace {

constexpr std::size_t max_host_bytes = 253;
constexpr std::size_t max_path_bytes = 4096;
constexpr std::string_view https = "https://";
constexpr std::string_view cdn_domain = ".whatsapp.net";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string percent_encode(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~') out += c;
    else ((out += '%') += digits[byte >> 4]) += digits[byte & 15];
  }
  return out;
}

std::string target(std::string_view path, const Digest32& hash, std::string_view auth) {
  const std::string token = upload_token(hash);
  return std::string(path) + "/" + token + "?auth=" + percent_encode(auth) + "&token=" + token;
}

/// Lower case, with its port unless that is the usual one.
std::string canonical_host(std::string_view host) {
  if (host.ends_with(":443")) host.remove_suffix(4);
  return lower(host);
}

/// "https://host/path" apart, when that is all there is to it.
struct Url {
  std::string host;  // canonical
  std::string_view path;
};
std::optional<Url> read_url(std::string_view text) {
  if (!lower(text.substr(0, https.size())).starts_with(https)) return std::nullopt;
  text.remove_prefix(https.size());
  const std::size_t slash = std::min(text.find('/'), text.size());
  const std::string_view host = text.substr(0, slash), path = text.substr(slash);
  if (!acceptable_media_host(host) || !acceptable_direct_path(path)) return std::nullopt;
  return Url{canonical_host(host), path};
}

bool listed(std::string_view host, std::span<const std::string> hosts) {
  return std::any_of(hosts.begin(), hosts.end(), [&](const auto& known) { return canonical_host(known) == host; });
}

bool trusted(std::string_view host, std::span<const std::string> hosts) {
  return (host.ends_with(cdn_domain) && host.size() > cdn_domain.size()) || listed(host, hosts);
}

}  // namespace

bool acceptable_media_host(std::string_view host) {
  const std::size_t colon = host.find(':');
  if (colon != std::string_view::npos) {
    const std::string_view digits = host.substr(colon + 1);
    unsigned port = 0;
    const auto [stop, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (failure != std::errc() || stop != digits.data() + digits.size() || port == 0 || port > 65535) return false;
    host = host.substr(0, colon);
  }
  if (host.empty() || host.size() > max_host_bytes || host.find("..") != std::string_view::npos) return false;
  if (!is_alphanumeric(host.front()) || !is_alphanumeric(host.back())) return false;
  return std::all_of(host.begin(), host.end(), [](char c) { return is_alphanumeric(c) || c == '-' || c == '.'; });
}

bool acceptable_direct_path(std::string_view path) {
  return path.starts_with('/') && path.size() <= max_path_bytes &&
         std::all_of(path.begin(), path.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
}

std::string upload_token(const Digest32& uploaded_sha256) { return to_base64url(uploaded_sha256); }

std::optional<Digest32> read_upload_token(std::string_view token) {
  if (token.size() == 44 && token.back() == '=') token.remove_suffix(1);
  if (token.size() != 43) return std::nullopt;
  std::string standard = std::string(token) + '=';
  std::replace(standard.begin(), standard.end(), '-', '+');
  std::replace(standard.begin(), standard.end(), '_', '/');
  const auto bytes = from_base64(standard);
  const auto hash = bytes ? exactly<32>(*bytes) : std::nullopt;
  // Written again it must be the same: one hash has one token. (libsodium takes bytes over 127 for '/'.)
  if (!hash || upload_token(*hash) != token) return std::nullopt;
  return hash;
}

std::string upload_target(MediaKind kind, const Digest32& file_enc_sha256, std::string_view auth) {
  return target(upload_path(kind), file_enc_sha256, auth);
}

std::optional<std::string> newsletter_upload_target(MediaKind kind, const Digest32& file_sha256,
                                                    std::string_view auth) {
  const auto path = newsletter_upload_path(kind);
  if (!path) return std::nullopt;
  return target(*path, file_sha256, auth);
}

std::string resume_query_target(std::string_view upload_target) { return std::string(upload_target) + "&resume=1"; }

std::string resume_target(std::string_view upload_target, std::uint64_t offset) {
  return std::string(upload_target) + "&file_offset=" + std::to_string(offset);
}

std::string delete_history_target(const Digest32& file_enc_sha256, std::string_view direct_path, std::string_view auth,
                                  std::string_view enc_handle) {
  const std::string token = upload_token(file_enc_sha256);  // padded here: once as it is, once encoded
  const std::string_view path = direct_path.substr(0, direct_path.find('?'));
  std::string out = std::string(upload_path(MediaKind::history)) + "/" + token + "=?token=" + token + "%3D";
  out += "&d_md=" + to_base64url(as_bytes(path)) + "&auth=" + percent_encode(auth);
  if (!enc_handle.empty()) out += "&e_handle=" + percent_encode(enc_handle);
  return out;
}

Result<void> check_upload(const UploadAnswer& answer) {
  if (!acceptable_direct_path(answer.direct_path)) return Error(Errc::malformed, "upload answer without a direct path");
  if (!read_url(answer.url)) return Error(Errc::malformed, "upload answer without an https url");
  return {};
}

std::uint64_t resume_offset(const UploadAnswer& answer, std::uint64_t file_length) {
  if (answer.resume == "complete") return check_upload(answer) ? file_length : 0;
  std::uint64_t offset = 0;
  const char* end = answer.resume.data() + answer.resume.size();
  const auto [stop, failure] = std::from_chars(answer.resume.data(), end, offset);
  if (failure != std::errc() || stop != end || offset >= file_length) return 0;
  return offset;
}

Result<std::vector<DownloadTarget>> download_targets(const MediaLocation& location,
                                                     const std::optional<Digest32>& sent_sha256, MediaKind kind,
                                                     std::span<const std::string> hosts) {
  if (!location.static_url.empty()) {
    const auto url = read_url(location.static_url);
    if (url && trusted(url->host, hosts)) return std::vector<DownloadTarget>{{url->host, std::string(url->path)}};
  }
  std::vector<DownloadTarget> targets;
  std::string path = location.direct_path;
  if (path.empty() && location.url.empty()) return Error(Errc::not_found, "the message names no place for its media");
  if (path.empty()) {
    const auto url = read_url(location.url);
    if (!url || !trusted(url->host, hosts)) return Error(Errc::refused, "media url outside of the media servers");
    path = url->path;
    targets.push_back({url->host, {}});
  }
  if (!acceptable_direct_path(path)) return Error(Errc::malformed, "direct path of the media");

  path += path.find('?') == std::string::npos ? '?' : '&';
  if (sent_sha256) path += "hash=" + upload_token(*sent_sha256) + "%3D&";
  (path += "mms-type=").append(mms_type(kind)) += "&__wa-mms=";

  const auto add = [&](std::string_view host) {
    const auto same = [&](const DownloadTarget& known) { return known.host == canonical_host(host); };
    if (!acceptable_media_host(host) || std::any_of(targets.begin(), targets.end(), same)) return;
    targets.push_back({canonical_host(host), {}});
  };
  for (const std::string& host : hosts) add(host);
  if (hosts.empty()) {
    for (const std::string_view host : default_media_hosts) add(host);
  }
  for (DownloadTarget& each : targets) each.target = path;
  return targets;
}

}  // namespace wharf::protocol
