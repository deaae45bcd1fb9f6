#include "sandbox/network/audience.h"

namespace wharf::sandbox {

bool Audience::may_see(const Party& party, std::string_view category, const Party& viewer, ByteView token) const {
  if (blocklist_.blocks(party, viewer)) return false;
  if (category.empty()) return true;
  const bool trusted = !token.empty() && tokens_.valid(party, viewer, token);
  return privacy_.lets_see(party, category, viewer, trusted);
}

void Audience::tell_contacts(const Party& party, std::string_view category, const protocol::NotificationEvent& event) {
  for (const auto& phone : party.contacts) {
    const auto* contact = accounts_.find(phone);
    if (contact == nullptr || contact == &party) continue;
    if (!may_see(party, category, *contact) || blocklist_.blocks(*contact, party)) continue;
    for (const auto& [device, known] : contact->account.devices) {
      const protocol::NotificationHeader header{c_.next_id(), c_.unix_seconds(), contact->account.pn_jid()};
      delivery_.enqueue({phone, device}, protocol::notification_stanza(header, event));
    }
  }
}

}  // namespace wharf::sandbox
