// What contacts show and what the server says of them. Specification 05 section 6.2, 02 sections 9, 10 and 13.

#include "protocol/notifications/readers.h"
#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol::notifications {

namespace {

constexpr std::size_t max_token_bytes = 4096;
constexpr std::size_t max_hash_bytes = 128;

/// The server's own announcements, and bots, give no tokens.
bool gives_tokens(const Jid& jid) {
  return (jid.is_phone_number() || jid.is_lid()) && !jid.user.empty() && jid.user != "0";
}

/// A person's account, by number or LID.
std::optional<Jid> account_attr(const Node& node, std::string_view key) {
  auto jid = phone_attr(node, key);
  return jid ? jid : lid_attr(node, key);
}

}  // namespace

void read_picture(const Incoming& in, Events& out) {
  PictureChanged changed;
  changed.jid = in.from;
  changed.at = in.at;
  const auto& children = in.node.children();
  if (children.empty()) {
    if (in.from_server()) return;
    changed.removed = true;
    out.push_back(std::move(changed));
    return;
  }
  const Node& child = children.front();
  if (!child.is("set") && !child.is("delete") && !child.is("request") && !child.is("set_avatar"))
    return add_unknown(in, out, child.tag);
  if (const auto jid = user_attr(child, "jid")) changed.jid = *jid;
  if (changed.jid.user.empty()) return add_unknown(in, out, child.tag);  // of nobody
  changed.author = user_attr(child, "author");
  changed.picture_id = line_attr(child, "id", 128);
  changed.removed = child.is("delete");
  out.push_back(std::move(changed));
}

void read_about(const Incoming& in, Events& out) {
  if (in.from_server()) return;
  const Node* set = in.node.child("set");
  if (set == nullptr) return add_unknown(in, out);
  out.push_back(AboutChanged{in.from, paragraph(set->text()), false, in.at});
}

void read_privacy_token(const Incoming& in, Events& out) {
  const Node* tokens = in.node.child("tokens");
  if (tokens == nullptr || !within_rows(*tokens)) return add_unknown(in, out);
  const auto lid = lid_attr(in.node, "sender_lid");
  if (!gives_tokens(in.from) || in.from_own() || (lid && in.reader.is_own(*lid))) return;
  for (const Node* token : tokens->children("token")) {
    const auto at = time_attr(*token, "t", in.reader.unix_seconds);
    const ByteView bytes = token->data();
    if (token->attr("type") != "trusted_contact" || !at || bytes.empty() || bytes.size() > max_token_bytes) continue;
    out.push_back(TrustedTokenReceived{in.from, lid, *at, to_bytes(bytes)});
  }
}

void read_contacts(const Incoming& in, Events& out) {
  if (!in.from_server() && !in.from_own()) return;
  for (const Node& child : in.node.children()) {
    if (child.is("update")) {
      ContactChanged changed{user_attr(child, "jid"), line_attr(child, "hash", max_hash_bytes)};
      if (changed.jid || !changed.hash.empty()) out.push_back(std::move(changed));
    } else if (child.is("modify")) {
      const auto before = account_attr(child, "old"), after = account_attr(child, "new");
      if (before && after)
        out.push_back(ContactNumberChanged{*before, *after, lid_attr(child, "old_lid"), lid_attr(child, "new_lid")});
    } else if (child.is("sync")) {
      out.push_back(ContactSyncAsked{child.number("after")});
    } else if (!child.is("add") && !child.is("remove")) {
      add_unknown(in, out, child.tag);
    }
  }
}

void read_contact_timer(const Incoming& in, Events& out) {
  const Node* mode = in.node.child("disappearing_mode");
  if (mode == nullptr || in.from_server()) return;
  const auto seconds = expiration_attr(*mode, "duration");
  const auto at = time_attr(*mode, "t", in.reader.unix_seconds);
  if (seconds && at) out.push_back(DefaultTimerChanged{in.from, *seconds, at});
}

}  // namespace wharf::protocol::notifications
