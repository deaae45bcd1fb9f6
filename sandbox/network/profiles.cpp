#include "sandbox/network/profiles.h"

#include "protocol/account/profile.h"
#include "sandbox/network/answers.h"

namespace wharf::sandbox {

namespace {

constexpr std::string_view about_category = "status";

Node timer_node(const Profiles::Texts& texts) {
  return Node("disappearing_mode").set("duration", std::uint64_t{texts.timer_s}).set("t", texts.timer_at);
}

}  // namespace

const Profiles::Texts& Profiles::of(std::string_view phone) const {
  static const Texts none;
  const auto found = texts_.find(phone);
  return found == texts_.end() ? none : found->second;
}

// --- changes

void Profiles::set_about(const Origin& origin, const Node& iq) {
  const auto about = protocol::read_about_change(iq);
  if (!about) return c_.send(origin.key, error_of(iq, 406, "not-acceptable"));
  auto& texts = texts_[origin.key.phone];
  texts.about = *about;
  texts.about_at = c_.unix_seconds();
  accounts_.changed(origin.party);
  sync_.tell_own_devices(origin, Node("status"));
  audience_.tell_contacts(origin.party, about_category,
                          protocol::AboutChanged{origin.party.account.pn_jid(), texts.about, false, {}});
  c_.send(origin.key, result_of(iq));
}

void Profiles::set_timer(const Origin& origin, const Node& iq) {
  const auto seconds = protocol::read_default_timer_change(iq);
  if (!seconds) return c_.send(origin.key, error_of(iq, 406, "not-acceptable"));
  auto& texts = texts_[origin.key.phone];
  texts.timer_s = *seconds;
  texts.timer_at = c_.unix_seconds();
  accounts_.changed(origin.party);
  sync_.tell_own_devices(origin, timer_node(texts));
  audience_.tell_contacts(origin.party, {},
                          protocol::DefaultTimerChanged{origin.party.account.pn_jid(), *seconds, texts.timer_at});
  c_.send(origin.key, result_of(iq));
}

// --- usync

Node Profiles::about_for(const Party& party, const Party& viewer, ByteView token) const {
  Node status("status");
  if (!audience_.may_see(party, about_category, viewer, token)) return status.set("code", "401").set("t", "0");
  const auto& texts = of(party.account.phone);
  status.set("t", texts.about_at);
  return texts.about.empty() ? status : status.text(texts.about);
}

std::optional<Node> Profiles::text_status_for(const Party& party, const Party& viewer, ByteView token) const {
  if (!audience_.may_see(party, about_category, viewer, token)) return std::nullopt;
  const auto& texts = of(party.account.phone);
  Node status("text_status");
  if (!texts.about.empty()) status.set("text", texts.about);
  return status.set("last_update_time", texts.about_at);
}

Node Profiles::timer_of(const Party& party) const { return timer_node(of(party.account.phone)); }

}  // namespace wharf::sandbox
