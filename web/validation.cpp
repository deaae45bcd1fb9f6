#include "web/validation.h"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <cmath>
#include <utility>

namespace wharf::web {
namespace {

namespace json = boost::json;

constexpr std::int64_t unbounded = std::numeric_limits<std::int64_t>::max();

std::int64_t characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

bool one_of(std::string_view choices, std::string_view value) {
  for (;;) {
    const std::size_t bar = choices.find('|');
    if (choices.substr(0, bar) == value) return true;
    if (bar == std::string_view::npos) return false;
    choices.remove_prefix(bar + 1);
  }
}

std::string listed(std::string_view choices) {
  std::string out;
  for (const char c : choices) out += c == '|' ? std::string(", ") : std::string(1, c);
  return out;
}

std::string range(const Field& field, std::string_view unit) {
  const std::string noun = unit.empty() ? "" : " " + std::string(unit);
  if (field.max == unbounded) return fmt::format("at least {}{}", field.min, noun);
  return fmt::format("{} to {}{}", field.min, field.max, noun);
}

bool token(std::string_view text) {
  constexpr std::string_view punctuation = "!#$%&'*+-.^_`|~";
  const auto allowed = [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           punctuation.find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), allowed);
}

std::string lower_case(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(tolower(c)); });
  return lower;
}

bool framing_header(const std::string& lower) {
  constexpr std::string_view reserved[] = {
      "host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"};
  return std::find(std::begin(reserved), std::end(reserved), lower) != std::end(reserved);
}

/// Of two of one name receivers take either, and the signature of a delivery fails.
bool own_header(const std::string& lower) {
  return lower.starts_with("webhook-") || lower.starts_with("x-wharf-") || lower.starts_with("x-hub-signature");
}

class Validator {
 public:
  Validator(Unknown unknown, std::vector<FieldProblem>& problems) : unknown_(unknown), problems_(problems) {}

  void object(const json::object& object, const Schema& schema, const std::string& prefix) {
    for (const Field& field : schema.fields) {
      const json::value* value = object.if_contains(field.name);
      const std::string path = prefix + std::string(field.name);
      // A null member says the same as an absent one, as JavaScript callers write it.
      if (!value || (value->is_null() && !field.nullable)) {
        if (field.required) report(path, "is required");
      } else if (field.later) {
        not_built(path);
      } else if (!value->is_null()) {
        check(field, *value, path);
      }
    }
    if (unknown_ == Unknown::ignored) return;
    for (const auto& member : object) {
      if (enough()) return;
      if (schema.find(member.key()) == nullptr) report(prefix + std::string(member.key()), "is not a known field");
    }
  }

  void text(const Field& field, std::string_view value, const std::string& path) {
    if (const auto length = characters(value); length < field.min || length > field.max)
      return report(path, fmt::format("must be {}", range(field, "characters")));
    if (!field.one_of.empty() && !one_of(field.one_of, value))
      return report(path, fmt::format("must be one of: {}", listed(field.one_of)));
    check_format(field, value, path);
  }

  void integer(const Field& field, std::int64_t value, const std::string& path) {
    const bool allowed = field.one_of.empty() ? field.clamped || (value >= field.min && value <= field.max)
                                              : one_of(field.one_of, std::to_string(value));
    if (!allowed) report(path, integer_problem(field));
  }
  static std::string integer_problem(const Field& field) {
    if (!field.one_of.empty()) return fmt::format("must be one of: {}", listed(field.one_of));
    return fmt::format("must be an integer, {}", range(field, ""));
  }

  void report(std::string path, std::string what) { add({std::move(path), std::move(what), nullptr, false}); }
  void not_built(std::string path, std::string what = "is not implemented yet: leave it out") {
    add({std::move(path), std::move(what), nullptr, true});
  }

 private:
  bool enough() const { return problems_.size() >= most_problems; }
  void add(FieldProblem problem) {
    if (!enough()) problems_.push_back(std::move(problem));
  }

