#pragma once
// Collections of app state as they are asked for and patched. Specification 04 sections 8.4 and 8.8.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/binary/node.h"
#include "protocol/result.h"

namespace wharf::protocol {

struct CollectionAsked {
  std::string_view name;
  std::uint64_t version = 0;  // the own one, on which a patch is based
  bool snapshot = false;      // as a whole: of one that was never synced, or whose state is not believed any more
  Bytes patch = {};           // SyncdPatch without version; empty: nothing is changed
};
Node app_state_iq(std::string_view id, const CollectionAsked& asked);

struct CollectionAnswer {
  bool named = false;             // false: the answer has no node of it, and all below is as here
  std::uint64_t version = 0;      // 0: none was named
  Bytes snapshot;                 // ExternalBlobReference; empty: none
  std::vector<Bytes> patches;     // SyncdPatch each, as they came; at most max_patches_in_answer
  bool more = false;              // further patches are there
  std::optional<unsigned> error;  // of this collection: 409 conflict, 400 to 406 for good, others for now
  std::string error_text;
};
inline constexpr std::size_t max_patches_in_answer = 2'000;
/// Of a result that answers one collection. Without a node of it a patch was taken (04 section 8.8). Errors: malformed
/// (no `sync`), too_large (more patches).
Result<CollectionAnswer> read_app_state(const Node& result, std::string_view name);

}  // namespace wharf::protocol
