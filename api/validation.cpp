#include "api/validation.h"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "api/chat_id.h"
#include "api/event_names.h"
#include "net/url.h"
#include "protocol/bytes.h"

namespace wharf::api {
namespace {

namespace json = boost::json;

constexpr std::size_t max_query_pairs = 64;
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

bool printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
}

bool token(std::string_view text) {
  constexpr std::string_view punctuation = "!#$%&'*+-.^_`|~";
  const auto allowed = [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           punctuation.find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= 128 && std::all_of(text.begin(), text.end(), allowed);
}

bool framing_header(std::string_view name) {
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(tolower(c)); });
  constexpr std::string_view reserved[] = {
      "host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"};
  return std::find(std::begin(reserved), std::end(reserved), lower) != std::end(reserved);
}

// "" when the text has the format, else what is wrong.
std::string format_problem(Format format, std::string_view text) {
  switch (format) {
    case Format::none:
    case Format::date_time: return {};
    case Format::session_name: return is_session_name(text) ? "" : "must be 1 to 64 characters of A-Z a-z 0-9 . _ -";
    case Format::chat_id: return parse_chat_id(text) ? "" : fmt::format("must be {}", chat_id_allowed);
    case Format::message_id:
      return parse_message_id(text) ? "" : "must be a message id: true_<chat>_<id> or the bare WhatsApp id";
    case Format::new_message_id: {
      const auto allowed = [](unsigned char c) { return c < 0x80 && isalnum(c); };
      const bool good = text.size() >= 8 && text.size() <= 64 && std::all_of(text.begin(), text.end(), allowed);
      return good ? "" : "must be 8 to 64 letters and digits";
    }
    case Format::url: {
      const auto url = net::parse_url(text);
      if (!url) return fmt::format("must be an http or https URL: {}", url.error());
      return url->scheme == "http" || url->scheme == "https" ? "" : "must be an http or https URL";
    }
    case Format::event_pattern:
    case Format::event_list: {
      const auto names = format == Format::event_list ? split_names(text) : std::vector<std::string>{std::string(text)};
      for (const std::string& name : names)
        if (!is_event_pattern(name))
          return fmt::format("must be *, a prefix such as group_*, or one of: {}",
                             fmt::join(known_event_names(), ", "));
      return {};
    }
    case Format::header: {
      const bool control =
          std::any_of(text.begin(), text.end(), [](char c) { return (c >= 0 && c < 0x20 && c != '\t') || c == 0x7f; });
      return control ? "must not contain control characters" : "";
    }
    case Format::secret: {
      if (!printable_ascii(text) || text.find(' ') != std::string_view::npos)
        return "must be printable ASCII without spaces";
      if (text.starts_with("whsec_") && !protocol::from_base64(text.substr(6)))
        return "must be padded base64 behind the prefix whsec_";
      return {};
    }
  }
  return {};
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
      const auto same = [&](const Field& field) { return field.name == std::string_view(member.key()); };
      if (std::none_of(schema.fields.begin(), schema.fields.end(), same))
        report(prefix + std::string(member.key()), "is not a known field");
    }
  }

  void text(const Field& field, std::string_view value, const std::string& path) {
    if (const auto length = characters(value); length < field.min || length > field.max)
      return report(path, fmt::format("must be {}", range(field, "characters")));
    if (!field.one_of.empty() && !one_of(field.one_of, value))
      return report(path, fmt::format("must be one of: {}", listed(field.one_of)));
    if (std::string what = format_problem(field.format, value); !what.empty())
      return problems_.push_back({path, std::move(what), field.format == Format::chat_id});
    if (field.format != Format::event_list) return;
    // A subscriber that waits for them would wait for ever.
    for (const std::string& name : split_names(value))
      if (!can_fire(name))
        not_built(path, fmt::format("{} is not fired yet; these are: {}", name, fmt::join(fired_event_names(), ", ")));
  }

  void integer(const Field& field, std::int64_t value, const std::string& path) {
    if (!field.clamped && (value < field.min || value > field.max)) report(path, integer_problem(field));
  }
  static std::string integer_problem(const Field& field) {
    return fmt::format("must be an integer, {}", range(field, ""));
  }

  void report(std::string path, std::string what) { problems_.push_back({std::move(path), std::move(what)}); }
  void not_built(std::string path, std::string what = "is not implemented yet: leave it out") {
    problems_.push_back({std::move(path), std::move(what), false, true});
  }

 private:
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
      case Type::texts: return texts(field, value, path);
      case Type::text_map: return text_map(field, value, path);
      case Type::objects: return;
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
      else if (std::string what = format_problem(field.format, items[i].get_string()); !what.empty())
        problems_.push_back({at, std::move(what), field.format == Format::chat_id});
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
      else if (framing_header(name)) report(at, "must not be a header that frames the request");
      else if (!member.value().is_string()) report(at, "must be a string");
      else if (std::string what = format_problem(field.format, member.value().get_string()); !what.empty())
        report(at, std::move(what));
      else if (member.value().get_string().size() > 4096) report(at, "must be at most 4096 bytes");
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

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failed != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_boolean(std::string_view text) { return text == "true" || text == "false" || text == "1" || text == "0"; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

void validate(const json::object& object, const Schema& schema, Unknown unknown, std::vector<FieldProblem>& problems) {
  Validator(unknown, problems).object(object, schema, "");
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
    const auto same = [&name = name](const Field& field) { return field.name == name; };
    if (name != "strict" && std::none_of(schema.fields.begin(), schema.fields.end(), same))
      validator.report(name, "is not a known parameter");
  }
}

std::optional<Query> Query::parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const std::size_t end = text.find('&');
    const std::string_view pair = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (pair.empty()) continue;
    if (query.pairs_.size() == max_query_pairs) return std::nullopt;
    const std::size_t equals = pair.find('=');
    auto name = percent_decode(pair.substr(0, equals), Plus::space);
    auto value =
        percent_decode(equals == std::string_view::npos ? std::string_view{} : pair.substr(equals + 1), Plus::space);
    if (!name || !value) return std::nullopt;
    query.set(*name, std::move(*value));
  }
  return query;
}

const std::string* Query::find(std::string_view name) const {
  for (const auto& [key, value] : pairs_)
    if (key == name) return &value;
  return nullptr;
}

void Query::set(std::string_view name, std::string value) {
  for (auto& [key, old] : pairs_) {
    if (key != name) continue;
    old = std::move(value);
    return;
  }
  pairs_.emplace_back(name, std::move(value));
}

std::string_view Query::text(std::string_view name, std::string_view fallback) const {
  const std::string* value = find(name);
  return value ? std::string_view(*value) : fallback;
}

std::int64_t Query::integer(std::string_view name, std::int64_t fallback) const {
  const std::string* value = find(name);
  return value ? parse_integer(*value).value_or(fallback) : fallback;
}

bool Query::boolean(std::string_view name) const {
  const std::string_view value = text(name);
  return value == "true" || value == "1";
}

std::optional<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus == Plus::space) {
      out.push_back(' ');
    } else if (text[i] != '%') {
      out.push_back(text[i]);
    } else {
      const int high = i + 2 < text.size() ? hex_digit(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
      if (high < 0 || low < 0 || (high | low) == 0) return std::nullopt;
      out.push_back(static_cast<char>(high * 16 + low));
      i += 2;
    }
  }
  return out;
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

}  // namespace wharf::api
