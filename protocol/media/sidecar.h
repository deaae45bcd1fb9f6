#pragma once
// The streaming sidecar: what makes a video or voice file readable from the middle. Specification 04 sections 2.3, 2.4.
//
// One MAC at the end of a file proves nothing before the last byte is there. The sidecar holds a MAC of 10 bytes for
// each 64 KiB instead. Let S = iv || ciphertext || mac10. Window k is S[64 KiB * k, 64 KiB * (k + 1) + 16), cut at the
// end of S: a CBC IV (the ciphertext block before) and the ciphertext of exactly the plaintext bytes
// [64 KiB * k, 64 KiB * (k + 1)), so it can be checked and decrypted by itself. The windows end with the one that
// reaches the end of S. When the ciphertext fills its windows exactly, the last window holds no ciphertext but the IV
// and the MAC of the file.

#include <optional>

#include "protocol/crypto/hash_stream.h"
#include "protocol/media/encrypted_file.h"
#include "protocol/media/media_keys.h"
#include "protocol/result.h"

namespace wharf::protocol {

inline constexpr std::uint64_t sidecar_window_bytes = 64 * 1024;  // without the shared block

/// Makes the sidecar while the file is written. Keeps 16 bytes of the file, and 10 bytes for each 64 KiB seen.
class SidecarWriter {
 public:
  explicit SidecarWriter(const MediaKeys& keys);  // feeds the IV itself
  void update(ByteView file_bytes);
  Bytes finish();

 private:
  void emit();

  HmacSha256Stream window_;
  std::size_t in_window_ = 0;
  std::size_t carried_ = 0;  // of those, what the window before covers too
  std::array<std::uint8_t, media_block_bytes> overlap_{};
  Bytes entries_;
};

/// [begin, end)
struct ByteRange {
  std::uint64_t begin = 0, end = 0;
  friend bool operator==(const ByteRange&, const ByteRange&) = default;
};

/// How many windows the file of `plain_length` bytes has; at least one. 0 when the length is over max_media_length.
std::uint64_t sidecar_window_count(std::uint64_t plain_length);

/// The bytes of the encrypted file that window `window` consists of (its IV included, except that the first window's is
/// not in the file). nullopt when the file has no such window.
std::optional<ByteRange> sidecar_window_range(std::uint64_t window, std::uint64_t plain_length);

/// What to fetch for the plaintext bytes [range.begin, range.end): whole windows, to be opened one by one. The windows
/// of a fetch overlap by 16 bytes; the first plaintext byte of window k is 64 KiB * k. An HTTP Range header names the
/// last byte: fetch.bytes.end - 1.
struct WindowFetch {
  std::uint64_t first_window = 0, last_window = 0;
  ByteRange bytes;
  friend bool operator==(const WindowFetch&, const WindowFetch&) = default;
};
/// nullopt when the range is empty, backwards or not inside the file, or the file longer than max_media_length.
std::optional<WindowFetch> windows_for(ByteRange range, std::uint64_t plain_length);

/// Verified plaintext of one window: at most 64 KiB, padding removed. `sidecar` and `plain_length` are what the message
/// says (streamingSidecar, fileLength); `bytes` is exactly sidecar_window_range(). The last window of a file whose
/// ciphertext fills its windows yields nothing.
/// Errors: malformed (no such window, or the sidecar does not fit the length), truncated / too_large (`bytes` has
/// another length), bad_mac (the window is not the sender's, or its padding is wrong: one text).
Result<Bytes> open_sidecar_window(const MediaKeys& keys, ByteView sidecar, std::uint64_t plain_length,
                                  std::uint64_t window, ByteView bytes);

}  // namespace wharf::protocol
