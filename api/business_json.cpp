#include "api/business_json.h"

#include <fmt/format.h>

#include <cmath>

namespace wharf::api {

using protocol::BusinessHours;
using protocol::Product;
using protocol::Weekday;

namespace {

std::string_view name(Weekday day) {
  switch (day) {
    case Weekday::sun: return "sun";
    case Weekday::mon: return "mon";
    case Weekday::tue: return "tue";
    case Weekday::wed: return "wed";
    case Weekday::thu: return "thu";
    case Weekday::fri: return "fri";
    case Weekday::sat: return "sat";
  }
  return "sun";
}

std::string_view name(BusinessHours::Mode mode) {
  switch (mode) {
    case BusinessHours::Mode::open_24h: return "open24h";
    case BusinessHours::Mode::specific_hours: return "specificHours";
    case BusinessHours::Mode::appointment_only: return "appointmentOnly";
  }
  return "specificHours";
}

std::string clock_text(std::uint16_t minutes) { return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60); }

void write_hours(JsonWriter& out, const std::vector<BusinessHours>& hours) {
  out.key("hours").begin_array();
  for (const BusinessHours& row : hours) {
    out.begin_object().text("day", name(row.day)).text("mode", name(row.mode));
    if (row.mode == BusinessHours::Mode::specific_hours)
      out.text("opens", clock_text(row.opens)).text("closes", clock_text(row.closes));
    out.end_object();
  }
  out.end_array();
}

void write_coordinate(JsonWriter& out, std::string_view name, const std::optional<double>& degrees, double most) {
  if (degrees && std::abs(*degrees) <= most) out.raw(name, fmt::format("{}", *degrees));
}

/// Exact, with two places at least.
std::string price_text(std::uint64_t thousandths) {
  const std::uint64_t rest = thousandths % 1000;
  if (rest % 10 == 0) return fmt::format("{}.{:02}", thousandths / 1000, rest / 10);
  return fmt::format("{}.{:03}", thousandths / 1000, rest);
}

void write_product(JsonWriter& out, const Product& product) {
  out.begin_object().text("id", product.id).text("name", product.name).text_if("description", product.description);
  out.text_if("retailerId", product.retailer_id);
  if (product.price_thousandths) out.text("price", price_text(*product.price_thousandths));
  out.text_if("currency", product.currency).text_if("url", product.url).text_if("status", product.status);
  out.boolean("isHidden", product.hidden).key("images").begin_array();
  for (const protocol::ProductImage& image : product.images)
    out.begin_object().text_if("url", image.url).text_if("originalUrl", image.original_url).end_object();
  out.end_array().end_object();
}

}  // namespace

std::string business_json(const PersonHead& who, const protocol::BusinessProfile& profile) {
  JsonWriter out(1024);
  begin_about(out, who).text_if("description", profile.description).text_if("address", profile.address);
  out.text_if("email", profile.email).key("websites").begin_array();
  for (const std::string& website : profile.websites) out.text(website);
  out.end_array().key("categories").begin_array();
  for (const protocol::BusinessCategory& category : profile.categories)
    out.begin_object().text("id", category.id).text("name", category.name).end_object();
  out.end_array().text_if("timezone", profile.timezone);
  write_hours(out, profile.hours);
  write_coordinate(out, "latitude", profile.latitude, 90);
  write_coordinate(out, "longitude", profile.longitude, 180);
  return out.end_object().take();
}

std::string products_json(const std::vector<Product>& products) {
  JsonWriter out(products.size() * 512 + 16);
  out.begin_array();
  for (const Product& product : products) write_product(out, product);
  return out.end_array().take();
}

}  // namespace wharf::api
