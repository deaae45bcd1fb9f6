#include "protocol/business/catalog.h"

#include <algorithm>

#include "protocol/stanzas/iq_reading.h"
#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol {

namespace {

constexpr std::string_view xmlns = "w:biz:catalog";
constexpr std::string_view collections_smax_id = "35";
constexpr std::size_t max_id_text_bytes = 128;
constexpr std::size_t max_url_bytes = 4096;
constexpr std::size_t max_cursor_bytes = 4096;
constexpr std::size_t max_images = 32;
constexpr std::uint32_t max_limit = 1000, max_pixels = 4096;

/// The text of a child, whole or not at all.
std::string whole_text(const Node& node, std::string_view tag, std::size_t max_bytes) {
  const Node* child = node.child(tag);
  return child != nullptr ? whole_line(child->text(), max_bytes) : std::string();
}

std::optional<std::uint64_t> number_in(const Node& node, std::string_view tag) {
  const Node* child = node.child(tag);
  return child != nullptr ? decimal(child->text()) : std::nullopt;
}

std::optional<Product> read_product(const Node& node) {
  Product product;
  product.id = whole_text(node, "id", max_id_text_bytes);
  if (product.id.empty()) return std::nullopt;
  product.name = child_line(node, "name");
  if (const Node* text = node.child("description")) product.description = paragraph(text->text());
  product.retailer_id = child_line(node, "retailer_id", max_id_text_bytes);
  product.price_thousandths = number_in(node, "price");
  product.currency = child_line(node, "currency", 16);
  product.url = whole_text(node, "url", max_url_bytes);
  if (const Node* status = node.child("status_info")) product.status = child_line(*status, "status", 64);
  product.hidden = node.attr("is_hidden") == "true";
  if (const Node* media = node.child("media")) {
    for (const Node* row : media->children("image")) {
      if (product.images.size() == max_images) break;
      ProductImage image;
      image.url = whole_text(*row, "request_image_url", max_url_bytes);
      if (image.url.empty()) image.url = whole_text(*row, "url", max_url_bytes);
      image.original_url = whole_text(*row, "original_image_url", max_url_bytes);
      if (!image.url.empty() || !image.original_url.empty()) product.images.push_back(std::move(image));
    }
  }
  return product;
}

void add_text(Node& node, std::string_view tag, const std::string& text) {
  if (!text.empty()) node.add(Node(tag).text(text));
}

Node product_node(const Product& product) {
  Node node("product");
  if (product.hidden) node.set("is_hidden", "true");
  add_text(node, "id", product.id);
  add_text(node, "name", product.name);
  add_text(node, "description", product.description);
  add_text(node, "retailer_id", product.retailer_id);
  if (product.price_thousandths) add_text(node, "price", std::to_string(*product.price_thousandths));
  add_text(node, "currency", product.currency);
  add_text(node, "url", product.url);
  if (!product.status.empty()) {
    Node status("status_info");
    add_text(status, "status", product.status);
    node.add(std::move(status));
  }
  if (!product.images.empty()) {
    Node media("media");
    for (const ProductImage& image : product.images) {
      Node row("image");
      add_text(row, "request_image_url", image.url);
      add_text(row, "original_image_url", image.original_url);
      media.add(std::move(row));
    }
    node.add(std::move(media));
  }
  return node;
}

Node number_node(std::string_view tag, std::uint32_t value) { return Node(tag).text(std::to_string(value)); }

/// Of a request: at least 1 and at most `bound`, `otherwise` when it is not said.
std::uint32_t bounded(const Node& node, std::string_view tag, std::uint32_t bound, std::uint32_t otherwise) {
  const auto number = number_in(node, tag);
  return number ? static_cast<std::uint32_t>(std::clamp<std::uint64_t>(*number, 1, bound)) : otherwise;
}

}  // namespace

Node catalog_iq(std::string_view id, const CatalogQuery& query) {
  Node catalog("product_catalog");
  catalog.set("jid", query.business.user_jid()).set("allow_shop_source", "true");
  catalog.add(number_node("limit", query.limit)).add(number_node("width", query.width));
  catalog.add(number_node("height", query.height));
  add_text(catalog, "after", query.after);
  return iq_get(id, xmlns).add(std::move(catalog));
}

