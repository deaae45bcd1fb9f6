#include "sessions/media/media_upkeep.h"

#include <spdlog/spdlog.h>

#include "sessions/log_value.h"

namespace wharf::sessions {

struct MediaUpkeep::State : std::enable_shared_from_this<State> {
  State(MediaVault& v, MediaFolder* f, net::Scheduler& s, UpkeepSettings settings_)
      : vault(v), folder(f), scheduler(s), settings(settings_), timer(s) {}

  void begin() {
    if (folder) folder->sweep(scheduler.unix_ms());
    sweep_vault();
    timer.after(interval, [weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->begin();
    });
  }

  void sweep_vault() {
    if (settings.keep.count() == 0) return;
    const std::int64_t kept_ms = std::chrono::duration_cast<std::chrono::milliseconds>(settings.keep).count();
    vault.sweep(scheduler.unix_ms(), kept_ms, [weak = weak_from_this()](const protocol::Result<bool>& swept) {
      if (!swept) return spdlog::warn("media_sweep detail={}", log_value(swept.error().detail));
      const auto self = weak.lock();
      if (self && *swept) self->sweep_vault();
    });
  }

  MediaVault& vault;
  MediaFolder* folder;
  net::Scheduler& scheduler;
  UpkeepSettings settings;
  net::Timer timer;
};

MediaUpkeep::MediaUpkeep(MediaVault& vault, MediaFolder* folder, net::Scheduler& scheduler, UpkeepSettings settings)
    : state_(std::make_shared<State>(vault, folder, scheduler, settings)) {}

MediaUpkeep::~MediaUpkeep() { state_->timer.cancel(); }

void MediaUpkeep::start() { state_->begin(); }

}  // namespace wharf::sessions
