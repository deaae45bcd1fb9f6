#pragma once
// What clients ask about channels: mex operations, and the namespace newsletter. Specification 05 section 8, 06
// section 5.

#include "protocol/mex/documents.h"
#include "sandbox/network/channels/channel_posts.h"

namespace wharf::sandbox {

class ChannelIqs {
 public:
  ChannelIqs(NetworkContext& context, ChannelStore& store, ChannelDesk& desk, ChannelPosts& posts);

  /// False: it is none about channels that is simulated, and not answered.
  bool on_mex(const Origin& origin, const Node& iq);
  /// The same.
  bool on_newsletter(const Origin& origin, const Node& iq);

 private:
  std::optional<protocol::ChannelOperation> operation_of(const Node& iq) const;

  NetworkContext& c_;
  ChannelStore& store_;
  ChannelDesk& desk_;
  ChannelPosts& posts_;
  protocol::MexDocuments documents_;
};

}  // namespace wharf::sandbox
