#include "protocol/media/sidecar.h"

#include <catch2/catch.hpp>

#include "tests/support/media_files.h"

using namespace wharf::protocol;
using wharf::test::encrypt_media;
using wharf::test::EncryptedMedia;
using wharf::test::generated_plaintext;
using wharf::test::hex;
using wharf::test::vector_media_key;
using wharf::test::vectors;

namespace {

constexpr std::size_t window_bytes = 65536;

MediaKeys video_keys() { return expand_media_key(vector_media_key(), MediaKind::video); }

ByteView slice(ByteView bytes, ByteRange range) {
  return bytes.subspan(static_cast<std::size_t>(range.begin), static_cast<std::size_t>(range.end - range.begin));
}

struct SidecarFile {
  explicit SidecarFile(std::size_t length)
      : plain(generated_plaintext(length)), made(encrypt_media(video_keys(), plain)) {}
  Bytes plain;
  EncryptedMedia made;

  ByteView window(std::uint64_t k) const { return slice(made.file, sidecar_window_range(k, plain.size()).value()); }
  Result<Bytes> open(std::uint64_t k, ByteView bytes) const {
    return open_sidecar_window(video_keys(), made.digest.sidecar, plain.size(), k, bytes);
  }
  Result<Bytes> open(std::uint64_t k) const { return open(k, window(k)); }
};

}  // namespace

TEST_CASE("the windows of the vectors lie where they say") {
  const auto& files = vectors("media").at("streaming").as_array();
  REQUIRE(files.size() == 6);
  for (const auto& entry : files) {
    const auto length = static_cast<std::uint64_t>(entry.at("length").as_int64());
    const auto& windows = entry.at("windowsOver_iv_encFile").as_array();
    REQUIRE(sidecar_window_count(length) == windows.size());
    for (std::size_t k = 0; k < windows.size(); ++k) {
      const auto start = static_cast<std::uint64_t>(windows[k].at("start").as_int64());
      const auto end = static_cast<std::uint64_t>(windows[k].at("end").as_int64());
      // Positions of the vectors count from the IV, ours from the start of the file.
      REQUIRE(sidecar_window_range(k, length) == ByteRange{start == 0 ? 0 : start - 16, end - 16});
    }
    REQUIRE_FALSE(sidecar_window_range(windows.size(), length));
  }
}

