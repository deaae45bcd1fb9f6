// The server's public face: each call goes to the part that knows the answer. What may deliver runs in a turn.

#include "sandbox/network.h"

#include <exception>
#include <utility>

#include "protocol/messages/building.h"
#include "sandbox/network/state.h"
#include "sandbox/shown_account.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

Network::Network(Settings settings, NetworkClock& clock, protocol::Random& random)
    : state_(std::make_unique<State>(*this, std::move(settings), clock, random)) {}

Network::~Network() = default;

// --- accounts

Result<Account*> Network::create_account(std::string phone, std::string name, bool with_lid) {
  const auto created = state_->accounts.create(std::move(phone), std::move(name), with_lid);
  if (!created) return created.error();
  return &(*created)->account;
}

Account* Network::find_account(std::string_view phone) {
  auto* party = state_->accounts.find(phone);
  return party ? &party->account : nullptr;
}

Account* Network::find_number(std::string_view number) {
  auto* party = state_->accounts.find_number(number);
  return party ? &party->account : nullptr;
}

std::string Network::number_named(std::string_view phone) const {
  const auto* party = state_->accounts.find(phone);
  return party ? party->account.number : std::string(phone);
}

Result<void> Network::change_number(const std::string& phone, const std::string& number,
                                    const std::set<std::string>& besides) {
  auto* party = state_->accounts.find(phone);
  if (party == nullptr) return Error(Errc::not_found, "nobody has this number");
  Turn turn(state_->context.turns);
  return state_->number_changes.change(*party, number, besides);
}

Result<void> Network::change_lid(const std::string& phone, const std::optional<std::string>& lid,
                                 const std::set<std::string>& besides) {
  auto* party = state_->accounts.find(phone);
  if (party == nullptr) return Error(Errc::not_found, "nobody has this number");
  Turn turn(state_->context.turns);
  return state_->lid_changes.change(*party, lid, besides);
}

Account* Network::find_account(const Jid& jid) {
  const auto address = state_->accounts.resolve(jid);
  return address ? &address->party->account : nullptr;
}

std::vector<const Group*> Network::groups() const { return state_->group_store.all(); }

std::vector<Account*> Network::accounts() {
  std::vector<Account*> all;
  for (const auto& [phone, party] : state_->accounts.all()) all.push_back(&party->account);
  return all;
}

void Network::publish_phone_keys(Account& account, const protocol::UploadedKeys& keys) {
  auto* party = state_->accounts.find(account.phone);
  if (!party) return;
  Turn turn(state_->context.turns);
  state_->prekeys.publish(*party, party->account.devices[0], keys);
}

std::size_t Network::prekeys_left(const DeviceKey& device) const {
  const auto* known = state_->accounts.find_device(device);
  return known ? known->one_time.size() : 0;
}

void Network::drain_prekeys(const DeviceKey& device) { state_->prekeys.drain(device); }

// --- people

ShownAccount Network::shown(const std::string& phone) const {
  ShownAccount shown;
  const auto* party = state_->accounts.find(phone);
  if (party == nullptr) return shown;
  const auto& texts = state_->profiles.of(phone);
  shown.about = texts.about;
  shown.default_timer_s = texts.timer_s;
  shown.picture_id = state_->profile_pictures.id_of(phone);
  for (const auto& [category, value] : state_->privacy.all_of(*party)) shown.privacy.emplace(category, value);
  for (const auto& jid : state_->blocklist.of(phone)) {
    const auto parsed = Jid::parse(jid);
    const auto known = parsed ? state_->accounts.resolve(*parsed) : std::nullopt;
    shown.blocked.push_back(known ? known->party->account.number : jid);
  }
  shown.business = state_->businesses.of(phone);
  shown.status_audience = state_->statuses.of(phone);
  return shown;
}

Result<void> Network::set_status_audience(const std::string& phone, protocol::StatusAudience audience) {
  if (state_->accounts.find(phone) == nullptr) return Error(Errc::not_found, "nobody has this number");
  Turn turn(state_->context.turns);
  state_->statuses.set(phone, std::move(audience));
  return {};
}

Result<void> Network::set_business(const std::string& phone, std::optional<BusinessCard> card) {
  const auto* party = state_->accounts.find(phone);
  if (party == nullptr) return Error(Errc::not_found, "nobody has this number");
  Turn turn(state_->context.turns);
  state_->businesses.set(*party, std::move(card));
  return {};
}

// --- channels

namespace {

/// What of a refusal of the desk is told here.
Result<void> outcome_of(const ChannelRefusal& refusal) {
  if (!refusal) return {};
  if (*refusal == 404) return Error(Errc::not_found, "there is no such channel");
  return Error(Errc::refused, "the account may not do this in the channel (" + std::to_string(*refusal) + ")");
}
Error nobody() { return Error(Errc::not_found, "nobody has this number"); }

}  // namespace

