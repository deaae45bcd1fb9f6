// The transcripts of an independent implementation, replayed byte for byte: once with the records in memory and once
// with every record stored and loaded again after each step.

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value_to.hpp>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>

#include "protocol/signal/session.h"
#include "tests/support/scripted_random.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;
using wharf::test::ScriptedRandom;
using wharf::test::text;
using wharf::test::vectors;

namespace {

const boost::json::object& file() { return vectors("signal-session").as_object(); }

KeyPair pair(const boost::json::object& entry) {
  const KeyPair made = KeyPair::from_secret(exactly<32>(hex(entry.at("private"))).value());
  REQUIRE(equal(typed(made.pub), hex(entry.at("public"))));
  return made;
}

PreKeyId id_of(const boost::json::object& entry) { return boost::json::value_to<PreKeyId>(entry.at("id")); }

/// One actor of the file with its session to the other actor of the running transcript.
struct Party {
  LocalIdentity local;
  std::optional<SignedPreKey> signed_pre_key;
  std::map<PreKeyId, KeyPair> one_time;
  SessionRecord record;

  explicit Party(const boost::json::object& entry) {
    local.identity = pair(entry.at("identity").as_object());
    local.registration_id = boost::json::value_to<std::uint32_t>(entry.at("registrationId"));
    if (!entry.contains("signedPreKey")) return;
    const auto& signed_entry = entry.at("signedPreKey").as_object();
    signed_pre_key = SignedPreKey{id_of(signed_entry), pair(signed_entry),
                                  exactly<64>(hex(signed_entry.at("signatureByIdentityKey"))).value()};
    for (const auto& value : entry.at("oneTimePreKeys").as_array())
      one_time.emplace(id_of(value.as_object()), pair(value.as_object()));
  }

  OwnPreKeys keys() const {
    OwnPreKeys own;
    own.signed_pre_key = [this](PreKeyId id) -> std::optional<KeyPair> {
      if (!signed_pre_key || signed_pre_key->id != id) return std::nullopt;
      return signed_pre_key->pair;
    };
    own.one_time = [this](PreKeyId id) -> std::optional<KeyPair> {
      const auto found = one_time.find(id);
      if (found == one_time.end()) return std::nullopt;
      return found->second;
    };
    return own;
  }
};

enum class Storage { in_memory, reloaded_after_each_step };

class Transcript {
 public:
  Transcript(const boost::json::object& session, Storage storage) : session_(session), storage_(storage) {
    for (const auto& [name, entry] : file().at("parties").as_object())
      parties_.emplace(std::string(name), Party(entry.as_object()));
    for (const auto& value : session.at("steps").as_array()) {
      const auto& step = value.as_object();
      if (text(step, "op") != "send") continue;
      const bool pre_key = text(step, "encType") == "pkmsg";
      const auto kind = pre_key ? CiphertextKind::pre_key_message : CiphertextKind::message;
      messages_.emplace(std::string(text(step, "id")), Ciphertext{kind, hex(step.at("ciphertext"))});
      authors_.emplace(text(step, "from"));
      if (!pre_key) continue;
      const auto& fields = step.at("parsed").as_object().at("preKeySignalMessage").as_object();
      const auto& one_time = fields.at("preKeyId");
      bundle_one_time_[std::string(text(step, "from"))] =
          one_time.is_null() ? std::nullopt : std::optional(boost::json::value_to<PreKeyId>(one_time));
    }
    REQUIRE(authors_.size() == 2);
  }

  /// Returns the records' bytes after every step.
  std::vector<Bytes> run() {
    std::vector<Bytes> trail;
    for (const auto& value : session_.at("steps").as_array()) {
      const auto& step = value.as_object();
      INFO(text(session_, "name") << " step " << trail.size() << " " << text(step, "op") << " " << text(step, "id"));
      const std::string actor(text(step, text(step, "op") == "send" ? "from" : "by"));
      Party& party = parties_.at(actor);
      script_keys(step);
      if (text(step, "op") == "init_outgoing") start(party, actor);
      if (text(step, "op") == "send") send(party, step);
      if (text(step, "op") == "receive") receive(party, step);
      REQUIRE(random_.drained());
      trail.push_back(party.record.serialize());
      if (storage_ == Storage::reloaded_after_each_step) party.record = SessionRecord::parse(trail.back()).value();
    }
    return trail;
  }

