#pragma once
// The groups that a phone is in, as its server told: by notifications, and by asking where those do not suffice.
// Specification 05 sections 4 and 5.

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/groups/cache.h"
#include "protocol/groups/results.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/groups/sender_keys.h"

namespace wharf::sandbox {

struct PhoneGroup {
  protocol::groups::GroupMetadata data;
  std::uint64_t as_of = 0;  // unix seconds when it was asked for; 0: it is known from notifications alone
  std::map<std::string, protocol::groups::Role> members;  // by phone number

  Jid jid() const { return data.group; }
  bool lid() const { return data.addressing_mode == protocol::groups::AddressingMode::lid; }
  Jid form(const Account& who, std::uint16_t device = 0) const { return who.form(lid(), device); }
  std::vector<std::string> phones() const;
  bool has(const std::string& phone) const { return members.contains(phone); }
  bool is_admin(const std::string& phone) const;
};

/// Groups are named by their JID as text.
class PhoneGroups {
 public:
  PhoneGroups(PhoneContext& context, PhoneSenderKeys& keys) : c_(context), keys_(keys) {}

  /// One that the phone is in; its list of members may be stale.
  const PhoneGroup* find(std::string_view group) const;
  const std::map<std::string, PhoneGroup, std::less<>>& all() const { return groups_; }
  /// Whether a message of this time may be of this author: a member, or, of what was known only later, anybody.
  bool may_have_written(const PhoneGroup& group, const std::string& phone, std::uint64_t at) const;

  using Then = std::function<void(const protocol::Result<void>&)>;
  /// Known and not stale, else asked for. Errors: not_found (the phone is not in it), closed, timed_out.
  void with_group(const std::string& group, Then then);
  /// It is asked for before it is relied on again.
  void distrust(const std::string& group);
  void on_notification(const Node& notification);
  /// The whole list, anew.
  void fetch_all();
  /// The phone was switched on: what it lacks is asked for.
  void resume();

  using Answer = PhoneContext::Answer;
  /// What the phone's user asks. What it changes the phone learns from notifications.
  void ask(const protocol::groups::GroupRequest& request, Answer answer);

  /// The phone was installed anew.
  void clear();

  // --- row: phone_group
  std::optional<Bytes> row(const std::string& group) const;
  void restore(const std::string& group, ByteView row);

 private:
  protocol::groups::OwnAccount own() const;
  void keep(const std::string& group, protocol::groups::GroupMetadata data, std::uint64_t as_of);
  void drop(const std::string& group);
  void take(const std::string& group, protocol::groups::Applied applied, std::uint64_t as_of);
  void fetch(const std::string& group);
  void fetched(const std::string& group, const protocol::Result<Node>& answer);
  protocol::Result<void> read(const std::string& group, const protocol::Result<Node>& answer);
  void changed(const std::string& group) { c_.changed(RowKind::phone_group, group); }

  PhoneContext& c_;
  PhoneSenderKeys& keys_;
  std::map<std::string, PhoneGroup, std::less<>> groups_;
  std::map<std::string, std::vector<Then>> asked_;  // who waits for an answer
};

}  // namespace wharf::sandbox
