// Control API: an account becomes a business, or is none any more.

#include <boost/json.hpp>
#include <iterator>
#include <set>
#include <utility>

#include "sandbox/control_call.h"
#include "sandbox/shown_account.h"

namespace wharf::sandbox {

namespace json = boost::json;

namespace {

constexpr std::string_view days[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};
constexpr std::string_view modes[] = {"open_24h", "specific_hours", "appointment_only"};

/// The position of a validated word.
template <class Enum, std::size_t N>
Enum word(const std::string_view (&names)[N], std::string_view name) {
  std::size_t at = 0;
  while (at + 1 < N && names[at] != name) ++at;
  return static_cast<Enum>(at);
}

std::optional<double> degrees(const json::object& body, std::string_view name) {
  const auto* value = body.if_contains(name);
  if (value == nullptr || value->is_null()) return std::nullopt;
  return value->to_number<double>();
}

/// The objects of a validated array; none when it is absent.
std::vector<const json::object*> objects_of(const json::object& body, std::string_view name) {
  std::vector<const json::object*> all;
  const auto* list = body.if_contains(name);
  if (list == nullptr || !list->is_array()) return all;
  for (const auto& item : list->get_array()) all.push_back(&item.get_object());
  return all;
}

protocol::BusinessProfile profile_of(const json::object& body) {
  protocol::BusinessProfile profile;
  profile.description = web::text_of(body, "description");
  profile.address = web::text_of(body, "address");
  profile.email = web::text_of(body, "email");
  profile.websites = web::texts_of(body, "websites");
  profile.latitude = degrees(body, "latitude");
  profile.longitude = degrees(body, "longitude");
  profile.timezone = web::text_of(body, "timezone");
  for (const auto* row : objects_of(body, "categories"))
    profile.categories.push_back({std::string(web::text_of(*row, "id")), std::string(web::text_of(*row, "name"))});
  for (const auto* row : objects_of(body, "hours")) {
    protocol::BusinessHours hours;
    hours.day = word<protocol::Weekday>(days, web::text_of(*row, "day"));
    hours.mode = word<protocol::BusinessHours::Mode>(modes, web::text_of(*row, "mode"));
    if (hours.mode == protocol::BusinessHours::Mode::specific_hours) {
      hours.opens = static_cast<std::uint16_t>(web::integer_of(*row, "opens").value_or(0));
      hours.closes = static_cast<std::uint16_t>(web::integer_of(*row, "closes").value_or(1'440));
    }
    profile.hours.push_back(hours);
  }
  return profile;
}

protocol::Product product_of(const json::object& row) {
  protocol::Product product;
  product.id = web::text_of(row, "id");
  product.name = web::text_of(row, "name");
  product.description = web::text_of(row, "description");
  product.retailer_id = web::text_of(row, "retailerId");
  if (const auto price = web::integer_of(row, "price")) product.price_thousandths = static_cast<std::uint64_t>(*price);
  product.currency = web::text_of(row, "currency");
  product.url = web::text_of(row, "url");
  product.hidden = web::boolean_of(row, "hidden", false);
  product.status = "APPROVED";
  for (auto& url : web::texts_of(row, "images")) product.images.push_back({std::move(url), {}});
  return product;
}

}  // namespace

void set_phone_business(ControlCall& call) {
  const Phone* phone = call.phone();
  if (phone == nullptr) return;
  const std::string_view name = web::text_of(call.body, "name");
  if (name.empty()) {  // null
    const auto done = call.network.set_business(phone->account(), std::nullopt);
    return done ? call.succeed(nullptr) : call.fail(done.error());
  }
  BusinessCard card;
  card.name.name = name;
  card.name.issuer = web::text_of(call.body, "issuer", "smb:wa");
  card.name.level = web::text_of(call.body, "level", "unknown");
  card.profile = profile_of(call.body);
  std::set<std::string> ids;
  for (const auto* row : objects_of(call.body, "products")) {
    card.products.push_back(product_of(*row));
    if (ids.insert(card.products.back().id).second) continue;
    return call.invalid({{"products[" + std::to_string(card.products.size() - 1) + "].id", "is there twice"}});
  }
  const auto count = card.products.size();
  const auto done = call.network.set_business(phone->account(), std::move(card));
  if (!done) return call.fail(done.error());
  call.succeed(json::object{{"name", name}, {"products", count}});
}

}  // namespace wharf::sandbox
