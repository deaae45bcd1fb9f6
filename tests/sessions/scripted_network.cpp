#include "tests/sessions/scripted_network.h"

#include <algorithm>
#include <utility>

#include "protocol/calls/call.h"
#include "protocol/messages/content.h"
#include "protocol/messages/padding.h"
#include "protocol/noise/client_payload.h"
#include "protocol/stanzas/iq.h"
#include "protocol/stanzas/messages.h"
#include "storage/messages.h"

namespace wharf::test {

using protocol::Jid;
using protocol::Node;

const Jid ScriptedNetwork::own_pn("15550000001", "s.whatsapp.net");
const Jid ScriptedNetwork::own_lid("100000000000001", "lid");
const Jid ScriptedNetwork::contact_pn("15550000002", "s.whatsapp.net");
const Jid ScriptedNetwork::contact_lid("100000000000002", "lid");

namespace {

Node result_of(const Node& iq) {
  return Node("iq").set("id", iq.attr("id")).set("type", "result").set("from", Jid("", "s.whatsapp.net"));
}

}  // namespace

ScriptedNetwork::ScriptedNetwork(protocol::Random& random, storage::SessionId session)
    : random_(random), session_(session), linking_(random, session, own_pn, own_lid) {
  contact_.peer = SignalPeer::make(random, 4711, 40);
  phone_.peer = SignalPeer::make(random, 4712, 40);
  linking_.set_account(phone_.peer.local.identity);
  server_moves();
}

ScriptedNetwork::Device* ScriptedNetwork::device_of(const Jid& jid) {
  if (jid.device != 0) return nullptr;
  const Jid user = jid.user_jid();
  if (user == contact_pn || user == contact_lid) return &contact_;
  if (user == own_pn || user == own_lid) return &phone_;
  return nullptr;
}

// --- the connection

void ScriptedNetwork::server_moves() {
  server_.static_key = protocol::KeyPair::generate(random_).pub;
  server_.window.not_before = 0;
  server_.window.not_after = 4'000'000'000;
  routing_ = protocol::to_bytes(random_.bytes<8>());
}

bool ScriptedNetwork::accepts(const sessions::Link::Settings& hello) const {
  if (hello.resume && hello.resume->static_key != server_.static_key) return false;
  return hello.routing_info.empty() || hello.routing_info == routing_;
}

std::vector<Node> ScriptedNetwork::on_connected(const sessions::Link::Settings& hello) {
  active_ = refused_ = false;
  linking_.on_connected();
  for (Owed& owed : owed_) owed.sent = false;
  const auto payload = protocol::parse_client_payload(hello.payload);
  if (!payload) {
    fault("a client payload that cannot be read");
    return {};
  }
  const auto& noise = hello.device_static.pub;
  if (payload->registration) {
    if (hello.resume) fault("a registration that resumes");
    return linking_.on_registration(noise, *payload->registration);
  }
  const auto& companion = linking_.companion();
  if (!companion || payload->device != companion->device || noise != companion->noise) {
    refused_ = true;
    return {Node("failure").set("reason", "401")};
  }
  if (known_ != companion->identity) {  // everybody hears of the new device and begins a session with it
    known_ = companion->identity;
    contact_.peer.session = {};
    uploaded_.reset();
    handed_out_.clear();
    one_time_.clear();
  }
  Node success("success");
  success.set("t", "1700000000").set("lid", own_lid.with_device(own_device())).set("display_name", "Wharf");
  Node routing("ib");
  routing.add(Node("edge_routing").add(Node("routing_info").bytes(routing_)));
  return {success, routing};
}

std::vector<Node> ScriptedNetwork::push() {
  std::vector<Node> out;
  if (!active_) return out;
  for (Owed& owed : owed_) {
    if (!std::exchange(owed.sent, true)) out.push_back(owed.stanza);
  }
  return out;
}

std::vector<Node> ScriptedNetwork::take(const Node& stanza, storage::Database& stored) {
  if (linking_.registering()) return linking_.take(stanza, stored);
  std::vector<Node> out;
  if (stanza.is("iq")) {
    out = answer_iq(stanza);
  } else if (stanza.is("message")) {
    on_message(stanza);
    Node ack("ack");
    ack.set("class", "message").set("id", stanza.attr("id")).set("from", *stanza.jid("to")).set("t", "1700000001");
    out.push_back(std::move(ack));
  } else if (stanza.is("receipt")) {
    on_receipt(stanza, stored);
    Node ack("ack");
    ack.set("class", "receipt").set("id", stanza.attr("id")).set("from", *stanza.jid("to"));
    if (stanza.has("type")) ack.set("type", stanza.attr("type"));
    out.push_back(std::move(ack));
  } else if (stanza.is("ack")) {
    settle_owed(stanza.attr("class"), stanza.attr("id"), stanza.attr("type"));
  }
  for (Node& pushed : push()) out.push_back(std::move(pushed));
  return out;
}

// --- queries

std::vector<Node> ScriptedNetwork::answer_iq(const Node& iq) {
  if (iq.attr("type") == "result" || iq.attr("type") == "error") return {};
  if (iq.child("usync")) return {usync_answer(iq)};
  if (iq.child("active")) active_ = true;
  if (iq.attr("xmlns") == "encrypt") {
    if (iq.child("key")) return {bundles_answer(iq)};
    if (iq.child("count")) {
      const std::size_t left = uploaded_ ? uploaded_->one_time.size() - handed_out_.size() : 0;
      return {result_of(iq).add(Node("count").set("value", left))};
    }
    if (auto uploaded = protocol::read_upload(iq)) on_upload(std::move(*uploaded));
  }
  return {result_of(iq)};
}

void ScriptedNetwork::on_upload(protocol::UploadedKeys uploaded) {
  const auto& companion = linking_.companion();
  if (companion && uploaded.keys.identity != companion->identity) fault("keys of another identity were uploaded");
  for (const auto& key : uploaded.one_time) {
    const auto [known, first] = one_time_.emplace(key.id, key.pub);
    if (!first && known->second != key.pub) fault("prekey " + std::to_string(key.id) + " came with two keys");
  }
  uploaded_ = std::move(uploaded);
}

void ScriptedNetwork::server_wants_keys() {
  Node low("notification");
  low.set("id", "low" + std::to_string(owed_.size())).set("type", "encrypt").set("from", Jid("", "s.whatsapp.net"));
  low.set("t", "1700000004").add(Node("count").set("value", "1"));
  owed_.push_back({std::move(low)});
}

std::vector<std::string> ScriptedNetwork::faults() const {
  auto all = faults_;
  all.insert(all.end(), linking_.faults().begin(), linking_.faults().end());
  return all;
}

Node ScriptedNetwork::usync_answer(const Node& iq) {
  Node list("list");
  for (const Node* user : iq.child("usync")->child("list")->children("user")) {
    const auto jid = user->jid("jid");
    if (!jid || device_of(jid->user_jid()) == nullptr) continue;
    const bool own = device_of(jid->user_jid()) == &phone_;
    Node devices("device-list");
    devices.add(Node("device").set("id", "0"));
    if (own) devices.add(Node("device").set("id", std::uint64_t{own_device()}).set("key-index", "1"));
    list.add(Node("user")
                 .set("jid", *jid)
                 .add(Node("devices").add(std::move(devices)))
                 .add(Node("lid").set("val", own ? own_lid : contact_lid)));
  }
  Node result("result");
  result.add(Node("devices")).add(Node("lid"));
  return result_of(iq).add(Node("usync").add(std::move(result)).add(std::move(list)));
}

Node ScriptedNetwork::bundles_answer(const Node& iq) {
  Node list("list");
  for (const Node* user : iq.child("key")->children("user")) {
    const auto jid = user->jid("jid");
    Device* device = jid ? device_of(*jid) : nullptr;
    if (device == nullptr) continue;
    auto bundle = device->peer.bundle();
    const auto key = device->peer.one_time.lower_bound(device->next_one_time);
    bundle.one_time.reset();
    if (key != device->peer.one_time.end()) {
      bundle.one_time = {key->first, key->second.pub};
      device->next_one_time = key->first + 1;
    }
    list.add(protocol::bundle_user_node(*jid, bundle));
  }
  return result_of(iq).add(std::move(list));
}

protocol::PreKeyBundle ScriptedNetwork::own_bundle() {
  protocol::PreKeyBundle bundle;
  if (!uploaded_) return bundle;
  bundle.registration_id = uploaded_->keys.registration_id;
  bundle.identity = uploaded_->keys.identity;
  bundle.signed_pre_key_id = uploaded_->keys.signed_pre_key_id;
  bundle.signed_pre_key = uploaded_->keys.signed_pre_key;
  bundle.signed_pre_key_signature = uploaded_->keys.signature;
  for (const auto& key : uploaded_->one_time) {
    if (!handed_out_.insert(key.id).second) continue;
    bundle.one_time = key;
    break;
  }
  return bundle;
}

// --- what the session sends

void ScriptedNetwork::on_message(const Node& message) {
  std::vector<std::pair<Jid, const Node*>> targets;
  if (const Node* participants = message.child("participants")) {
    const auto stanza = protocol::encode_node(message);
    const auto [known, first] = sealed_.emplace(message.attr("id"), stanza);
    if (!first && known->second != stanza) fault(message.attr("id") + " changed when it was sent again");
    if (!first) return;  // the server has it
    for (const Node* to : participants->children("to")) targets.emplace_back(*to->jid("jid"), to->child("enc"));
  } else {
    targets.emplace_back(*message.jid("to"), message.child("enc"));
  }
  for (const auto& [jid, enc] : targets) {
    Device* device = device_of(jid);
    if (device == nullptr || enc == nullptr) {
      fault("a message to " + jid.to_string());
    } else {
      open(*device, message, *enc);
    }
  }
}

void ScriptedNetwork::open(Device& device, const Node& message, const Node& enc) {
  const std::string id = message.attr("id");
  const protocol::Bytes body = protocol::to_bytes(enc.data());
  const auto kind =
      enc.attr("type") == "pkmsg" ? protocol::CiphertextKind::pre_key_message : protocol::CiphertextKind::message;
  const auto key = protocol::read_message_key(kind, body);
  if (!key) return fault("a ciphertext without a message key");
  const auto [used, first] = device.keys.emplace(*key, body);
  if (!first) {
    if (used->second != body) fault("message key used twice, the second time in " + id);
    return;
  }
  if (&device == &contact_ && unreadable_ > 0 && !device.by_id.contains(id) && asked_again_.insert(id).second) {
    --unreadable_;
    return ask_again(id, true);
  }
  const auto opened = device.peer.receive({kind, body}, random_);
  if (!opened && &device == &contact_ && reinstalled_ && asked_again_.insert(id).second) return ask_again(id, false);
  if (!opened) return fault(id + " cannot be opened: " + opened.error().detail);
  const auto plain = protocol::unpad_message(opened->plaintext);
  const auto content = plain ? protocol::parse_message(*plain) : protocol::parse_message({});
  if (!plain || !content) return fault(id + " is not a message");
  const auto [known, is_new] = device.by_id.emplace(id, content->text);
  if (!is_new) {
    if (known->second != content->text) fault(id + " came with two texts");
    return;
  }
  device.read.emplace(content->text, id);
  if (&device != &contact_) return;
  Node receipt("receipt");
  receipt.set("id", id).set("from", contact_lid).set("t", "1700000002");
  owed_.push_back({std::move(receipt)});
}

void ScriptedNetwork::ask_again(const std::string& id, bool with_keys) {
  std::optional<protocol::RetryKeys> keys;
  if (with_keys) {
    const auto one_time = contact_.peer.one_time.lower_bound(contact_.next_one_time);
    keys.emplace();
    keys->identity = contact_.peer.local.identity.pub;
    keys->signed_pre_key = contact_.peer.signed_pre_key;
    keys->one_time = {one_time->first, one_time->second};
    contact_.next_one_time = one_time->first + 1;
  }
  const Node request = protocol::retry_receipt(Node("message").set("id", id).set("t", "1700000001"), 1, 0,
                                               contact_.peer.local.registration_id, keys);
  Node receipt("receipt");
  receipt.set("id", id).set("type", "retry").set("from", contact_lid);
  for (const Node& child : request.children()) receipt.add(child);
  owed_.push_back({std::move(receipt)});
}

void ScriptedNetwork::on_receipt(const Node& receipt, storage::Database& stored) {
  const std::string id = receipt.attr("id"), type = receipt.attr("type");
  if (type == "retry") return on_retry_request(receipt);
  if (receipt.child("offer") != nullptr) return settle_owed("call", id, "");
  if (!said_.contains(id)) return;
  const bool known =
      storage::has_message(stored, session_, contact_lid, id) || storage::has_message(stored, session_, contact_pn, id);
  if (!known) fault("a receipt for " + id + ", which is in no row");
  if (type.empty() || type == "inactive") settle_owed("message", id, "");
}

void ScriptedNetwork::settle_owed(std::string_view tag, const std::string& id, const std::string& type) {
  const auto it = std::find_if(owed_.begin(), owed_.end(), [&](const Owed& owed) {
    const Node& stanza = owed.stanza;
    const bool same_type = tag == "message" || stanza.attr("type") == type;
    return owed.sent && stanza.is(tag) && stanza.attr("id") == id && same_type;
  });
  if (it != owed_.end()) owed_.erase(it);
}

// --- the contact

void ScriptedNetwork::owe_text(const std::string& id, const std::string& text, protocol::SessionRecord& session,
                               unsigned count) {
  protocol::TextContent content;
  content.text = text;
  const auto padded = protocol::pad_message(protocol::build_text(content, random_).encoded, random_);
  const auto sealed = protocol::encrypt(session, contact_.peer.local, padded);
  if (!sealed) return fault("the contact has no session for " + id);
  Node enc("enc");
  enc.set("v", "2").set("type", sealed->kind == protocol::CiphertextKind::pre_key_message ? "pkmsg" : "msg");
  if (count > 0) enc.set("count", std::uint64_t{count});
  enc.bytes(sealed->body);
  Node message("message");
  message.set("id", id)
      .set("from", contact_lid)
      .set("sender_pn", contact_pn)
      .set("t", "1700000003")
      .set("type", "text");
  message.set("notify", "Ben").add(std::move(enc));
  owed_.push_back({std::move(message)});
}

void ScriptedNetwork::contact_calls(const std::string& id) {
  protocol::CallOffered offer;
  offer.call.call_id = id;
  offer.call.chat = offer.call.creator = contact_lid;
  offer.call.creator_pn = contact_pn;
  owed_.push_back({protocol::call_stanza("call of " + id, offer)});
}

void ScriptedNetwork::contact_says(const std::string& id, const std::string& text) {
  said_[id] = text;
  auto& session = contact_.peer.session;
  if (!session.has_current()) {
    if (!protocol::start_session(session, contact_.peer.local, own_bundle(), random_))
      fault("no prekeys were uploaded");
  }
  owe_text(id, text, session, 0);
}

void ScriptedNetwork::contact_says_unreadably(const std::string& id, const std::string& text) {
  said_[id] = text;
  protocol::PreKeyBundle bundle = own_bundle();
  bundle.one_time = {0x123456, protocol::KeyPair::generate(random_).pub};
  protocol::SessionRecord broken;
  if (!protocol::start_session(broken, contact_.peer.local, bundle, random_)) fault("no prekeys were uploaded");
  owe_text(id, text, broken, 0);
}

void ScriptedNetwork::contact_reinstalls() {
  contact_.peer = SignalPeer::make(random_, contact_.peer.local.registration_id + 1, 40);
  contact_.next_one_time = 1;
  contact_.keys.clear();
  reinstalled_ = true;
}

void ScriptedNetwork::on_retry_request(const Node& receipt) {
  Node from_session = receipt;
  from_session.set("from", own_lid.with_device(own_device()));
  const auto request = protocol::read_retry_request(from_session);
  if (!request) return fault("a malformed retry request");
  const auto said = said_.find(request->id);
  if (said == said_.end()) return fault("a retry request for " + request->id + ", which nobody sent");
  auto& session = contact_.peer.session;
  if (request->keys && !protocol::start_session(session, contact_.peer.local, *request->keys, random_)) {
    return fault("unusable keys in a retry request");
  }
  owe_text(said->first, said->second, session, request->count);
}

}  // namespace wharf::test
