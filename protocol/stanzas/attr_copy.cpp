#include "protocol/stanzas/attr_copy.h"

namespace wharf::protocol {

void copy_attr(Node& to, std::string_view as, const Node& from, std::string_view key) {
  for (auto attr = from.attrs.rbegin(); attr != from.attrs.rend(); ++attr) {
    if (attr->key != key) continue;
    std::visit([&](const auto& value) { to.set(as, value); }, attr->value);
    return;
  }
}

}  // namespace wharf::protocol
