#pragma once
// What a session asks about groups, and what the server says of them: stanzas for tests over SessionFixture.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "protocol/groups/metadata.h"
#include "protocol/groups/results.h"
#include "storage/groups.h"
#include "tests/sessions/session_fixture.h"

namespace wharf::test {

namespace groups = protocol::groups;
using protocol::Node;

inline const Jid crew("120363000000000001", "g.us"), choir("120363000000000002", "g.us");
inline const Jid self("100000000000001", "lid"), self_pn("15550000001", "s.whatsapp.net");
inline const Jid ben_lid("100000000000002", "lid"), carl_lid("100000000000003", "lid"),
    dora_lid("100000000000004", "lid");

/// A group by LID with the own account in it.
inline groups::GroupMetadata group_of(const Jid& group, const std::vector<Jid>& others, std::string version = "1") {
  groups::GroupMetadata out;
  out.group = group;
  out.subject = "group " + group.user.substr(group.user.size() - 2);
  out.addressing_mode = groups::AddressingMode::lid;
  out.member_list_version = std::move(version);
  out.members.push_back(groups::person(self, self_pn));
  for (const Jid& one : others) out.members.push_back(groups::person(one));
  out.size = static_cast<std::uint32_t>(out.members.size());
  return out;
}

/// The queries to `to` among these stanzas that have this child.
inline std::vector<Node> queries_to(const std::vector<Node>& nodes, const Jid& to, std::string_view child = "query",
                                    std::string_view xmlns = "w:g2") {
  std::vector<Node> out;
  for (const Node& node : nodes) {
    if (node.is("iq") && node.attr("xmlns") == xmlns && node.jid("to") == to && node.child(child)) out.push_back(node);
  }
  return out;
}
inline std::vector<Node> lists_asked(const std::vector<Node>& nodes) {
  return queries_to(nodes, Jid("", "g.us"), "participating");
}

inline Node result_of(const Node& query) {
  return Node("iq").set("type", "result").set("id", query.attr("id")).set("from", query.attr("to"));
}
inline Node error_of(const Node& query, unsigned code) {
  Node error("error");
  error.set("code", std::uint64_t{code}).set("text", "refused");
  return Node("iq")
      .set("type", "error")
      .set("id", query.attr("id"))
      .set("from", query.attr("to"))
      .add(std::move(error));
}
inline Node described(const Node& query, const groups::GroupMetadata& group) {
  return result_of(query).add(groups::group_node(group));
}

inline Node notice(const Jid& group, const Jid& by, Node change, const std::string& id = "n1",
                   std::uint64_t at = 1'700'000'002) {
  return Node("notification")
      .set("id", id)
      .set("type", "w:gp2")
      .set("from", group)
      .set("participant", by)
      .set("addressing_mode", "lid")
      .set("t", at)
      .add(std::move(change));
}
inline Node change_of(std::string_view tag, const Jid& who, const std::string& before = "",
                      const std::string& after = "") {
  Node out(tag);
  if (!before.empty()) out.set("prev_v_id", before);
  if (!after.empty()) out.set("v_id", after);
  return out.add(Node("participant").set("jid", who));
}

/// As if the server had told it before. `fetched_at`: when it told all of it; 0: never.
inline void know(SessionFixture& f, const groups::GroupMetadata& metadata, std::optional<UnixMs> fetched_at = {}) {
  storage::GroupRow told;
  told.group = metadata.group;
  told.metadata = protocol::encode_node(groups::group_node(metadata));
  told.subject = metadata.subject;
  told.fetched_at = fetched_at.value_or(f.now_ms);
  storage::Changes changes;
  changes.add(storage::PutGroup{f.row.id, told});
  f.store->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
}

inline std::optional<storage::GroupRow> row_of(SessionFixture& f, const Jid& group) {
  return storage::find_group(f.store->reader(), f.row.id, group);
}
/// Who is in it by the row.
inline std::vector<Jid> members_of(SessionFixture& f, const Jid& group) {
  std::vector<Jid> out;
  const auto row = row_of(f, group);
  if (!row) return out;
  const auto known = groups::read_group(protocol::decode_node(row->metadata).value(), group);
  for (const auto& member : known->members) out.push_back(member.jid);
  return out;
}
inline std::vector<std::string> listed(SessionFixture& f) {
  std::vector<std::string> out;
  for (const auto& row : storage::page_groups(f.store->reader(), f.row.id, 100, 0).groups) out.push_back(row.subject);
  return out;
}

/// The account is unlinked on request, and another one (of the same names) linked in its place.
inline void link_anew(SessionFixture& f) {
  const auto effects = f.tell(Logout());
  const auto nodes = SessionFixture::sent(effects);
  REQUIRE(nodes.size() == 1);
  f.stanza(Node("iq").set("id", nodes[0].attr("id")).set("type", "result"));
  auto& device = f.session->context().device;
  REQUIRE_FALSE(device.linked());
  device.account = {4, 5, 6};
  device.jid = Jid("15550000001", "s.whatsapp.net", 4);
  device.lid = Jid("100000000000001", "lid", 4);
  device.server_has_prekeys = true;
  f.tell(StartSession());
}

}  // namespace wharf::test
