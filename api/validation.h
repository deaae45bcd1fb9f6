#pragma once
// Schemas: what a body or query may contain. One description serves three readers: the validation of requests, the
// OpenAPI document, and whoever reads the routing table. All bad fields of a request are reported at once.

#include <boost/json/object.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wharf::api {

enum class Type {
  text,
  integer,
  boolean,
  object,    // with a schema, or any members when `object` is null
  texts,     // array of strings
  text_map,  // object whose values are strings
  objects,   // array of objects of the schema (responses only)
};

enum class Format {
  none,
  session_name,
  chat_id,
  message_id,
  new_message_id,
  url,
  event_pattern,
  event_list,
  header,
  secret,
  date_time
};

struct Schema;

struct Field {
  std::string_view name;
  Type type = Type::text;
  std::string_view summary = {};
  bool required = false;
  /// integer: the value; text: characters; texts and text_map: the number of items; object without schema: the bytes of
  /// its JSON.
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  std::string_view one_of = {};  // "a|b|c"
  Format format = Format::none;  // of the text, of each item of texts
  const Schema* object = nullptr;
  bool clamped = false;  // out of range is moved into it instead of refused
  bool nullable = false;
  bool later = false;  // part of the contract, not built yet: given, it is refused with 501
};

struct Schema {
  std::string_view name;
  std::span<const Field> fields;
};

struct FieldProblem {
  std::string field;
  std::string what;
  bool chat_id_format = false;  // has an error code of its own (INVALID_CHAT_ID)
  bool later = false;           // nothing wrong with it: this build cannot do it yet (501)
};

enum class Unknown { ignored, refused };  // ?strict=true refuses

void validate(const boost::json::object& object, const Schema& schema, Unknown unknown,
              std::vector<FieldProblem>& problems);

/// A known field has a value; null is one where it means something.
bool names_a_field(const boost::json::object& object, const Schema& schema);

/// The query of a request: decoded pairs, the last of a name wins.
class Query {
 public:
  Query() = default;
  /// `text` without the question mark. nullopt for broken percent-encoding or more than 64 pairs.
  static std::optional<Query> parse(std::string_view text);
  bool has(std::string_view name) const { return find(name) != nullptr; }
  std::string_view text(std::string_view name, std::string_view fallback = {}) const;
  std::int64_t integer(std::string_view name, std::int64_t fallback) const;  // validated before
  bool boolean(std::string_view name) const;
  const std::vector<std::pair<std::string, std::string>>& pairs() const { return pairs_; }
  void set(std::string_view name, std::string value);

 private:
  const std::string* find(std::string_view name) const;
  std::vector<std::pair<std::string, std::string>> pairs_;
};

/// Checks and, for clamped fields, corrects.
void validate(Query& query, const Schema& schema, Unknown unknown, std::vector<FieldProblem>& problems);

/// nullopt for a broken escape or a NUL byte.
enum class Plus { literal, space };
std::optional<std::string> percent_decode(std::string_view text, Plus plus);

/// Members of a validated object.
std::string_view text_of(const boost::json::object& object, std::string_view name, std::string_view fallback = {});
std::optional<std::int64_t> integer_of(const boost::json::object& object, std::string_view name);
bool boolean_of(const boost::json::object& object, std::string_view name, bool fallback);
std::vector<std::string> texts_of(const boost::json::object& object, std::string_view name);

}  // namespace wharf::api
