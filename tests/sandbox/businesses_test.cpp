// Business accounts: name, profile and catalogue, and who hears of them. Specification 05 section 9, 02 section 10.

#include <catch2/catch.hpp>

#include "tests/sandbox/people_world.h"

namespace wharf::sandbox::test {

namespace {

protocol::Product product(const std::string& id, std::uint64_t price = 1'500) {
  protocol::Product out;
  out.id = id;
  out.name = "Product " + id;
  out.price_thousandths = price;
  out.currency = "EUR";
  out.status = "APPROVED";
  out.images = {{"https://shop.example/" + id + ".jpg", {}}};
  return out;
}

BusinessCard card() {
  BusinessCard out;
  out.name = {"Anna's Shop", "ent:wa", "high", 7, 1'700'000'000, {}};
  out.profile.description = "Bread and cake";
  out.profile.address = "1 Main Street";
  out.profile.email = "anna@shop.example";
  out.profile.websites = {"https://shop.example"};
  out.profile.latitude = 52.5;
  out.profile.longitude = -13.25;
  out.profile.categories = {{"133436743388217", "Bakery"}};
  out.profile.timezone = "Europe/Berlin";
  out.profile.hours = {{protocol::Weekday::mon, protocol::BusinessHours::Mode::specific_hours, 480, 1'080},
                       {protocol::Weekday::sun, protocol::BusinessHours::Mode::open_24h, 0, 0}};
  out.products = {product("a"), product("b"), product("c")};
  return out;
}

struct Scene : PeopleWorld {
  void set(std::optional<BusinessCard> wanted) { REQUIRE(world.network.set_business(anna.number, std::move(wanted))); }
  Jid annas() { return anna.account().lid_jid(); }
  protocol::CatalogPage catalogue(Primary& who, std::uint32_t limit = 10, const std::string& after = {}) {
    protocol::CatalogQuery query;
    query.business = annas();
    query.limit = limit;
    query.after = after;
    const auto page = protocol::read_catalog(ask(who, protocol::catalog_iq(id(), query)));
    REQUIRE(page);
    return *page;
  }
  template <class Event>
  std::vector<Event> heard() {
    return told<Event>(*bens->inbox, ben.account());
  }
};

}  // namespace

TEST_CASE("a business answers with its profile and its name, in the form of the question; others with nothing") {
  Scene s;
  s.set(card());
  const std::vector<Jid> asked{s.ben.account().pn_jid(), s.annas(), s.anna.account().pn_jid()};
  const auto profiles = protocol::read_business_profiles(s.ask(s.cleo, protocol::business_profile_iq(s.id(), asked)));
  REQUIRE(profiles);
  REQUIRE(profiles->size() == 2);
  auto expected = card().profile;
  expected.jid = s.annas();
  CHECK(profiles->at(0) == expected);
  expected.jid = s.anna.account().pn_jid();
  CHECK(profiles->at(1) == expected);

  const auto name = protocol::read_verified_name_answer(s.ask(s.cleo, protocol::verified_name_iq(s.id(), s.annas())));
  REQUIRE(name);
  REQUIRE(*name);
  CHECK((*name)->name == "Anna's Shop");
  CHECK((*name)->issuer == "ent:wa");
  CHECK((*name)->level == "high");
  CHECK((*name)->serial == 7u);
  CHECK((*name)->issued_at == 1'700'000'000u);
  const auto none =
      protocol::read_verified_name_answer(s.ask(s.cleo, protocol::verified_name_iq(s.id(), s.ben.account().pn_jid())));
  REQUIRE(none);
  CHECK_FALSE(*none);
}

TEST_CASE("a catalogue is told page by page, hidden products to its owner alone") {
  Scene s;
  auto shop = card();
  shop.products[1].hidden = true;
  s.set(shop);
  const auto first = s.catalogue(s.ben, 1);
  CHECK(first.products == std::vector{product("a")});
  REQUIRE_FALSE(first.after.empty());
  const auto second = s.catalogue(s.ben, 1, first.after);
  CHECK(second.products == std::vector{product("c")});
  CHECK(second.after.empty());
  CHECK(s.catalogue(s.ben, 10, "99").products.empty());
  CHECK(s.catalogue(s.ben, 10, "no cursor").products.empty());
  CHECK(s.catalogue(s.anna).products.size() == 3);
  protocol::CatalogQuery query;
  query.business = s.ben.account().lid_jid();
  CHECK(Scene::error(s.ask(s.cleo, protocol::catalog_iq(s.id(), query))) == "404");
  const auto collections = protocol::read_collections(s.ask(s.cleo, protocol::collections_iq(s.id(), {s.annas()})));
  REQUIRE(collections);
  CHECK(collections->empty());
  CHECK(Scene::error(s.ask(s.cleo, protocol::collections_iq(s.id(), {s.ben.account().lid_jid()}))) == "404");
}

TEST_CASE("contacts hear of what changed of a business") {
  using protocol::BusinessNameChanged;
  using protocol::BusinessProfileChanged;
  using protocol::CatalogChanged;
  Scene s;
  const Jid anna = s.anna.account().pn_jid();
  s.set(card());
  REQUIRE(s.heard<BusinessNameChanged>().size() == 1);
  const auto certificate = s.heard<BusinessNameChanged>()[0].certificate;
  CHECK(s.heard<BusinessNameChanged>()[0].jid == anna);
  CHECK(protocol::read_verified_name(Node("verified_name").bytes(certificate))->name == "Anna's Shop");
  CHECK(s.heard<BusinessProfileChanged>() == std::vector<BusinessProfileChanged>{{anna, {}}});
  CHECK(s.heard<CatalogChanged>() == std::vector<CatalogChanged>{{anna, {"a", "b", "c"}, {}}});
  CHECK(told<CatalogChanged>(s.cleo.inbox, s.cleo.account()).empty());

  auto shop = card();
  s.set(shop);  // the same
  CHECK(s.heard<CatalogChanged>().size() == 1);
  shop.products = {product("a"), product("b", 9'000), product("d")};
  s.set(shop);
  REQUIRE(s.heard<CatalogChanged>().size() == 2);
  CHECK(s.heard<CatalogChanged>()[1].products == std::vector<std::string>{"b", "d", "c"});
  CHECK(s.heard<BusinessNameChanged>().size() == 1);
  shop.profile.description = "Cake";
  s.set(shop);
  CHECK(s.heard<BusinessProfileChanged>().size() == 2);
  s.set(std::nullopt);
  CHECK(s.heard<protocol::BusinessRemoved>().size() == 1);
  s.set(std::nullopt);
  CHECK(s.heard<protocol::BusinessRemoved>().size() == 1);
  CHECK_FALSE(s.world.network.set_business("15550000099", card()));
}

TEST_CASE("a business outlasts the process, one that is none any more leaves no row") {
  Scene s;
  s.set(card());
  REQUIRE(s.world.network.set_business(s.cleo.number, card()));
  CHECK(LaterWorld(s).disk.rows.contains({RowKind::business, s.cleo.number, {}}));
  REQUIRE(s.world.network.set_business(s.cleo.number, std::nullopt));
  LaterWorld later(s);
  CHECK_FALSE(later.disk.rows.contains({RowKind::business, s.cleo.number, {}}));
  const auto shown = later.world.network.shown(s.anna.number);
  REQUIRE(shown.business);
  CHECK(*shown.business == card());
  CHECK_FALSE(later.world.network.shown(s.cleo.number).business);
}

}  // namespace wharf::sandbox::test
