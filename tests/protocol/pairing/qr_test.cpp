#include "protocol/pairing/qr.h"

#include <catch2/catch.hpp>

#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;
using wharf::test::text;
using wharf::test::vectors;

namespace {

Key32 key(const boost::json::value& value) { return exactly<32>(hex(value)).value(); }

PairingQr vector_qr() {
  const auto& root = vectors("pairing-qr").as_object();
  const auto& keys = root.at("keys").as_object();
  PairingQr qr;
  qr.ref = text(root.at("qr").as_object(), "ref");
  qr.noise = key(keys.at("noise").at("public"));
  qr.identity = key(keys.at("identity").at("public"));
  qr.adv_secret = key(keys.at("adv_secret"));
  qr.client_type = '1';
  return qr;
}

void require_same(const PairingQr& a, const PairingQr& b) {
  REQUIRE(a.ref == b.ref);
  REQUIRE(a.noise == b.noise);
  REQUIRE(a.identity == b.identity);
  REQUIRE(a.adv_secret == b.adv_secret);
  REQUIRE(a.client_type == b.client_type);
}

}  // namespace

TEST_CASE("the QR text is the vector's, deep link and client type included") {
  const auto& qr = vectors("pairing-qr").at("qr").as_object();
  REQUIRE(qr_text(vector_qr()) == text(qr, "qr_string_with_deep_link"));
}

TEST_CASE("a QR text is read with and without deep link, with and without client type") {
  const auto& qr = vectors("pairing-qr").at("qr").as_object();
  for (const char* form : {"qr_string_with_deep_link", "qr_string_bare"}) {
    const auto parsed = parse_qr_text(text(qr, form));
    REQUIRE(parsed);
    require_same(*parsed, vector_qr());
  }
  const std::string_view bare = text(qr, "qr_string_bare");
  const auto four_fields = parse_qr_text(bare.substr(0, bare.size() - 2));
  REQUIRE(four_fields);
  PairingQr expected = vector_qr();
  expected.client_type = '\0';
  require_same(*four_fields, expected);
}

TEST_CASE("a QR text that is cut anywhere gives no keys") {
  const std::string whole = qr_text(vector_qr());
  for (std::size_t length = 0; length < whole.size() - 2; ++length) {
    INFO(length);
    REQUIRE_FALSE(parse_qr_text(std::string_view(whole).substr(0, length)));
  }
}

TEST_CASE("a QR text with short keys, bad base64, no ref or absurd length is refused") {
  const std::string good = to_base64(vector_qr().noise);
  const std::string shorter = to_base64(Bytes(31, 1));
  REQUIRE_FALSE(parse_qr_text("ref," + shorter + "," + good + "," + good + ",1"));
  REQUIRE_FALSE(parse_qr_text("ref," + good + "," + good + ",!" + good.substr(1) + ",1"));
  REQUIRE_FALSE(parse_qr_text("," + good + "," + good + "," + good + ",1"));
  REQUIRE_FALSE(parse_qr_text(std::string(5000, 'r') + "," + good + "," + good + "," + good + ",1"));
  REQUIRE(parse_qr_text("ref," + good + "," + good + "," + good + ",1"));
}

TEST_CASE("platform types map to the client types of the table") {
  REQUIRE(client_type_of(1) == '1');
  REQUIRE(client_type_of(2) == '3');
  REQUIRE(client_type_of(7) == '7');
  REQUIRE(client_type_of(21) == '8');
  REQUIRE(client_type_of(23) == '9');
}
