#pragma once
#include <cstdint>
#include <string>

#include "sandbox/account.h"

namespace wharf::sandbox {

/// A collection of app state as its phone wrote it: what a new device starts from (06 section 13).
struct AppStateSnapshot {
  std::uint64_t version = 0;  // 0: none was written
  std::string direct_path;    // of `file` on the media host
  Bytes reference;            // ExternalBlobReference
  Bytes file;                 // the encrypted SyncdSnapshot
};

}  // namespace wharf::sandbox
