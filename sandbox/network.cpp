// The server's public face, its look-ups, and the way of a stanza from a client to the code of its subject.

#include "sandbox/network.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "sandbox/network_state.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

Network::State::State(Network& owner, Settings s, NetworkClock& c, protocol::Random& r)
    : network(owner),
      settings(std::move(s)),
      clock(c),
      random(r),
      memory([this](std::string name) { changes.changed(RowKind::accepted, {}, std::move(name)); },
             [this](std::string name) { changes.changed(RowKind::message_key, {}, std::move(name)); }) {
  id_prefix = protocol::to_hex(random.bytes<4>());
  const auto secret = random.bytes<32>();
  token_secret.assign(secret.begin(), secret.end());
}

std::string Network::State::next_id() { return id_prefix + "-" + std::to_string(++last_id); }

Party* Network::State::find(std::string_view phone) {
  auto found = parties.find(phone);
  return found == parties.end() ? nullptr : found->second.get();
}

std::optional<Address> Network::State::resolve(const Jid& jid) {
  if (jid.user.empty()) return std::nullopt;
  if (jid.is_lid()) {
    auto found = by_lid.find(jid.user);
    if (found == by_lid.end()) return std::nullopt;
    return Address{found->second, jid.device, true};
  }
  if (!jid.is_phone_number() && jid.server != protocol::server::legacy_user) return std::nullopt;
  auto* party = find(jid.user);
  if (!party) return std::nullopt;
  return Address{party, jid.device, false};
}

std::optional<Address> Network::State::resolve_or_create(const Jid& jid) {
  auto address = resolve(jid);
  if (address || !network.on_unknown_number || !jid.is_phone_number() || jid.user.empty()) return address;
  network.on_unknown_number(jid.user);
  return resolve(jid);
}

Device* Network::State::find_device(const DeviceKey& key) {
  auto* party = find(key.phone);
  if (!party) return nullptr;
  auto found = party->account.devices.find(key.device);
  return found == party->account.devices.end() ? nullptr : &found->second;
}

Slot* Network::State::find_slot(const DeviceKey& key) {
  auto* party = find(key.phone);
  if (!party || !party->account.devices.contains(key.device)) return nullptr;
  return &party->slots[key.device];
}

void Network::State::note(std::string_view direction, std::string_view who, const Node& stanza) {
  if (settings.max_stanza_log == 0) return;
  std::string line;
  line.append(direction).append(" ").append(who).append(" ").append(protocol::summary(stanza));
  record(std::move(line));
}

void Network::State::record(std::string line) {
  if (network.on_wire) network.on_wire(line);
  log.push_back(std::move(line));
  if (log.size() > settings.max_stanza_log) log.pop_front();
}

void Network::State::complain(std::string text) {
  spdlog::warn("sandbox: {}", text);
  if (settings.max_stanza_log == 0) return;
  record("!! " + std::move(text));
}

namespace {

std::string device_name(const DeviceKey& key) { return key.phone + ":" + std::to_string(key.device); }

}  // namespace

void Network::State::send_now(const DeviceKey& key, Slot& slot, const Node& stanza) {
  if (!slot.port) return;
  if (settings.max_stanza_log != 0) note(">", device_name(key), stanza);
  slot.port->deliver(stanza);
}

Network::State::Turn::Turn(State& state) : state_(state), outermost_(!state.busy_) { state.busy_ = true; }

Network::State::Turn::~Turn() {
  if (!outermost_) return;
  while (!state_.inbox_.empty()) {
    const Waiting next = std::move(state_.inbox_.front());
    state_.inbox_.pop_front();
    if (next.pairing != 0) {
      state_.handle_pairing_stanza(next.pairing, next.stanza);
    } else {
      state_.handle_one(next.from, next.stanza);
    }
  }
  state_.busy_ = false;
}

void Network::State::dispatch(const DeviceKey& from, const Node& stanza) {
  if (busy_) {
    inbox_.push_back(Waiting{from, 0, stanza});
    return;
  }
  Turn turn(*this);
  handle_one(from, stanza);
}

void Network::State::dispatch_pairing(std::uint64_t pairing, const Node& stanza) {
  if (busy_) {
    inbox_.push_back(Waiting{{}, pairing, stanza});
    return;
  }
  Turn turn(*this);
  handle_pairing_stanza(pairing, stanza);
}

