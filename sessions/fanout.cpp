#include "sessions/fanout.h"

#include <algorithm>
#include <utility>

#include "events/event.h"
#include "protocol/messages/content.h"
#include "protocol/messages/padding.h"
#include "protocol/noise/frame.h"
#include "protocol/pairing/adv.h"
#include "protocol/stanzas/prekeys.h"
#include "sessions/groups/own_key.h"

namespace wharf::sessions {

namespace {

constexpr std::size_t max_bundles_per_query = 256;  // 02 section 6.6
constexpr std::size_t bundles_per_turn = 8;         // five agreements and signatures each: some 5 ms of the loop
constexpr std::chrono::seconds unreachable_for{60};
constexpr std::size_t enc_overhead = 64;  // of one participant beside its ciphertext: at least this much
constexpr std::chrono::seconds bundle_timeout{20};
constexpr std::size_t max_unreachable = 4096;  // a large group has some hundred

}  // namespace

protocol::LocalIdentity Fanout::local() const { return {c_.device.identity, c_.device.registration_id}; }

std::vector<Jid> Fanout::targets(const Jid& chat) {
  std::vector<Jid> devices;
  const Jid own = directory_.canonical_user(c_.device.jid);
  const auto add = [&](const Jid& user) {
    const auto* list = directory_.devices(user);
    if (list == nullptr) return;
    for (const std::uint16_t number : *list) {
      if (user == own && number == c_.device.jid.device) continue;
      devices.push_back(user.with_device(number));
    }
  };
  add(chat);
  if (chat != own) add(own);
  return devices;
}

bool Fanout::has_session(const Jid& device) {
  const auto* record = c_.keys.find(device);
  return record != nullptr && record->has_current();
}

std::vector<Jid> Fanout::missing(const std::vector<Jid>& devices) {
  std::vector<Jid> out;
  for (const Jid& device : devices) {
    if (!has_session(device) && !is_unreachable(device)) out.push_back(device);
  }
  return out;
}

void Fanout::mark_unreachable(const Jid& device) { unreachable_[device] = c_.now.steady + unreachable_for; }

bool Fanout::prepared(const Jid& chat) {
  const Jid own = directory_.canonical_user(c_.device.jid);
  if (directory_.devices(chat) == nullptr || directory_.devices(own) == nullptr) return false;
  // An unmapped phone number was asked for its LID together with its devices; asking again would not tell more.
  return missing(targets(chat)).empty();
}

void Fanout::prepare(const Jid& chat, std::function<void(Prepared)> done) {
  const Jid own = directory_.canonical_user(c_.device.jid);
  const bool ask_for_chat = directory_.devices(chat) == nullptr;
  std::vector<Jid> users;
  if (ask_for_chat) users.push_back(chat);
  if (chat != own && directory_.devices(own) == nullptr) users.push_back(own);
  const auto fetch = [this](const Jid& canonical, std::function<void(Prepared)> then) {
    const auto need = missing(targets(canonical));
    if (need.empty()) return then(Prepared::yes);
    fetch_sessions(need, false, [then = std::move(then)](bool ok) { then(ok ? Prepared::yes : Prepared::later); });
  };
  if (users.empty()) return fetch(chat, std::move(done));
  directory_.refresh(std::move(users), [this, chat, ask_for_chat, fetch, done = std::move(done)](Directory::Told told) {
    if (told != Directory::Told::all) return done(Prepared::later);
    const Jid canonical = directory_.canonical_user(chat);  // its LID may have been learnt just now
    if (ask_for_chat && directory_.devices(canonical) == nullptr) return done(Prepared::nobody);
    fetch(canonical, done);
  });
}

void Fanout::fetch_sessions(std::vector<Jid> devices, bool identity_changed, std::function<void(bool)> done) {
  // A page at a time: the sessions of one are in the rows of their turn before the next is asked for.
  std::vector<Jid> rest;
  if (devices.size() > max_bundles_per_query) {
    rest.assign(devices.begin() + max_bundles_per_query, devices.end());
    devices.resize(max_bundles_per_query);
  }
  const Node iq = protocol::fetch_bundles_iq(c_.ids.next(), devices, identity_changed);
  c_.query(
      iq,
      [this, identity_changed, devices = std::move(devices), rest = std::move(rest),
       done = std::move(done)](const Node* answer) {
        if (answer == nullptr || protocol::iq_error_of(*answer)) return done(false);
        const auto told = std::make_shared<Bundles>();
        told->fetched = protocol::read_bundles(*answer);
        told->open = devices;
        told->own = c_.device.jid;
        take_bundles(told, [this, identity_changed, rest, done](bool ok) {
          if (!ok || rest.empty()) return done(ok);
          fetch_sessions(rest, identity_changed, done);
        });
      },
      bundle_timeout);
}

void Fanout::take_bundles(const std::shared_ptr<Bundles>& told, std::function<void(bool)> done) {
  if (told->own != c_.device.jid) return done(false);  // between two turns the account became another
  const std::size_t end = std::min(told->taken + bundles_per_turn, told->fetched.size());
  for (; told->taken < end; ++told->taken) {
    const protocol::FetchedBundle& fetched = told->fetched[told->taken];
    const auto asked = std::find(told->open.begin(), told->open.end(), fetched.jid);
    if (asked == told->open.end()) continue;  // not requested, or twice
    const Jid device = *asked;
    told->open.erase(asked);
    if (fetched.bundle && use_bundle(device, *fetched.bundle)) continue;
    mark_unreachable(device);
    // The device is gone: the list that named it is stale.
    if (fetched.error_code == 404 || fetched.error_code == 406) directory_.forget_devices(device.user_jid());
  }
  if (end < told->fetched.size())
    return c_.in_later_turn([this, told, done = std::move(done)] { take_bundles(told, done); });
  for (const Jid& device : told->open) mark_unreachable(device);
  done(true);
}

bool Fanout::contradicts_pairing(const Jid& device, const protocol::PublicKey& identity) {
  if (device.device != 0 || !directory_.is_own(device)) return false;
  // The key that signed our device identity at pairing, whatever the server says since that our address is.
  auto paired = protocol::account_key_of(c_.device.account);
  if (!paired) paired = c_.keys.identity(device);
  return paired && *paired != identity;
}

Result<void> Fanout::use_bundle(const Jid& device, const protocol::PreKeyBundle& bundle) {
  if (contradicts_pairing(device, bundle.identity)) return Error(Errc::bad_signature, "not the identity of our phone");
  if (!bundle.device_identity.empty()) {
    const auto valid = protocol::verify_device_identity(bundle.device_identity, bundle.identity,
                                                        c_.keys.identity(device.with_device(0)));
    // not_found: the account's key is not known yet, nothing to check against (02 section 8.4).
    if (!valid && valid.error().code != Errc::not_found) return valid.error();
  }
  const auto started = protocol::start_session(c_.keys.open(device), local(), bundle, c_.random);
  if (!started) return started.error();
  c_.keys.mark_changed(device);
  set_identity(device, bundle.identity);
  unreachable_.erase(device);
  return {};
}

void Fanout::set_identity(const Jid& device, const protocol::PublicKey& identity) {
  if (!c_.keys.set_identity(device, identity)) return;
  const Jid user = device.user_jid();
  // Installed anew, it has none of the keys that it was given for groups.
  c_.records.add(storage::TakeKeyCopiesBack{c_.id(), user, std::nullopt, device.device});
  renew_status_key(c_, user);
  directory_.tell_devices_changed(user);
  if (device.device == 0)
    c_.emit(events::ContactUpdated{
        user, directory_.person(user), events::ContactUpdated::Change::identity, {}, directory_.is_own(user)});
}

// --- one stanza

Fanout::Addressing Fanout::addressing(const Jid& chat) {
  if (!chat.is_lid()) return Addressing::phone_number;
  const bool unmigrated = prefer_phone_numbers_ || c_.device.lid.empty();
  return unmigrated && directory_.person(chat).pn ? Addressing::phone_number : Addressing::lid;
}

std::optional<Jid> Fanout::user_on_wire(const Jid& canonical, Addressing addressing) {
  const PersonIds ids = directory_.person(canonical);
  return addressing == Addressing::lid ? ids.lid : ids.pn;
}

Result<Node> Fanout::seal(const Jid& chat, const std::string& message_id, ByteView content, ByteView secret,
                          Addressing addressing, const std::vector<Jid>& reached) {
  const Jid own = directory_.canonical_user(c_.device.jid);
  const auto to = user_on_wire(chat, addressing);
  if (!to) return Error(Errc::not_found, "the recipient has no address of the kind that the server wants");
  // Without an address in this namespace the own other devices go without a copy rather than the message not at all.
  const auto own_on_wire = user_on_wire(own, addressing);
  const auto on_wire = [&](const Jid& device) {
    return (device.user_jid() == own ? own_on_wire.value_or(own) : *to).with_device(device.device);
  };
  std::vector<Jid> devices = targets(chat);
  std::erase_if(devices, [&](const Jid& device) {
    return std::find(reached.begin(), reached.end(), on_wire(device)) != reached.end();
  });
  if ((content.size() + enc_overhead) * devices.size() > protocol::max_payload_bytes) {
    return Error(Errc::too_large, "the message is too large for the " + std::to_string(devices.size()) +
                                      " devices of this chat: " + std::to_string(content.size()) + " bytes for each");
  }
  const bool note_to_self = chat == own;
  const Bytes own_copy = protocol::wrap_device_sent(content, *to);
  protocol::OutgoingStanza stanza;
  stanza.id = message_id;
  stanza.to = *to;
  stanza.kind = protocol::stanza_kind(content);
  bool to_recipient = false;
  bool introduced = false;
  for (const Jid& device : devices) {
    const bool to_own = device.user_jid() == own;
    if (to_own && !own_on_wire) continue;
    auto* record = c_.keys.find(device);
    if (record == nullptr || !record->has_current()) continue;
    const Bytes padded = protocol::pad_message(to_own ? ByteView(own_copy) : content, c_.random);
    auto sealed = protocol::encrypt(*record, local(), padded);
    if (!sealed) continue;
    c_.keys.mark_changed(device);
    introduced |= sealed->kind == protocol::CiphertextKind::pre_key_message;
    to_recipient |= !to_own || note_to_self;
    stanza.participants.push_back({on_wire(device), std::move(*sealed)});
  }
  // Never at first only to own devices: they would show a message that nobody got.
  if (stanza.participants.empty() || (!to_recipient && reached.empty()))
    return Error(Errc::not_found, "no device of the recipient could be reached");
  if (introduced) stanza.device_identity = c_.device.account;
  if (addressing == Addressing::lid) stanza.peer_recipient_pn = directory_.person(chat).pn;
  stanza.trusted_token = tokens_.token_of(chat);
  if (secret.size() == 32) {
    const Jid sender = own_on_wire.value_or(c_.device.jid.user_jid());
    stanza.reporting_token = protocol::reporting_token(content, secret, message_id, sender, *to);
  }
  return protocol::message_stanza(stanza);
}

void Fanout::end_turn(bool keep) {
  if (!keep || unreachable_.size() > max_unreachable) unreachable_.clear();
}

}  // namespace wharf::sessions
