#include "protocol/messages/add_on_secret.h"

#include <catch2/catch.hpp>

#include <algorithm>

#include "protocol/crypto/hash.h"
#include "protocol/messages/building.h"
#include "protocol/messages/content.h"
#include "protocol/messages/stanza_kind.h"
#include "tests/support/scripted_random.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;
using wharf::test::ScriptedRandom;
using wharf::test::text;
using wharf::test::vectors;

namespace {

const boost::json::object& root() { return vectors("poll-vote").as_object(); }

AddOn about(const boost::json::object& v) {
  return {text(v, "useCase"), std::string(text(v, "originalMessageId")), *Jid::parse(text(v, "originalSender")),
          *Jid::parse(text(v, "modificationSender"))};
}

Poll the_poll(std::uint32_t selectable = 0) {
  Poll poll;
  poll.selectable = selectable;
  for (const auto& option : root().at("optionHashes").as_array())
    poll.options.emplace_back(text(option.as_object(), "option"));
  return poll;
}

std::vector<std::string> strings(const boost::json::value& list) {
  std::vector<std::string> out;
  for (const auto& entry : list.as_array()) out.emplace_back(entry.as_string());
  return out;
}

Bytes secret_of(const boost::json::object& v) {
  return hex(v.contains("messageSecret") ? v.at("messageSecret") : root().at("messageSecret"));
}

}  // namespace

TEST_CASE("votes and other sealed add-ons of the vectors are opened and sealed alike") {
  std::size_t count = 0;
  const auto check = [&](const boost::json::object& v) {
    INFO(text(v, "originalMessageId") << " " << text(v, "useCase") << " " << count);
    const AddOn on = about(v);
    const auto plain = open_add_on(on, secret_of(v), hex(v.at("encPayload")), hex(v.at("iv")));
    REQUIRE(plain);
    CHECK(*plain == hex(v.at("plaintext")));
    ScriptedRandom random(hex(v.at("iv")));
    const SealedAddOn sealed = seal_add_on(on, secret_of(v), *plain, random);
    CHECK(sealed.payload == hex(v.at("encPayload")));
    CHECK(sealed.iv == hex(v.at("iv")));
    ++count;
  };
  for (const auto& vote : root().at("pollVotes").as_array()) check(vote.as_object());
  for (const auto& other : root().at("others").as_array()) check(other.as_object());
  check(root().at("eventResponse").as_object());
  for (const auto& lenient : root().at("lenient").as_array()) check(lenient.as_object());
  REQUIRE(count == 14);
}

TEST_CASE("what is sealed of the vectors says in clear what it holds, under the key of the sealed one") {
  const MessageKey target{"3EB0D0D0D0D0D0D0D0D0D0", false, *Jid::parse("100000000000001@lid"), std::nullopt};
  std::size_t read = 0;
  for (const auto& other : root().at("others").as_array()) {
    const auto& v = other.as_object();
    const auto clear = [&](Sealed::What what) {
      const auto content = parse_message(in_clear({target, what, {}, {}}, hex(v.at("plaintext"))).value());
      REQUIRE(content);
      REQUIRE(target_of(content->body) != nullptr);
      CHECK(*target_of(content->body) == target);
      ++read;
      return *content;
    };
    if (text(v, "useCase") == use_of(Sealed::What::reaction)) {
      const auto content = clear(Sealed::What::reaction);
      CHECK(std::get<Reaction>(content.body).text == "\xf0\x9f\x91\x8d");
      CHECK(encode_sealed_reaction(std::get<Reaction>(content.body)) == hex(v.at("plaintext")));
    } else if (text(v, "useCase") == use_of(Sealed::What::message_edit)) {
      CHECK(clear(Sealed::What::message_edit).text == "edited");
    } else if (text(v, "useCase") == use_of(Sealed::What::event_edit)) {
      const auto content = clear(Sealed::What::event_edit);
      CHECK(content.text == "Picnic (moved)");
      CHECK(said_at(content.body) == 0);
    }
  }
  CHECK(read == 3);
  for (const Bytes& nothing : {Bytes{}, Bytes{0x0a}})
    CHECK_FALSE(in_clear({target, Sealed::What::message_edit, {}, {}}, nothing));
  CHECK_FALSE(in_clear({target, Sealed::What::reaction, {}, {}}, Bytes{0x12}));
}

