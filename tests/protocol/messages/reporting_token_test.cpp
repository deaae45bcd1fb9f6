#include <catch2/catch.hpp>

#include "protocol/messages/content.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;
using wharf::test::text;
using wharf::test::vectors;

namespace {

Jid jid(const boost::json::value& entry, std::string_view key) { return Jid::parse(entry.at(key).as_string()).value(); }

}  // namespace

TEST_CASE("the reporting token is the vectors'") {
  const auto& root = vectors("reporting-token").as_object();
  const Bytes secret = hex(root.at("messageSecret"));
  const auto& cases = root.at("cases").as_array();
  REQUIRE(cases.size() == 11);
  for (const auto& entry : cases) {
    INFO(text(entry.as_object(), "kind"));
    const auto token = reporting_token(hex(entry.at("messageHex")), secret, text(entry.as_object(), "messageId"),
                                       jid(entry, "senderUserJid"), jid(entry, "remoteJid"));
    REQUIRE(token);
    REQUIRE(to_hex(*token) == text(entry.as_object(), "token"));
  }
}

TEST_CASE("no reporting token where the vectors have none") {
  const auto& root = vectors("reporting-token").as_object();
  const auto& cases = root.at("noToken").as_array();
  REQUIRE(cases.size() == 7);
  const Jid sender("100000000000001", server::lid), remote("100000000000002", server::lid);
  for (const auto& entry : cases) {
    INFO(text(entry.as_object(), "name"));
    const auto* own = entry.as_object().if_contains("messageSecret");
    const Bytes secret = own != nullptr && own->is_null() ? Bytes{} : hex(root.at("messageSecret"));
    REQUIRE_FALSE(reporting_token(hex(entry.at("messageHex")), secret, "3EB0D0", sender, remote));
  }
}

TEST_CASE("the token is about users, whatever devices are named") {
  const Bytes message = hex("0a0568656c6c6f"), secret(32, 1);
  const auto plain = reporting_token(message, secret, "3EB0D0", Jid("1", server::lid), Jid("2", server::lid));
  REQUIRE(plain);
  REQUIRE(plain == reporting_token(message, secret, "3EB0D0", Jid("1", server::lid, 7), Jid("2", server::lid, 9)));
  REQUIRE(plain != reporting_token(message, secret, "3EB0D1", Jid("1", server::lid), Jid("2", server::lid)));
  REQUIRE_FALSE(reporting_token(message, Bytes(31, 1), "3EB0D0", Jid("1", server::lid), Jid("2", server::lid)));
}
