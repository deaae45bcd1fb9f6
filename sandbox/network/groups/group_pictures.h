#pragma once
// Pictures of groups: kept here, served by the media host. Specification 05 sections 2.6 and 6, 06 section 5.

#include <optional>
#include <string_view>

#include "protocol/groups/requests.h"
#include "sandbox/network/accounts.h"
#include "sandbox/network/context.h"
#include "sandbox/network/delivery.h"
#include "sandbox/network/groups/group_answer.h"
#include "sandbox/network/groups/group_store.h"

namespace wharf::sandbox {

class GroupPictures {
 public:
  GroupPictures(NetworkContext& context, const Accounts& accounts, Delivery& delivery, GroupStore& store)
      : c_(context), accounts_(accounts), delivery_(delivery), store_(store) {}

  GroupAnswer set(const Party& actor, const protocol::groups::SetPicture& asked);
  GroupAnswer remove(const Party& actor, const protocol::groups::RemovePicture& asked);
  GroupAnswer get(const Party& actor, const protocol::groups::GetPicture& asked) const;

  /// The picture at a direct path, query or not; nullptr when there is none, or another one by now.
  const Bytes* media(std::string_view direct_path) const;

 private:
  std::optional<unsigned> why_not(const Group* group, const Party& actor) const;
  void tell(const Group& group, const Party& author, Node change);
  void put(Group& group, const Party& actor, Bytes picture);

  NetworkContext& c_;
  const Accounts& accounts_;
  Delivery& delivery_;
  GroupStore& store_;
};

}  // namespace wharf::sandbox
