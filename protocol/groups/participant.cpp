#include "protocol/groups/participant.h"

#include <algorithm>

#include "protocol/groups/fields.h"
#include "protocol/groups/invite.h"
#include "protocol/groups/limits.h"

namespace wharf::protocol::groups {

namespace {

Role role_of(const Node& node) {
  const std::string type = node.attr("type");
  if (type == "superadmin") return Role::superadmin;
  return type == "admin" ? Role::admin : Role::member;
}

std::optional<AddRequest> read_add_request(const Node& node) {
  const Node* request = node.child("add_request");
  if (request == nullptr || !is_invite_code(request->attr("code"))) return std::nullopt;
  const auto expires_at = expiration_attr(*request);
  if (!expires_at) return std::nullopt;
  return AddRequest{request->attr("code"), *expires_at};
}

bool among(const Jid& jid, const Participant& who) { return jid == who.jid || jid == who.pn || jid == who.lid; }

}  // namespace

std::string_view name(Role role) {
  switch (role) {
    case Role::member: return "member";
    case Role::admin: return "admin";
    case Role::superadmin: return "superadmin";
  }
  return "member";
}

Participant person(const Jid& jid, const std::optional<Jid>& phone_number) {
  Participant who;
  who.jid = jid.user_jid();
  if (who.jid.is_lid()) who.lid = who.jid;
  if (who.jid.is_phone_number()) who.pn = who.jid;
  if (!who.pn && phone_number && phone_number->is_phone_number()) who.pn = phone_number->user_jid();
  return who;
}

bool same_person(const Participant& a, const Participant& b) {
  return among(a.jid, b) || (a.pn && among(*a.pn, b)) || (a.lid && among(*a.lid, b));
}

std::optional<MemberRow> read_member(const Node& node) {
  const auto jid = person_attr(node, "jid");
  if (!jid) return std::nullopt;
  MemberRow row;
  row.who = person(*jid, phone_attr(node, "phone_number"));
  if (!row.who.lid) row.who.lid = lid_attr(node, "lid");
  row.who.role = role_of(node);
  row.who.display_name = label_attr(node, "display_name");
  row.who.username = label_attr(node, "username");
  if (row.who.username.empty()) row.who.username = label_attr(node, "participant_username");
  row.who.label = label_attr(node, "participant_label");
  row.who.joined_at = node.number("join_time");
  if (row.who.joined_at.value_or(0) > max_time) row.who.joined_at.reset();
  row.error = error_attr(node);
  if (row.error) row.add_request = read_add_request(node);
  return row;
}

Node member_node(const MemberRow& row, std::string_view tag) {
  Node node(tag);
  node.set("jid", row.who.jid);
  if (row.who.pn != row.who.jid) put(node, "phone_number", row.who.pn);
  if (row.who.lid != row.who.jid) put(node, "lid", row.who.lid);
  if (row.who.role != Role::member) node.set("type", name(row.who.role));
  put(node, "display_name", row.who.display_name);
  put(node, "username", row.who.username);
  put(node, "participant_label", row.who.label);
  put(node, "join_time", row.who.joined_at);
  if (row.error) node.set("error", *row.error);
  if (row.add_request) {
    Node request("add_request");
    request.set("code", row.add_request->code).set("expiration", row.add_request->expires_at);
    node.add(std::move(request));
  }
  return node;
}

Node member_node(const Participant& who, std::string_view tag) { return member_node(MemberRow{who, {}, {}}, tag); }

Result<std::vector<std::optional<MemberRow>>> read_members(const Node& list, std::string_view tag) {
  const std::vector<const Node*> nodes = list.children(tag);
  if (nodes.size() > max_members) return Error(Errc::too_large, "over 20000 participants in <" + list.tag + ">");
  std::vector<std::optional<MemberRow>> rows;
  rows.reserve(nodes.size());
  for (const Node* node : nodes) rows.push_back(read_member(*node));
  return rows;
}

bool Author::is(const Participant& who) const {
  return (jid && among(*jid, who)) || (pn && among(*pn, who)) || (lid && among(*lid, who));
}

bool OwnAccount::is(const Participant& who) const {
  return (!pn.empty() && among(pn.user_jid(), who)) || (!lid.empty() && among(lid.user_jid(), who));
}

bool OwnAccount::is(const Author& author) const {
  if (!author.jid) return false;
  Participant who;
  who.jid = *author.jid;
  who.pn = author.pn;
  who.lid = author.lid;
  return is(who);
}

void IdentityPairs::add(const std::optional<Jid>& lid, const std::optional<Jid>& pn) {
  if (lid && pn && lid->is_lid() && pn->is_phone_number()) pairs_.push_back({*lid, *pn});
}

std::vector<LidPn> IdentityPairs::take() {
  std::sort(pairs_.begin(), pairs_.end());
  pairs_.erase(std::unique(pairs_.begin(), pairs_.end()), pairs_.end());
  return std::move(pairs_);
}

}  // namespace wharf::protocol::groups
