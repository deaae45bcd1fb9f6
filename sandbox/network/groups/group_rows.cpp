// A group on disk.

#include <boost/json.hpp>

#include "sandbox/network/groups/group.h"
#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace json = boost::json;

namespace {

std::vector<std::string> texts_of(const json::value& list) {
  std::vector<std::string> out;
  for (const auto& entry : list.as_array()) out.push_back(string_of(entry));
  return out;
}

void read_lists(Group& group, const json::object& saved) {
  for (auto& code : texts_of(saved.at("old_codes"))) group.old_codes.push_back(std::move(code));
  for (const auto& entry : saved.at("requests").as_array()) {
    const auto& o = entry.as_object();
    group.requests.push_back({string_of(o.at("phone")), number_of<std::int64_t>(o.at("at")), string_of(o.at("method")),
                              string_of(o.at("by"))});
  }
  for (const auto& entry : saved.at("departures").as_array()) {
    const auto& o = entry.as_object();
    group.departures.push_back(
        {string_of(o.at("phone")), number_of<std::int64_t>(o.at("at")), o.at("removed").as_bool()});
  }
  for (const auto& entry : saved.at("invitations").as_array()) {
    const auto& o = entry.as_object();
    group.invitations.push_back({string_of(o.at("code")), string_of(o.at("phone")), string_of(o.at("inviter")),
                                 number_of<std::int64_t>(o.at("expires"))});
  }
}

}  // namespace

Bytes group_row(const Group& group) {
  json::object out{{"lid", group.lid},
                   {"created", group.created},
                   {"creator", group.creator},
                   {"subject", group.subject.text},
                   {"subject_at", group.subject.at},
                   {"subject_by", group.subject.by},
                   {"settings", base64_value(protocol::encode_node(protocol::groups::group_node(group.settings)))},
                   {"members_version", group.members_version},
                   {"admins_version", group.admins_version},
                   {"code", group.code},
                   {"picture", group.picture}};
  if (const auto& description = group.description) {
    out["description"] = json::object{
        {"id", description->id}, {"text", description->text}, {"by", description->by}, {"at", description->at}};
  }
  json::array old_codes, requests, departures, invitations;
  for (const auto& code : group.old_codes) old_codes.emplace_back(code);
  for (const auto& one : group.requests) {
    requests.push_back(json::object{{"phone", one.phone}, {"at", one.at}, {"method", one.method}, {"by", one.by}});
  }
  for (const auto& one : group.departures)
    departures.push_back(json::object{{"phone", one.phone}, {"at", one.at}, {"removed", one.removed}});
  for (const auto& one : group.invitations) {
    invitations.push_back(
        json::object{{"code", one.code}, {"phone", one.phone}, {"inviter", one.inviter}, {"expires", one.expires}});
  }
  out["old_codes"] = std::move(old_codes);
  out["requests"] = std::move(requests);
  out["departures"] = std::move(departures);
  out["invitations"] = std::move(invitations);
  return packed(out);
}

Group read_group(std::string id, ByteView row) {
  const auto saved = unpacked(row);
  Group group;
  group.id = std::move(id);
  group.lid = saved.at("lid").as_bool();
  group.created = number_of<std::int64_t>(saved.at("created"));
  group.creator = string_of(saved.at("creator"));
  group.subject = {string_of(saved.at("subject")), number_of<std::int64_t>(saved.at("subject_at")),
                   string_of(saved.at("subject_by"))};
  if (const auto* found = saved.if_contains("description")) {
    const auto& o = found->as_object();
    group.description = GroupDescription{string_of(o.at("id")), string_of(o.at("text")), string_of(o.at("by")),
                                         number_of<std::int64_t>(o.at("at"))};
  }
  auto settings = protocol::groups::read_group(stanza_of(bytes_of(saved.at("settings"))));
  if (!settings) damaged("settings of a group");
  group.settings = std::move(*settings);
  group.members_version = number_of<std::uint64_t>(saved.at("members_version"));
  group.admins_version = number_of<std::uint64_t>(saved.at("admins_version"));
  group.code = string_of(saved.at("code"));
  group.picture = number_of<std::uint64_t>(saved.at("picture"));
  read_lists(group, saved);
  return group;
}

// --- a member: a byte of its role, 8 of since when

Bytes member_row(const GroupMember& member) {
  Bytes row{static_cast<std::uint8_t>(member.role)};
  protocol::append(row, protocol::as_bytes(row_number(static_cast<std::uint64_t>(member.since), 8)));
  return row;
}

GroupMember read_member(ByteView row) {
  if (row.size() != 9 || row[0] > static_cast<std::uint8_t>(GroupRole::superadmin)) damaged("a member of a group");
  return {static_cast<GroupRole>(row[0]), static_cast<std::int64_t>(protocol::from_big_endian(row.subspan(1)))};
}

}  // namespace wharf::sandbox
