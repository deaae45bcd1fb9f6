#include "protocol/messages/add_on_secret.h"

#include <catch2/catch.hpp>

#include "protocol/crypto/hash.h"
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
