#pragma once
// The plain media folder as the workers see it: blocking, any thread. Internal to sessions/media.
//
//   <folder>/.wharf                          whose folder this is: the id of the installation (storage)
//   <folder>/.writing/                       on their way in, and what is being removed; emptied at start
//   <folder>/<session>/.wharf                empty: this directory was made here
//   <folder>/<session>/<yyyy-mm>/<in or out>-<message>.<extension>
//
// A directory is ours when we made it, and the mark that says so is written right behind that. One that was there and
// is empty may be such a one without its mark yet, and is taken; another one is left as it is, with its mode: nothing
// is written into it, and nothing in it is ever removed. The folder itself is taken so once: where the database
// remembers one, it must be there with its mark.

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "protocol/bytes.h"
#include "protocol/result.h"
#include "sessions/media/media_disk.h"

namespace wharf::sessions {

/// A name of one path element that strangers may have chosen: itself when it is 1 to 64 letters, digits, "_", "-" and,
/// not in front, "."; else "~" and a hash of it.
std::string folder_name(std::string_view text);
/// "2026-11", of UTC; before 1970 and after 9999 the nearest.
std::string folder_month(std::int64_t unix_ms);
/// As it may stand behind a name: a dot and 1 to 15 of a-z and 0-9; ".bin" for anything else.
std::string folder_extension(std::string_view extension);

/// A plain file that grows under a name that nobody reads; gone when it is not finished.
class FolderFile {
 public:
  /// `writing`: its name until then. Errors: storage* (also: the session's directory is not ours), conflict (there is a
  /// file of that name: it stays as it is).
  static protocol::Result<FolderFile> create(const std::string& folder, const std::string& session,
                                             const std::string& month, const std::string& name,
                                             const std::string& writing);
  FolderFile(FolderFile&&) noexcept = default;
  FolderFile& operator=(FolderFile&&) = delete;
  ~FolderFile();
  protocol::Result<void> append(protocol::ByteView bytes) { return file_.append(bytes); }
  /// Durable under its name.
  protocol::Result<void> finish();

 private:
  FolderFile(DiskFile file, std::string writing, std::string path)
      : file_(std::move(file)), writing_(std::move(writing)), path_(std::move(path)) {}
  DiskFile file_;
  std::string writing_, path_;
};

/// What the database remembers under the path of the folder.
enum class FolderBefore { none, ours };
/// The path by which it does: absolute, without "." and "..".
std::string whole_path(const std::string& folder);
/// Takes the folder that has our mark and empties its .writing/; where none was before also one that is empty, or makes
/// it (0700). True: it is new, and nothing of an earlier one is in it. Errors: storage*, conflict (it is another's, or
/// the one before is gone).
protocol::Result<bool> open_folder(const std::string& folder, const std::string& installation, FolderBefore before);
/// It is there, with our mark. Errors: storage* (nobody could look: that says nothing).
protocol::Result<bool> is_folder_of(const std::string& folder, const std::string& installation);
/// A file that is not there was removed. Names are as folder_name() gives them. Errors: storage.
protocol::Result<void> remove_from_folder(const std::string& folder, const std::string& session,
                                          const std::string& month, const std::string& file);
/// `aside`: what it is called in .writing/ while it goes. Nothing where none is, or one that is not ours. Errors:
/// storage.
protocol::Result<void> remove_session_folder(const std::string& folder, const std::string& session,
                                             const std::string& aside);
/// The sessions that have a folder.
std::set<std::string> session_folders(const std::string& folder);

/// Removes files written before `before_ns`, then, while there are more than `most` bytes, those of the oldest month
/// and of it the one written first. The bytes that are left. Holds the names of one month in memory at a time.
std::uint64_t trim_folder(const std::string& folder, std::uint64_t most, std::int64_t before_ns);

}  // namespace wharf::sessions
