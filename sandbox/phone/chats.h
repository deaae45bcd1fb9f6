#pragma once
// The conversations of a phone: with another account, or in a group.

#include <optional>
#include <string>
#include <string_view>

#include "sandbox/phone/context.h"
#include "sandbox/phone/groups/groups.h"

namespace wharf::sandbox {

struct PhoneChat {
  std::string name;  // as messages and queues name it: the number of the account, or the JID of the group as text
  Jid jid;           // as stanzas address it
  bool lid = false;  // the identity by which it names people; never mixed (03 section 4.8)
  bool group = false;
  std::uint32_t expires_after_s = 0;  // of a group: its timer; of two people's chat that is in the log
  /// An account as this chat names it.
  Jid form(const Account& who, std::uint16_t device = 0) const { return who.form(lid, device); }
};

class PhoneChats {
 public:
  PhoneChats(const PhoneContext& context, const PhoneGroups& groups) : c_(context), groups_(groups) {}

  /// A number or JID as people write it. Errors: not_found (nobody has it; the phone is in no such group).
  protocol::Result<PhoneChat> find(std::string_view to) const;
  PhoneChat with(const Account& peer) const;
  /// The name of what a stanza calls so; of an account that nobody has its user part.
  std::string name_of(const Jid& jid) const;
  static bool is_group(std::string_view name) { return name.ends_with("@g.us"); }
  static constexpr std::string_view statuses = "status@broadcast";
  /// What is said there is encrypted once for all.
  static bool is_shared(std::string_view name) { return is_group(name) || name == statuses; }

 private:
  const PhoneContext& c_;
  const PhoneGroups& groups_;
};

}  // namespace wharf::sandbox
