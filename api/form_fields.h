#pragma once
// The fields of a form as the JSON that a route reads. A form has texts alone, so what a text is the schema of the
// route says: true and false of a boolean, digits of an integer or number, one more of a list of texts, JSON of an
// object or a list of objects. Anything else, and what does not read so, stays a text: the validation finds it.

#include <boost/json/object.hpp>
#include <cstddef>
#include <string_view>

#include "web/schema.h"

namespace wharf::api {

class FormFields {
 public:
  /// `schema` may be null: all are texts. It outlives the fields.
  explicit FormFields(const web::Schema* schema) : schema_(schema) {}
  /// false: a text of this name is there already, and it is no list of texts. Nobody knows which of the two was meant.
  [[nodiscard]] bool add(std::string_view name, std::string_view text);
  boost::json::object take();

 private:
  const web::Schema* schema_;
  boost::json::object fields_;
};

}  // namespace wharf::api
