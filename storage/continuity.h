#pragma once
// Does this file hold everything that was ever acted upon? A ratchet that lags behind what was sent would use message
// keys a second time: the peer drops such messages as duplicates, and two plaintexts under one key are a gift. So a
// file that may lag starts every ratchet afresh instead of guessing (03 section 1). It may lag when
//   - commits were not flushed (storage.synchronous = normal or off), the last run did not end cleanly and the machine
//     was started again since: a process that dies loses nothing, a machine that loses power does;
//   - it is a copy: made by `wharfd backup`, or one whose inode is not the one that was written last.
// What cannot be seen: a whole machine or volume set back to a snapshot, and an older file written over this one in
// place.
//
// Renewal is one number: rows of `ratchet` belong to an epoch, and those of an earlier one count as absent. Prekeys
// start again in the other half of their ids, as the server may hold newer ones that this file does not know.

#include <cstdint>
#include <string>

#include "storage/database.h"

namespace wharf::storage {

/// Where a process finds its file.
struct RunPlace {
  std::string boot;         // changes with every start of the machine; "" = unknown, which counts as changed
  std::uint64_t inode = 0;  // 0 = none (in memory)
};
RunPlace place_of(const std::string& path);

/// What the file says of the run that wrote it last.
struct ContinuityMark {
  bool complete = true;     // nothing committed can be missing: flushed at each commit, or ended cleanly
  bool copy = false;        // made by a backup
  std::string boot;         // of the run that left it incomplete
  std::uint64_t inode = 0;  // 0 = not known yet
};
/// Why the file may lag behind what was sent, in words for an operator; "" when it cannot.
std::string break_of_continuity(const ContinuityMark& mark, const RunPlace& now);

/// At the start of a run, before anything is read: renews the ratchets when continuity is broken and marks the file as
/// in use. Durable on return, whatever `synchronous` says. Gives the reason of a renewal, "" without one. Errors:
/// storage*.
Result<std::string> begin_run(Database& writer, const RunPlace& place, Synchronous synchronous);
/// The run ended cleanly: everything committed is on the disk on return.
Result<void> end_run(Database& writer);
/// The file behind `copy` is a backup.
Result<void> mark_as_copy(Database& copy);

}  // namespace wharf::storage
