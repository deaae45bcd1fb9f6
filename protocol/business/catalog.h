#pragma once
// The products a business shows, and their collections: read only. Specification 05 section 9.
//
// A 404 or 405 means that this account is served by mex alone (QueryCatalog, protocol/mex/documents.h). What a
// collection looks like in an answer no page says: id, name and products, each as in a catalogue.

#include <optional>
#include <string>
#include <vector>

#include "protocol/binary/node.h"

namespace wharf::protocol {

/// Addresses of pictures are untrusted: fetch them as 05 section 17 says. "" = not said.
struct ProductImage {
  std::string url = {};           // request_image_url (of the size asked for), else url
  std::string original_url = {};  // original_image_url
  friend bool operator==(const ProductImage&, const ProductImage&) = default;
};
struct Product {
  std::string id = {}, name = {}, description = {};
  std::string retailer_id = {};                         // the shop's own number
  std::optional<std::uint64_t> price_thousandths = {};  // of the currency's unit
  std::string currency = {};                            // ISO 4217
  std::string url = {};
  std::string status = {};  // of the review: APPROVED, …
  bool hidden = false;
  std::vector<ProductImage> images = {};
  friend bool operator==(const Product&, const Product&) = default;
};

struct CatalogQuery {
  Jid business;
  std::uint32_t limit = 10;
  std::uint32_t width = 100, height = 100;  // of the pictures, pixels
  std::string after = {};                   // the page behind this cursor; "" = the first
  friend bool operator==(const CatalogQuery&, const CatalogQuery&) = default;
};
struct CatalogPage {
  std::vector<Product> products;
  std::string after;  // cursor of the next page, "" = the last; opaque, at most 4 KiB
  friend bool operator==(const CatalogPage&, const CatalogPage&) = default;
};
Node catalog_iq(std::string_view id, const CatalogQuery& query);
/// Products without id are left out. Errors: as iq_refusal (protocol/stanzas/iq_reading.h), malformed (no
/// <product_catalog>, over 1,000 rows).
Result<CatalogPage> read_catalog(const Node& answer);

struct CollectionsQuery {
  Jid business;
  std::uint32_t collection_limit = 20, item_limit = 10;
  std::uint32_t width = 100, height = 100;
  friend bool operator==(const CollectionsQuery&, const CollectionsQuery&) = default;
};
struct ProductCollection {
  std::string id, name, status;
  std::vector<Product> products;
  friend bool operator==(const ProductCollection&, const ProductCollection&) = default;
};
Node collections_iq(std::string_view id, const CollectionsQuery& query);
/// Errors: as read_catalog; over 1,000 products in all.
Result<std::vector<ProductCollection>> read_collections(const Node& answer);

/// The network's side.
std::optional<CatalogQuery> read_catalog_query(const Node& iq);
Node catalog_answer(const Node& request, const CatalogPage& page);
std::optional<CollectionsQuery> read_collections_query(const Node& iq);
Node collections_answer(const Node& request, const std::vector<ProductCollection>& collections);

}  // namespace wharf::protocol
