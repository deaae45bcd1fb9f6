#pragma once
// Fields that a reader expects of a request and that it does not have: said, they would be lost without a word. Of
// messages it is the fields of other kinds (api/sending.h); of the rest those of this table.

#include <boost/json/object.hpp>
#include <string>
#include <vector>

#include "api/validation.h"

namespace wharf::api {

/// Adds a problem for each that `body` says and `schema` does not have, with where it belongs. null says nothing.
void find_misplaced(const boost::json::object& body, const Schema& schema, std::vector<FieldProblem>& problems);

/// Why a change changes nothing: what can be changed, and what of `body` was not understood.
std::string nothing_to_change(const boost::json::object& body, const Schema& schema);

}  // namespace wharf::api
