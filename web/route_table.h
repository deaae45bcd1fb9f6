#pragma once
// From method and path to a route. Patterns are literals and {parameters} of one segment each; a literal wins over a
// parameter, HEAD is GET, a slash at the end is ignored.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wharf::web {

class RouteTable {
 public:
  RouteTable();
  RouteTable(RouteTable&&) noexcept;
  ~RouteTable();
  /// "/api/v1/sessions/{sessionId}". The texts outlive the table. `route` is the caller's number of it.
  void add(std::string_view method, std::string_view pattern, std::size_t route);

  struct Match {
    bool path_known = false;
    std::optional<std::size_t> route;  // nullopt with a known path: another method is asked for
    std::string allow;                 // of a known path: "POST, GET"
    std::vector<std::pair<std::string_view, std::string>> params;  // decoded
    bool decodable = true;  // false: a parameter has a broken percent-encoding, its value is ""
  };
  /// `path` as in the target, without the query.
  Match match(std::string_view method, std::string_view path) const;

 private:
  struct Node;
  std::unique_ptr<Node> root_;
};

}  // namespace wharf::web
