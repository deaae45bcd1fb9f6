#pragma once
// Schemas: what a body or query may contain. One description serves three readers: the validation of requests, the
// OpenAPI document, and whoever reads the routing table.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace wharf::web {

enum class Type {
  text,
  integer,
  number,  // real; min and max inclusive
  boolean,
  object,    // with a schema, or any members when `object` is null
  texts,     // array of strings
  text_map,  // object whose members are header fields: tokens that frame nothing, with strings up to 4096 bytes
  objects,   // array of objects of the schema; without one, of any (responses only)
  any,       // looked at by the handler
};

/// What is wrong with a text. `later`: nothing, but this build cannot do it yet (501).
struct FormatProblem {
  std::string what;  // "must be …"
  bool later = false;
};
/// The form of a text, beyond its length. Compared by address.
struct Format {
  std::optional<FormatProblem> (*check)(std::string_view text) = nullptr;  // nullptr: any text
  std::string_view pattern = {}, keyword = {};                             // "pattern" and "format" of the document
};

struct Schema;

struct Field {
  std::string_view name;
  Type type = Type::text;
  std::string_view summary = {};
  bool required = false;
  /// integer: the value; text: characters; texts, objects and text_map: the number of items; object without schema: the
  /// bytes of its JSON.
  std::int64_t min = 0;
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
  std::string_view one_of = {};    // "a|b|c"; of an integer "0|1|6", without bounds beside it
  const Format* format = nullptr;  // of the text, of each item of texts
  const Schema* object = nullptr;
  bool clamped = false;  // out of range is moved into it instead of refused
  bool nullable = false;
  bool later = false;  // part of the contract, not built yet: given, it is refused with 501
};

struct Schema {
  std::string_view name;
  std::span<const Field> fields;
  /// nullptr: it has none of this name.
  constexpr const Field* find(std::string_view wanted) const {
    for (const Field& field : fields)
      if (field.name == wanted) return &field;
    return nullptr;
  }
};

/// So many of one request are looked for and told.
constexpr std::size_t most_problems = 50;
struct FieldProblem {
  std::string field;
  std::string what;
  const Format* format = nullptr;  // the one that was not met
  bool later = false;              // nothing wrong with it: this build cannot do it yet (501)
};

}  // namespace wharf::web
