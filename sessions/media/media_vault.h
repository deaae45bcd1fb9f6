#pragma once
// The media files that this daemon holds, encrypted as they lie on WhatsApp's servers, those of channels (which lie
// there in clear) with keys of their own. Plain media never touches the disk. One vault for all sessions; the keys
// stand in the rows of their messages, so without those rows a file is noise.
//
//   <directory>/writing/   on their way in; removed at start
//   <directory>/outgoing/  durable, to be uploaded: each belongs to a row of the outbox (or to a request in progress)
//   <directory>/cache/     uploaded or downloaded, verified: may go at any time, the oldest use first; a file's time of
//                          last use is its mtime
//
// Nothing runs on the loop but open() and, when the workers refuse more, the removal of names: every piece is
// encrypted, hashed, written or read by a worker, one piece of a file at a time, and no file is in memory as a whole.
// Callbacks come on the loop, once, in a later turn of it or, when the call is refused, inside it; none comes after the
// end of this object. Loop thread only. Specification 04.

#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "net/workers.h"
#include "protocol/crypto/random.h"
#include "protocol/media/media_decryptor.h"
#include "protocol/media/media_encryptor.h"
#include "protocol/media/media_kind.h"
#include "protocol/result.h"

namespace wharf::sessions {

/// What a file is called here: a hash of all that a message says about its bytes, so that a message with another key
/// never opens what was verified for this one.
using MediaName = protocol::Digest32;
MediaName media_name(const protocol::MediaReference& reference, protocol::MediaKind kind);

/// A file of outgoing/: what a message says about it.
struct SealedMedia {
  protocol::MediaKind kind = protocol::MediaKind::document;
  protocol::MediaKey key{};
  protocol::MediaDigest digest;  // lengths, hashes, sidecar
  protocol::MediaReference reference() const;
  MediaName name() const { return media_name(reference(), kind); }
};

struct VaultSettings {
  std::string directory;
  std::uint64_t max_cache_bytes = 1ull << 30;   // one file, the last, may be larger
  std::uint64_t max_spool_bytes = 16ull << 30;  // of writing/ (but what is received) and outgoing/ together
  std::uint64_t max_file_bytes = 2ull << 30;    // of plaintext, and of what is received
};

template <class T>
using MediaDone = std::function<void(protocol::Result<T>)>;

/// A file on its way in. Destroyed unfinished: it is gone. One call at a time.
class MediaWriter {
 public:
  virtual ~MediaWriter() = default;
  /// The next plain bytes; at most 1 MiB. Errors: too_large, storage, storage_full (the spool, or the disk),
  /// rate_limited (the workers have too much to do). After an error the file is gone, and every later call returns the
  /// same error.
  virtual void append(std::string plain, MediaDone<void> done) = 0;
  /// The file is durable in outgoing/, and stays until keep() or drop(). Errors as append().
  virtual void finish(MediaDone<SealedMedia> done) = 0;
};

/// A file as plain bytes. Its bytes stay readable when its name is removed.
class MediaReader {
 public:
  virtual ~MediaReader() = default;
  virtual std::uint64_t length() const = 0;  // of the plaintext, as the file itself says
  /// Exactly the plaintext [begin, end), inside length(), at most 1 MiB. One call at a time. Errors: storage,
  /// rate_limited.
  virtual void read(std::uint64_t begin, std::uint64_t end, MediaDone<std::string> done) = 0;
};

/// A file on its way from a media server. Destroyed unfinished: it is gone. One call at a time; errors as MediaWriter.
class MediaReceiver {
 public:
  virtual ~MediaReceiver() = default;
  /// The next bytes as the server sends them; at most 1 MiB.
  virtual void append(std::string encrypted, MediaDone<void> done) = 0;
  /// The file is in cache/, every check of 04 section 4.2 passed. Errors: as protocol::MediaDecryptor::finish() (of a
  /// plain file bad_mac alone), storage*.
  virtual void finish(MediaDone<void> done) = 0;
};

class MediaVault {
 public:
  MediaVault(VaultSettings settings, net::Workers& workers, protocol::Random& random);
  ~MediaVault();
  /// Makes the directories (0700), removes what was being written, and of outgoing/ what `needed` does not name.
  /// Blocking: for the start. Errors: storage.
  protocol::Result<void> open(const std::set<MediaName>& needed);

  std::shared_ptr<MediaWriter> write(protocol::MediaKind kind, protocol::Sidecar sidecar);
  std::shared_ptr<MediaReceiver> receive(const protocol::MediaReference& reference, protocol::MediaKind kind);
  /// Of a file that the servers have in clear (04 section 3.4): it is encrypted here with the key of `reference`, which
  /// is ours, before it is written. Its hash of an encrypted file is not compared.
  std::shared_ptr<MediaReceiver> receive_plain(const protocol::MediaReference& reference, protocol::MediaKind kind);
  /// In cache/; it may be gone a moment later.
  bool holds(const MediaName& name) const;
  /// Of outgoing/ or cache/. Errors: not_found, storage.
  void read(const protocol::MediaReference& reference, protocol::MediaKind kind,
            MediaDone<std::shared_ptr<MediaReader>> done);
  /// The whole plaintext, for what needs it whole. Errors: too_large (more than `most`), and as read().
  void load(const protocol::MediaReference& reference, protocol::MediaKind kind, std::uint64_t most,
            MediaDone<std::string> done);
  /// The file as it lies on the servers, for uploads: [offset, offset + bytes) of a file of outgoing/, at most 1 MiB.
  struct Encrypted;
  void open_encrypted(const MediaName& name, MediaDone<std::shared_ptr<Encrypted>> done);
  void read_encrypted(const std::shared_ptr<Encrypted>& file, std::uint64_t offset, std::size_t bytes,
                      MediaDone<std::string> done);
  /// From outgoing/ to cache/: it is uploaded. Where that fails it is removed.
  void keep(const MediaName& name);
  /// Removes what of cache/ was last used more than `keep_ms` before `now_ms` (unix), those unused longest first,
  /// `sweep_batch` in one job. true: there may be more. A use in the future, of a clock that was wrong, counts as one
  /// of now. Nothing of outgoing/ goes. Errors: rate_limited.
  void sweep(std::int64_t now_ms, std::int64_t keep_ms, MediaDone<bool> done);
  static constexpr std::size_t sweep_batch = 256;
  /// Nobody needs it any more: a file of outgoing/ or cache/ is removed.
  void drop(const MediaName& name);

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wharf::sessions
