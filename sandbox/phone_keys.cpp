// A phone's keys and what it knows of other devices: prekeys, sessions, device lists. Specification 02 sections 6 and
// 8, 03 section 1. Sessions are filed under (account, device): both JID forms of a device name the same ratchet.

#include <algorithm>
#include <utility>

#include "protocol/signal/ratchet_state.h"
#include "sandbox/phone_state.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::PreKeyId;
using protocol::Result;

namespace {

constexpr std::uint32_t registration_id_bound = 16'380;  // 14 bits, never 0
constexpr PreKeyId key_id_bound = 0xffffff;

}  // namespace

void Phone::State::new_identity() {
  local.identity = protocol::KeyPair::generate(random());
  local.registration_id = 1 + random().below(registration_id_bound);
  raw_id = random().u32();
  // Ids of an earlier installation must not name keys of this one.
  next_key_id = 1 + random().below(key_id_bound / 2);
  signed_keys.clear();
  for (const auto& [id, key] : std::exchange(one_time_keys, {})) key_changed(id);
  const PreKeyId id = 1 + random().below(key_id_bound - 1);
  signed_keys[id] = protocol::make_signed_pre_key(local.identity, id, random());
  core_changed();
}

protocol::PreKey Phone::State::new_one_time_key() {
  protocol::PreKey key;
  key.id = next_key_id;
  next_key_id = next_key_id % key_id_bound + 1;
  key.pair = protocol::KeyPair::generate(random());
  one_time_keys[key.id] = key;
  key_changed(key.id);
  core_changed();  // next_key_id
  if (one_time_keys.size() > PhoneLimits::max_one_time_keys) {
    key_changed(one_time_keys.begin()->first);
    one_time_keys.erase(one_time_keys.begin());
  }
  return key;
}

void Phone::State::publish_keys() {
  const protocol::SignedPreKey& signed_key = signed_keys.rbegin()->second;
  protocol::UploadedKeys upload;
  upload.keys = {local.registration_id, local.identity.pub, signed_key.id, signed_key.pair.pub, signed_key.signature};
  for (std::size_t i = 0; i < PhoneLimits::one_time_keys_per_upload; ++i) {
    const protocol::PreKey key = new_one_time_key();
    upload.one_time.push_back({key.id, key.pair.pub});
  }
  network.publish_phone_keys(account, upload);
}

protocol::OwnPreKeys Phone::State::own_pre_keys() const {
  const auto find = [](const auto& keys, PreKeyId id) -> std::optional<protocol::KeyPair> {
    const auto found = keys.find(id);
    if (found == keys.end()) return std::nullopt;
    return found->second.pair;
  };
  return {[this, find](PreKeyId id) { return find(signed_keys, id); },
          [this, find](PreKeyId id) { return find(one_time_keys, id); }};
}

// --- sessions

bool Phone::State::has_session(const DeviceKey& peer) const {
  const auto found = sessions.find(peer);
  return found != sessions.end() && found->second.has_current();
}

Result<void> Phone::State::check_companion(const DeviceKey& peer, ByteView device_identity,
                                           const protocol::PublicKey& identity) const {
  if (device_identity.empty()) return Error(Errc::not_found, "a companion without device-identity");
  std::optional<protocol::PublicKey> known;
  if (peer.phone == account.phone) {
    known = local.identity.pub;
  } else if (const auto found = account_keys.find(peer.phone); found != account_keys.end()) {
    known = found->second;
  }
  return protocol::verify_device_identity(device_identity, identity, known);
}

void Phone::State::start_from(const DeviceKey& peer, const protocol::PreKeyBundle& bundle) {
  if (peer.device != 0 && !check_companion(peer, bundle.device_identity, bundle.identity)) return;
  protocol::SessionRecord record = sessions[peer];
  if (!protocol::start_session(record, local, bundle, random())) return;
  sessions[peer] = std::move(record);
  session_changed(peer);
  if (peer.device == 0) {
    account_keys[peer.phone] = bundle.identity;
    account_key_changed(peer.phone);
  }
}

void Phone::State::with_sessions(std::vector<DeviceKey> devices, std::function<void(Result<void>)> then) {
  std::vector<Jid> missing;
  for (const DeviceKey& device : devices) {
    const Account* owner = network.find_account(std::string_view(device.phone));
    if (owner != nullptr && !has_session(device)) missing.push_back(owner->jid(device.device));
  }
  if (missing.empty()) return then({});
  ask(protocol::fetch_bundles_iq(ids.next(), missing), [this, then = std::move(then)](Result<Node> answer) {
    if (!answer) return then(answer.error());
    std::vector<protocol::FetchedBundle> bundles = protocol::read_bundles(*answer);
    // Device 0 first: its identity vouches for the companions of the same answer.
    std::stable_sort(bundles.begin(), bundles.end(),
                     [](const auto& a, const auto& b) { return (a.jid.device == 0) > (b.jid.device == 0); });
    for (const protocol::FetchedBundle& fetched : bundles) {
      const auto peer = key_of(fetched.jid);
      if (!peer) continue;
      if (!fetched.bundle) {
        device_lists.erase(peer->phone);  // the list named a device that is gone
      } else if (!has_session(*peer)) {   // another chat may have been quicker
        start_from(*peer, *fetched.bundle);
      }
    }
    then({});
  });
}

