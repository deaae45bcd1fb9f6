#include "protocol/mex/json.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>

#include "protocol/stanzas/node_fields.h"

namespace wharf::protocol {

namespace json = boost::json;

/// Between ours and the library's value. Depth is bounded: by the parser on the way in, by who builds on the way out.
struct JsonText {
  static Json from(const json::value& value) {
    Json out;
    switch (value.kind()) {
      case json::kind::null: break;
      case json::kind::bool_: out.value_ = value.get_bool(); break;
      case json::kind::uint64: out.value_ = value.get_uint64(); break;
      case json::kind::double_: out.value_ = Json::OtherNumber(); break;
      case json::kind::int64:
        if (value.get_int64() >= 0) out.value_ = static_cast<std::uint64_t>(value.get_int64());
        else out.value_ = Json::OtherNumber();
        break;
      case json::kind::string: out.value_ = std::string(value.get_string()); break;
      case json::kind::array: {
        Json::Array items;
        items.reserve(value.get_array().size());
        for (const json::value& item : value.get_array()) items.push_back(from(item));
        out.value_ = std::move(items);
        break;
      }
      case json::kind::object: {
        Json::Object members;
        members.reserve(value.get_object().size());
        for (const auto& member : value.get_object()) members.push_back({member.key(), from(member.value())});
        out.value_ = std::move(members);
        break;
      }
    }
    return out;
  }

  static json::value to(const Json& in) {
    struct Writer {
      json::value operator()(std::monostate) const { return nullptr; }
      json::value operator()(bool value) const { return value; }
      json::value operator()(std::uint64_t value) const { return value; }
      json::value operator()(Json::OtherNumber) const { return -1; }
      json::value operator()(const std::string& value) const { return json::value(value); }
      json::value operator()(const Json::Array& items) const {
        json::array out;
        for (const Json& item : items) out.push_back(to(item));
        return out;
      }
      json::value operator()(const Json::Object& members) const {
        json::object out;
        for (const JsonMember& member : members) out[member.name] = to(member.value);
        return out;
      }
    };
    return std::visit(Writer{}, in.value_);
  }
};

Json::Json() = default;
Json::Json(const Json& other) = default;
Json::Json(Json&& other) noexcept = default;
Json& Json::operator=(const Json& other) = default;
Json& Json::operator=(Json&& other) noexcept = default;
Json::~Json() = default;
Json::Json(Plain value) {
  std::visit([this](auto kind) { value_ = kind; }, value);
}
Json::Json(std::string_view value) : value_(std::string(value)) {}

Json Json::object() {
  Json out;
  out.value_ = Object();
  return out;
}

Json Json::array() {
  Json out;
  out.value_ = Array();
  return out;
}

Json& Json::set(std::string_view name, Json value) {
  auto* members = std::get_if<Object>(&value_);
  if (members == nullptr) members = &value_.emplace<Object>();
  const auto same = [&](const JsonMember& member) { return member.name == name; };
  if (auto at = std::find_if(members->begin(), members->end(), same); at != members->end())
    at->value = std::move(value);
  else members->push_back({std::string(name), std::move(value)});
  return *this;
}

Json& Json::push(Json value) {
  auto* items = std::get_if<Array>(&value_);
  if (items == nullptr) items = &value_.emplace<Array>();
  items->push_back(std::move(value));
  return *this;
}

const Json& Json::operator[](std::string_view name) const {
  static const Json nothing;
  for (const JsonMember& member : members())
    if (member.name == name) return member.value;
  return nothing;
}

bool Json::has(std::string_view name) const {
  const auto same = [&](const JsonMember& member) { return member.name == name; };
  return std::any_of(members().begin(), members().end(), same);
}

std::optional<std::string_view> Json::text() const {
  const auto* value = std::get_if<std::string>(&value_);
  if (value == nullptr) return std::nullopt;
  return *value;
}

std::optional<std::uint64_t> Json::number() const {
  if (const auto* value = std::get_if<std::uint64_t>(&value_))
    return *value <= INT64_MAX ? std::optional(*value) : std::nullopt;
  const auto* digits = std::get_if<std::string>(&value_);
  return digits != nullptr ? decimal(*digits) : std::nullopt;
}

std::optional<bool> Json::boolean() const {
  const auto* value = std::get_if<bool>(&value_);
  if (value == nullptr) return std::nullopt;
  return *value;
}

const Json::Array& Json::items() const {
  static const Array none;
  const auto* items = std::get_if<Array>(&value_);
  return items != nullptr ? *items : none;
}

const Json::Object& Json::members() const {
  static const Object none;
  const auto* members = std::get_if<Object>(&value_);
  return members != nullptr ? *members : none;
}

bool operator==(const Json& a, const Json& b) { return a.value_ == b.value_; }

Result<Json> parse_json(ByteView text, const JsonLimits& limits) {
  if (text.size() > limits.bytes) return Error(Errc::too_large, "JSON of " + std::to_string(text.size()) + " bytes");
  json::parse_options options;
  options.max_depth = limits.depth;
  json::error_code failure;
  const std::string_view view = as_text(text);
  const json::value value = json::parse(json::string_view(view.data(), view.size()), failure, {}, options);
  if (failure == json::error::too_deep) return Error(Errc::too_large, "JSON is nested too deep");
  if (failure) return Error(Errc::malformed, "JSON: " + failure.message());
  return JsonText::from(value);
}

std::string write_json(const Json& value) { return json::serialize(JsonText::to(value)); }

}  // namespace wharf::protocol