TEST_CASE("the writer follows the definition for streams of any length and cut") {
  // The windows of S in full, up to the one that reaches its end.
  const auto by_definition = [](ByteView stream) {
    Bytes entries;
    for (std::size_t start = 0;; start += window_bytes) {
      const std::size_t end = std::min(stream.size(), start + window_bytes + 16);
      append(entries, ByteView(hmac_sha256(video_keys().mac, stream.subspan(start, end - start))).first(10));
      if (end == stream.size()) return entries;
    }
  };
  const Bytes bytes = generated_plaintext(2 * window_bytes + 40);
  for (const std::size_t border : {window_bytes, 2 * window_bytes}) {
    for (std::size_t length = border - 20; length <= border + 4; length += 4) {
      const ByteView file = ByteView(bytes).first(length);
      for (const std::size_t piece : {5u, 4099u, 200'000u}) {
        SidecarWriter writer(video_keys());
        for (std::size_t at = 0; at < length; at += piece)
          writer.update(file.subspan(at, std::min(piece, length - at)));
        REQUIRE(writer.finish() == by_definition(concat(video_keys().iv, file)));
      }
    }
  }
}

TEST_CASE("the ranged read of the vectors is window 1 and decrypts to its hash") {
  const auto& ranged = vectors("media").at("rangedDecrypt");
  REQUIRE(ranged.at("httpRange").as_string() == "bytes=65520-131071");
  const SidecarFile file(200'000);
  const auto fetch = windows_for({65536, 131072}, 200'000);
  REQUIRE(fetch == WindowFetch{1, 1, {65520, 131072}});
  REQUIRE(equal(file.window(1).first(16), hex(ranged.at("ivHex"))));
  REQUIRE(equal(sha256(file.open(1, slice(file.made.file, fetch->bytes)).value()), hex(ranged.at("plaintextSha256"))));
}

TEST_CASE("every window of a file opens to its own 64 KiB, around each border a file can end at") {
  for (const std::size_t border : {window_bytes, 2 * window_bytes}) {
    for (std::size_t length = border - 34; length <= border + 18; ++length) {
      const SidecarFile file(length);
      const std::uint64_t count = sidecar_window_count(length);
      REQUIRE(file.made.digest.sidecar.size() == count * 10);
      Bytes together;
      for (std::uint64_t k = 0; k < count; ++k) {
        const auto plain = file.open(k);
        REQUIRE(plain);
        REQUIRE(together.size() == std::min<std::uint64_t>(k * window_bytes, length));
        append(together, *plain);
      }
      REQUIRE(together == file.plain);
    }
  }
}

TEST_CASE("a file that ends inside the block two windows would share has no entry for the second") {
  // S = iv, ciphertext and MAC: 16 + 16 * floor(n / 16) + 26 bytes, here 65546 = 65536 + 10.
  REQUIRE(SidecarFile(65504).made.digest.sidecar.size() == 10);
  REQUIRE(SidecarFile(65519).made.digest.sidecar.size() == 10);
  // 65562: the second window is IV and MAC, and yields nothing.
  const SidecarFile filled(65520);
  REQUIRE(filled.made.digest.sidecar.size() == 20);
  REQUIRE(filled.window(1).size() == 26);
  REQUIRE(filled.open(0).value() == filled.plain);
  REQUIRE(filled.open(1).value().empty());
}

TEST_CASE("small and empty files are one window") {
  for (const std::size_t length : {0u, 1u, 15u, 16u, 17u, 100u}) {
    const SidecarFile file(length);
    REQUIRE(sidecar_window_count(length) == 1);
    REQUIRE(file.window(0).size() == file.made.file.size());
    REQUIRE(file.open(0).value() == file.plain);
  }
}

TEST_CASE("a window with one bit flipped, or of another place, does not open") {
  const SidecarFile file(150'000);
  for (std::uint64_t k = 0; k < 3; ++k) {
    const ByteView good = file.window(k);
    for (const std::size_t at : {std::size_t{0}, std::size_t{20}, good.size() / 2, good.size() - 11, good.size() - 1}) {
      Bytes bad = to_bytes(good);
      bad[at] ^= 1;
      REQUIRE(file.open(k, bad).error().code == Errc::bad_mac);
    }
    REQUIRE(file.open(k, good.first(good.size() - 1)).error().code == Errc::truncated);
    Bytes longer = to_bytes(good);
    longer.push_back(0);
    REQUIRE(file.open(k, longer).error().code == Errc::too_large);
  }
  // Both windows are whole ones, so the length does not tell; the first has its IV from the key.
  const SidecarFile longer(250'000);
  REQUIRE(longer.open(1, longer.window(2)).error().code == Errc::bad_mac);
  REQUIRE(longer.open(2, longer.window(1)).error().code == Errc::bad_mac);
  REQUIRE(longer.open(1));
}

TEST_CASE("a sidecar that does not fit the length, or an altered entry, is refused") {
  const SidecarFile file(150'000);
  const Bytes& sidecar = file.made.digest.sidecar;
  const auto open = [&](ByteView with, std::uint64_t length) {
    return open_sidecar_window(video_keys(), with, length, 1, file.window(1));
  };
  REQUIRE(open(sidecar, 150'000));
  REQUIRE(open(ByteView(sidecar).first(29), 150'000).error().code == Errc::malformed);
  REQUIRE(open(ByteView(sidecar).first(20), 150'000).error().code == Errc::malformed);
  REQUIRE(open({}, 150'000).error().code == Errc::malformed);
  REQUIRE(open(sidecar, 300'000).error().code == Errc::malformed);
  REQUIRE(open(sidecar, UINT64_MAX).error().code == Errc::malformed);
  Bytes altered = sidecar;
  altered[10] ^= 1;
  REQUIRE(open(altered, 150'000).error().code == Errc::bad_mac);
  // An entry more, as a loop over every multiple of 64 KiB writes it, is no reason to refuse.
  Bytes loop_form = sidecar;
  loop_form.resize(40);
  REQUIRE(open(loop_form, 150'000));
  loop_form.resize(50);
  REQUIRE(open(loop_form, 150'000).error().code == Errc::malformed);
}

TEST_CASE("a stated length that the padding contradicts is refused") {
  const SidecarFile file(100);  // 112 bytes of ciphertext, like every length from 96 to 111
  const auto open = [&](std::uint64_t length) {
    return open_sidecar_window(video_keys(), file.made.digest.sidecar, length, 0, file.window(0));
  };
  REQUIRE(open(100));
  REQUIRE(open(99).error().code == Errc::bad_mac);
  REQUIRE(open(111).error().code == Errc::bad_mac);
  REQUIRE(open(112).error().code == Errc::truncated);
}

TEST_CASE("a plaintext range names the windows to fetch") {
  constexpr std::uint64_t length = 200'000;
  REQUIRE(windows_for({0, 1}, length) == WindowFetch{0, 0, {0, 65536}});
  REQUIRE(windows_for({0, 65536}, length) == WindowFetch{0, 0, {0, 65536}});
  REQUIRE(windows_for({0, 65537}, length) == WindowFetch{0, 1, {0, 131072}});
  REQUIRE(windows_for({65535, 65536}, length) == WindowFetch{0, 0, {0, 65536}});
  REQUIRE(windows_for({131072, 131073}, length) == WindowFetch{2, 2, {131056, 196608}});
  REQUIRE(windows_for({199'999, 200'000}, length) == WindowFetch{3, 3, {196592, 200'026}});
  REQUIRE(windows_for({0, length}, length) == WindowFetch{0, 3, {0, 200'026}});
  for (const ByteRange bad :
       {ByteRange{5, 5}, ByteRange{6, 5}, ByteRange{0, length + 1}, ByteRange{length, length + 1}})
    REQUIRE_FALSE(windows_for(bad, length));
  REQUIRE_FALSE(windows_for({0, 1}, 0));
  REQUIRE_FALSE(windows_for({0, 1}, max_media_length + 1));
  REQUIRE_FALSE(windows_for({0, UINT64_MAX}, UINT64_MAX));
  REQUIRE(windows_for({max_media_length - 1, max_media_length}, max_media_length).has_value());
}