TEST_CASE("what is sealed is read as it was built, and its stanza has the kind of what is inside") {
  const MessageKey target{"3EB0D0D0D0D0D0D0D0D0D0", false, *Jid::parse("100000000000001@lid"), std::nullopt};
  ScriptedRandom random;
  for (int secrets = 0; secrets < 3; ++secrets) random.push(Bytes(32, 7));
  const auto content_of = [](const OutgoingMessage& message) { return parse_message(message.encoded).value(); };
  for (const auto what : {Sealed::What::reaction, Sealed::What::message_edit, Sealed::What::event_edit}) {
    const Sealed sealed{target, what, {1, 2, 3}, Bytes(12, 4)};
    const auto built = build_sealed(sealed, random);
    const auto content = content_of(built);
    CHECK(content.kind == MessageKind::sealed);
    CHECK(std::get<Sealed>(content.body) == sealed);
    CHECK(content.unknown_name.empty());
    const StanzaKind kind = stanza_kind(built.encoded);
    CHECK(kind.hide_on_failure);
    CHECK(kind.edit == std::string(what == Sealed::What::message_edit ? "1" : ""));
    CHECK(kind.type == std::string(what == Sealed::What::reaction     ? "reaction"
                                   : what == Sealed::What::event_edit ? "event"
                                                                      : "text"));
    // Reactions have no secret of their own (03 section 4.1 step 1).
    CHECK(built.secret.has_value() == (what != Sealed::What::reaction));
  }
  const EventAnswer answer{target, {1, 2, 3}, Bytes(12, 4)};
  const auto built = build_event_answer(answer);
  CHECK(content_of(built).kind == MessageKind::event_answer);
  CHECK(std::get<EventAnswer>(content_of(built).body) == answer);
  const StanzaKind kind = stanza_kind(built.encoded);
  CHECK((kind.type == std::string("event") && kind.hide_on_failure && kind.meta_value == std::string("response")));
  CHECK_FALSE(built.secret);
  // What edits a poll is of a kind that is not read.
  Bytes of_poll = build_sealed({target, Sealed::What::event_edit, {1}, {}}, random).encoded;
  const Bytes event_edit{0x20, 0x01};
  const auto at = std::search(of_poll.begin(), of_poll.end(), event_edit.begin(), event_edit.end());
  REQUIRE(at != of_poll.end());
  at[1] = 4;
  CHECK(parse_message(of_poll)->kind == MessageKind::unknown);
  CHECK(parse_message(of_poll)->unknown_name == "secretEncryptedMessage");
}

TEST_CASE("an answer to an event is one of three, with its guests and its time") {
  const Bytes plain = hex(root().at("eventResponse").at("plaintext"));
  const auto response = read_event_response(plain);
  REQUIRE(response);
  CHECK(response->answer == EventResponse::Answer::going);
  CHECK(response->extra_guests == 1);
  CHECK(encode_event_response(*response) == plain);
  CHECK_FALSE(read_event_response(Bytes{}));
  CHECK_FALSE(read_event_response(Bytes{0x08, 0x00}));
  CHECK_FALSE(read_event_response(Bytes{0x08, 0x04}));
  CHECK_FALSE(read_event_response(Bytes{0x08, 0x01, 0x18}));
  // A negative number of guests is none.
  const Bytes fewer{0x08, 0x01, 0x18, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
  CHECK(read_event_response(fewer)->extra_guests == 0);
}

TEST_CASE("what must not open does not") {
  const auto& cases = root().at("mustFail").as_array();
  REQUIRE(cases.size() == 12);
  for (const auto& entry : cases) {
    const auto& v = entry.as_object();
    INFO(text(v, "name"));
    CHECK_FALSE(open_add_on(about(v), secret_of(v), hex(v.at("encPayload")), hex(v.at("iv"))));
  }
}

TEST_CASE("a vote names its options by their hashes, and counts as the vectors say") {
  for (const auto& entry : root().at("optionHashes").as_array()) {
    const auto hash = option_hash(text(entry.as_object(), "option"));
    CHECK(to_bytes(hash) == hex(entry.at("sha256")));
  }
  for (const auto& entry : root().at("pollVotes").as_array()) {
    const auto& v = entry.as_object();
    const auto chosen = strings(v.at("selectedOptions"));
    CHECK(encode_choices(chosen) == hex(v.at("plaintext")));
    const auto read = read_choices(hex(v.at("plaintext")), the_poll());
    REQUIRE((read && *read));
    CHECK(**read == chosen);
  }
  for (const auto& entry : root().at("lenient").as_array()) {
    const auto& v = entry.as_object();
    INFO(text(v, "description"));
    const auto selectable =
        v.contains("selectableOptionsCount") ? v.at("selectableOptionsCount").to_number<std::uint32_t>() : 0u;
    const auto read = read_choices(hex(v.at("plaintext")), the_poll(selectable));
    REQUIRE(read);
    if (v.at("counted").is_null()) {
      CHECK_FALSE(*read);
    } else {
      REQUIRE(*read);
      CHECK(**read == strings(v.at("counted")));
    }
  }
}
