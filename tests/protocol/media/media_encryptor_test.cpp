#include "protocol/media/media_encryptor.h"

#include <catch2/catch.hpp>

#include "protocol/media/encrypted_file.h"
#include "tests/support/media_files.h"

using namespace wharf::protocol;
using wharf::test::encrypt_media;
using wharf::test::EncryptedMedia;
using wharf::test::generated_plaintext;
using wharf::test::hex;
using wharf::test::text;
using wharf::test::vector_media_key;
using wharf::test::vectors;

namespace {

MediaKeys keys_of(const boost::json::value& entry) {
  return expand_media_key(vector_media_key(), text(entry.as_object(), "infoString"));
}

MediaKeys video_keys() { return expand_media_key(vector_media_key(), MediaKind::video); }

void require_same(const EncryptedMedia& a, const EncryptedMedia& b) {
  REQUIRE(a.file == b.file);
  REQUIRE(a.digest.file_sha256 == b.digest.file_sha256);
  REQUIRE(a.digest.file_enc_sha256 == b.digest.file_enc_sha256);
  REQUIRE(a.digest.file_length == b.digest.file_length);
  REQUIRE(a.digest.sidecar == b.digest.sidecar);
}

}  // namespace

TEST_CASE("the file vectors are encrypted, empty and block-aligned ones among them") {
  const auto& files = vectors("media").at("files").as_array();
  REQUIRE(files.size() == 11);
  std::size_t empty = 0, aligned = 0;
  for (const auto& entry : files) {
    const Bytes plain = hex(entry.at("plaintextHex"));
    const EncryptedMedia made = encrypt_media(keys_of(entry), plain);
    REQUIRE(made.file == hex(entry.at("encFileHex")));
    REQUIRE(equal(made.digest.file_sha256, hex(entry.at("fileSha256"))));
    REQUIRE(equal(made.digest.file_enc_sha256, hex(entry.at("fileEncSha256"))));
    REQUIRE(made.digest.file_length == plain.size());
    REQUIRE(made.file.size() == encrypted_length(plain.size()));
    empty += plain.empty() ? 1 : 0;
    aligned += !plain.empty() && plain.size() % 16 == 0 ? 1 : 0;
  }
  REQUIRE(empty == 1);
  REQUIRE(aligned == 3);
}

TEST_CASE("the streaming vectors are encrypted with their sidecars") {
  const auto& files = vectors("media").at("streaming").as_array();
  REQUIRE(files.size() == 6);
  for (const auto& entry : files) {
    const Bytes plain = generated_plaintext(static_cast<std::size_t>(entry.at("length").as_int64()));
    const EncryptedMedia made = encrypt_media(video_keys(), plain, 8192);
    REQUIRE(made.file.size() == static_cast<std::size_t>(entry.at("encFileLength").as_int64()));
    REQUIRE(equal(ByteView(made.file).first(16), hex(entry.at("first16OfCiphertext"))));
    REQUIRE(equal(ByteView(made.file).last(26).first(16), hex(entry.at("last16OfCiphertext"))));
    REQUIRE(equal(ByteView(made.file).last(10), hex(entry.at("mac10Hex"))));
    REQUIRE(equal(made.digest.file_sha256, hex(entry.at("fileSha256"))));
    REQUIRE(equal(made.digest.file_enc_sha256, hex(entry.at("fileEncSha256"))));
    REQUIRE(made.digest.sidecar == hex(entry.at("sidecarHex")));
    REQUIRE(entry.at("windowsOver_iv_encFile").as_array().size() * 10 == made.digest.sidecar.size());
  }
}

TEST_CASE("pieces of every size give the file that one piece gives") {
  const Bytes plain = generated_plaintext(100);
  const EncryptedMedia whole = encrypt_media(video_keys(), plain);
  for (std::size_t piece = 1; piece <= plain.size(); ++piece)
    require_same(encrypt_media(video_keys(), plain, piece), whole);
}

TEST_CASE("pieces that straddle the windows of the sidecar give the same sidecar") {
  const Bytes plain = generated_plaintext(2 * 65536 + 40);
  const EncryptedMedia whole = encrypt_media(video_keys(), plain);
  for (const std::size_t piece : {1u, 17u, 4096u, 65535u, 65536u, 65537u, 65552u, 70000u})
    require_same(encrypt_media(video_keys(), plain, piece), whole);
}

TEST_CASE("an empty piece changes nothing and no sidecar is made unless asked for") {
  MediaEncryptor encryptor(vector_media_key(), MediaKind::video, Sidecar::none);
  const Bytes plain = generated_plaintext(50);
  Bytes file;
  encryptor.update(ByteView(plain).first(20), file);
  encryptor.update({}, file);
  encryptor.update(ByteView(plain).subspan(20), file);
  const MediaDigest digest = encryptor.finish(file);
  REQUIRE(file == encrypt_media(video_keys(), plain).file);
  REQUIRE(digest.sidecar.empty());
  REQUIRE(digest.file_length == 50);
}
