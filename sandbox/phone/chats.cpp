#include "sandbox/phone/chats.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

Result<PhoneChat> PhoneChats::find(std::string_view to) const {
  if (to == statuses) return PhoneChat{std::string(to), protocol::status_jid(), true, true, 0};
  if (is_group(to)) {
    const auto* group = groups_.find(to);
    if (group == nullptr) return Error(Errc::not_found, "to: this phone is in no such group");
    return PhoneChat{std::string(to), group->jid(), group->lid(), true, group->data.ephemeral.seconds};
  }
  const Account* peer = c_.look_up(to);
  if (peer == nullptr) return Error(Errc::not_found, "to: nobody has this number");
  return with(*peer);
}

PhoneChat PhoneChats::with(const Account& peer) const { return {peer.phone, c_.form_for(peer), c_.by_lid(peer)}; }

std::string PhoneChats::name_of(const Jid& jid) const {
  if (jid.has_sender_keys()) return jid.to_string();
  const auto who = c_.key_of(jid);
  return who ? who->phone : jid.user;
}

}  // namespace wharf::sandbox
