#pragma once
// What became of the files on the daemon's disk: which were removed, and whether that was right. A file of the vault's
// cache goes when nobody has used it for so long, or its message is deleted; one of the plain folder when it is so old,
// or its message or session is deleted. docs/operating.md, "Data".

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "sessions/media/media_vault.h"
#include "storage/changes.h"
#include "storage/database.h"

namespace wharf::simulation {

/// How the daemon of a world is configured; 0: no bound.
struct FileTerms {
  std::chrono::hours vault_keep{0}, folder_keep{0};
  bool has_folder = false;
  std::uint64_t folder_bytes = 10ull << 30;
};

class FileRecord {
 public:
  void configure(const FileTerms& terms, std::string vault, std::string folder);
  /// A row change that is being committed; `db` shows what was before it.
  void note(storage::Database& db, const storage::Change& change);
  /// Before the name goes. `used_ms` and `now_ms`: of the daemon's clock.
  void note_removal(const std::string& path, std::int64_t used_ms, std::int64_t now_ms);

  /// It was in the cache and is gone.
  bool was_removed(const sessions::MediaName& name) const { return gone_.contains(name); }
  std::size_t aged() const { return aged_; }  // files of both that were removed for their age
  const std::vector<std::string>& wrongs() const { return wrongs_; }

 private:
  void note_cached(const std::string& name, std::int64_t age_ms);
  void note_plain(const std::string& place, std::int64_t age_ms);
  void wrong(std::string what);

  FileTerms terms_;
  std::string cache_, folder_;
  std::set<sessions::MediaName> gone_;
  std::set<std::string> deleted_;                        // of the cache, hex names: a message that had it is deleted
  std::set<std::pair<std::string, std::string>> asked_;  // of the folder: session, and file without its extension
  std::size_t aged_ = 0;
  std::vector<std::string> wrongs_;
};

}  // namespace wharf::simulation
