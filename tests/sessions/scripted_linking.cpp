#include "tests/sessions/scripted_linking.h"

#include <algorithm>
#include <map>
#include <utility>

#include "protocol/pairing/adv.h"
#include "protocol/pairing/code.h"
#include "protocol/pairing/qr.h"
#include "protocol/stanzas/iq.h"
#include "storage/sessions.h"

namespace wharf::test {

using protocol::Jid;
using protocol::Key32;
using protocol::Node;

namespace {

Node from_server(const char* tag, const std::string& id, const char* type) {
  return Node(tag).set("id", id).set("type", type).set("from", Jid("", "s.whatsapp.net"));
}

/// The phone's half of the key stretching. A conversation is run some hundred times with the same randomness.
const Key32& stretched(const std::string& code, const Key32& salt) {
  static std::map<std::pair<std::string, Key32>, Key32> known;
  const auto [at, is_new] = known.try_emplace({code, salt});
  if (is_new) at->second = protocol::pairing_code_key(code, salt);
  return at->second;
}

}  // namespace

ScriptedLinking::ScriptedLinking(protocol::Random& random, storage::SessionId session, const Jid& number,
                                 const Jid& lid)
    : random_(random), session_(session), number_(number), lid_(lid) {}

void ScriptedLinking::link(const Companion& companion) {
  if (companion_) fault("a second device was linked");
  if (!linked_.insert(companion.identity).second) fault("an identity was linked twice");
  if (!linked_.insert(companion.noise).second) fault("a Noise key was linked twice");
  companion_ = companion;
}

void ScriptedLinking::on_gone() {
  if (open_ && open_->secret) secrets_of_codes_.insert(*open_->secret);
  open_.reset();
}

std::vector<Node> ScriptedLinking::on_registration(const protocol::PublicKey& noise,
                                                   const protocol::ParsedClientPayload::Registration& keys) {
  if (linked_.contains(noise) || linked_.contains(keys.keys.identity)) fault("a linked device registers again");
  open_.emplace();
  open_->noise = noise;
  open_->identity = keys.keys.identity;
  Node refs("pair-device");
  for (int i = 0; i < 6; ++i) {
    open_->refs.push_back("2@" + protocol::to_base64url(random_.bytes<12>()));
    refs.add(Node("ref").text(open_->refs.back()));
  }
  return {from_server("iq", "refs" + std::to_string(++ids_), "set").add(std::move(refs))};
}

std::vector<Node> ScriptedLinking::take(const Node& stanza, storage::Database& stored) {
  if (!open_) return {};
  if (stanza.is("ack")) return {};
  if (!stanza.is("iq")) {
    fault("before it is linked the session says " + protocol::summary(stanza));
    return {};
  }
  const std::string type = stanza.attr("type");
  if (type == "error") {
    fault("the session refuses " + protocol::summary(stanza));
    return {};
  }
  if (type == "result") return on_sign(stanza, stored);
  if (stanza.child("link_code_companion_reg")) return on_link_code(stanza);
  if (stanza.attr("xmlns") == "w:p") return {from_server("iq", stanza.attr("id"), "result")};
  fault("before it is linked the session asks " + protocol::summary(stanza));
  return {};
}

// --- the phone

std::vector<Node> ScriptedLinking::scan(const std::string& text) {
  const auto qr = protocol::parse_qr_text(text);
  if (!qr) {
    fault("a QR text that no phone can read");
    return {};
  }
  if (secrets_of_codes_.contains(qr->adv_secret))
    fault("the secret of a code of an earlier connection is shown in a QR");
  const bool shown = open_ && std::find(open_->refs.begin(), open_->refs.end(), qr->ref) != open_->refs.end();
  if (!shown) return {};
  if (qr->noise != open_->noise || qr->identity != open_->identity) {
    fault("the QR names other keys than the connection that shows it");
    return {};
  }
  return vouch(qr->identity, qr->adv_secret);
}

std::vector<Node> ScriptedLinking::type(const std::string& code) {
  if (!open_ || open_->code_ref.empty()) return {};
  const auto salt = protocol::wrapped_ephemeral_salt(open_->wrapped);
  const auto theirs = protocol::unwrap_pairing_ephemeral(stretched(code, salt.value()), open_->wrapped);
  if (!theirs) {
    fault("the code does not open the ephemeral key of the hello");
    return {};
  }
  open_->companion_ephemeral = *theirs;
  open_->ephemeral = protocol::KeyPair::generate(random_);
  const auto own_salt = random_.bytes<32>();
  const auto iv = random_.bytes<16>();
  const auto wrapped = protocol::wrap_pairing_ephemeral(stretched(code, own_salt), own_salt, iv, open_->ephemeral->pub);
  Node hello("link_code_companion_reg");
  hello.set("stage", "primary_hello")
      .add(Node("link_code_pairing_ref").text(open_->code_ref))
      .add(Node("link_code_pairing_wrapped_primary_ephemeral_pub").bytes(wrapped))
      .add(Node("primary_identity_pub").bytes(account_.pub));
  return {
      from_server("notification", "hello" + std::to_string(++ids_), "link_code_companion_reg").add(std::move(hello))};
}

std::vector<Node> ScriptedLinking::vouch(const protocol::PublicKey& identity, const Key32& secret) {
  if (!open_->success_id.empty()) return {};  // this companion is being linked already
  open_->success_id = "success" + std::to_string(++ids_);
  open_->key_index = ++last_key_index_;
  open_->container =
      protocol::issue_device_identity(account_, identity, {77, 1'700'000'000u, open_->key_index}, secret, random_);
  Node success("pair-success");
  success.add(Node("device").set("jid", number_.with_device(next_device_)).set("lid", lid_.with_device(next_device_)));
  success.add(Node("platform").set("name", "android"));
  success.add(Node("device-identity").bytes(open_->container));
  return {from_server("iq", open_->success_id, "set").set("t", "1700000000").add(std::move(success))};
}

// --- what the companion says

std::vector<Node> ScriptedLinking::on_link_code(const Node& iq) {
  const Node& reg = *iq.child("link_code_companion_reg");
  const auto data = [&](const char* child) { return reg.child_data(child).value_or(protocol::ByteView()); };
  Node result = from_server("iq", iq.attr("id"), "result");
  if (reg.attr("stage") == "companion_hello") {
    open_->code_ref = "3@" + protocol::to_base64url(random_.bytes<12>());
    open_->wrapped = protocol::to_bytes(data("link_code_pairing_wrapped_companion_ephemeral_pub"));
    open_->ephemeral.reset();
    return {result.add(Node("link_code_companion_reg")
                           .set("stage", "companion_hello")
                           .add(Node("link_code_pairing_ref").text(open_->code_ref)))};
  }
  if (protocol::as_text(data("link_code_pairing_ref")) != open_->code_ref || !open_->ephemeral) {
    fault("a code is finished that no phone has answered");
    return {};
  }
  const auto secret = protocol::open_companion_finish(data("link_code_pairing_wrapped_key_bundle"), account_,
                                                      *open_->ephemeral, open_->companion_ephemeral, open_->identity);
  if (!secret) {
    fault("the phone cannot open the finish: " + secret.error().detail);
    return {};
  }
  open_->secret = *secret;
  std::vector<Node> out{std::move(result)};
  for (Node& success : vouch(open_->identity, *secret)) out.push_back(std::move(success));
  return out;
}

std::vector<Node> ScriptedLinking::on_sign(const Node& iq, storage::Database& stored) {
  if (open_->success_id.empty() || iq.attr("id") != open_->success_id) return {};
  const Node* sign = iq.child("pair-device-sign");
  const Node* reply = sign ? sign->child("device-identity") : nullptr;
  if (!reply || reply->number("key-index") != open_->key_index ||
      !protocol::complete_device_identity(reply->data(), open_->container, open_->identity)) {
    fault("the companion's signature does not verify");
    return {};
  }
  const auto row = storage::load_device(stored, session_);
  const bool durable = row && row->linked() && row->jid == number_.with_device(next_device_) &&
                       row->identity.pub == open_->identity && row->noise.pub == open_->noise;
  if (!durable) fault("the phone heard of a link that is in no row");
  link({next_device_++, open_->noise, open_->identity});
  open_.reset();
  ended_ = true;
  return {Node("stream:error").set("code", "515")};
}

}  // namespace wharf::test
