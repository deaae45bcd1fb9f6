#include "web/envelope.h"

#include <fmt/format.h>
#include <boost/json/serialize.hpp>
#include <boost/json/string.hpp>

#include <algorithm>

#include "protocol/text.h"

namespace wharf::web {
namespace {

// Messages can carry bytes of peers: what goes out is valid UTF-8.
std::string quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string(protocol::displayable(text)));
}

}  // namespace

Explanation explain(const std::vector<FieldProblem>& problems) {
  Explanation out;
  for (const FieldProblem& problem : problems) {
    const std::string field = echo(problem.field);
    // A member of an object stands there once: what else is wrong with a field is said behind the first.
    const auto same = [&](const auto& told) { return told.first == field; };
    const auto told = std::find_if(out.details.begin(), out.details.end(), same);
    if (told != out.details.end()) {
      if (told->second.find(problem.what) == std::string::npos) told->second += "; " + problem.what;
    } else if (out.details.size() < most_problems) {
      out.details.emplace_back(field, problem.what);
    }
  }
  out.message = fmt::format("{} {}", out.details.front().first, out.details.front().second);
  const char* least = problems.size() >= most_problems ? "at least " : "";  // nobody has looked for more
  if (problems.size() > 1) out.message += fmt::format(" (and {}{} more; see details)", least, problems.size() - 1);
  return out;
}

net::HttpResponse render_error(unsigned status, std::string_view code, const Explanation& explanation) {
  std::string out = R"({"success":false,"error":{"code":)" + quoted(code);
  out += R"(,"message":)" + quoted(explanation.message) + R"(,"details":{)";
  for (const auto& [field, what] : explanation.details) {
    if (out.back() != '{') out += ',';
    out += quoted(field) + ':' + quoted(what);
  }
  return {status, "application/json", out + "}}}"};
}

net::HttpResponse render_success(std::string_view data, const Beside& beside) {
  std::string out;
  out.reserve(data.size() + 96);
  out += R"({"success":true)";
  if (!beside.message.empty()) out += R"(,"message":)" + quoted(beside.message);
  if (!data.empty()) out.append(R"(,"data":)").append(data);
  if (beside.next_cursor) out += R"(,"nextCursor":)" + *beside.next_cursor;
  if (beside.complete) out += *beside.complete ? R"(,"complete":true)" : R"(,"complete":false)";
  out += '}';
  return {beside.status, "application/json", std::move(out)};
}

std::string echo(std::string_view text) {
  constexpr std::size_t max_echo_bytes = 80;
  if (text.size() <= max_echo_bytes) return protocol::displayable(text);
  return protocol::displayable(text.substr(0, max_echo_bytes)) + "…";
}

}  // namespace wharf::web
