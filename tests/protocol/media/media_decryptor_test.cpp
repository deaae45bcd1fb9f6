#include "protocol/media/media_decryptor.h"

#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "tests/support/media_files.h"

using namespace wharf::protocol;
using wharf::test::decrypt_media;
using wharf::test::encrypt_media;
using wharf::test::EncryptedMedia;
using wharf::test::generated_plaintext;
using wharf::test::hex;
using wharf::test::text;
using wharf::test::vector_media_key;
using wharf::test::vectors;

namespace {

MediaKeys image_keys() { return expand_media_key(vector_media_key(), MediaKind::image); }

/// Hashes that fit whatever `file` is, so that only MAC and padding are left to object.
MediaHashes hashes_of(ByteView file, const Digest32& plain) { return {sha256(file), plain}; }

/// A file whose MAC is right for `ciphertext`, whatever that is.
Bytes with_mac(const MediaKeys& keys, Bytes ciphertext) {
  const Digest32 mac = hmac_sha256(keys.mac, concat(keys.iv, ciphertext));
  append(ciphertext, ByteView(mac).first(10));
  return ciphertext;
}

}  // namespace

TEST_CASE("the file vectors are decrypted in pieces of every size") {
  const auto& files = vectors("media").at("files").as_array();
  REQUIRE(files.size() == 11);
  for (const auto& entry : files) {
    const MediaKeys keys = expand_media_key(vector_media_key(), text(entry.as_object(), "infoString"));
    const Bytes file = hex(entry.at("encFileHex"));
    const MediaHashes hashes{exactly<32>(hex(entry.at("fileEncSha256"))),
                             exactly<32>(hex(entry.at("fileSha256"))).value()};
    for (std::size_t piece = 1; piece <= file.size(); ++piece)
      REQUIRE(decrypt_media(keys, hashes, file, piece).value() == hex(entry.at("plaintextHex")));
    REQUIRE(decrypt_media(keys, {std::nullopt, hashes.file_sha256}, file));  // an absent hash is not checked
  }
}

TEST_CASE("the inputs of the vectors that must fail are refused by the check they name") {
  const std::map<std::string_view, Errc> codes = {
      {"enc-hash-mismatch", Errc::bad_mac}, {"mac-mismatch", Errc::bad_mac},
      {"bad-padding", Errc::bad_mac},       {"bad-ciphertext-length", Errc::bad_mac},
      {"too-short", Errc::truncated},       {"plain-hash-mismatch", Errc::malformed},
      {"bad-media-key", Errc::invalid_key}, {"bad-hash-length", Errc::malformed}};
  const auto& bad = vectors("media").at("mustFail").as_array();
  REQUIRE(bad.size() == 15);
  std::map<std::string_view, std::set<std::string>> texts;
  for (const auto& entry : bad) {
    const auto& object = entry.as_object();
    const std::string_view label = text(object, "mustFailWith");
    CAPTURE(text(object, "name"));
    REQUIRE(text(object, "kind") == "image");
    const Bytes key = object.contains("mediaKeyOverride") ? hex(object.at("mediaKeyOverride"))
                                                          : to_bytes(ByteView(vector_media_key()));
    const auto reference = read_media_reference(key, hex(object.at("fileEncSha256")), hex(object.at("fileSha256")));
    REQUIRE(reference.has_value() == (label != "bad-media-key" && label != "bad-hash-length"));
    Error error;
    if (reference) {
      MediaDecryptor decryptor(*reference, MediaKind::image);
      Bytes out;
      decryptor.update(hex(object.at("encFileHex")), out);
      const auto finished = decryptor.finish(out);
      REQUIRE_FALSE(finished);
      error = finished.error();
    } else {
      error = reference.error();
    }
    REQUIRE(error.code == codes.at(label));
    texts[label].insert(error.detail);
  }
  // MAC, padding and length are not told apart; the hash of the encrypted file, which everybody can compute, is.
  REQUIRE(texts.at("mac-mismatch").size() == 1);
  REQUIRE(texts.at("mac-mismatch") == texts.at("bad-padding"));
  REQUIRE(texts.at("mac-mismatch") == texts.at("bad-ciphertext-length"));
  REQUIRE(texts.at("mac-mismatch") != texts.at("enc-hash-mismatch"));
}

TEST_CASE("a file cut at any byte is refused, and without its hash too") {
  const EncryptedMedia made = encrypt_media(image_keys(), generated_plaintext(60));
  for (std::size_t length = 0; length < made.file.size(); ++length) {
    const ByteView cut = ByteView(made.file).first(length);
    const Errc expected = length <= 10 ? Errc::truncated : Errc::bad_mac;
    REQUIRE(decrypt_media(image_keys(), made.hashes(), cut).error().code == expected);
    REQUIRE(decrypt_media(image_keys(), {std::nullopt, made.digest.file_sha256}, cut).error().code == expected);
  }
  Bytes longer = made.file;
  longer.push_back(0);
  REQUIRE(decrypt_media(image_keys(), made.hashes(), longer).error().code == Errc::bad_mac);
}

