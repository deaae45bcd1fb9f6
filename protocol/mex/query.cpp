#include "protocol/mex/query.h"

#include <algorithm>

#include "protocol/mex/fields.h"
#include "protocol/stanzas/iq_reading.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr std::string_view xmlns = "w:mex";
constexpr std::uint64_t code_when_not_said = 500;

const Json& fatal(const Json::Array& errors) {
  for (const Json& error : errors)
    if (error["extensions"]["is_summary"].boolean() == true) return error;
  for (const Json& error : errors)
    if (error["extensions"]["error_code"].number()) return error;
  static const Json nothing;
  return errors.empty() ? nothing : errors.front();
}

/// Servers say so in words alone.
bool says_document_unknown(std::string_view message) {
  std::string lower(message);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return lower.find("document") != std::string::npos && lower.find("not found") != std::string::npos;
}

Error unknown_document(const std::string& message) { return Error(Errc::unsupported, "mex: " + message); }

}  // namespace

Result<Node> mex_iq(std::string_view id, const MexDocuments& documents, const MexRequest& request) {
  const auto document = documents.id(request.operation);
  if (!document) return Error(Errc::unsupported, "mex: no document is known for " + request.operation);
  Json body = Json::object().set("variables", request.variables.is_null() ? Json::object() : request.variables);
  body.set("queryId", *document);
  return iq_get(id, xmlns).add(Node("query").set("query_id", *document).text(write_json(body)));
}

Result<Json> read_mex_answer(const Node& answer, const JsonLimits& limits) {
  if (auto refusal = iq_refusal(answer, "mex")) {
    if (says_document_unknown(refusal->detail)) return unknown_document(refusal->detail);
    return std::move(*refusal);
  }
  const auto result = result_child(answer, "result", "mex");
  if (!result) return result.error();
  if ((*result)->attr("format") == "argo") return Error(Errc::unsupported, "mex: a binary answer");
  auto body = parse_json((*result)->data(), limits);
  if (!body) return Error(body.error().code, "mex: " + body.error().detail);
  if (has_errors(*body)) {
    const Json& error = fatal((*body)["errors"].items());
    const std::string message = display_line(error["message"].text().value_or(std::string_view()), 256);
    if (says_document_unknown(message)) return unknown_document(message);
    const auto code = error["extensions"]["error_code"].number().value_or(code_when_not_said);
    return refusal_of_code(code, message, "mex");
  }
  const Json& data = (*body)["data"];
  if (!data.is_object()) return Error(Errc::malformed, "mex: answer without data");
  return data;
}

std::optional<std::uint64_t> mex_error_code(const Node& answer, const JsonLimits& limits) {
  const auto result = result_child(answer, "result", "mex");
  const auto body = result ? parse_json((*result)->data(), limits) : result.error();
  if (!body || !has_errors(*body)) return std::nullopt;
  return fatal((*body)["errors"].items())["extensions"]["error_code"].number();
}

std::optional<MexQuery> read_mex_query(const Node& iq) {
  const Node* query = is_request(iq, "get", xmlns) ? iq.child("query") : nullptr;
  if (query == nullptr) return std::nullopt;
  auto body = parse_json(query->data(), mex_limits);
  if (!body || !(*body)["variables"].is_object()) return std::nullopt;
  return MexQuery{display_line(query->attr("query_id"), 64), (*body)["variables"]};
}

Node mex_answer(const Node& request, Json data) {
  const Json body = Json::object().set("data", std::move(data));
  return iq_result(request).add(Node("result").set("format", "json").text(write_json(body)));
}

Node mex_error_answer(const Node& request, std::uint64_t code, std::string_view message) {
  Json error = Json::object().set("message", message);
  error.set("extensions", Json::object().set("error_code", code));
  const Json body = Json::object().set("data", Json()).set("errors", Json::array().push(std::move(error)));
  return iq_result(request).add(Node("result").set("format", "json").text(write_json(body)));
}

}  // namespace wharf::protocol
