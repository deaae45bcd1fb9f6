#pragma once
// What a scenario says with names: "$anna" is the number of a phone, "$hello.id" a value of the answer of an earlier
// step. A '$' before a letter, '_' or '{' begins a reference, anywhere in a text; "${hello.id}" says where it ends,
// "$$" is a dollar. A text that is one reference becomes the value itself, of whatever type.

#include <boost/json/value.hpp>
#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "web/schema.h"

namespace wharf::sandbox {

/// A letter or '_', then letters, digits, '_' and '-'; at most 64.
bool is_scenario_name(std::string_view text);

/// What a reference stands for.
struct FoundValue {
  std::optional<boost::json::value> value;  // nullopt: not known yet, or nothing
  std::string problem;                      // of one that stands for nothing
};

/// One way through a body, or a part of a step.
struct Filling {
  /// Of "hello.id": the name of a phone or a step, then members and places ("sent.0.code").
  std::function<FoundValue(std::string_view reference)> find;
  std::vector<web::FieldProblem> problems = {};
  /// Texts that hold what is not known yet, as they were written: paths as web::validate() names them.
  std::set<std::string> later = {};
  std::size_t left = 512u << 10;  // bytes that may still be made
};

/// `value` with all that is known in its place. `path` names it in problems.
boost::json::value fill(const boost::json::value& value, const std::string& path, Filling& filling);

/// The value at "id" or "sent.0.code" within `value`; nullptr when there is none.
const boost::json::value* member_at(const boost::json::value& value, std::string_view path);

}  // namespace wharf::sandbox
