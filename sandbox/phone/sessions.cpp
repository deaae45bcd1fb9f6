#include "sandbox/phone/sessions.h"

#include <algorithm>
#include <utility>

#include "protocol/messages/padding.h"
#include "protocol/signal/ratchet_state.h"
#include "sandbox/row_values.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

// --- beginning

bool PhoneSessions::has(const DeviceKey& peer) const {
  const auto found = sessions_.find(peer);
  return found != sessions_.end() && found->second.has_current();
}

void PhoneSessions::start_from(const DeviceKey& peer, const protocol::PreKeyBundle& bundle) {
  if (peer.device != 0 && !account_keys_.check_companion(peer, bundle.device_identity, bundle.identity)) return;
  protocol::SessionRecord record = sessions_[peer];
  if (!protocol::start_session(record, keys_.local(), bundle, c_.random())) return;
  sessions_[peer] = std::move(record);
  changed(peer);
  if (peer.device == 0) account_keys_.learn(peer.phone, bundle.identity);
}

void PhoneSessions::with_sessions(const std::vector<DeviceKey>& devices, std::function<void(Result<void>)> then) {
  std::vector<Jid> missing;
  for (const DeviceKey& device : devices) {
    const Account* owner = c_.find(device.phone);
    if (owner != nullptr && !has(device)) missing.push_back(owner->jid(device.device));
  }
  if (missing.empty()) return then({});
  c_.ask(protocol::fetch_bundles_iq(c_.ids.next(), missing), [this, then = std::move(then)](Result<Node> answer) {
    if (!answer) return then(answer.error());
    use_bundles(*answer);
    then({});
  });
}

void PhoneSessions::use_bundles(const Node& answer) {
  std::vector<protocol::FetchedBundle> bundles = protocol::read_bundles(answer);
  // Device 0 first: its identity vouches for the companions of the same answer.
  std::stable_sort(bundles.begin(), bundles.end(),
                   [](const auto& a, const auto& b) { return (a.jid.device == 0) > (b.jid.device == 0); });
  for (const protocol::FetchedBundle& fetched : bundles) {
    const auto peer = c_.key_of(fetched.jid);
    if (!peer) continue;
    if (!fetched.bundle) {
      lists_.forget(peer->phone);  // the list named a device that is gone
    } else if (!has(*peer)) {      // another chat may have been quicker
      start_from(*peer, *fetched.bundle);
    }
  }
}

bool PhoneSessions::renew(const DeviceKey& requester, const protocol::RetryRequest& request, ByteView failed_on) {
  protocol::SessionRecord& session = sessions_[requester];
  changed(requester);
  if (request.keys) {
    const auto& keys = *request.keys;
    if (requester.device != 0 && !account_keys_.check_companion(requester, keys.device_identity, keys.identity))
      return false;
    if (!protocol::start_session(session, keys_.local(), keys, c_.random())) return false;
    if (requester.device == 0) account_keys_.learn(requester.phone, keys.identity);
  } else if (session.has_current()) {
    const bool other_installation = session.remote_registration_id() != request.registration_id;
    const bool same_session = failed_on.empty() || std::ranges::equal(failed_on, session.base_key());
    // A fresh bundle starts a new one.
    if (other_installation || (request.count >= 2 && same_session)) session.archive_current();
  }
  return true;
}

Bytes PhoneSessions::base_key(const DeviceKey& device) const {
  const auto session = sessions_.find(device);
  return session == sessions_.end() ? Bytes() : session->second.base_key();
}

// --- using

std::optional<protocol::Ciphertext> PhoneSessions::seal(const DeviceKey& device, ByteView message) {
  const auto session = sessions_.find(device);
  if (session == sessions_.end()) return std::nullopt;
  changed(device);
  auto sealed = protocol::encrypt(session->second, keys_.local(), protocol::pad_message(message, c_.random()));
  if (!sealed) return std::nullopt;
  return std::move(*sealed);
}

Result<protocol::Decrypted> PhoneSessions::decrypt(const DeviceKey& author, const protocol::ReceivedEnc& enc,
                                                   ByteView device_identity) {
  if (enc.type != "msg") return decrypt_pre_key(author, enc.body, device_identity);
  const auto session = sessions_.find(author);
  if (session == sessions_.end()) return Error(Errc::no_session, "no session with this device");
  changed(author);
  return protocol::decrypt_message(session->second, keys_.local(), enc.body, c_.random());
}

Result<protocol::Decrypted> PhoneSessions::decrypt_pre_key(const DeviceKey& author, ByteView body,
                                                           ByteView device_identity) {
  const auto header = protocol::read_pre_key_message(body);
  if (!header) return header.error();
  if (author.device != 0) {
    const auto vouched = account_keys_.check_companion(author, device_identity, header->identity);
    if (!vouched) return vouched.error();
  }
  protocol::SessionRecord record = sessions_[author];
  auto decrypted = protocol::decrypt_pre_key_message(record, keys_.local(), keys_.own_pre_keys(), body, c_.random());
  if (!decrypted) return decrypted;
  sessions_[author] = std::move(record);
  changed(author);
  if (decrypted->used_one_time) keys_.consume(*decrypted->used_one_time);
  if (author.device == 0) account_keys_.learn(author.phone, header->identity);
  return decrypted;
}

// --- ending

void PhoneSessions::archive(const DeviceKey& peer) {
  const auto session = sessions_.find(peer);
  if (session == sessions_.end()) return;
  session->second.archive_current();
  changed(peer);
}

void PhoneSessions::erase(const DeviceKey& peer) {
  sessions_.erase(peer);
  changed(peer);
}

void PhoneSessions::forget(const std::string& phone) {
  std::erase_if(sessions_, [&](const auto& entry) {
    const bool theirs = entry.first.phone == phone;
    if (theirs) changed(entry.first);
    return theirs;
  });
}

void PhoneSessions::corrupt(const std::string& phone) {
  // The chains in use in both directions and those the next ratchet step would give. Fresh random bytes: damaging it
  // twice must not repair it. Counters go on, so no message key is used twice.
  const auto damage = [this](protocol::detail::Secret32& secret) {
    secret = protocol::detail::Secret32(c_.random().bytes<32>());
  };
  for (auto& [device, record] : sessions_) {
    if (device.phone != phone) continue;
    changed(device);
    for (protocol::detail::RatchetState& ratchet : record.states()) {
      damage(ratchet.root_key);
      damage(ratchet.sending.chain_key);
      for (protocol::detail::ReceivingChain& chain : ratchet.receiving) {
        damage(chain.chain_key);
        for (protocol::detail::SkippedKey& skipped : chain.skipped) damage(skipped.seed);
      }
    }
  }
}

void PhoneSessions::clear() {
  for (const auto& [device, record] : std::exchange(sessions_, {})) changed(device);
}

// --- rows

std::optional<Bytes> PhoneSessions::row(std::string_view name) const {
  const auto found = sessions_.find(device_of(name));
  if (found == sessions_.end()) return std::nullopt;
  return found->second.serialize();
}

void PhoneSessions::restore(std::string_view name, ByteView row) {
  auto record = protocol::SessionRecord::parse(row);
  if (!record) damaged("a session");
  sessions_[device_of(name)] = std::move(*record);
}

}  // namespace wharf::sandbox
