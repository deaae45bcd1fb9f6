#include "protocol/media/sidecar.h"

#include <algorithm>

#include "protocol/crypto/aes_stream.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t full_window_bytes = sidecar_window_bytes + media_block_bytes;

/// Length of S, IV and MAC included.
constexpr std::uint64_t stream_length(std::uint64_t plain_length) {
  return media_block_bytes + encrypted_length(plain_length);
}

}  // namespace

SidecarWriter::SidecarWriter(const MediaKeys& keys) : window_(keys.mac) { update(keys.iv); }

void SidecarWriter::update(ByteView file_bytes) {
  while (!file_bytes.empty()) {
    // Up to where the shared block begins, then the shared block, which is remembered for the window after.
    const bool shared = in_window_ >= sidecar_window_bytes;
    const std::size_t limit = shared ? full_window_bytes : sidecar_window_bytes;
    const ByteView piece = file_bytes.first(std::min(file_bytes.size(), limit - in_window_));
    file_bytes = file_bytes.subspan(piece.size());
    if (shared) {
      const auto at = static_cast<std::ptrdiff_t>(in_window_ - sidecar_window_bytes);
      std::copy(piece.begin(), piece.end(), overlap_.begin() + at);
    }
    window_.update(piece);
    in_window_ += piece.size();
    if (in_window_ < full_window_bytes) continue;
    emit();
    window_.restart();
    window_.update(overlap_);
    in_window_ = carried_ = overlap_.size();
  }
}

Bytes SidecarWriter::finish() {
  // Nothing but the carried block: the window before reached the end.
  if (in_window_ > carried_) emit();
  return std::move(entries_);
}

void SidecarWriter::emit() {
  const Digest32 mac = window_.finish();
  append(entries_, ByteView(mac).first(media_mac_bytes));
}

std::uint64_t sidecar_window_count(std::uint64_t plain_length) {
  if (plain_length > max_media_length) return 0;
  const std::uint64_t length = stream_length(plain_length);
  if (length <= full_window_bytes) return 1;
  return 1 + (length - full_window_bytes + sidecar_window_bytes - 1) / sidecar_window_bytes;
}

std::optional<ByteRange> sidecar_window_range(std::uint64_t window, std::uint64_t plain_length) {
  if (window >= sidecar_window_count(plain_length)) return std::nullopt;
  const std::uint64_t begin = window * sidecar_window_bytes;  // in S
  const std::uint64_t end = std::min(stream_length(plain_length), begin + full_window_bytes);
  return ByteRange{window == 0 ? 0 : begin - media_block_bytes, end - media_block_bytes};
}

std::optional<WindowFetch> windows_for(ByteRange range, std::uint64_t plain_length) {
  if (range.begin >= range.end || range.end > plain_length || plain_length > max_media_length) return std::nullopt;
  WindowFetch fetch;
  fetch.first_window = range.begin / sidecar_window_bytes;
  fetch.last_window = (range.end - 1) / sidecar_window_bytes;
  fetch.bytes = {sidecar_window_range(fetch.first_window, plain_length)->begin,
                 sidecar_window_range(fetch.last_window, plain_length)->end};
  return fetch;
}

Result<Bytes> open_sidecar_window(const MediaKeys& keys, ByteView sidecar, std::uint64_t plain_length,
                                  std::uint64_t window, ByteView bytes) {
  const std::uint64_t count = sidecar_window_count(plain_length);
  const auto range = sidecar_window_range(window, plain_length);
  if (!range) return Error(Errc::malformed, "the media file has no such sidecar window");
  // Some sender loops over every multiple of 64 KiB and so writes one entry more when S ends just past one.
  const bool fits = sidecar.size() == count * media_mac_bytes || sidecar.size() == (count + 1) * media_mac_bytes;
  if (!fits) return Error(Errc::malformed, "media sidecar of another length than the file's");
  const std::uint64_t wanted = range->end - range->begin;
  if (bytes.size() < wanted) return Error(Errc::truncated, "sidecar window is cut short");
  if (bytes.size() > wanted) return Error(Errc::too_large, "more bytes than the sidecar window has");

  const auto refused = [] { return Error(Errc::bad_mac, "sidecar window does not verify"); };
  HmacSha256Stream hmac(keys.mac);
  if (window == 0) hmac.update(keys.iv);
  hmac.update(bytes);
  const Digest32 mac = hmac.finish();
  const ByteView entry = sidecar.subspan(static_cast<std::size_t>(window) * media_mac_bytes, media_mac_bytes);
  if (!equal_constant_time(entry, ByteView(mac).first(media_mac_bytes))) return refused();

  BlockIv iv = keys.iv;
  if (window > 0) {
    iv = *exactly<media_block_bytes>(bytes.first(media_block_bytes));
    bytes = bytes.subspan(media_block_bytes);
  }
  if (window + 1 == count) bytes = bytes.first(bytes.size() - media_mac_bytes);
  Bytes plain;
  if (bytes.empty()) return plain;
  // The last ciphertext may lie in the window before the last.
  const bool ends_here = (window + 1) * sidecar_window_bytes >= ciphertext_length(plain_length);
  CbcDecryptStream cipher(keys.cipher, iv, ends_here ? CbcPadding::pkcs7 : CbcPadding::none);
  cipher.update(bytes, plain);
  if (!cipher.finish(plain)) return refused();
  // The padding could say another length than the message does.
  const std::uint64_t begin = window * sidecar_window_bytes;
  if (plain.size() != std::min(plain_length - begin, sidecar_window_bytes)) return refused();
  return plain;
}

}  // namespace wharf::protocol
