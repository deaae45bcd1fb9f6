// account_sync: the own account changed on another device. Specification 05 section 6.2.

#include "protocol/notifications/readers.h"
#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol::notifications {

namespace {

constexpr std::size_t max_hash_bytes = 128;
constexpr std::size_t max_push_name_bytes = 256;

void read_privacy(const Node& privacy, Events& out) {
  PrivacyChanged changed;
  for (const Node* row : privacy.children("category")) {
    const auto category = privacy_category(row->attr("name"));
    const auto value = privacy_value(row->attr("value"));
    if (category && value) changed.settings.push_back({*category, *value});
  }
  if (!changed.settings.empty()) out.push_back(std::move(changed));
}

void read_blocklist(const Node& list, Events& out) {
  BlocklistChanged changed;
  changed.dhash = line_attr(list, "dhash", max_hash_bytes);
  changed.previous_dhash = line_attr(list, "prev_dhash", max_hash_bytes);
  for (const Node* item : list.children("item")) {
    const auto jid = user_attr(*item, "jid");
    const std::string action = item->attr("action");
    if (jid && (action == "block" || action == "unblock")) changed.changes.push_back({*jid, action == "block"});
    else changed.full_refetch = true;  // a change that is not understood
  }
  if (changed.changes.empty()) changed.full_refetch = true;
  out.push_back(std::move(changed));
}

void read_child(const Incoming& in, const Node& child, const Jid& own, Events& out) {
  if (!within_rows(child)) return add_unknown(in, out, child.tag);
  if (child.is("devices")) return read_own_devices(in, child, out);
  if (child.is("privacy")) return read_privacy(child, out);
  if (child.is("blocklist")) return read_blocklist(child, out);
  if (child.is("disappearing_mode")) {
    const auto seconds = expiration_attr(child, "duration");
    if (seconds)
      out.push_back(DefaultTimerChanged{std::nullopt, *seconds, time_attr(child, "t", in.reader.unix_seconds)});
    return;
  }
  if (child.is("picture")) {
    PictureChanged changed;
    changed.jid = own;
    changed.own = true;
    out.push_back(std::move(changed));
    return;
  }
  if (child.is("status")) {
    AboutChanged changed;
    changed.jid = own;
    changed.own = true;
    out.push_back(std::move(changed));
    return;
  }
  if (child.is("tos") || child.is("username")) return;  // nothing is kept of them
  add_unknown(in, out, child.tag);
}

}  // namespace

void read_account_sync(const Incoming& in, Events& out) {
  if (!in.from_own() && !in.from_server()) return;
  const Jid own = in.from_server() ? in.reader.own_pn.user_jid() : in.from.user_jid();
  for (const Node& child : in.node.children()) read_child(in, child, own, out);
  std::string name = line_attr(in.node, "pushname", max_push_name_bytes);
  if (!name.empty()) out.push_back(OwnPushNameChanged{std::move(name)});
}

}  // namespace wharf::protocol::notifications