void Phone::forget_sessions(std::string_view peer) {
  const Account* account = state_->look_up(peer);
  if (account == nullptr) return;
  std::erase_if(state_->sessions, [&](const auto& entry) {
    const bool theirs = entry.first.phone == account->phone;
    if (theirs) state_->session_changed(entry.first);
    return theirs;
  });
}

void Phone::corrupt_sessions(std::string_view peer) {
  const Account* account = state_->look_up(peer);
  if (account == nullptr) return;
  for (auto& [device, record] : state_->sessions) {
    if (device.phone != account->phone) continue;
    state_->session_changed(device);
    for (protocol::detail::RatchetState& ratchet : record.states()) {
      // The chains in use in both directions and those the next ratchet step would give. Fresh random bytes: damaging
      // it twice must not repair it. Counters go on, so no message key is used twice.
      const auto damage = [this](protocol::detail::Secret32& secret) {
        secret = protocol::detail::Secret32(state_->random().bytes<32>());
      };
      damage(ratchet.root_key);
      damage(ratchet.sending.chain_key);
      for (protocol::detail::ReceivingChain& chain : ratchet.receiving) {
        damage(chain.chain_key);
        for (protocol::detail::SkippedKey& skipped : chain.skipped) damage(skipped.seed);
      }
    }
  }
}

void Phone::reinstall() {
  // The companions were vouched for by an identity that no longer exists.
  for (const std::uint16_t device : companions()) (void)state_->network.unlink({number(), device});
  state_->linked.clear();
  state_->new_identity();
  for (const auto& [device, record] : std::exchange(state_->sessions, {})) state_->session_changed(device);
  for (const auto& [phone, key] : std::exchange(state_->account_keys, {})) state_->account_key_changed(phone);
  for (const auto& [id, message] : std::exchange(state_->sent, {})) {
    state_->sent_changed(id);
    // Nothing sends it any more, and no ack is waited for.
    state_->raise(id, "error", "the phone was installed anew before it was sent");
  }
  state_->device_lists.clear();
  state_->sent_order.clear();
  state_->unacked.clear();
  state_->queues.clear();
  state_->retry_counters.clear();
  state_->waiting_bootstraps.clear();
  state_->app_state_key.reset();
  state_->questions.clear();
  state_->end_code(Error(Errc::closed, "the phone was installed anew"));
  state_->publish_keys();
}

// --- device lists

void Phone::State::with_device_lists(std::vector<std::string> phones, std::function<void(Result<void>)> then) {
  std::vector<Jid> unknown;
  for (const std::string& phone : phones) {
    const auto list = device_lists.find(phone);
    if (list != device_lists.end() && now_ms() - list->second.fetched_ms < PhoneLimits::device_list_ttl_ms) continue;
    const Account* owner = network.find_account(std::string_view(phone));
    if (owner != nullptr) unknown.push_back(owner->jid());
  }
  if (unknown.empty()) return then({});
  ask(protocol::usync_devices_iq(ids.next(), ids.next(), unknown), [this, then = std::move(then)](Result<Node> answer) {
    if (!answer) return then(answer.error());
    const auto users = protocol::read_usync(*answer);
    if (!users) return then(users.error());
    for (const protocol::UsyncUser& user : *users) {
      const auto who = key_of(user.jid);
      if (!who || !user.has_devices) continue;
      std::optional<protocol::PublicKey> account_key;
      if (who->phone == account.phone) {
        account_key = local.identity.pub;
      } else if (const auto known = account_keys.find(who->phone); known != account_keys.end()) {
        account_key = known->second;
      }
      device_lists[who->phone] = DeviceList{protocol::usable_devices(user, account_key), now_ms()};
    }
    then({});
  });
}

std::vector<DeviceKey> Phone::State::devices_of(const std::string& phone) const {
  std::vector<DeviceKey> out;
  const auto list = device_lists.find(phone);
  if (list == device_lists.end()) return out;
  for (const std::uint16_t device : list->second.devices) {
    if (const DeviceKey key{phone, device}; key != self()) out.push_back(key);
  }
  return out;
}

}  // namespace wharf::sandbox
