#include "protocol/business/catalog.h"

#include <catch2/catch.hpp>

#include "protocol/stanzas/iq.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

const Jid shop("15550000005", server::user);

Node wire(const Node& node) { return decode_node(encode_node(node)).value(); }
Product bread() {
  Product product;
  product.id = "111222";
  product.name = "Bread";
  product.description = "Dark\nand light";
  product.retailer_id = "b-1";
  product.price_thousandths = 3500;
  product.currency = "EUR";
  product.url = "https://example.test/bread";
  product.status = "APPROVED";
  product.hidden = true;
  product.images = {{"https://a.whatsapp.net/1", "https://a.whatsapp.net/2"}, {"https://a.whatsapp.net/3", ""}};
  return product;
}
Result<CatalogPage> read(Node catalog) {
  return read_catalog(Node("iq").set("type", "result").add(std::move(catalog)));
}
Node product(Node child) {
  return Node("product_catalog").add(Node("product").add(Node("id").text("1")).add(std::move(child)));
}

}  // namespace

TEST_CASE("a page of a catalogue is asked for and answered") {
  CatalogQuery query{shop, 5, 200, 300, "cursor=="};
  const Node request = catalog_iq("1", query);
  REQUIRE(request.attr("xmlns") == "w:biz:catalog");
  REQUIRE(request.child("product_catalog")->attr("allow_shop_source") == "true");
  REQUIRE(request.child("product_catalog")->child("limit")->text() == "5");
  REQUIRE(read_catalog_query(wire(request)) == query);
  query.after.clear();
  REQUIRE(catalog_iq("1", query).child("product_catalog")->child("after") == nullptr);
  REQUIRE(read_catalog_query(catalog_iq("1", query)) == query);

  Product bare;
  bare.id = "2";
  const CatalogPage page{{bread(), bare}, "next"};
  REQUIRE(read_catalog(wire(catalog_answer(request, page))).value() == page);
  REQUIRE(read_catalog(catalog_answer(request, {})).value() == CatalogPage{});
}

TEST_CASE("collections are asked for and answered") {
  const CollectionsQuery query{shop, 3, 4, 50, 60};
  const Node request = collections_iq("1", query);
  REQUIRE(request.attr("smax_id") == "35");
  REQUIRE(read_collections_query(wire(request)) == query);
  const std::vector<ProductCollection> made = {{"7", "Breads", "APPROVED", {bread()}}, {"8", "Empty", "", {}}};
  REQUIRE(read_collections(wire(collections_answer(request, made))).value() == made);
}

TEST_CASE("requests ask for a bounded page") {
  Node catalog("product_catalog");
  catalog.set("jid", shop).add(Node("limit").text("99999")).add(Node("width").text("0")).add(Node("height").text("x"));
  const auto query = read_catalog_query(iq_get("1", "w:biz:catalog").add(catalog));
  REQUIRE(query->limit == 1000);
  REQUIRE(query->width == 1);
  REQUIRE(query->height == 100);
  REQUIRE_FALSE(read_catalog_query(iq_get("1", "w:biz:catalog").add(Node("product_catalog"))));
  REQUIRE_FALSE(read_collections_query(iq_get("1", "w:biz:catalog").add(Node("collections"))));
  REQUIRE_FALSE(read_catalog_query(collections_iq("1", {shop})));
}

TEST_CASE("products without id are left out, and what is too long is not cut into something else") {
  REQUIRE(read(Node("product_catalog").add(Node("product"))).value().products.empty());
  const auto one = [](Node child) { return read(product(std::move(child))).value().products.at(0); };
  for (const char* bad : {"", "-1", "1.5", "99999999999999999999", "x"})
    REQUIRE_FALSE(one(Node("price").text(bad)).price_thousandths);
  REQUIRE(one(Node("url").text(std::string(4096, 'x'))).url.size() == 4096);
  REQUIRE(one(Node("url").text(std::string(4097, 'x'))).url.empty());
  REQUIRE(one(Node("name").text(std::string(2000, 'x'))).name.size() == 1024);
  REQUIRE(one(Node("description").text(std::string(9000, 'x'))).description.size() == 8192);
  const Node image = Node("image").add(Node("url").text("https://a/1"));
  REQUIRE(one(Node("media").add(image).add(Node("image"))).images == std::vector{ProductImage{"https://a/1", ""}});
  Node media("media");
  for (int i = 0; i < 100; ++i) media.add(image);
  REQUIRE(one(std::move(media)).images.size() == 32);
  Node paging = Node("product_catalog").add(Node("paging").add(Node("after").text(std::string(4097, 'x'))));
  REQUIRE(read(std::move(paging)).value().after.empty());
}

TEST_CASE("answers without a list, over bounds or refused are errors") {
  REQUIRE(read_catalog(Node("iq").set("type", "result")).error().code == Errc::malformed);
  REQUIRE(read_collections(Node("iq").set("type", "result")).error().code == Errc::malformed);
  Node many("product_catalog"), collections("collections");
  for (int i = 0; i < 1001; ++i) many.add(Node("product"));
  REQUIRE(read(std::move(many)).error().code == Errc::malformed);
  for (int i = 0; i < 10; ++i) {
    Node collection("collection");
    for (int row = 0; row < 100; ++row) collection.add(Node("product"));
    collections.add(std::move(collection));
  }
  REQUIRE(read_collections(Node("iq").set("type", "result").add(collections)).error().code == Errc::malformed);
  const Node refused = Node("iq").set("type", "error").add(Node("error").set("code", "404"));
  REQUIRE(read_catalog(refused).error().code == Errc::not_found);
  REQUIRE(read_collections(refused).error().code == Errc::not_found);
}
