#pragma once
// As much of JSON Schema (2020-12) as the OpenAPI document uses: whether a value is what the document says.

#include <algorithm>
#include <boost/json/object.hpp>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>

namespace wharf::test {

class JsonSchema {
 public:
  explicit JsonSchema(const boost::json::object& document) : document_(document) {}

  bool admits(const boost::json::value& schema_value, const boost::json::value& value) const {
    const boost::json::object& schema = schema_value.as_object();
    return std::all_of(schema.begin(), schema.end(),
                       [&](const auto& rule) { return holds(rule.key(), rule.value(), schema, value); });
  }

 private:
  using Value = boost::json::value;

  std::size_t admitting(const Value& schemas, const Value& value) const {
    const auto& list = schemas.as_array();
    return static_cast<std::size_t>(
        std::count_if(list.begin(), list.end(), [&](const Value& schema) { return admits(schema, value); }));
  }

  bool holds(std::string_view rule, const Value& says, const boost::json::object& schema, const Value& value) const {
    if (rule == "$ref") return admits(document_.at("components").at("schemas").at(says.as_string().subview(21)), value);
    if (rule == "allOf") return admitting(says, value) == says.as_array().size();
    if (rule == "oneOf") return admitting(says, value) == 1;
    if (rule == "anyOf") return admitting(says, value) >= 1;
    if (rule == "pattern") return !value.is_string() || fits(says.as_string(), value.get_string());
    if (rule == "const") return value == says;
    if (rule == "enum") {
      const auto& choices = says.as_array();
      return std::find(choices.begin(), choices.end(), value) != choices.end();
    }
    if (rule == "type") return says.is_array() ? any_type(says.as_array(), value) : is(says.as_string(), value);
    if (rule == "required") return !value.is_object() || has_all(value.get_object(), says.as_array());
    if (rule == "properties") return !value.is_object() || members_fit(value.get_object(), says.as_object());
    if (rule == "items") return !value.is_array() || items_fit(value.get_array(), says);
    if (rule == "minLength") return !value.is_string() || value.get_string().size() >= number(says);
    if (rule == "maxLength") return !value.is_string() || value.get_string().size() <= number(says);
    if (rule == "minItems") return !value.is_array() || value.get_array().size() >= number(says);
    if (rule == "maxItems") return !value.is_array() || value.get_array().size() <= number(says);
    if (rule == "minProperties") return !value.is_object() || value.get_object().size() >= number(says);
    if (rule == "minimum") return !value.is_number() || value.to_number<double>() >= says.to_number<double>();
    if (rule == "maximum") return !value.is_number() || value.to_number<double>() <= says.to_number<double>();
    for (const std::string_view noted : {"title", "description", "format", "x-status", "contentMediaType"})
      if (rule == noted) return true;
    if (rule == "additionalProperties") return true;
    throw std::invalid_argument("a rule that this test does not know: " + std::string(rule) + " beside " +
                                std::to_string(schema.size()));
  }

  static std::size_t number(const Value& says) { return says.to_number<std::size_t>(); }
  static bool is(std::string_view type, const Value& value) {
    if (type == "object") return value.is_object();
    if (type == "array") return value.is_array();
    if (type == "string") return value.is_string();
    if (type == "boolean") return value.is_bool();
    if (type == "number") return value.is_number();
    if (type == "integer") return value.is_int64() || value.is_uint64();
    if (type == "null") return value.is_null();
    throw std::invalid_argument("no type: " + std::string(type));
  }
  static bool fits(std::string_view pattern, std::string_view text) {
    return std::regex_search(text.begin(), text.end(), std::regex(pattern.begin(), pattern.end()));
  }
  static bool any_type(const boost::json::array& types, const Value& value) {
    return std::any_of(types.begin(), types.end(), [&](const Value& type) { return is(type.as_string(), value); });
  }
  static bool has_all(const boost::json::object& value, const boost::json::array& names) {
    return std::all_of(names.begin(), names.end(), [&](const Value& name) { return value.contains(name.as_string()); });
  }
  bool members_fit(const boost::json::object& value, const boost::json::object& properties) const {
    return std::all_of(properties.begin(), properties.end(), [&](const auto& property) {
      const Value* member = value.if_contains(property.key());
      return !member || admits(property.value(), *member);
    });
  }
  bool items_fit(const boost::json::array& value, const Value& schema) const {
    return std::all_of(value.begin(), value.end(), [&](const Value& item) { return admits(schema, item); });
  }

  const boost::json::object& document_;
};

}  // namespace wharf::test