  void check_format(const Field& field, std::string_view value, const std::string& path) {
    if (!field.format || !field.format->check) return;
    if (auto problem = field.format->check(value)) add({path, std::move(problem->what), field.format, problem->later});
  }

  void check(const Field& field, const json::value& value, const std::string& path) {
    switch (field.type) {
      case Type::text:
        return value.is_string() ? text(field, value.get_string(), path) : report(path, "must be a string");
      case Type::boolean: return value.is_bool() ? void() : report(path, "must be true or false");
      case Type::integer: {
        const auto number = whole(value);
        return number ? integer(field, *number, path) : report(path, integer_problem(field));
      }
      case Type::object:
        if (!value.is_object()) return report(path, "must be an object");
        if (field.object) return object(value.get_object(), *field.object, path + ".");
        if (field.max != unbounded && json::serialize(value).size() > static_cast<std::size_t>(field.max))
          report(path, fmt::format("must be at most {} bytes of JSON", field.max));
        return;
      case Type::number: {
        const bool real = value.is_number() && !(value.is_double() && std::isnan(value.get_double()));
        const double number = real ? value.to_number<double>() : 0;
        if (!real || number < static_cast<double>(field.min) || number > static_cast<double>(field.max))
          report(path, fmt::format("must be a number, {}", range(field, "")));
        return;
      }
      case Type::texts: return texts(field, value, path);
      case Type::text_map: return text_map(field, value, path);
      case Type::objects: return objects(field, value, path);
      case Type::any: return;
    }
  }

  void objects(const Field& field, const json::value& value, const std::string& path) {
    if (!value.is_array()) return report(path, "must be an array of objects");
    const auto& items = value.get_array();
    if (const auto count = static_cast<std::int64_t>(items.size()); count < field.min || count > field.max)
      return report(path, fmt::format("must have {}", range(field, "items")));
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::string at = fmt::format("{}[{}]", path, i);
      if (!items[i].is_object()) report(at, "must be an object");
      else if (field.object) object(items[i].get_object(), *field.object, at + ".");
    }
  }

  void texts(const Field& field, const json::value& value, const std::string& path) {
    if (!value.is_array()) return report(path, "must be an array of strings");
    const auto& items = value.get_array();
    if (const auto count = static_cast<std::int64_t>(items.size()); count < field.min || count > field.max)
      return report(path, fmt::format("must have {}", range(field, "items")));
    for (std::size_t i = 0; i < items.size(); ++i) {
      const std::string at = fmt::format("{}[{}]", path, i);
      if (!items[i].is_string()) report(at, "must be a string");
      else check_format(field, items[i].get_string(), at);
    }
  }

  void text_map(const Field& field, const json::value& value, const std::string& path) {
    if (!value.is_object()) return report(path, "must be an object of strings");
    const auto& members = value.get_object();
    if (const auto count = static_cast<std::int64_t>(members.size()); count < field.min || count > field.max)
      return report(path, fmt::format("must have {}", range(field, "members")));
    for (const auto& member : members) {
      const std::string name(member.key());
      const std::string at = path + "." + name;
      if (!token(name)) report(at, "must be a header name");
      else if (framing_header(lower_case(name))) report(at, "must not be a header that frames the request");
      else if (own_header(lower_case(name))) report(at, "must not be a header that every delivery has already");
      else if (!member.value().is_string()) report(at, "must be a string");
      else if (member.value().get_string().size() > 4096) report(at, "must be at most 4096 bytes");
      else check_format(field, member.value().get_string(), at);
    }
  }

  static std::optional<std::int64_t> whole(const json::value& value) {
    if (value.is_int64()) return value.get_int64();
    if (value.is_uint64()) return std::numeric_limits<std::int64_t>::max();
    if (value.is_double() && std::trunc(value.get_double()) == value.get_double() &&
        std::abs(value.get_double()) < 9e15)
      return static_cast<std::int64_t>(value.get_double());
    return std::nullopt;
  }

  Unknown unknown_;
  std::vector<FieldProblem>& problems_;
};

