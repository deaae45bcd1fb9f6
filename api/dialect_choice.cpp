#include "api/dialect_choice.h"

#include <utility>

namespace wharf::api {

Dialect dialect_of(std::string_view accept, Dialect fallback) {
  for (const auto& [name, dialect] : {std::pair<std::string_view, Dialect>{"gateway", Dialect::gateway},
                                      std::pair<std::string_view, Dialect>{"openwa", Dialect::openwa}}) {
    const std::size_t at = accept.find("profile=");
    if (at == std::string_view::npos) return fallback;
    std::string_view value = accept.substr(at + 8);
    if (!value.empty() && value.front() == '"') value.remove_prefix(1);
    if (value.starts_with(name) &&
        (value.size() == name.size() || std::string_view("\";, ").find(value[name.size()]) != std::string_view::npos))
      return dialect;
  }
  return fallback;
}

}  // namespace wharf::api
