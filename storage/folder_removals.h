#pragma once
// What is still to be removed of the plain media folder (sessions/media/media_folder.h): written in the commit that
// removes the message or the session, ended when its files are gone, so that no kill between loses it. By the name of
// the session, which the folder has too: these rows outlive the session's own. Beside them the name of this
// installation, by which a folder tells whose it is, and where such folders were: one that is gone is not made anew.

#include <cstdint>
#include <string>
#include <vector>

#include "storage/ids.h"

namespace wharf::storage {

class Database;

struct FolderRemoval {
  std::string session;     // its name
  std::string message_id;  // "": the session with all that it has
  bool from_me = false;
  UnixMs sent_at = 0, created_at = 0;  // of the message: its file is in a month of one of them
  friend bool operator==(const FolderRemoval&, const FolderRemoval&) = default;
};
struct PutFolderRemoval {
  FolderRemoval removal;
  friend bool operator==(const PutFolderRemoval&, const PutFolderRemoval&) = default;
};
/// It is done. Nothing when there is no such row.
struct EndFolderRemoval {
  std::int64_t number = 0;
  friend bool operator==(const EndFolderRemoval&, const EndFolderRemoval&) = default;
};
struct NumberedRemoval {
  std::int64_t number = 0;  // grows; not given out again while a higher one waits
  FolderRemoval removal;
};
/// The first ones behind `after`.
std::vector<NumberedRemoval> load_folder_removals(Database& db, std::int64_t after, std::size_t most);
/// The first ones that would take the file of this message: its own, and those of its whole session.
std::vector<NumberedRemoval> load_folder_removals_of(Database& db, const std::string& session,
                                                     const std::string& message_id, bool from_me, std::size_t most);
/// The highest number; 0 when there is none.
std::int64_t last_folder_removal(Database& db);

/// 32 hex digits, made with the file and the same in its copies.
std::string installation_id(Database& db);

/// There was a folder of this installation under this path. Nothing when that is known.
struct RememberFolder {
  std::string path;
  friend bool operator==(const RememberFolder&, const RememberFolder&) = default;
};
bool remembers_folder(Database& db, const std::string& path);

}  // namespace wharf::storage
