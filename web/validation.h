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

/// A known field has a value; null is one where it means something.
bool names_a_field(const boost::json::object& object, const Schema& schema);

/// Members of a validated object.
std::string_view text_of(const boost::json::object& object, std::string_view name, std::string_view fallback = {});
std::optional<std::int64_t> integer_of(const boost::json::object& object, std::string_view name);
bool boolean_of(const boost::json::object& object, std::string_view name, bool fallback);
std::vector<std::string> texts_of(const boost::json::object& object, std::string_view name);

}  // namespace wharf::web
