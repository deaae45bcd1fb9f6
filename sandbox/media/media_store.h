#pragma once
// The files of the media host: which there are, how long, and how much of the disk they may take. Their metadata are
// rows of the sandbox (rows.h), their bytes files (media_files.h); a restart with the same state keeps both. The phones
// of the process put and fetch here without HTTP. Loop thread only. Specification 06 section 15, 04 sections 3 and 4.
//
// A file lives `lifetime_ms` (410 then), under a direct path whose signature holds longer; its entry goes when both are
// over, or at once when there is no room: the oldest make place for the new. The same bytes of the same kind again get
// the same direct path, as long as its signature outlasts the new lifetime.

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/workers.h"
#include "protocol/crypto/random.h"
#include "protocol/result.h"
#include "sandbox/media/media_file.h"
#include "sandbox/media/media_files.h"
#include "sandbox/network_ports.h"
#include "sandbox/rows.h"

namespace wharf::sandbox {

struct MediaSettings {
  std::string directory;                                 // "": private and temporary
  std::uint64_t max_file_bytes = (2ull << 30) + 65'536;  // 2 GB of content, sealed (04 section 3.5)
  std::uint64_t max_total_bytes = 8ull << 30;            // files and what is being written
  std::size_t max_files = 100'000;                       // entries, expired ones included
  std::size_t max_writing = 256;                         // at one time
  std::size_t max_unfinished = 64;                       // broken uploads that may be resumed
  std::int64_t lifetime_ms = 30LL * 86'400'000;          // 04 section 4.3: about 30 days,
  std::int64_t history_lifetime_ms = 14LL * 86'400'000;  // md-msg-hist and md-app-state sooner
  std::int64_t signature_ms = 60LL * 86'400'000;
  std::int64_t unfinished_ms = 3'600'000;
};

/// A file on its way in. Ends by finish(), pause() or discard().
struct MediaWriting {
  std::string kind;
  std::optional<protocol::Digest32> hash;  // that it must have; none: any
  std::string id;
  MediaFiles::Blob blob;
  std::uint64_t bytes = 0;                                         // appended
  bool busy = false;                                               // a piece is being written
  enum class After { go_on, keep, discard } after = After::go_on;  // of that piece
};

class MediaStore {
 public:
  using Writing = std::shared_ptr<MediaWriting>;
  template <class T>
  using Done = MediaFiles::Done<T>;

  MediaStore(MediaSettings settings, NetworkClock& clock, protocol::Random& random, net::Workers& workers,
             Changes& changes);
  ~MediaStore();

  const MediaSettings& settings() const { return settings_; }
  /// Query or not; expired ones too; nullptr when unknown. Valid until the next change.
  const MediaFile* find(std::string_view direct_path) const;
  const MediaFile* find_id(std::string_view id) const;
  /// Whose bytes are there.
  const MediaFile* find_hash(std::string_view kind, const protocol::Digest32& hash) const;
  /// In order of arrival, behind the number `after`.
  std::vector<MediaFile> list(std::uint64_t after, std::size_t limit) const;
  std::uint64_t total_bytes() const { return total_bytes_; }
  std::size_t size() const { return files_.size(); }

  // --- writing. `done` of a store that ended never comes.
  /// Errors: storage, rate_limited (too many at one time).
  protocol::Result<Writing> begin(std::string kind, std::optional<protocol::Digest32> hash);
  /// One piece at a time. Errors: too_large, storage_full, storage, rate_limited: nothing but discard() follows.
  void append(const Writing& writing, std::string bytes, Done<void> done);
  /// The file as it is kept from now on, its bytes synced. Errors: malformed (another hash), storage, rate_limited;
  /// what was written is discarded then.
  void finish(const Writing& writing, Done<MediaFile> done);
  void discard(const Writing& writing);
  /// The rest is to come later, if at all.
  void pause(const Writing& writing);
  /// How much is there of a file that was paused; 0 when nothing is.
  std::uint64_t unfinished(std::string_view kind, const protocol::Digest32& hash) const;
  /// Goes on with it. Errors: not_found, conflict (`offset` is not where it stopped).
  protocol::Result<Writing> resume(std::string_view kind, const protocol::Digest32& hash, std::uint64_t offset);

  // --- reading
  MediaFiles::Blob open(const MediaFile& file) const { return disk_.open(file.id); }
  void read(const MediaFiles::Blob& blob, std::uint64_t offset, std::size_t bytes, Done<std::string> done);

  // --- whole files, for the phones: small enough for memory
  void put(std::string kind, std::string bytes, Done<MediaFile> done);
  /// Errors: not_found (unknown or expired), too_large (more than `max_bytes`), storage, rate_limited.
  void fetch(std::string_view direct_path, std::uint64_t max_bytes, Done<std::string> done);

  // --- what happens to files; false when there is none
  bool forget(std::string_view id);
  bool expire(std::string_view id);

  // --- rows: RowKind::media
  std::optional<protocol::Bytes> row(const RowKey& key) const;
  /// Errors: malformed.
  protocol::Result<void> restore(const RowKey& key, protocol::ByteView row);
  /// Rows and files agree afterwards: what only one side knows goes. Blocking: for the start. Errors: storage.
  protocol::Result<void> restored();

 private:
  using Hash = std::pair<std::string, protocol::Digest32>;  // kind, SHA-256
  struct Unfinished {
    Writing writing;
    std::int64_t until_ms = 0;
  };
  using Files = std::map<std::uint64_t, MediaFile>;

  void insert(MediaFile file);
  void erase(Files::iterator file);
  void lose_bytes(MediaFile& file);
  void changed(const MediaFile& file);
  void reschedule(MediaFile& file, std::int64_t due_ms);
  /// Of a file that is there: when it expires; of one that has: when its signature ends.
  static std::int64_t due_of(const MediaFile& file) { return file.gone ? file.signed_until_ms : file.expires_ms; }
  bool make_room(std::uint64_t bytes);
  void written(const Writing& writing, protocol::Result<void> result, const Done<void>& done);
  void sealed(const Writing& writing, protocol::Result<protocol::Digest32> hash, const Done<MediaFile>& done);
  MediaFile keep(const MediaWriting& writing, const protocol::Digest32& hash);
  void settle(const Writing& writing);
  void sweep();
  void arm();
  std::int64_t lifetime_of(std::string_view kind) const;
  std::string new_name();
  /// `done` wrapped: not called when the store has ended.
  template <class T>
  Done<T> alive(Done<T> done) const {
    return [here = std::weak_ptr(alive_), done = std::move(done)](protocol::Result<T> result) {
      if (!here.expired()) done(std::move(result));
    };
  }

  MediaSettings settings_;
  NetworkClock& clock_;
  protocol::Random& random_;
  Changes& changes_;
  MediaFiles disk_;
  Files files_;                                            // by number: the oldest first
  std::map<std::string, std::uint64_t, std::less<>> ids_;  // id -> number
  std::map<Hash, std::uint64_t> hashes_;                   // of files whose bytes are there; the newest
  std::set<std::pair<std::int64_t, std::uint64_t>> due_;   // due_of(), number
  std::set<Writing> writing_;
  std::map<Hash, Unfinished> unfinished_;
  std::uint64_t total_bytes_ = 0, last_number_ = 0;
  std::shared_ptr<void> timer_;
  std::int64_t armed_for_ = -1;
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace wharf::sandbox
