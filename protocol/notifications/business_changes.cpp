// business: names, profiles and catalogues of business accounts. Specification 05 section 6.2.

#include "protocol/notifications/readers.h"
#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol::notifications {

namespace {

constexpr std::size_t max_hash_bytes = 128;
constexpr std::size_t max_certificate_bytes = 16'384;
constexpr std::size_t max_catalog_id_bytes = 128;

void read_catalog(const Incoming& in, const Node& catalog, Events& out) {
  CatalogChanged changed;
  changed.jid = in.from;
  for (const Node& row : catalog.children()) {
    if (row.is("product")) {
      std::string id = child_line(row, "id", max_catalog_id_bytes);
      if (!id.empty()) changed.products.push_back(std::move(id));
    } else if (row.is("collection")) {
      std::string id = line_attr(row, "id", max_catalog_id_bytes);
      if (!id.empty()) changed.collections.push_back(std::move(id));
    }
  }
  out.push_back(std::move(changed));
}

void read_child(const Incoming& in, const Node& child, Events& out) {
  if (!within_rows(child)) return add_unknown(in, out, child.tag);
  const Jid jid = user_attr(child, "jid").value_or(in.from);
  std::string hash = line_attr(child, "hash", max_hash_bytes);
  if (jid.user.empty() && hash.empty()) return add_unknown(in, out, child.tag);  // of nobody
  if (child.is("verified_name")) {
    BusinessNameChanged changed{jid, std::move(hash), line_attr(child, "verified_level", 64), {}};
    if (child.data().size() <= max_certificate_bytes) changed.certificate = to_bytes(child.data());
    out.push_back(std::move(changed));
  } else if (child.is("remove")) {
    out.push_back(BusinessRemoved{jid, std::move(hash)});
  } else if (child.is("profile")) {
    out.push_back(BusinessProfileChanged{jid, std::move(hash)});
  } else if (child.is("product_catalog")) {
    read_catalog(in, child, out);
  } else {  // subscriptions and feature_flags are of the phone's own app
    add_unknown(in, out, child.tag);
  }
}

}  // namespace

void read_business(const Incoming& in, Events& out) {
  for (const Node& child : in.node.children()) read_child(in, child, out);
}

}  // namespace wharf::protocol::notifications
