#include "sessions/status_audiences.h"

#include <algorithm>
#include <set>
#include <utility>

namespace wharf::sessions {

using storage::StatusAudienceRow;
using storage::StatusSetting;

namespace {

std::string name_of(StatusSetting setting) {
  switch (setting) {
    case StatusSetting::contacts: return std::string("contacts");
    case StatusSetting::denylist: return std::string("denylist");
    case StatusSetting::allowlist: break;
  }
  return std::string("allowlist");
}

}  // namespace

std::vector<Jid> StatusAudiences::canonical(const std::vector<Jid>& users) {
  std::vector<Jid> out;
  std::set<Jid> seen{directory_.canonical_user(c_.device.jid)};
  for (const Jid& user : users) {
    if (out.size() == most) break;
    Jid one = directory_.canonical_user(user);
    if (one.has_devices() && seen.insert(one).second) out.push_back(std::move(one));
  }
  return out;
}

void StatusAudiences::open(const std::string& post, const std::optional<std::vector<Jid>>& named) {
  StatusAudienceRow row;
  row.post = post;
  if (named) {
    row.setting = StatusSetting::allowlist;
    row.settled = true;
    row.users = canonical(*named);
  }
  c_.records.add(storage::PutStatusAudience{c_.id(), std::move(row)});
}

bool StatusAudiences::aim_at(const storage::MessageRow& message) {
  is_post_ = message.target_id.empty();
  const std::string& post = is_post_ ? message.id : message.target_id;
  if (post == aimed_.post) return false;
  // One that was posted elsewhere is deleted to those who would see a post of today.
  auto row = c_.records.find_status_audience(post);
  StatusAudienceRow now = row ? std::move(*row) : StatusAudienceRow();
  now.post = post;
  const bool same = aimed_.settled && now.settled && aimed_.users == now.users;
  aimed_ = std::move(now);
  return !same;
}

std::optional<protocol::groups::GroupMetadata> StatusAudiences::people() {
  if (aimed_.post.empty() || !aimed_.settled) return std::nullopt;
  protocol::groups::GroupMetadata group;
  group.group = protocol::status_jid();
  group.addressing_mode = protocol::groups::AddressingMode::lid;
  group.members.reserve(aimed_.users.size());
  for (const Jid& user : aimed_.users) {
    protocol::groups::Participant member;
    member.jid = directory_.canonical_user(user);  // its LID may be known by now
    group.members.push_back(std::move(member));
  }
  return group;
}

std::string StatusAudiences::setting() const { return is_post_ ? name_of(aimed_.setting) : std::string(); }

void StatusAudiences::settle(UniqueFunction<void(Groups::Refreshed)> done) {
  if (aimed_.settled) return done(Groups::Refreshed::yes);
  if (!c_.link.online()) return done(Groups::Refreshed::later);
  c_.query(protocol::status_audience_iq(c_.ids.next()),
           [this, post = aimed_.post, done = std::move(done)](const Node* answer) mutable {
             const auto chosen =
                 answer != nullptr
                     ? protocol::read_status_audience(*answer)
                     : protocol::Result<protocol::StatusAudience>(Error(Errc::timed_out, "the server did not answer"));
             if (!chosen) return done(Groups::Refreshed::later);
             settle_as(post, *chosen);
             done(Groups::Refreshed::yes);
           });
}

// Until the address book of the phone is read (app state), "contacts" are the people whom there is a chat with: whoever
// only shares a group with the account, or was looked up, is none.
void StatusAudiences::settle_as(const std::string& post, const protocol::StatusAudience& chosen) {
  using Kind = protocol::StatusAudience::Kind;
  StatusAudienceRow row;
  row.post = post;
  row.settled = true;
  row.setting = chosen.kind == Kind::only     ? StatusSetting::allowlist
                : chosen.kind == Kind::except ? StatusSetting::denylist
                                              : StatusSetting::contacts;
  std::vector<Jid> users = chosen.kind == Kind::only ? chosen.users : c_.records.chat_partners(most);
  if (chosen.kind == Kind::except) {
    std::set<Jid> excluded;
    for (const Jid& user : chosen.users) excluded.insert(directory_.canonical_user(user));
    std::erase_if(users, [&](const Jid& user) { return excluded.contains(directory_.canonical_user(user)); });
  }
  row.users = canonical(users);
  if (aimed_.post == post) aimed_ = row;
  c_.records.add(storage::PutStatusAudience{c_.id(), std::move(row)});
}

bool StatusAudiences::includes(const std::string& post, const Jid& user) {
  const auto row = c_.records.find_status_audience(post);
  if (!row) return false;
  const Jid canonical = directory_.canonical_user(user);
  return std::any_of(row->users.begin(), row->users.end(), [&](const Jid& one) {
    return one == canonical || (one.is_phone_number() && directory_.canonical_user(one) == canonical);
  });
}

std::uint32_t StatusAudiences::size(const std::string& post) const {
  const auto row = c_.records.find_status_audience(post);
  return row && row->settled ? static_cast<std::uint32_t>(row->users.size()) : 0;
}

std::string StatusAudiences::setting_of(const std::string& post) const {
  const auto row = c_.records.find_status_audience(post);
  return row ? name_of(row->setting) : std::string();
}

void StatusAudiences::end_turn(bool keep) {
  if (!keep) aimed_ = StatusAudienceRow();
}

}  // namespace wharf::sessions
