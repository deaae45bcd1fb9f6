#pragma once
// What the vault and the folder leave to workers. Internal to sessions/media.

#include <memory>
#include <utility>

#include "sessions/media/media_vault.h"

namespace wharf::sessions {

/// A job whose outcome travels to `done` on the loop, unless `owner`, which has `workers`, has `ended` by then. Errors:
/// those of `work`, rate_limited (inside this call: the workers have too much to do).
template <class T, class Owner>
void run_media_job(std::shared_ptr<Owner> owner, std::function<protocol::Result<T>()> work, MediaDone<T> done) {
  using protocol::Errc;
  using protocol::Error;
  const auto outcome = std::make_shared<protocol::Result<T>>(Error(Errc::internal, "the job did not end"));
  net::Workers& workers = owner->workers;
  const bool taken = workers.run([outcome, work = std::move(work)] { *outcome = work(); },
                                 [outcome, done, owner = std::move(owner)] {
                                   if (!owner->ended) done(std::move(*outcome));
                                 });
  if (!taken) done(Error(Errc::rate_limited, "too many media files are being read and written"));
}

}  // namespace wharf::sessions
