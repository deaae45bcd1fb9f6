#pragma once
// Telling of status posts, which only sessions do whose configuration asks for it.

#include "events/event.h"
#include "sessions/context.h"
#include "sessions/directory.h"

namespace wharf::sessions {

inline void tell_status_posted(Context& c, Directory& directory, const events::Message& post) {
  if (c.config.statuses)
    c.emit(events::StatusPosted{post, directory.person(post.author), directory.mentioned(post.mentions)});
}
inline void tell_status_deleted(Context& c, events::About about) {
  if (c.config.statuses) c.emit(events::StatusDeleted{std::move(about)});
}
inline void tell_status_viewed(Context& c, Directory& directory, const std::string& post, const Jid& viewer,
                               UnixMs at) {
  if (c.config.statuses) c.emit(events::StatusViewed{post, viewer, directory.person(viewer), at});
}

}  // namespace wharf::sessions