std::vector<const Channel*> Network::channels() const { return state_->channel_store.all(); }
const Channel* Network::find_channel(const Jid& id) const { return state_->channel_store.find(id); }

Result<Jid> Network::create_channel(const std::string& phone, std::string name, std::string description) {
  const auto* party = state_->accounts.find(phone);
  if (party == nullptr) return nobody();
  Turn turn(state_->context.turns);
  const auto* channel = state_->channel_desk.create(*party, {std::move(name), std::move(description), {}}, nullptr);
  if (channel == nullptr) return Error(Errc::refused, "there are too many channels");
  return channel->id;
}

Result<void> Network::update_channel(const std::string& phone, const Jid& id, std::optional<std::string> name,
                                     std::optional<std::string> description) {
  const auto* party = state_->accounts.find(phone);
  if (party == nullptr) return nobody();
  Turn turn(state_->context.turns);
  protocol::UpdateChannel update;
  update.channel = id;
  update.name = std::move(name);
  update.description = std::move(description);
  return outcome_of(state_->channel_desk.update(*party, update, nullptr));
}

Result<void> Network::follow_channel(const std::string& phone, const Jid& id, bool follow) {
  const auto* party = state_->accounts.find(phone);
  if (party == nullptr) return nobody();
  Turn turn(state_->context.turns);
  auto& desk = state_->channel_desk;
  return outcome_of(follow ? desk.follow(*party, id, nullptr) : desk.unfollow(*party, id, nullptr));
}

Result<void> Network::set_channel_admin(const std::string& phone, const Jid& id, bool admin) {
  const auto* party = state_->accounts.find(phone);
  if (party == nullptr) return nobody();
  Turn turn(state_->context.turns);
  return outcome_of(state_->channel_desk.set_admin(*party, id, admin));
}

namespace {

/// Who posts, and where.
struct Poster {
  const Party* party = nullptr;
  Channel* channel = nullptr;
};
Result<Poster> poster(Accounts& accounts, ChannelStore& channels, const std::string& phone, const Jid& id) {
  const Poster out{accounts.find(phone), channels.find(id)};
  if (out.party == nullptr) return nobody();
  if (out.channel == nullptr) return Error(Errc::not_found, "there is no such channel");
  if (!out.channel->may_post(phone)) return Error(Errc::refused, "only admins of the channel post there");
  return out;
}

/// nullptr: there is none.
ChannelEntry* find_post(Channel* channel, std::uint64_t server_id) {
  if (channel == nullptr) return nullptr;
  const auto found = channel->posts.find(server_id);
  return found == channel->posts.end() ? nullptr : &found->second;
}
Error no_post() { return Error(Errc::not_found, "there is no such post"); }

}  // namespace

Result<std::uint64_t> Network::post_in_channel(const std::string& phone, const Jid& id, const std::string& text) {
  const auto by = poster(state_->accounts, state_->channel_store, phone, id);
  if (!by) return by.error();
  Turn turn(state_->context.turns);
  return state_->channel_posts.publish(*by->channel, *by->party, text).server_id;
}

Result<std::uint64_t> Network::post_in_channel(const std::string& phone, const Jid& id,
                                               const protocol::MediaContent& file) {
  const auto by = poster(state_->accounts, state_->channel_store, phone, id);
  if (!by) return by.error();
  Turn turn(state_->context.turns);
  return state_->channel_posts.publish(*by->channel, *by->party, file).server_id;
}

Result<void> Network::edit_in_channel(const Jid& id, std::uint64_t server_id, const std::string& text) {
  Channel* channel = state_->channel_store.find(id);
  ChannelEntry* entry = find_post(channel, server_id);
  if (entry == nullptr) return no_post();
  Turn turn(state_->context.turns);
  if (!state_->channel_posts.edit(*channel, *entry, text)) return Error(Errc::refused, "the post was deleted");
  return {};
}

Result<void> Network::delete_in_channel(const Jid& id, std::uint64_t server_id) {
  Channel* channel = state_->channel_store.find(id);
  ChannelEntry* entry = find_post(channel, server_id);
  if (entry == nullptr) return no_post();
  if (entry->message.empty()) return {};
  Turn turn(state_->context.turns);
  state_->channel_posts.change(*channel, *entry, {}, nullptr);
  return {};
}

Result<void> Network::react_in_channel(const std::string& phone, const Jid& id, std::uint64_t server_id,
                                       const std::string& emoji) {
  if (state_->accounts.find(phone) == nullptr) return nobody();
  Channel* channel = state_->channel_store.find(id);
  if (channel == nullptr) return Error(Errc::not_found, "there is no such channel");
  Turn turn(state_->context.turns);
  if (!state_->channel_posts.react(*channel, server_id, phone, emoji))
    return Error(Errc::not_found, "there is no such post, or the channel takes no reactions");
  return {};
}

// --- app state

