// How a business and its products are shown.
#include "api/business_json.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "tests/api/api_daemon.h"

using namespace wharf;
using namespace wharf::api;
using protocol::BusinessHours;
using protocol::Weekday;
using test::check_documented;
namespace json = boost::json;

TEST_CASE("a business is shown with what it says of itself, and nothing of what it does not say") {
  protocol::BusinessProfile profile;
  json::value shown = json::parse(business_json({"15550000002@c.us", "100000000000002@lid", "15550000002"}, profile));
  check_documented(shown, schemas::business);
  CHECK(
      shown ==
      json::parse(
          R"({"id":"15550000002@c.us","lid":"100000000000002@lid","number":"15550000002","websites":[],"categories":[],"hours":[]})"));

  profile.description = "Bread";
  profile.address = "Alexanderplatz 1";
  profile.email = "shop@example.org";
  profile.websites = {"https://example.org", "not \"an\" address"};
  profile.categories = {{"7", "Bakery"}};
  profile.timezone = "Europe/Berlin";
  profile.hours = {{Weekday::mon, BusinessHours::Mode::specific_hours, 7 * 60 + 5, 1440},
                   {Weekday::tue, BusinessHours::Mode::open_24h, 0, 0},
                   {Weekday::sat, BusinessHours::Mode::appointment_only, 0, 0}};
  profile.latitude = 52.5219;
  profile.longitude = -13.25;
  shown = json::parse(business_json({"15550000002@c.us"}, profile));
  check_documented(shown, schemas::business);
  CHECK(shown ==
        json::parse(
            R"({"id":"15550000002@c.us","description":"Bread","address":"Alexanderplatz 1","email":"shop@example.org",
              "websites":["https://example.org","not \"an\" address"],"categories":[{"id":"7","name":"Bakery"}],
              "timezone":"Europe/Berlin","hours":[{"day":"mon","mode":"specificHours","opens":"07:05","closes":"24:00"},
              {"day":"tue","mode":"open24h"},{"day":"sat","mode":"appointmentOnly"}],
              "latitude":52.5219,"longitude":-13.25})"));
}

TEST_CASE("a coordinate that is nowhere is left out") {
  protocol::BusinessProfile profile;
  profile.latitude = 1e300;
  profile.longitude = std::numeric_limits<double>::quiet_NaN();
  const json::object shown = json::parse(business_json({"1@c.us"}, profile)).as_object();
  CHECK_FALSE(shown.contains("latitude"));
  CHECK_FALSE(shown.contains("longitude"));
}

TEST_CASE("products have their price exactly") {
  std::vector<protocol::Product> products(4);
  products[0].id = "1";
  products[0].name = "Bread";
  products[0].description = "Rye";
  products[0].retailer_id = "R1";
  products[0].price_thousandths = 3'500;
  products[0].currency = "EUR";
  products[0].url = "https://example.org/1";
  products[0].status = "APPROVED";
  products[0].images = {{"https://example.org/s.jpg", "https://example.org/l.jpg"}};
  products[1].price_thousandths = 12'345;
  products[2].price_thousandths = 18'446'744'073'709'551'615u;
  products[3].hidden = true;
  const json::array shown = json::parse(products_json(products)).as_array();
  for (const json::value& row : shown) check_documented(row, schemas::product);
  CHECK(
      shown.at(0) ==
      json::parse(
          R"({"id":"1","name":"Bread","description":"Rye","retailerId":"R1","price":"3.50","currency":"EUR","url":"https://example.org/1","status":"APPROVED","isHidden":false,"images":[{"url":"https://example.org/s.jpg","originalUrl":"https://example.org/l.jpg"}]})"));
  CHECK(shown.at(1).at("price") == "12.345");
  CHECK(shown.at(2).at("price") == "18446744073709551.615");
  CHECK_FALSE(shown.at(3).as_object().contains("price"));
  CHECK(shown.at(3).at("isHidden") == true);
}
