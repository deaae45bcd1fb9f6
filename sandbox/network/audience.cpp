#include "sandbox/network/audience.h"

namespace wharf::sandbox {

bool Audience::may_see(const Party& party, std::string_view category, const Party& viewer, ByteView token) const {
  if (blocklist_.blocks(party, viewer)) return false;
  if (category.empty()) return true;
  const bool trusted = !token.empty() && tokens_.valid(party, viewer, token);
  return privacy_.lets_see(party, category, viewer, trusted);
}

void Audience::tell_contacts(const Party& party, std::string_view category, const protocol::NotificationEvent& event) {
  for (const auto& phone : party.contacts) tell_one(party, category, phone, event);
}

void Audience::tell(const Party& party, const std::set<std::string>& whom, const protocol::NotificationEvent& event) {
  for (const auto& phone : whom) tell_one(party, {}, phone, event);
}

void Audience::tell_one(const Party& party, std::string_view category, const std::string& phone,
                        const protocol::NotificationEvent& event) {
  const auto* contact = accounts_.find(phone);
  if (contact == nullptr || contact == &party) return;
  if (!may_see(party, category, *contact) || blocklist_.blocks(*contact, party)) return;
  for (const auto& [device, known] : contact->account.devices) {
    const protocol::NotificationHeader header{c_.next_id(), c_.unix_seconds(), contact->account.pn_jid()};
    delivery_.enqueue({phone, device}, protocol::notification_stanza(header, event));
  }
}

}  // namespace wharf::sandbox