std::uint64_t Network::app_state_version(const std::string& phone, std::string_view collection) const {
  return state_->app_state.version(phone, collection);
}

void Network::publish_app_state(const std::string& phone, const std::string& collection, AppStateSnapshot snapshot) {
  if (state_->accounts.find(phone)) state_->app_state.publish(phone, collection, std::move(snapshot));
}

const Bytes* Network::media(std::string_view direct_path) const {
  if (const auto* file = state_->app_state.media(direct_path)) return file;
  if (const auto* picture = state_->group_pictures.media(direct_path)) return picture;
  if (const auto* picture = state_->channel_store.media(direct_path)) return picture;
  return state_->profile_pictures.media(direct_path);
}

// --- pairing

const PairingConnection* Network::find_pairing(std::string_view ref) const {
  return state_->pending.find_connection(ref);
}

void Network::pair_device(const std::string& phone, PairDeviceUpload upload, std::function<void(Result<Jid>)> done) {
  Turn turn(state_->context.turns);
  state_->pairing.pair_device(phone, std::move(upload), std::move(done));
}

Result<void> Network::send_primary_hello(ByteView ref, ByteView wrapped, const protocol::PublicKey& identity) {
  Turn turn(state_->context.turns);
  return state_->link_codes.send_primary_hello(ref, wrapped, identity);
}

std::uint64_t Network::open_pairing(protocol::PublicKey noise_key, protocol::ParsedClientPayload payload,
                                    DevicePort& port) {
  Turn turn(state_->context.turns);
  return state_->pairing.open(noise_key, std::move(payload), port);
}

void Network::handle_pairing_stanza(std::uint64_t pairing, const Node& stanza) {
  state_->context.turns.arrived({{}, pairing}, stanza);
}

void Network::drop_pairing(std::uint64_t pairing) {
  Turn turn(state_->context.turns);
  state_->pending.drop(pairing);
}

Result<void> Network::unlink(const DeviceKey& device) {
  Turn turn(state_->context.turns);
  return state_->companions.unlink(device, Companions::RemovedBy::account);
}

// --- connections and stanzas

std::optional<DeviceKey> Network::login(const protocol::PublicKey& noise_key,
                                        const protocol::ParsedClientPayload& payload, DevicePort& port, bool resumed) {
  Turn turn(state_->context.turns);
  auto device = state_->login.log_in(noise_key, payload, port);
  if (device && resumed) ++state_->context.stats.resumed_logins;
  return device;
}

void Network::attach_phone(const std::string& phone, DevicePort& port) {
  Turn turn(state_->context.turns);
  state_->login.attach_phone(phone, port);
}

void Network::handle(const DeviceKey& from, const Node& stanza) { state_->context.turns.arrived({from, 0}, stanza); }

void Network::detach(const DeviceKey& device, DevicePort& port) {
  Turn turn(state_->context.turns);
  state_->login.detach(device, port);
}

void Network::kick(const DeviceKey& device, std::string_view how) {
  Turn turn(state_->context.turns);
  state_->login.kick(device, how);
}

bool Network::is_online(const DeviceKey& device) const { return state_->context.live.contains(device); }

std::size_t Network::queue_length(const DeviceKey& device) const { return state_->delivery.queue_length(device); }

void Network::release_held() {
  Turn turn(state_->context.turns);
  state_->message_faults.release();
}

// --- what all parts share

NetworkSettings& Network::settings() { return state_->context.settings; }
Faults& Network::faults() { return state_->context.faults; }
const NetworkStats& Network::stats() const { return state_->context.stats; }
void Network::count_connection() { ++state_->context.stats.connections; }
void Network::report(std::string problem) { state_->context.complain(std::move(problem)); }
NetworkClock& Network::clock() { return state_->context.clock; }
protocol::Random& Network::random() { return state_->context.random; }
std::vector<std::string> Network::wire_log() const { return state_->context.log.lines(); }

// --- media host

void Network::set_media_hosts(std::string primary, std::string fallback, std::uint64_t max_file_bytes) {
  state_->context.settings.media_host = std::move(primary);
  state_->media.set_fallback(std::move(fallback));
  state_->media.set_limit(max_file_bytes);
}

AuthState Network::check_media_auth(std::string_view auth) const { return state_->media.check(auth); }
void Network::expire_media_auth() { state_->media.expire_all(); }

// --- rows

Changes& Network::changes() { return state_->context.changes; }

std::optional<Bytes> Network::row(const RowKey& key) const { return state_->row(key); }

Result<void> Network::restore(const RowKey& key, ByteView row) {
  try {
    state_->restore(key, row);
  } catch (const std::exception& failure) {  // Boost.JSON's accessors report by exception
    return Error(Errc::malformed, "state of the network: " + std::string(failure.what()));
  }
  return {};
}

void Network::restored() { state_->restored(); }

}  // namespace wharf::sandbox
