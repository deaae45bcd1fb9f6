#include "protocol/business/profile.h"

#include <catch2/catch.hpp>

#include "protocol/stanzas/iq.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

const Jid shop("15550000005", server::user);

Node wire(const Node& node) { return decode_node(encode_node(node)).value(); }
BusinessProfile read_one(Node profile) {
  Node list("business_profile");
  list.add(std::move(profile.set("jid", shop)));
  const auto profiles = read_business_profiles(Node("iq").set("type", "result").add(std::move(list)));
  REQUIRE(profiles.value().size() == 1);
  return profiles->front();
}
Node hours(Node row) { return Node("profile").add(Node("business_hours").add(std::move(row))); }
Node row(const char* day, const char* mode) {
  return Node("business_hours_config").set("day_of_week", day).set("mode", mode);
}

}  // namespace

TEST_CASE("profiles are asked for by version and answered as they were meant") {
  const std::vector<Jid> asked = {shop, Jid("900000000000005", server::lid)};
  const Node request = business_profile_iq("1", asked);
  REQUIRE(request.attr("xmlns") == "w:biz");
  REQUIRE(request.child("business_profile")->attr("v") == "244");
  REQUIRE(read_business_profile_query(wire(request)) == asked);

  BusinessProfile made;
  made.jid = shop;
  made.tag = "17";
  made.description = "Bread\nand cake";
  made.address = "1 High Street";
  made.email = "a@example.test";
  made.websites = {"https://example.test", "https://b.test"};
  made.latitude = 52.5170365;
  made.longitude = -13.25;
  made.categories = {{"133436743388217", "Bakery"}, {"2", "Caf\u00e9"}};
  made.timezone = "Europe/Berlin";
  made.hours = {{Weekday::mon, BusinessHours::Mode::specific_hours, 480, 1080},
                {Weekday::sat, BusinessHours::Mode::open_24h, 0, 0},
                {Weekday::sun, BusinessHours::Mode::appointment_only, 0, 0}};
  BusinessProfile bare;
  bare.jid = asked[1];
  const std::vector<BusinessProfile> all = {made, bare};
  REQUIRE(read_business_profiles(wire(business_profile_answer(request, all))).value() == all);
}

TEST_CASE("who is no business is an empty answer, and a refusal is none") {
  REQUIRE(read_business_profiles(Node("iq").set("type", "result")).value().empty());
  REQUIRE(read_business_profiles(business_profile_answer(business_profile_iq("1", {}), {})).value().empty());
  const auto error = [](const char* code) {
    return read_business_profiles(Node("iq").set("type", "error").add(Node("error").set("code", code)));
  };
  REQUIRE(error("404").value().empty());
  REQUIRE(error("429").error().code == Errc::rate_limited);
  REQUIRE(read_business_profiles(Node("message")).error().code == Errc::malformed);
  REQUIRE_FALSE(read_business_profile_query(iq_get("1", "w:biz")));
  Node many("business_profile");
  for (int i = 0; i < 1001; ++i) many.add(Node("profile"));
  REQUIRE(read_business_profiles(Node("iq").set("type", "result").add(many)).error().code == Errc::malformed);
  REQUIRE_FALSE(read_business_profile_query(iq_get("1", "w:biz").add(many)));
}

TEST_CASE("values that cannot be used are left out") {
  const auto latitude = [](std::string_view text) {
    return read_one(Node("profile").add(Node("latitude").text(text))).latitude;
  };
  REQUIRE(latitude("90") == 90.0);
  for (const char* bad : {"", "x", "1x", "90.5", "nan", "inf", "1e400"}) REQUIRE_FALSE(latitude(bad));
  REQUIRE_FALSE(read_one(Node("profile").add(Node("longitude").text("-181"))).longitude);

  REQUIRE(read_one(hours(row("mon", "open_24h"))).hours.size() == 1);
  REQUIRE(read_one(hours(row("mon", "sometimes"))).hours.empty());
  REQUIRE(read_one(hours(row("moonday", "open_24h"))).hours.empty());
  REQUIRE(read_one(hours(row("mon", "specific_hours"))).hours.empty());
  const auto until = [](const char* closes) {
    return read_one(hours(row("mon", "specific_hours").set("open_time", "0").set("close_time", closes))).hours.size();
  };
  REQUIRE(until("1440") == 1);
  REQUIRE(until("1441") == 0);
  REQUIRE(until("-1") == 0);

  Node crowded("profile");
  for (int i = 0; i < 5; ++i) crowded.add(Node("website").text("https://example.test"));
  REQUIRE(read_one(std::move(crowded)).websites.size() == 2);
  Node addresses("profile");
  addresses.add(Node("website").text(std::string(1025, 'x'))).add(Node("website").text("https://b.test"));
  REQUIRE(read_one(std::move(addresses)).websites == std::vector<std::string>{"https://b.test"});
  const auto email = [](std::size_t bytes) {
    return read_one(Node("profile").add(Node("email").text(std::string(bytes, 'x')))).email.size();
  };
  REQUIRE(email(254) == 254);
  REQUIRE(email(255) == 0);
  Node week("business_hours"), names("categories");
  for (int i = 0; i < 100; ++i) week.add(row("mon", "open_24h")), names.add(Node("category"));
  const BusinessProfile full = read_one(Node("profile").add(week).add(names));
  REQUIRE(full.hours.size() == 56);
  REQUIRE(full.categories.size() == 32);
  Node nobody("business_profile");
  nobody.add(Node("profile")).add(Node("profile").set("jid", server_jid()));
  REQUIRE(read_business_profiles(Node("iq").set("type", "result").add(nobody)).value().empty());
}
