// Media from untrusted places. The first byte of the input chooses: a file from the network (in any pieces the same
// verdict, and never a good one), a file of our own (comes back, whole and by windows), the stanzas about media hosts
// and re-uploads, what a phone seals into a re-upload answer, and the addresses a message gives.

#include <algorithm>
#include <cstdlib>

#include "protocol/media/media_decryptor.h"
#include "protocol/media/media_encryptor.h"
#include "protocol/media/media_retry.h"
#include "protocol/media/media_urls.h"
#include "protocol/stanzas/media_conn.h"

using namespace wharf::protocol;

namespace {

constexpr MediaKey key{1, 2, 3};

void check(bool invariant) {
  if (!invariant) std::abort();
}

const MediaKeys& keys() {
  static const MediaKeys expanded = expand_media_key(key, MediaKind::video);
  return expanded;
}

struct Decrypted {
  Bytes plain;
  Errc verdict = Errc::none;
  bool operator==(const Decrypted&) const = default;
};

Decrypted decrypt(ByteView file, const MediaHashes& hashes, std::size_t piece) {
  Decrypted out;
  MediaDecryptor decryptor(keys(), hashes);
  for (std::size_t at = 0; at < file.size(); at += piece)
    decryptor.update(file.subspan(at, std::min(piece, file.size() - at)), out.plain);
  check(out.plain.size() <= file.size());
  const auto finished = decryptor.finish(out.plain);
  if (!finished) out.verdict = finished.error().code;
  return out;
}

void foreign_file(ByteView file, std::size_t piece) {
  const Decrypted whole = decrypt(file, {}, file.size() + 1);
  check(whole.verdict == (file.size() <= 10 ? Errc::truncated : Errc::bad_mac));
  check(decrypt(file, {}, piece) == whole);
  // The same bytes as the only window of a file and, cut or filled up, as the sidecar of that.
  if (file.size() < 26) return;
  const std::uint64_t plain_length = (file.size() - media_mac_bytes) / media_block_bytes * media_block_bytes - 1;
  Bytes sidecar = to_bytes(file);
  sidecar.resize(sidecar_window_count(plain_length) * media_mac_bytes);
  check(!open_sidecar_window(keys(), sidecar, plain_length, 0, file));
}

void own_file(ByteView plain, std::size_t piece) {
  Bytes file;
  MediaEncryptor encryptor(keys(), Sidecar::streaming);
  for (std::size_t at = 0; at < plain.size(); at += piece)
    encryptor.update(plain.subspan(at, std::min(piece, plain.size() - at)), file);
  const MediaDigest digest = encryptor.finish(file);
  check(file.size() == encrypted_length(plain.size()) && digest.file_length == plain.size());
  const MediaHashes hashes{digest.file_enc_sha256, digest.file_sha256};
  check(decrypt(file, hashes, piece) == Decrypted{to_bytes(plain)});

  Bytes together;
  const std::uint64_t count = sidecar_window_count(plain.size());
  check(digest.sidecar.size() == count * media_mac_bytes);
  for (std::uint64_t window = 0; window < count; ++window) {
    const ByteRange range = sidecar_window_range(window, plain.size()).value();
    const ByteView bytes = ByteView(file).subspan(range.begin, range.end - range.begin);
    append(together, open_sidecar_window(keys(), digest.sidecar, plain.size(), window, bytes).value());
  }
  check(equal(together, plain));
}

void check_answer(const Result<MediaRetryAnswer>& answer) {
  if (!answer) return;
  const bool success = answer->outcome == MediaRetryOutcome::success;
  check(success ? acceptable_direct_path(answer->direct_path) : answer->direct_path.empty());
}

void stanza(ByteView encoded) {
  const auto node = decode_node(encoded);
  if (!node) return;
  if (const auto connection = read_media_conn(*node, 1'760'000'000)) {
    check(!connection->auth.empty() && connection->valid_seconds() > 0);
    check(!connection->hosts.empty() && connection->hosts.size() <= 32);
    check(connection->refresh_seconds() < connection->valid_seconds() && !connection->upload_hosts().empty());
    for (const MediaHost& host : connection->hosts) check(acceptable_media_host(host.hostname));
    // At time 0 a lifetime is read as it stands.
    check(read_media_conn(media_conn_result(Node("iq"), *connection), 0).value() == *connection);
  }
  if (const auto request = read_media_retry_receipt(*node)) (void)check_media_retry_request(*request, key);
  if (const auto notification = read_media_retry_notification(*node))
    check_answer(open_media_retry(*notification, key));
}

/// Under the right key: what a phone gone wrong could send.
void sealed_answer(ByteView plain) {
  const AesKey retry_key = hkdf_sha256<32>(key, {}, as_bytes("WhatsApp Media Retry Notification"));
  MediaRetryNotification notification;
  notification.id = "3EB0";
  notification.sealed.payload = gcm_seal(retry_key, notification.sealed.iv, plain, as_bytes(notification.id));
  check_answer(open_media_retry(notification, key));
}

void addresses(std::string_view text) {
  const std::vector<std::string> hosts = {"127.0.0.1:7443"};
  const std::size_t first = std::min(text.find('\n'), text.size());
  const std::string front(text.substr(0, first)), back(text.substr(std::min(first + 1, text.size())));
  for (const MediaLocation& location : {MediaLocation{front, back, {}}, MediaLocation{{}, front, back}}) {
    const auto targets = download_targets(location, Digest32{}, MediaKind::image, hosts);
    if (!targets) continue;
    check(!targets->empty() && targets->size() <= 3);
    for (const DownloadTarget& target : *targets) {
      check(target.host == hosts[0] || target.host.ends_with(".whatsapp.net"));
      check(target.target.starts_with('/') && target.target.find_first_of(" \r\n#") == std::string::npos);
    }
  }
  if (const auto hash = read_upload_token(text)) check(text.starts_with(upload_token(*hash)));
  check(resume_offset({{}, {}, {}, {}, std::string(text)}, 100) < 100);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = std::size_t{data[1]} + 1;
  const ByteView bytes(data + 2, size - 2);
  switch (data[0] % 5) {
    case 0: foreign_file(bytes, piece); break;
    case 1: own_file(bytes, piece); break;
    case 2: stanza(bytes); break;
    case 3: sealed_answer(bytes); break;
    default: addresses(as_text(bytes)); break;
  }
  return 0;
}
