#pragma once
// From something that can be read in pieces into a writer of the vault, one piece at a time. Loop thread only.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "sessions/media/media_vault.h"

namespace wharf::api {

/// Gives exactly the bytes [begin, end), at most 1 MiB; calls back once, inside the call or later.
using MediaPieces = std::function<void(std::uint64_t begin, std::uint64_t end, sessions::MediaDone<std::string> give)>;

/// The pieces of a file that is kept.
MediaPieces pieces_of(std::shared_ptr<sessions::MediaReader> reader);

/// `done` runs once: the writer has all `length` bytes and is not finished, or the first error of either side.
void copy_media(MediaPieces from, std::uint64_t length, std::shared_ptr<sessions::MediaWriter> to,
                sessions::MediaDone<void> done);

}  // namespace wharf::api
