#pragma once
// What holds files on this machine within their age, at the start and every hour after it: slices on the media workers,
// one at a time. Loop thread only.

#include <chrono>
#include <cstdint>
#include <memory>

#include "net/scheduler.h"
#include "sessions/media/media_folder.h"
#include "sessions/media/media_vault.h"

namespace wharf::sessions {

struct UpkeepSettings {
  std::chrono::hours keep{0};  // of a file of the vault's cache, from its last use; 0 = as long as there is room
};

/// Vault, folder (nullptr: there is none) and scheduler outlive it.
class MediaUpkeep {
 public:
  static constexpr std::chrono::hours interval{1};
  MediaUpkeep(MediaVault& vault, MediaFolder* folder, net::Scheduler& scheduler, UpkeepSettings settings);
  ~MediaUpkeep();
  void start();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace wharf::sessions
