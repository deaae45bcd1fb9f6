#include "protocol/account/profile_query.h"

#include <catch2/catch.hpp>

#include "protocol/stanzas/iq.h"
#include "tests/support/node_json.h"
#include "tests/support/printing.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::canonical;
using wharf::test::node_from_hex;
using wharf::test::node_from_json;
using wharf::test::text;
using wharf::test::vectors;

namespace {

const Jid user("15551234567", server::user), lid("182736455463728", server::lid);
constexpr ProfileFields vector_fields = {ProfileField::business,      ProfileField::about,    ProfileField::picture,
                                         ProfileField::default_timer, ProfileField::username, ProfileField::lid};

const boost::json::object& pair() { return vectors("usync").at("pairs").as_array().at(2).as_object(); }
ProfileTarget target(const Jid& jid, Bytes token = {}) {
  ProfileTarget out;
  out.jid = jid;
  out.token = std::move(token);
  return out;
}

}  // namespace

TEST_CASE("the profile query of the vectors is built and its answer read") {
  const std::vector<ProfileTarget> users = {target(user, from_base64("1BHxmHiRQg7YDVnl2wGcXg==").value()),
                                            target(Jid("15557654321", server::user)),
                                            target(Jid("15550002222", server::user))};
  const Node request = profile_query_iq("8127.4410-40", "8127.4410-41", vector_fields, users);
  REQUIRE(canonical(request) == canonical(node_from_json(pair().at("request"))));
  REQUIRE(canonical(request) == canonical(node_from_hex(pair().at("request_binary_hex"))));

  const Profiles profiles = read_profiles(node_from_hex(pair().at("response_binary_hex"))).value();
  const auto& parsed = pair().at("parsed").as_object();
  const auto& limit = parsed.at("protocol_state").at("picture").at("error").as_object();
  REQUIRE(profiles.errors.size() == 1);
  REQUIRE(profiles.errors[0].field == ProfileField::picture);
  REQUIRE(profiles.errors[0].code == limit.at("code").as_int64());
  REQUIRE(profiles.errors[0].backoff_seconds == limit.at("backoff_seconds").to_number<std::uint64_t>());

  const auto& wanted = parsed.at("users").as_array();
  REQUIRE(profiles.users.size() == wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    const Profile& profile = profiles.users[i];
    REQUIRE(profile.jid.to_string() == wanted[i].at("jid").as_string());
    REQUIRE(profile.lid.has_value() == !wanted[i].at("lid").is_null());
    if (profile.lid) REQUIRE(profile.lid->to_string() == wanted[i].at("lid").as_string());
    REQUIRE_FALSE(profile.picture_id);
  }
  const Profile& first = profiles.users[0];
  REQUIRE(first.business->name == "Example Bakery");
  REQUIRE(first.business->issuer == "smb:wa");
  REQUIRE(first.business->serial == 1'234'567'890);
  REQUIRE(first.about == About{"At work", false, 1'690'000'000});
  REQUIRE(first.default_timer_seconds == 604'800u);
  REQUIRE(first.default_timer_at == 1'680'000'000);
  REQUIRE(first.username == "bakery.one");
  const Profile& second = profiles.users[1];
  REQUIRE(second.about == About{"", true, std::nullopt});
  REQUIRE(second.username == "");
  REQUIRE_FALSE(second.business);
  REQUIRE(second.default_timer_seconds == 0u);
  const Profile& third = profiles.users[2];
  REQUIRE(third.errors == std::vector{ProfileError{ProfileField::about, 404, 0}});
  REQUIRE_FALSE(third.about);
}

TEST_CASE("the server reads what was asked and its answer is read as it was meant") {
  const ProfileFields fields = {ProfileField::contact,  ProfileField::about,        ProfileField::picture,
                                ProfileField::lid,      ProfileField::text_status,  ProfileField::business,
                                ProfileField::username, ProfileField::default_timer};
  ProfileTarget by_phone;
  by_phone.phone = "15551234567";
  const std::vector<ProfileTarget> users = {by_phone, target(lid, {1, 2})};
  const Node request = profile_query_iq("1", "2", fields, users);
  REQUIRE(request.child("usync")->attr("mode") == "query");
  REQUIRE(request.child("usync")->child("list")->children().at(0).child("contact")->text() == "+15551234567");
  const ProfileQuery query = read_profile_query(decode_node(encode_node(request)).value()).value();
  REQUIRE(query.fields == fields);
  REQUIRE(query.users == users);
  REQUIRE(query.sid == "2");
  REQUIRE(query.context == "interactive");

  Profiles made;
  Profile known;
  known.jid = user;
  known.contact_query = "+15551234567";
  known.contact_type = "in";
  known.lid = lid;
  known.about = About{"two\nlines", false, 5};
  known.picture_id = "17";
  known.default_timer_seconds = 86'400;
  known.default_timer_at = 6;
  known.username = "anna";
  known.business = VerifiedName{"Bakery", "smb:wa", "unknown", 7, 8};
  known.business->certificate = unsigned_name_certificate(*known.business);
  known.text_status = ProfileTextStatus{"hi", "\U0001F44D", 3600, 9};
  Profile hidden;
  hidden.jid = lid;
  hidden.pn = user;
  hidden.contact_type = "out";
  hidden.contact_query = "+1";
  hidden.about = About{"", true, std::nullopt};
  hidden.username = "";
  hidden.errors = {{ProfileField::picture, 401, 0}};
  Profile nobody;
  nobody.contact_query = "+123";
  nobody.contact_type = "invalid";
  made.users = {known, hidden, nobody};
  REQUIRE(read_profiles(decode_node(encode_node(profiles_answer(request, query, made))).value()).value() == made);

  Profiles limited;
  limited.errors = {{ProfileField::about, 429, 60}};
  REQUIRE(read_profiles(profiles_answer(request, query, limited)).value() == limited);
}

TEST_CASE("numbers come with a plus and are read in the form of other clients too") {
  const auto phone = [](std::string_view contact) {
    Node usync("usync");
    usync.add(Node("query").add(Node("contact")))
        .add(Node("list").add(Node("user").add(Node("contact").text(contact))));
    const auto query = read_profile_query(iq_get("1", "usync").add(std::move(usync)));
    return query && query->users.size() == 1 ? query->users[0].phone : std::string("none");
  };
  REQUIRE(phone("+15551234567") == "15551234567");
  REQUIRE(phone("+15551234567@c.us") == "15551234567");
  REQUIRE(phone("15551234567") == "15551234567");
  REQUIRE(phone("+1555x") == "none");
  REQUIRE(phone("") == "none");
  REQUIRE(phone(std::string(21, '1')) == "none");
}

TEST_CASE("answers that cannot be believed are refused, and users that cannot be used are left out") {
  const auto error = [](const Node& answer) { return read_profiles(answer).error().code; };
  const auto usync = [](Node list) { return Node("iq").set("type", "result").add(Node("usync").add(std::move(list))); };
  REQUIRE(error(Node("iq").set("type", "result")) == Errc::malformed);
  REQUIRE(error(usync(Node("result"))) == Errc::malformed);
  Node many("list");
  for (int i = 0; i < 1001; ++i) many.add(Node("user").set("jid", user));
  REQUIRE(error(usync(many)) == Errc::malformed);
  REQUIRE_FALSE(read_profile_query(iq_get("1", "usync").add(Node("usync").add(Node("query")).add(many))));
  Node limited = Node("iq").set("type", "error").add(Node("error").set("code", "429"));
  REQUIRE(error(limited) == Errc::rate_limited);

  Node list("list");
  list.add(Node("user").set("jid", "undefined")).add(Node("user")).add(Node("user").set("jid", server_jid()));
  list.add(Node("user").set("jid", user).set("pn_jid", lid).add(Node("lid").set("val", user)));
  const Profiles profiles = read_profiles(usync(list)).value();
  REQUIRE(profiles.users.size() == 1);
  REQUIRE_FALSE(profiles.users[0].pn);
  REQUIRE_FALSE(profiles.users[0].lid);
  const Node odd_about = Node("status").set("code", "500").set("t", "5").text("x");
  const auto odd = read_profiles(usync(Node("list").add(Node("user").set("jid", user).add(odd_about)))).value();
  REQUIRE_FALSE(odd.users[0].about);
  REQUIRE(odd.users[0].errors[0].code == 500);
}

TEST_CASE("of a field that is there twice the first counts, however many follow") {
  const auto usync = [](Node part) {
    return Node("iq").set("type", "result").add(Node("usync").add(std::move(part)).add(Node("list")));
  };
  Node person = Node("user").set("jid", user);
  person.add(Node("status").text("first")).add(Node("status").text("second"));
  person.add(Node("status").add(Node("error").set("code", "401")));
  for (int i = 0; i < 5000; ++i) person.add(Node("status").set("code", "500")).add(Node("picture").set("code", "1"));
  Node answer = Node("iq").set("type", "result");
  answer.add(Node("usync").add(Node("list").add(std::move(person))));
  const Profile profile = read_profiles(answer).value().users.at(0);
  REQUIRE(profile.about->text == "first");
  REQUIRE(profile.errors.empty());

  Node result("result");
  for (const char* code : {"429", "500"}) result.add(Node("picture").add(Node("error").set("code", code)));
  for (int i = 0; i < 100; ++i) result.add(Node("picture").add(Node("error").set("code", "500")));
  result.add(Node("status").add(Node("error").set("code", "401").set("backoff", "99999999")));
  REQUIRE(read_profiles(usync(result)).value().errors ==
          std::vector{ProfileError{ProfileField::picture, 429, 0}, ProfileError{ProfileField::about, 401, 86'400}});
}
