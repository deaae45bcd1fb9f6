#include "protocol/noise/client_payload.h"

#include <catch2/catch.hpp>

#include <functional>

#include "protocol/proto/client_payload.pb.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;
using wharf::test::text;
using wharf::test::vectors;
using Wire = wharf::wire::client_payload::ClientPayload;

namespace {

AppVersion version(std::string_view dotted) {
  AppVersion out;
  REQUIRE(dotted.substr(0, 7) == "2.3000.");
  out.tertiary = static_cast<std::uint32_t>(std::stoul(std::string(dotted.substr(7))));
  return out;
}

const boost::json::object& vector_of(std::string_view id) {
  for (const auto& entry : vectors("client-payload").at("vectors").as_array())
    if (text(entry.as_object(), "id") == id) return entry.as_object();
  throw std::runtime_error("no such vector");
}

template <std::size_t N>
std::array<std::uint8_t, N> fixed(const boost::json::value& value) {
  return exactly<N>(hex(value)).value();
}

RegistrationKeys keys_of(const boost::json::object& inputs) {
  RegistrationKeys keys;
  keys.registration_id = static_cast<std::uint32_t>(inputs.at("registration_id").as_int64());
  keys.identity = fixed<32>(inputs.at("identity_public"));
  keys.signed_pre_key_id = static_cast<std::uint32_t>(inputs.at("signed_prekey_id").as_int64());
  keys.signed_pre_key = fixed<32>(inputs.at("signed_prekey_public"));
  keys.signed_pre_key_signature = fixed<64>(inputs.at("signed_prekey_signature"));
  return keys;
}

Wire wire_of(std::string_view id) {
  const Bytes payload = hex(vector_of(id).at("payload_hex"));
  Wire out;
  REQUIRE(out.ParseFromArray(payload.data(), static_cast<int>(payload.size())));
  return out;
}

Result<ParsedClientPayload> parse(const Wire& message) {
  return parse_client_payload(as_bytes(message.SerializeAsString()));
}

}  // namespace

TEST_CASE("build hashes are the MD5 of the dotted version") {
  const auto& cases = vectors("client-payload").at("build_hash").as_array();
  REQUIRE(cases.size() == 4);
  for (const auto& c : cases) {
    const AppVersion v = version(text(c.as_object(), "version"));
    REQUIRE(v.to_string() == text(c.as_object(), "version"));
    REQUIRE(to_hex(v.build_hash()) == text(c.as_object(), "md5_hex"));
  }
}

TEST_CASE("login payloads are written as published") {
  for (std::string_view id : {"login-recommended", "login-zapo"}) {  // both are the recommended form
    INFO(id);
    const auto& v = vector_of(id);
    const auto& inputs = v.at("inputs").as_object();
    ClientProfile profile;
    profile.version = version(text(inputs, "version"));
    LoginIdentity login;
    login.jid = Jid(std::to_string(inputs.at("username").as_int64()), server::user,
                    static_cast<std::uint16_t>(inputs.at("device").as_int64()));
    login.login_counter = static_cast<std::uint32_t>(inputs.at("lc").as_int64());
    login.connect_attempt_count = static_cast<std::uint32_t>(inputs.at("connectAttemptCount").as_int64());
    REQUIRE(to_hex(login_payload(profile, login)) == text(v, "payload_hex"));
  }
}

TEST_CASE("a default value that is stated is written") {
  LoginIdentity login;
  login.jid = Jid("15550001111", server::user, 7);
  login.lid_migrated = false;
  Wire message;
  const Bytes payload = login_payload({}, login);
  REQUIRE(message.ParseFromArray(payload.data(), static_cast<int>(payload.size())));
  REQUIRE(message.has_passive());
  REQUIRE(message.has_lc());
  REQUIRE(message.has_connect_attempt_count());
  REQUIRE(message.has_lid_db_migrated());
  REQUIRE_FALSE(message.lid_db_migrated());
  REQUIRE(message.user_agent().has_release_channel());
  REQUIRE(message.user_agent().has_manufacturer());
  REQUIRE(message.web_info().has_web_sub_platform());
}

TEST_CASE("the recommended registration payload is written as published") {
  const auto& v = vector_of("registration-recommended");
  const auto& inputs = v.at("inputs").as_object();
  ClientProfile profile;
  profile.version = version(text(inputs, "version"));
  profile.device.os = "Ubuntu";
  profile.device.os_version = DeviceProperties::OsVersion{22, 4, 4};
  REQUIRE(to_hex(registration_payload(profile, keys_of(inputs))) == text(v, "payload_hex"));
}