 private:
  void script_keys(const boost::json::object& step) {
    if (!step.contains("keysGenerated")) return;
    for (const auto& name : step.at("keysGenerated").as_array()) {
      const auto& entry = file().at("ephemeralKeys").as_object().at(name.as_string()).as_object();
      random_.push(hex(entry.at("private")));
    }
  }

  void start(Party& party, const std::string& actor) {
    const Party& peer = parties_.at(*authors_.begin() == actor ? *authors_.rbegin() : *authors_.begin());
    PreKeyBundle bundle;
    bundle.registration_id = peer.local.registration_id;
    bundle.identity = peer.local.identity.pub;
    bundle.signed_pre_key_id = peer.signed_pre_key.value().id;
    bundle.signed_pre_key = peer.signed_pre_key->pair.pub;
    bundle.signed_pre_key_signature = peer.signed_pre_key->signature;
    if (const auto id = bundle_one_time_.at(actor)) bundle.one_time = {*id, peer.one_time.at(*id).pub};
    REQUIRE(start_session(party.record, party.local, bundle, random_).has_value());
  }

  void send(Party& party, const boost::json::object& step) {
    const Ciphertext& expected = messages_.at(std::string(text(step, "id")));
    const Ciphertext sent = encrypt(party.record, party.local, hex(step.at("plaintext"))).value();
    REQUIRE(sent.kind == expected.kind);
    REQUIRE(to_hex(sent.body) == to_hex(expected.body));
    const auto& fields = step.at("parsed").as_object().at("signalMessage").as_object();
    const auto key = read_message_key(sent.kind, sent.body).value();
    REQUIRE(key.counter == boost::json::value_to<std::uint32_t>(fields.at("counter")));
    REQUIRE(equal(typed(key.ratchet_key), hex(fields.at("ratchetKey"))));
  }

  void receive(Party& party, const boost::json::object& step) {
    const Ciphertext& message = messages_.at(std::string(text(step, "id")));
    const Bytes before = party.record.serialize();
    const auto got = message.kind == CiphertextKind::pre_key_message
                         ? decrypt_pre_key_message(party.record, party.local, party.keys(), message.body, random_)
                         : decrypt_message(party.record, party.local, message.body, random_);
    if (text(step, "result") == "error") {
      REQUIRE(text(step, "expected") == "duplicate");
      REQUIRE(got.error().code == Errc::duplicate_message);
      REQUIRE(party.record.serialize() == before);
      return;
    }
    REQUIRE(got.has_value());
    REQUIRE(got->plaintext == hex(step.at("plaintext")));
    REQUIRE_FALSE(got->identity_changed);
    std::optional<PreKeyId> deleted;
    if (step.contains("oneTimePreKeysDeleted"))
      deleted = boost::json::value_to<PreKeyId>(step.at("oneTimePreKeysDeleted").as_array().at(0));
    REQUIRE(got->used_one_time == deleted);
    if (deleted) REQUIRE(party.one_time.erase(*deleted) == 1);
  }

  const boost::json::object& session_;
  Storage storage_;
  ScriptedRandom random_;
  std::map<std::string, Party> parties_;
  std::map<std::string, Ciphertext> messages_;
  std::set<std::string> authors_;
  std::map<std::string, std::optional<PreKeyId>> bundle_one_time_;  // by initiator
};

}  // namespace

TEST_CASE("the session transcripts replay byte for byte, in memory and from storage") {
  std::size_t steps = 0;
  for (const auto& value : file().at("sessions").as_array()) {
    const auto& session = value.as_object();
    const auto in_memory = Transcript(session, Storage::in_memory).run();
    const auto reloaded = Transcript(session, Storage::reloaded_after_each_step).run();
    REQUIRE(in_memory == reloaded);
    steps += in_memory.size();
  }
  REQUIRE(steps == 45);
}

TEST_CASE("the vector's signed prekeys carry valid signatures") {
  std::size_t checked = 0;
  for (const auto& [name, entry] : file().at("parties").as_object()) {
    const Party party(entry.as_object());
    if (!party.signed_pre_key) continue;
    REQUIRE(xeddsa_verify(party.local.identity.pub, typed(party.signed_pre_key->pair.pub),
                          party.signed_pre_key->signature));
    ++checked;
  }
  REQUIRE(checked == 2);
}