Result<CatalogPage> read_catalog(const Node& answer) {
  const auto catalog = result_child(answer, "product_catalog", "catalog");
  if (!catalog) return catalog.error();
  if (!within_rows(**catalog)) return Error(Errc::malformed, "catalog: too many rows");
  CatalogPage page;
  for (const Node* row : (*catalog)->children("product"))
    if (auto product = read_product(*row)) page.products.push_back(std::move(*product));
  if (const Node* paging = (*catalog)->child("paging")) page.after = whole_text(*paging, "after", max_cursor_bytes);
  return page;
}

Node collections_iq(std::string_view id, const CollectionsQuery& query) {
  Node collections("collections");
  collections.set("biz_jid", query.business.user_jid());
  collections.add(number_node("collection_limit", query.collection_limit));
  collections.add(number_node("item_limit", query.item_limit));
  collections.add(number_node("width", query.width)).add(number_node("height", query.height));
  return iq_get(id, xmlns).set("smax_id", collections_smax_id).add(std::move(collections));
}

Result<std::vector<ProductCollection>> read_collections(const Node& answer) {
  const auto list = result_child(answer, "collections", "collections");
  if (!list) return list.error();
  std::vector<ProductCollection> collections;
  std::size_t rows = 0;
  for (const Node* row : (*list)->children("collection")) {
    rows += 1 + row->children().size();
    if (rows > max_list_rows) return Error(Errc::malformed, "collections: too many rows");
    ProductCollection collection;
    collection.id = whole_text(*row, "id", max_id_text_bytes);
    if (collection.id.empty()) continue;
    collection.name = child_line(*row, "name");
    if (const Node* status = row->child("status_info")) collection.status = child_line(*status, "status", 64);
    for (const Node* item : row->children("product"))
      if (auto product = read_product(*item)) collection.products.push_back(std::move(*product));
    collections.push_back(std::move(collection));
  }
  return collections;
}

std::optional<CatalogQuery> read_catalog_query(const Node& iq) {
  const Node* catalog = is_request(iq, "get", xmlns) ? iq.child("product_catalog") : nullptr;
  const auto jid = catalog != nullptr ? user_attr(*catalog, "jid") : std::nullopt;
  if (!jid) return std::nullopt;
  CatalogQuery query;
  query.business = *jid;
  query.limit = bounded(*catalog, "limit", max_limit, query.limit);
  query.width = bounded(*catalog, "width", max_pixels, query.width);
  query.height = bounded(*catalog, "height", max_pixels, query.height);
  query.after = whole_text(*catalog, "after", max_cursor_bytes);
  return query;
}

Node catalog_answer(const Node& request, const CatalogPage& page) {
  Node catalog("product_catalog");
  for (const Product& product : page.products) catalog.add(product_node(product));
  if (!page.after.empty()) catalog.add(Node("paging").add(Node("after").text(page.after)));
  return iq_result(request).add(std::move(catalog));
}

std::optional<CollectionsQuery> read_collections_query(const Node& iq) {
  const Node* list = is_request(iq, "get", xmlns) ? iq.child("collections") : nullptr;
  const auto jid = list != nullptr ? user_attr(*list, "biz_jid") : std::nullopt;
  if (!jid) return std::nullopt;
  CollectionsQuery query;
  query.business = *jid;
  query.collection_limit = bounded(*list, "collection_limit", max_limit, query.collection_limit);
  query.item_limit = bounded(*list, "item_limit", max_limit, query.item_limit);
  query.width = bounded(*list, "width", max_pixels, query.width);
  query.height = bounded(*list, "height", max_pixels, query.height);
  return query;
}

Node collections_answer(const Node& request, const std::vector<ProductCollection>& collections) {
  Node list("collections");
  for (const ProductCollection& collection : collections) {
    Node row("collection");
    add_text(row, "id", collection.id);
    add_text(row, "name", collection.name);
    if (!collection.status.empty()) row.add(Node("status_info").add(Node("status").text(collection.status)));
    for (const Product& product : collection.products) row.add(product_node(product));
    list.add(std::move(row));
  }
  return iq_result(request).add(std::move(list));
}

}  // namespace wharf::protocol