TEST_CASE("one bit flipped anywhere in the file is refused by its hash and, that recomputed, by the MAC") {
  const EncryptedMedia made = encrypt_media(image_keys(), generated_plaintext(40));
  REQUIRE(made.file.size() == 58);
  std::string by_hash, by_mac;
  for (std::size_t at = 0; at < made.file.size(); ++at) {  // first, inner and last block, MAC
    Bytes bad = made.file;
    bad[at] ^= 0x10;
    const auto hashed = decrypt_media(image_keys(), made.hashes(), bad);
    const auto recomputed = decrypt_media(image_keys(), hashes_of(bad, made.digest.file_sha256), bad);
    REQUIRE(hashed.error().code == Errc::bad_mac);
    REQUIRE(recomputed.error().code == Errc::bad_mac);
    if (at == 0) by_hash = hashed.error().detail, by_mac = recomputed.error().detail;
    REQUIRE(hashed.error().detail == by_hash);
    REQUIRE(recomputed.error().detail == by_mac);
  }
  REQUIRE(by_hash != by_mac);
}

TEST_CASE("a right MAC over a wrong plaintext is the sender's fault, over bad padding a file that does not verify") {
  const MediaKeys keys = image_keys();
  const EncryptedMedia made = encrypt_media(keys, generated_plaintext(40));
  Digest32 other = made.digest.file_sha256;
  other[31] ^= 1;
  REQUIRE(decrypt_media(keys, hashes_of(made.file, other), made.file).error().code == Errc::malformed);

  // A flip in the block before the last one changes the padding.
  Bytes ciphertext(made.file.begin(), made.file.end() - 10);
  ciphertext[ciphertext.size() - 17] ^= 0xff;
  const Bytes bad = with_mac(keys, ciphertext);
  REQUIRE(decrypt_media(keys, hashes_of(bad, made.digest.file_sha256), bad).error().code == Errc::bad_mac);
  // Only a MAC, and a MAC over nothing: no block to take padding from.
  const Bytes nothing = with_mac(keys, {});
  REQUIRE(decrypt_media(keys, hashes_of(nothing, sha256({})), nothing).error().code == Errc::truncated);
}

TEST_CASE("the MAC and the last block are held back until the end") {
  const EncryptedMedia made = encrypt_media(image_keys(), generated_plaintext(64));
  MediaDecryptor decryptor(image_keys(), made.hashes());
  Bytes out;
  std::size_t fed = 0;
  for (const std::uint8_t byte : made.file) {
    decryptor.update(ByteView(&byte, 1), out);
    ++fed;
    REQUIRE(decryptor.received_bytes() == fed);
    const std::size_t ciphertext = fed < 10 ? 0 : fed - 10;
    REQUIRE(out.size() <= ciphertext);
  }
  REQUIRE(out.size() == 64);
  REQUIRE(decryptor.finish(out));
  REQUIRE(out == generated_plaintext(64));
}

TEST_CASE("a large file comes back and the keys of another kind do not open it") {
  const MediaKeys video = expand_media_key(vector_media_key(), MediaKind::video);
  const Bytes plain = generated_plaintext(200'000);
  const EncryptedMedia made = encrypt_media(video, plain);
  for (const std::size_t piece : {1000u, 65536u, 300'000u})
    REQUIRE(decrypt_media(video, made.hashes(), made.file, piece).value() == plain);
  REQUIRE(decrypt_media(image_keys(), made.hashes(), made.file).error().code == Errc::bad_mac);
}

TEST_CASE("lengths of key and hashes are checked before anything is fetched") {
  const Bytes good(32, 1), shorter(31, 1), longer(33, 1);
  REQUIRE(read_media_reference(good, good, good).value().hashes.file_enc_sha256.has_value());
  REQUIRE_FALSE(read_media_reference(good, {}, good).value().hashes.file_enc_sha256.has_value());
  for (const Bytes& bad : {shorter, longer}) {
    REQUIRE(read_media_reference(bad, good, good).error().code == Errc::invalid_key);
    REQUIRE(read_media_reference(good, bad, good).error().code == Errc::malformed);
    REQUIRE(read_media_reference(good, good, bad).error().code == Errc::malformed);
  }
  REQUIRE(read_media_reference({}, good, good).error().code == Errc::invalid_key);
  REQUIRE(read_media_reference(good, good, {}).error().code == Errc::malformed);
}
