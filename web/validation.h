#pragma once
// Requests against their schemas. All bad fields of a request are reported at once.

#include <boost/json/object.hpp>
#include <vector>

#include "web/query.h"
#include "web/schema.h"

namespace wharf::web {

enum class Unknown { ignored, refused };  // ?strict=true refuses
/// Of a parsed query.
Unknown unknown_of(const Query& query);

void validate(const boost::json::object& object, const Schema& schema, Unknown unknown,
              std::vector<FieldProblem>& problems);
/// Checks and, for clamped fields, corrects.
void validate(Query& query, const Schema& schema, Unknown unknown, std::vector<FieldProblem>& problems);

/// Takes the null members out of a validated object, in the objects within too: null says the same as absent, and who
/// reads the fields later must not have to remember it. It stays where it means something (Field::nullable).
void drop_nulls(boost::json::object& object, const Schema& schema);

/// A known field has a value; null is one where it means something.
bool names_a_field(const boost::json::object& object, const Schema& schema);

/// Members of a validated object.
std::string_view text_of(const boost::json::object& object, std::string_view name, std::string_view fallback = {});
std::optional<std::int64_t> integer_of(const boost::json::object& object, std::string_view name);
bool boolean_of(const boost::json::object& object, std::string_view name, bool fallback);
std::vector<std::string> texts_of(const boost::json::object& object, std::string_view name);

}  // namespace wharf::web
