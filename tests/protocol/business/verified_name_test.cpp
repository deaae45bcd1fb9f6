#include "protocol/business/verified_name.h"

#include <catch2/catch.hpp>

#include "protocol/messages/wire.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

const Jid shop("15550000005", server::user);

Node with_details(const Bytes& details) {
  Bytes certificate;
  append_field(certificate, 1, details);
  return Node("verified_name").bytes(certificate);
}

}  // namespace

TEST_CASE("a certificate is read without its signature") {
  // As in the specification's usync vectors.
  const Bytes certificate =
      from_base64(
          "Ch4I0oXYzAQSBnNtYjp3YSIORXhhbXBsZSBCYWtlcnkSQNIdtC0N9I8AQa8BHeUvzMc7cl4v1eiDoeJHihlQtk/Le+Cqh/J0MBT2jUeXZotW"
          "dsZBQY2VmhPnUf8vXjQuDcI=")
          .value();
  const auto name = read_verified_name(Node("verified_name").set("verified_level", "unknown").bytes(certificate));
  REQUIRE(name->name == "Example Bakery");
  REQUIRE(name->issuer == "smb:wa");
  REQUIRE(name->serial == 1'234'567'890);
  REQUIRE(name->level == "unknown");
  REQUIRE_FALSE(name->issued_at);
  REQUIRE(name->certificate == certificate);
  REQUIRE(read_verified_name(verified_name_node(*name)) == name);
}

TEST_CASE("a name is asked for and answered, and who has none is no error") {
  VerifiedName made{"Bakery", "ent:wa", "high", 5, 6};
  made.certificate = unsigned_name_certificate(made);
  const Node request = verified_name_iq("1", shop.with_device(3));
  REQUIRE(read_verified_name_query(request) == shop);
  REQUIRE(read_verified_name_answer(decode_node(encode_node(verified_name_answer(request, made))).value()).value() ==
          made);
  REQUIRE_FALSE(read_verified_name_answer(verified_name_answer(request, std::nullopt)).value());
  Node error = Node("iq").set("type", "error").add(Node("error").set("code", "404"));
  REQUIRE_FALSE(read_verified_name_answer(error).value());
  error = Node("iq").set("type", "error").add(Node("error").set("code", "403"));
  REQUIRE(read_verified_name_answer(error).error().code == Errc::refused);
  REQUIRE(read_verified_name_answer(Node("message")).error().code == Errc::malformed);
}

TEST_CASE("certificates that are none, name nothing or are too long give no name") {
  REQUIRE_FALSE(read_verified_name(Node("verified_name")));
  REQUIRE_FALSE(read_verified_name(Node("verified_name").text("no protobuf")));
  REQUIRE_FALSE(read_verified_name(with_details({})));
  Bytes details;
  append_field(details, 4, as_bytes(std::string(600, 'x') + "\xff"));
  REQUIRE(read_verified_name(with_details(details))->name.size() == 512);
  append_field(details, 9, Bytes(16 * 1024));
  REQUIRE_FALSE(read_verified_name(with_details(details)));
  Bytes late;
  append_field(late, 4, as_bytes("x"));
  append_varint(late, 10 << 3);
  append_varint(late, UINT64_MAX);
  REQUIRE_FALSE(read_verified_name(with_details(late))->issued_at);
  Bytes broken;
  append_field(broken, 4, as_bytes("a\xff\nb"));
  REQUIRE(read_verified_name(with_details(broken))->name == "a\xEF\xBF\xBD b");
}