void Network::State::handle_one(const DeviceKey& from, const Node& stanza) {
  auto* party = find(from.phone);
  auto* device = find_device(from);
  auto* slot = find_slot(from);
  if (!party || !device || !slot || !slot->port) return;  // unlinked or detached while the stanza was waiting
  if (settings.max_stanza_log != 0) note("<", device_name(from), stanza);
  Origin origin{*party, *device, *slot, from};
  if (stanza.is("iq")) {
    on_iq(origin, stanza);
  } else if (stanza.is("message")) {
    on_message(origin, stanza);
  } else if (stanza.is("receipt")) {
    on_receipt(origin, stanza);
  } else if (stanza.is("ack")) {
    settle(origin, stanza.attr("class"), stanza);
  } else if (stanza.is("presence")) {
    on_presence(origin, stanza);
  } else if (stanza.is("chatstate")) {
    on_chatstate(origin, stanza);
  } else if (stanza.is("ib")) {
    if (const auto* batch = stanza.child("offline_batch")) on_offline_batch(origin, batch->number("count").value_or(0));
  } else if (stanza.is("call")) {
    // No call is ever simulated here; the client still waits for its ack (06 section 16).
    Node ack("ack");
    ack.set("class", "call")
        .set("id", stanza.attr("id"))
        .set("from", stanza.jid("to").value_or(protocol::server_jid()));
    if (!stanza.children().empty()) ack.set("type", stanza.children().front().tag);
    answer(origin, ack.set("t", static_cast<std::uint64_t>(now())));
  } else {
    complain("unknown stanza from " + device_name(from) + ": " + protocol::summary(stanza));
  }
}

Node result_of(const Node& iq) {
  Node result("iq");
  return result.set("from", iq.jid("to").value_or(protocol::server_jid()))
      .set("id", iq.attr("id"))
      .set("type", "result");
}

Node error_of(const Node& iq, unsigned code, std::string_view text, unsigned backoff) {
  Node error("iq");
  error.set("from", iq.jid("to").value_or(protocol::server_jid())).set("id", iq.attr("id")).set("type", "error");
  Node reason("error");
  reason.set("code", std::uint64_t{code}).set("text", text);
  if (backoff != 0) reason.set("backoff", std::uint64_t{backoff});
  return error.add(std::move(reason));
}

Node stream_error(std::string_view code, std::string_view conflict) {
  Node error("stream:error");
  if (!code.empty()) error.set("code", code);
  if (!conflict.empty()) error.add(Node("conflict").set("type", conflict));
  return error;
}

// --- the public face

namespace {

std::string_view path_of(std::string_view direct_path) { return direct_path.substr(0, direct_path.find('?')); }

}  // namespace

Network::Network(Settings settings, NetworkClock& clock, protocol::Random& random)
    : state_(std::make_unique<State>(*this, std::move(settings), clock, random)) {}

Network::~Network() = default;

Result<Account*> Network::create_account(std::string phone, std::string name, bool with_lid) {
  const auto digit = [](char c) { return c >= '0' && c <= '9'; };
  if (phone.size() < 7 || phone.size() > 15 || !std::all_of(phone.begin(), phone.end(), digit)) {
    return Error(Errc::malformed, "a phone number has 7 to 15 digits");
  }
  if (state_->find(phone)) return Error(Errc::conflict, "the number is taken");
  if (state_->parties.size() >= state_->settings.max_accounts) return Error(Errc::refused, "the network is full");
  auto party = std::make_unique<Party>();
  party->account.phone = phone;
  party->account.name = std::move(name);
  if (with_lid) {
    do {
      party->account.lid = std::to_string(1 + state_->random.below(9));
      while (party->account.lid.size() < 15)
        party->account.lid.push_back(static_cast<char>('0' + state_->random.below(10)));
    } while (state_->by_lid.contains(party->account.lid));
  }
  party->account.devices[0].id = 0;
  party->slots[0];
  auto* account = &party->account;
  if (with_lid) state_->by_lid.emplace(account->lid, party.get());
  state_->account_changed(*party);
  state_->device_changed({phone, 0});
  state_->parties.emplace(std::move(phone), std::move(party));
  return account;
}

Account* Network::find_account(std::string_view phone) {
  auto* party = state_->find(phone);
  return party ? &party->account : nullptr;
}

Account* Network::find_account(const Jid& jid) {
  const auto address = state_->resolve(jid);
  return address ? &address->party->account : nullptr;
}

std::vector<Account*> Network::accounts() {
  std::vector<Account*> all;
  for (auto& [phone, party] : state_->parties) all.push_back(&party->account);
  return all;
}

void Network::publish_phone_keys(Account& account, const protocol::UploadedKeys& keys) {
  auto* party = state_->find(account.phone);
  if (!party) return;
  State::Turn turn(*state_);
  state_->publish_keys(*party, party->account.devices[0], party->slots[0], keys);
}