bool is_boolean(std::string_view text) { return text == "true" || text == "false" || text == "1" || text == "0"; }

}  // namespace

Unknown unknown_of(const Query& query) { return query.boolean("strict") ? Unknown::refused : Unknown::ignored; }

void validate(const json::object& object, const Schema& schema, Unknown unknown, std::vector<FieldProblem>& problems) {
  Validator(unknown, problems).object(object, schema, "");
}

void drop_nulls(json::object& object, const Schema& schema) {
  for (const Field& field : schema.fields) {
    json::value* value = object.if_contains(field.name);
    if (!value) continue;
    if (value->is_null() && !field.nullable) {
      object.erase(field.name);
    } else if (field.object && value->is_object()) {
      drop_nulls(value->get_object(), *field.object);
    } else if (field.object && value->is_array()) {
      for (json::value& element : value->get_array())
        if (element.is_object()) drop_nulls(element.get_object(), *field.object);
    }
  }
}

bool names_a_field(const json::object& object, const Schema& schema) {
  return std::any_of(schema.fields.begin(), schema.fields.end(), [&](const Field& field) {
    const json::value* value = object.if_contains(field.name);
    return value && (field.nullable || !value->is_null());
  });
}

void validate(Query& query, const Schema& schema, Unknown unknown, std::vector<FieldProblem>& problems) {
  Validator validator(unknown, problems);
  if (query.has("strict") && !is_boolean(query.text("strict"))) validator.report("strict", "must be true or false");
  for (const Field& field : schema.fields) {
    const std::string name(field.name);
    if (query.repeats(name)) {
      validator.report(name, "must not be there twice");
      continue;
    }
    const bool choice = !field.one_of.empty();  // an empty one is none of its words
    if (!query.has(name) || (query.text(name).empty() && !field.required && !choice)) {
      if (field.required) validator.report(name, "is required");
      continue;
    }
    const std::string_view value = query.text(name);
    if (field.later) {
      validator.not_built(name);
    } else if (field.type == Type::boolean) {
      if (!is_boolean(value)) validator.report(name, "must be true or false");
    } else if (field.type == Type::integer) {
      const auto number = parse_integer(value);
      if (!number) validator.report(name, Validator::integer_problem(field));
      else validator.integer(field, *number, name);
      if (number && field.clamped) query.set(name, std::to_string(std::clamp(*number, field.min, field.max)));
    } else {
      validator.text(field, value, name);
    }
  }
  if (unknown == Unknown::ignored) return;
  for (const auto& [name, value] : query.pairs()) {
    if (name != "strict" && schema.find(name) == nullptr) validator.report(name, "is not a known parameter");
  }
}

std::string_view text_of(const json::object& object, std::string_view name, std::string_view fallback) {
  const json::value* value = object.if_contains(name);
  return value && value->is_string() ? std::string_view(value->get_string()) : fallback;
}

std::optional<std::int64_t> integer_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (!value) return std::nullopt;
  if (value->is_int64()) return value->get_int64();
  if (value->is_double() && std::abs(value->get_double()) < 9e15) return static_cast<std::int64_t>(value->get_double());
  return std::nullopt;
}

bool boolean_of(const json::object& object, std::string_view name, bool fallback) {
  const json::value* value = object.if_contains(name);
  return value && value->is_bool() ? value->get_bool() : fallback;
}

std::vector<std::string> texts_of(const json::object& object, std::string_view name) {
  std::vector<std::string> out;
  const json::value* value = object.if_contains(name);
  if (!value || !value->is_array()) return out;
  for (const json::value& item : value->get_array())
    if (item.is_string()) out.emplace_back(item.get_string());
  return out;
}

}  // namespace wharf::web
