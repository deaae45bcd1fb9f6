#include "api/form_fields.h"

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <charconv>
#include <cmath>
#include <utility>

#include "web/query.h"

namespace wharf::api {
namespace {

namespace json = boost::json;
using web::Type;

Type type_of(const web::Schema* schema, std::string_view name) {
  const web::Field* field = schema != nullptr ? schema->find(name) : nullptr;
  return field != nullptr ? field->type : Type::text;
}

json::value number_of(std::string_view text) {
  if (const auto whole = web::parse_integer(text)) return *whole;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || !std::isfinite(number))
    return json::string(text);
  return number;
}

json::value value_of(Type type, std::string_view text) {
  switch (type) {
    case Type::boolean:
      if (text == "true" || text == "True" || text == "1") return true;
      if (text == "false" || text == "False" || text == "0") return false;
      break;
    case Type::integer:
    case Type::number: return number_of(text);
    case Type::object:
    case Type::objects:
    case Type::text_map: {
      json::error_code failed;
      json::value parsed = json::parse(text, failed);
      if (!failed) return parsed;
      break;
    }
    case Type::text:
    case Type::texts:
    case Type::any: break;
  }
  return json::string(text);
}

}  // namespace

bool FormFields::add(std::string_view name, std::string_view text) {
  const Type type = type_of(schema_, name);
  if (type != Type::texts) return fields_.emplace(name, value_of(type, text)).second;
  json::value& at = fields_[name];
  if (!at.is_array()) at = json::array();
  at.get_array().emplace_back(json::string(text));
  return true;
}

json::object FormFields::take() { return std::exchange(fields_, {}); }

}  // namespace wharf::api