const PairingConnection* Network::find_pairing(std::string_view ref) const {
  auto found = state_->refs.find(ref);
  if (found == state_->refs.end()) return nullptr;
  auto pairing = state_->pairings.find(found->second);
  return pairing == state_->pairings.end() ? nullptr : &pairing->second.connection;
}

void Network::pair_device(const std::string& phone, PairDeviceUpload upload, std::function<void(Result<Jid>)> done) {
  State::Turn turn(*state_);
  state_->pair_device(phone, std::move(upload), std::move(done));
}

Result<void> Network::send_primary_hello(ByteView ref, ByteView wrapped, const protocol::PublicKey& identity) {
  State::Turn turn(*state_);
  return state_->send_primary_hello(ref, wrapped, identity);
}

std::uint64_t Network::app_state_version(const std::string& phone, std::string_view collection) const {
  const auto* party = state_->find(phone);
  if (!party) return 0;
  const auto found = party->app_state.find(collection);
  return found == party->app_state.end() ? 0 : found->second.version;
}

void Network::publish_app_state(const std::string& phone, const std::string& name, AppStateSnapshot snapshot) {
  auto* party = state_->find(phone);
  if (!party) return;
  auto& collection = party->app_state[name];
  collection.version = snapshot.version;
  state_->media[std::string(path_of(snapshot.direct_path))] = {phone, name};
  collection.snapshot = std::move(snapshot);
  state_->changes.changed(RowKind::collection, phone, name);
}

const Bytes* Network::media(std::string_view direct_path) const {
  const auto found = state_->media.find(path_of(direct_path));
  if (found == state_->media.end()) return nullptr;
  return &state_->find(found->second.first)->app_state.at(found->second.second).snapshot.file;
}

Result<void> Network::unlink(const DeviceKey& device) {
  State::Turn turn(*state_);
  return state_->unlink(device, State::RemovedBy::account);
}

std::uint64_t Network::open_pairing(protocol::PublicKey noise_key, protocol::ParsedClientPayload payload,
                                    DevicePort& port) {
  State::Turn turn(*state_);
  return state_->open_pairing(noise_key, std::move(payload), port);
}

void Network::handle_pairing_stanza(std::uint64_t pairing, const Node& stanza) {
  state_->dispatch_pairing(pairing, stanza);
}

void Network::drop_pairing(std::uint64_t pairing) {
  State::Turn turn(*state_);
  state_->drop_pairing(pairing);
}

std::optional<DeviceKey> Network::login(const protocol::PublicKey& noise_key,
                                        const protocol::ParsedClientPayload& payload, DevicePort& port, bool resumed) {
  State::Turn turn(*state_);
  auto device = state_->login(noise_key, payload, port);
  if (device && resumed) ++state_->stats.resumed_logins;
  return device;
}

void Network::attach_phone(const std::string& phone, DevicePort& port) {
  State::Turn turn(*state_);
  state_->attach_phone(phone, port);
}

void Network::handle(const DeviceKey& from, const Node& stanza) { state_->dispatch(from, stanza); }

void Network::detach(const DeviceKey& device, DevicePort& port) {
  State::Turn turn(*state_);
  state_->detach(device, port);
}

void Network::kick(const DeviceKey& device, std::string_view how) {
  State::Turn turn(*state_);
  state_->kick(device, how);
}

bool Network::is_online(const DeviceKey& device) const {
  const auto* slot = state_->find_slot(device);
  return slot && slot->port;
}

Changes& Network::changes() { return state_->changes; }
Faults& Network::faults() { return state_->faults; }
const NetworkStats& Network::stats() const { return state_->stats; }
void Network::count_connection() { ++state_->stats.connections; }
void Network::report(std::string problem) { state_->complain(std::move(problem)); }
NetworkClock& Network::clock() { return state_->clock; }
protocol::Random& Network::random() { return state_->random; }

void Network::release_held() {
  State::Turn turn(*state_);
  state_->release_held();
}

std::vector<std::string> Network::wire_log() const { return {state_->log.begin(), state_->log.end()}; }

std::size_t Network::queue_length(const DeviceKey& device) const {
  const auto* slot = state_->find_slot(device);
  return slot ? slot->queue.size() : 0;
}

std::size_t Network::prekeys_left(const DeviceKey& device) const {
  const auto* known = state_->find_device(device);
  return known ? known->one_time.size() : 0;
}

void Network::drain_prekeys(const DeviceKey& device) {
  auto* known = state_->find_device(device);
  if (!known) return;
  for (const auto& [number, key] : std::exchange(known->one_time, {})) state_->one_time_changed(device, number);
}

void Network::set_media_host(std::string host_and_port) { state_->settings.media_host = std::move(host_and_port); }

}  // namespace wharf::sandbox
