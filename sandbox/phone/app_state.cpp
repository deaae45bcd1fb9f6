#include "sandbox/phone/app_state.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <utility>

#include "protocol/messages/wire.h"
#include "sandbox/row_values.h"

namespace wharf::sandbox {

namespace {

constexpr std::uint32_t protocol_message_field = 12, key_request_field = 8;

constexpr unsigned conflict = 409, max_attempts = 5;
constexpr std::size_t max_steps = 256;

}  // namespace

const protocol::AppStateKeyShare& PhoneAppState::key() {
  if (key_) return *key_;
  key_.emplace();
  // BE16 device 0, BE32 epoch: a random one, as after some rotations.
  const Bytes epoch = protocol::big_endian(1 + c_.random().below(60'000), 4);
  std::copy(epoch.begin(), epoch.end(), key_->key_id.begin() + 2);
  key_->key_data = c_.random().bytes<32>();
  key_->timestamp = c_.now_ms();
  c_.core_changed();
  return *key_;
}

void PhoneAppState::forget_key() {
  key_.reset();
  known_.clear();
  steps_.clear();
}

void PhoneAppState::write() {
  const bool anew = !key_;
  (void)key();
  for (const std::string_view each : protocol::app_state_collections) {
    const std::string name(each);
    if (anew || c_.network.app_state_version(c_.account.phone, name) == 0) write_collection(name);
  }
}

void PhoneAppState::write_collection(const std::string& name) {
  const auto& key = this->key();
  const auto keys = protocol::AppStateKeys::expand(key.key_data);
  std::vector<protocol::AppStateMutation> records;
  if (name == protocol::critical_block)
    records.push_back(
        protocol::set_push_name(c_.account.name.empty() ? c_.account.phone : c_.account.name, c_.now_ms()));
  if (name == protocol::critical_unblock_low)
    for (const auto& [phone, saved] : contacts_) records.push_back(saved_contact(phone, saved));
  protocol::AppStateCollection collection;
  collection.version = c_.network.app_state_version(c_.account.phone, name) + 1;
  known_[name].acted = collection.version;
  // The MAC covers the name of the collection: under another name it is a wrong one.
  const std::string signed_name = c_.network.faults().bad_snapshot_mac ? name + "?" : name;
  const Bytes written = protocol::build_snapshot(collection, signed_name, records, {key.key_id, keys}, c_.random());
  AppStateSnapshot snapshot;
  snapshot.version = collection.version;
  // Clients append &hash=…: a path without a query would become a broken URL.
  snapshot.direct_path =
      "/v/t62.7118-24/" + protocol::to_hex(c_.random().bytes<12>()) + "_n.enc?ccb=11-4&oh=sandbox&oe=0";
  auto blob = protocol::seal_blob(written, snapshot.direct_path, c_.random());
  snapshot.reference = std::move(blob.reference);
  snapshot.file = std::move(blob.encrypted);
  c_.network.publish_app_state(c_.account.phone, name, std::move(snapshot));
}

protocol::AppStateMutation PhoneAppState::saved_contact(const std::string& phone, const std::string& name) const {
  protocol::ContactAction contact;
  contact.full_name = name;
  const auto* account = c_.find(phone);
  if (account != nullptr && account->has_lid()) contact.lid = account->lid_jid();
  Jid who(account != nullptr ? account->number : phone, protocol::server::user);
  if (const auto lid = Jid::parse(phone); lid && lid->is_lid()) who = *lid;
  return protocol::save_contact(who, contact, c_.now_ms());
}

std::vector<Bytes> PhoneAppState::requested_keys(ByteView message) {
  std::vector<Bytes> ids;
  const auto content = protocol::merged_field(message, protocol_message_field);
  const auto request = content ? protocol::merged_field(*content, key_request_field) : std::nullopt;
  if (!request) return ids;
  protocol::WireReader reader(*request);
  while (const auto field = reader.next()) {
    if (field->number != 1 || field->type != protocol::WireType::length || ids.size() == 100) continue;
    if (const auto id = protocol::bytes_field(field->value, 1)) ids.push_back(protocol::to_bytes(*id));
  }
  return ids;
}

// --- what its user does

void PhoneAppState::save_contact(const Account& whom, const std::string& name, Done done) {
  if (!c_.powered()) return done(protocol::Error(protocol::Errc::closed, "the phone is switched off"));
  if (!contacts_.contains(whom.phone) && contacts_.size() >= max_contacts)
    return done(protocol::Error(protocol::Errc::refused, "the address book is full"));
  const std::string collection(protocol::critical_unblock_low);
  if (!key_ || c_.network.app_state_version(c_.account.phone, collection) == 0) {
    if (name.empty()) contacts_.erase(whom.phone);
    else contacts_[whom.phone] = name;
    c_.core_changed();
    return done({});
  }
  change(collection,
         {name.empty() ? protocol::remove_contact(whom.pn_jid(), c_.now_ms()) : saved_contact(whom.phone, name)},
         std::move(done));
}

void PhoneAppState::write_name(const std::string& name, Done done) {
  const std::string collection(protocol::critical_block);
  if (!key_ || c_.network.app_state_version(c_.account.phone, collection) == 0) return done({});
  change(collection, {protocol::set_push_name(name, c_.now_ms())}, std::move(done));
}

void PhoneAppState::change(const std::string& name, Mutations mutations, Done done) {
  if (steps_.size() >= max_steps)
    return done(protocol::Error(protocol::Errc::rate_limited, "too many changes of app state wait"));
  enqueue([this, name, mutations = std::move(mutations), done = std::move(done)] {
    patch(name, mutations, 1, [this, done](protocol::Result<void> result) {
      done(std::move(result));
      step_done();
    });
  });
}

void PhoneAppState::enqueue(std::function<void()> step) {
  if (steps_.size() >= max_steps) return;
  steps_.push_back(std::move(step));
  if (steps_.size() == 1) std::function<void()>(steps_.front())();
}

void PhoneAppState::step_done() {
  if (steps_.empty()) return;  // the phone was installed anew meanwhile
  steps_.pop_front();
  if (!steps_.empty()) std::function<void()>(steps_.front())();
}

void PhoneAppState::patch(const std::string& name, Mutations mutations, unsigned attempt, Done done) {
  catch_up(name, [this, name, mutations = std::move(mutations), attempt, done](protocol::Result<void> ready) {
    if (!ready) return done(ready.error());
    const auto& key = this->key();
    const auto keys = protocol::AppStateKeys::expand(key.key_data);
    protocol::AppStateCollection next = known_[name].state;
    protocol::CollectionAsked asked;
    asked.name = name;
    asked.version = next.version;
    asked.patch = protocol::build_patch(next, name, mutations, {key.key_id, keys}, c_.random());
    c_.ask(protocol::app_state_iq(c_.ids.next(), asked),
           [this, name, mutations, attempt, done, next](const protocol::Result<Node>& answer) {
             if (!answer) return done(answer.error());
             const auto read = protocol::read_app_state(*answer, name);
             if (!read) return done(read.error());
             if (read->error == conflict && attempt < max_attempts) return patch(name, mutations, attempt + 1, done);
             if (read->error) return done(protocol::Error(protocol::Errc::refused, "the server refused the patch"));
             known_[name].state = next;
             known_[name].acted = next.version;
             act(name, mutations);
             done({});
           });
  });
}

// --- what companions do

void PhoneAppState::on_server_sync(const Node& notification) {
  for (const Node* said : notification.children("collection")) {
    const std::string name = said->attr("name");
    if (name != protocol::critical_block && name != protocol::critical_unblock_low) continue;
    enqueue([this, name] { catch_up(name, [this](const protocol::Result<void>&) { step_done(); }); });
  }
}

void PhoneAppState::catch_up(const std::string& name, Done done) {
  if (!c_.powered()) return done(protocol::Error(protocol::Errc::closed, "the phone is switched off"));
  if (!key_) return done(protocol::Error(protocol::Errc::not_ready, "installed anew, and not linked since"));
  protocol::CollectionAsked asked;
  asked.name = name;
  asked.version = known_[name].state.version;
  asked.snapshot = asked.version == 0;
  c_.ask(protocol::app_state_iq(c_.ids.next(), asked), [this, name, done](const protocol::Result<Node>& answer) {
    if (!answer) return done(answer.error());
    const auto read = protocol::read_app_state(*answer, name);
    if (!read) return done(read.error());
    const std::uint64_t before = known_[name].state.version;
    if (read->error) return done(protocol::Error(protocol::Errc::refused, "the server refused the collection"));
    if (auto applied = apply(name, *read); !applied) return done(applied);
    if (read->more && known_[name].state.version > before) return catch_up(name, done);
    done({});
  });
}

protocol::Result<void> PhoneAppState::apply(const std::string& name, const protocol::CollectionAnswer& answer) {
  const auto& key = this->key();
  const auto keys = protocol::AppStateKeys::expand(key.key_data);
  const auto keyring = [&](ByteView id) { return protocol::equal(id, key.key_id) ? &keys : nullptr; };
  Known& known = known_[name];
  const auto took = [&](const protocol::Result<Mutations>& mutations) -> protocol::Result<void> {
    if (!mutations) return mutations.error();
    // After a restart it reads what it had acted upon before.
    if (known.state.version <= known.acted) return {};
    known.acted = known.state.version;
    act(name, *mutations);
    c_.core_changed();
    return {};
  };
  if (!answer.snapshot.empty() && known.state.version == 0) {
    const auto place = protocol::place_of_blob(answer.snapshot);
    const Bytes* file = place ? c_.network.media(place->direct_path) : nullptr;
    if (file == nullptr) return protocol::Error(protocol::Errc::not_found, "the snapshot is not there");
    const auto plain = protocol::open_blob(answer.snapshot, *file);
    if (!plain) return plain.error();
    auto done = took(protocol::apply_snapshot(known.state, name, *plain, keyring));
    if (!done) return done;
  }
  for (const Bytes& patch : answer.patches) {
    if (protocol::patch_version(patch).value_or(0) <= known.state.version) continue;
    auto done = took(protocol::apply_patch(known.state, name, patch, keyring));
    if (!done) return done;
  }
  return {};
}

void PhoneAppState::act(const std::string& name, const Mutations& mutations) {
  for (const auto& mutation : mutations) {
    const auto index = protocol::index_parts(mutation.index);
    const bool removed = mutation.operation == protocol::AppStateMutation::Operation::remove;
    if (index.empty() || !mutation.readable) continue;
    if (name == protocol::critical_block && index[0] == protocol::push_name_action && !removed) {
      const auto said = protocol::read_push_name(mutation.value);
      if (said && *said != c_.account.name && on_name) on_name(*said);
    }
    if (name != protocol::critical_unblock_low || index[0] != protocol::contact_action || index.size() < 2) continue;
    const auto* account = c_.look_up(index[1]);
    const auto jid = Jid::parse(index[1]);
    // A LID of nobody is no number: it stands as it came.
    const std::string phone = account != nullptr ? account->phone
                              : !jid             ? std::string()
                              : jid->is_lid()    ? jid->to_string()
                                                 : jid->user;
    const auto contact = protocol::read_contact(mutation.value);
    if (removed) contacts_.erase(phone);
    else if (contact && !phone.empty() && (contacts_.contains(phone) || contacts_.size() < max_contacts))
      contacts_[phone] = contact->shown_name();
  }
  c_.core_changed();
}

// --- in the phone's row

void PhoneAppState::save(boost::json::object& core) const {
  boost::json::object contacts, acted;
  for (const auto& [phone, name] : contacts_) contacts[phone] = name;
  for (const auto& [name, known] : known_) acted[name] = known.acted;
  core["contacts"] = std::move(contacts);
  core["appStateActed"] = std::move(acted);
  if (!key_) return;
  core["appStateKey"] =
      boost::json::array{base64_value(key_->key_id), base64_value(key_->key_data), boost::json::value(key_->timestamp)};
}

void PhoneAppState::load(const boost::json::object& core) {
  if (const auto* contacts = core.if_contains("contacts"))
    for (const auto& row : contacts->as_object()) contacts_[std::string(row.key())] = string_of(row.value());
  if (const auto* acted = core.if_contains("appStateActed"))
    for (const auto& row : acted->as_object())
      known_[std::string(row.key())].acted = number_of<std::uint64_t>(row.value());
  const auto* saved = core.if_contains("appStateKey");
  if (!saved) return;
  key_.emplace();
  key_->key_id = array_of<6>(saved->as_array().at(0));
  key_->key_data = array_of<32>(saved->as_array().at(1));
  key_->timestamp = number_of<std::int64_t>(saved->as_array().at(2));
}

}  // namespace wharf::sandbox
