#pragma once
// Posts that are stored, and are another thing by now: edited or deleted by somebody who may, which the server has
// seen to. A live change has the id of its post (03 sections 5.3 and 6.1); a page shows the posts as they are then
// (05 section 8.4). Neither leaves a row of its own: one that comes again finds the post as it would leave it.

#include <string>

#include "events/event.h"
#include "protocol/channels/posts.h"
#include "sessions/context.h"
#include "sessions/directory.h"
#include "storage/messages.h"

namespace wharf::sessions {

class PostChanges {
 public:
  static constexpr std::size_t max_post_bytes = 4u << 20;  // as of any other stranger (inbound.cpp)
  PostChanges(Context& context, Directory& directory) : c_(context), directory_(directory) {}

  /// As it is now. Nothing of a post that is not stored, has no content here, is too large, or shows the same as
  /// before.
  void on_seen(const Jid& channel, const protocol::ChannelPost& post, UnixMs at);
  void on_deleted(const Jid& channel, const std::string& id, UnixMs at);

 private:
  events::About about(const storage::MessageRow& post, UnixMs at) const;

  Context& c_;
  Directory& directory_;
};

}  // namespace wharf::sessions