TEST_CASE("the network side reads every published payload") {
  const auto& cases = vectors("client-payload").at("vectors").as_array();
  REQUIRE(cases.size() == 6);
  int logins = 0, registrations = 0;
  for (const auto& entry : cases) {
    const auto& c = entry.as_object();
    INFO(text(c, "id"));
    const auto& inputs = c.at("inputs").as_object();
    const auto parsed = parse_client_payload(hex(c.at("payload_hex")));
    REQUIRE(parsed);
    REQUIRE(parsed->version == version(text(inputs, "version")));
    REQUIRE(parsed->user_agent_platform == 14);
    if (!parsed->registration) {
      ++logins;
      REQUIRE(parsed->username == 15550001111u);
      REQUIRE(parsed->device == 7u);
      REQUIRE(parsed->pull);
      REQUIRE(parsed->passive == (text(c, "id") == "login-baileys"));
      continue;
    }
    ++registrations;
    const auto& registration = *parsed->registration;
    const RegistrationKeys expected = keys_of(inputs);
    REQUIRE(registration.keys.registration_id == expected.registration_id);
    REQUIRE(registration.keys.identity == expected.identity);
    REQUIRE(registration.keys.signed_pre_key_id == expected.signed_pre_key_id);
    REQUIRE(registration.keys.signed_pre_key == expected.signed_pre_key);
    REQUIRE(registration.keys.signed_pre_key_signature == expected.signed_pre_key_signature);
    REQUIRE(equal(registration.build_hash, parsed->version.build_hash()));
    REQUIRE(registration.require_full_sync == (text(c, "id") == "registration-baileys"));
    REQUIRE(registration.platform_type == (text(c, "id") == "registration-zapo" ? 2 : 1));
    REQUIRE_FALSE(registration.os.empty());
    REQUIRE(xeddsa_verify(registration.keys.identity, typed(registration.keys.signed_pre_key),
                          registration.keys.signed_pre_key_signature));
  }
  REQUIRE(logins == 3);
  REQUIRE(registrations == 3);
}

TEST_CASE("a registration with a missing or wrong-sized field is refused") {
  const Wire good = wire_of("registration-recommended");
  REQUIRE(parse(good));
  using Data = wharf::wire::client_payload::DevicePairingData;
  const std::vector<std::function<void(Data&)>> damages = {
      [](Data& d) { d.clear_registration_id(); },
      [](Data& d) { d.mutable_registration_id()->push_back('x'); },
      [](Data& d) { d.clear_key_type(); },
      [](Data& d) { d.set_key_type("\x06"); },
      [](Data& d) { d.clear_identity(); },
      [](Data& d) { d.mutable_identity()->insert(0, "\x05"); },
      [](Data& d) { d.clear_signed_pre_key_id(); },
      [](Data& d) { d.mutable_signed_pre_key_id()->insert(0, 1, '\0'); },
      [](Data& d) { d.clear_signed_pre_key(); },
      [](Data& d) { d.mutable_signed_pre_key()->pop_back(); },
      [](Data& d) { d.clear_signed_pre_key_signature(); },
      [](Data& d) { d.mutable_signed_pre_key_signature()->pop_back(); },
      [](Data& d) { d.clear_build_hash(); },
      [](Data& d) { d.set_build_hash("9fa53af9421567b114e33c9bb1ef7db2"); },
      [](Data& d) { d.clear_device_props(); },
      [](Data& d) { d.set_device_props("\xff"); },
  };
  for (std::size_t i = 0; i < damages.size(); ++i) {
    INFO(i);
    Wire message = good;
    damages[i](*message.mutable_device_pairing_data());
    const auto parsed = parse(message);
    REQUIRE(!parsed);
    REQUIRE(parsed.error().code == Errc::malformed);
  }
}

TEST_CASE("both kinds at once, neither and nonsense are refused") {
  Wire both = wire_of("registration-recommended");
  both.set_username(15550001111);
  REQUIRE(parse(both).error().code == Errc::malformed);
  REQUIRE(parse(Wire()).error().code == Errc::malformed);
  REQUIRE(parse_client_payload(Bytes{0xff}).error().code == Errc::malformed);
  Wire phone = wire_of("login-recommended");
  phone.clear_device();
  REQUIRE_FALSE(parse(phone)->device);
}
