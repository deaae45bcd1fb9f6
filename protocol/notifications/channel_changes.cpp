// newsletter: live updates of a channel somebody looks at. Specification 05 section 8.5.

#include "protocol/notifications/readers.h"
#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol::notifications {

namespace {

void read_messages(const Incoming& in, const Node& list, Events& out) {
  if (!within_rows(list)) return add_unknown(in, out, list.tag);
  for (const Node& child : list.children()) {
    if (out.size() >= max_list_rows) return;
    // The posts stand in <messages> or without it: both are seen.
    if (child.is("messages") && !list.is("messages")) {
      read_messages(in, child, out);
    } else if (child.is("message")) {
      if (auto counts = read_channel_counts(child)) out.push_back(ChannelMessageUpdated{in.from, std::move(*counts)});
    }
  }
}

}  // namespace

void read_channel(const Incoming& in, Events& out) {
  if (in.from.server != server::newsletter || in.from.user.empty()) return;
  for (const Node& child : in.node.children()) {
    if (child.is("live_updates")) read_messages(in, child, out);
    else add_unknown(in, out, child.tag);
  }
}

}  // namespace wharf::protocol::notifications
