#include "protocol/stanzas/app_state_sync.h"

#include <algorithm>

#include "protocol/stanzas/iq.h"
#include "protocol/text.h"

namespace wharf::protocol {

Node app_state_iq(std::string_view id, const CollectionAsked& asked) {
  Node collection("collection");
  collection.set("name", asked.name).set("version", asked.version);
  collection.set("return_snapshot", asked.snapshot ? "true" : "false");
  if (!asked.patch.empty()) collection.add(Node("patch").bytes(asked.patch));
  return iq_set(id, "w:sync:app:state").add(Node("sync").add(std::move(collection)));
}

Result<CollectionAnswer> read_app_state(const Node& result, std::string_view name) {
  const Node* sync = result.child("sync");
  if (sync == nullptr) return Error(Errc::malformed, "app state: an answer without sync");
  CollectionAnswer out;
  const auto rows = sync->children("collection");
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const Node* row) { return row->attr("name") == name; });
  if (found == rows.end()) return out;
  const Node& collection = **found;
  out.named = true;
  out.version = collection.number("version").value_or(0);
  out.more = collection.attr("has_more_patches") == "true";
  if (collection.attr("type") == "error") {
    const Node* error = collection.child("error");
    out.error =
        error != nullptr ? static_cast<unsigned>(std::min<std::uint64_t>(error->number("code").value_or(0), 9999)) : 0U;
    if (error != nullptr) out.error_text = display_line(error->attr("text"), 256);
  }
  if (const auto snapshot = collection.child_data("snapshot")) out.snapshot = to_bytes(*snapshot);
  // Some answers have the patches directly below.
  const Node* patches = collection.child("patches");
  for (const Node* patch : (patches != nullptr ? *patches : collection).children("patch")) {
    if (out.patches.size() == max_patches_in_answer) return Error(Errc::too_large, "app state: too many patches");
    out.patches.push_back(to_bytes(patch->data()));
  }
  return out;
}

}  // namespace wharf::protocol
