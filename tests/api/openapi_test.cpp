// The document is generated from the table; this walks the table against the document, so that neither can drift.
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <set>

#include "api/handlers.h"
#include "api/schemas.h"

using namespace wharf::api;
namespace json = boost::json;

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

void check_references(const json::value& value, const json::object& schemas, std::size_t& seen) {
  if (value.is_array()) {
    for (const json::value& item : value.get_array()) check_references(item, schemas, seen);
  } else if (value.is_object()) {
    for (const auto& member : value.get_object()) {
      if (member.key() == "$ref") {
        ++seen;
        const std::string_view target = member.value().as_string();
        REQUIRE(target.starts_with("#/components/schemas/"));
        INFO(target);
        CHECK(schemas.contains(target.substr(21)));
      } else {
        check_references(member.value(), schemas, seen);
      }
    }
  }
}

}  // namespace

TEST_CASE("every route of the table is in the document with its parameters, body and answers") {
  const json::object document = json::parse(openapi_document(routes(), "1.2.3")).as_object();
  CHECK(document.at("openapi") == "3.1.0");
  CHECK(document.at("info").at("version") == "1.2.3");
  const json::object& paths = document.at("paths").as_object();
  const json::object& schemas = document.at("components").at("schemas").as_object();

  std::set<std::string> operation_ids;
  std::size_t operations = 0;
  for (const Route& route : routes()) {
    INFO(route.method << " " << route.pattern);
    const json::object& operation = paths.at(route.pattern).at(lower(route.method)).as_object();
    ++operations;
    CHECK(operation.at("summary") == json::string_view(route.summary.data(), route.summary.size()));
    CHECK(operation.at("x-capability") ==
          json::string_view(name(route.capability).data(), name(route.capability).size()));
    CHECK(operation_ids.insert(std::string(operation.at("operationId").as_string())).second);
    const bool built = route.handler && !route.later;
    CHECK(operation.contains("x-status") == !built);
    CHECK(operation.at("responses").as_object().contains(built ? std::to_string(route.success) : "501"));

    std::set<std::string> parameters;
    for (const json::value& parameter : operation.at("parameters").as_array())
      parameters.insert(std::string(parameter.at("in").as_string()) + " " +
                        std::string(parameter.at("name").as_string()));
    for (auto at = route.pattern.find('{'); at != std::string_view::npos; at = route.pattern.find('{', at + 1))
      CHECK(parameters.count("path " +
                             std::string(route.pattern.substr(at + 1, route.pattern.find('}', at) - at - 1))) == 1);
    if (route.query)
      for (const Field& field : route.query->fields) CHECK(parameters.count("query " + std::string(field.name)) == 1);

    REQUIRE(operation.contains("requestBody") == (route.body != nullptr));
    if (!route.body) continue;
    const json::object& schema = schemas.at(route.body->name).as_object();
    for (const Field& field : route.body->fields) CHECK(schema.at("properties").as_object().contains(field.name));
  }
  std::size_t documented = 0;
  for (const auto& path : paths) documented += path.value().as_object().size();
  CHECK(documented == operations);
  CHECK(operations >= 80);

  std::size_t references = 0;
  check_references(document, schemas, references);
  CHECK(references > 100);
}

TEST_CASE("required fields and choices are in the schemas") {
  const json::object document = json::parse(openapi_document(routes(), "1")).as_object();
  const json::object& send = document.at("components").at("schemas").at("SendText").as_object();
  CHECK(send.at("required") == json::array({"chatId", "content"}));
  CHECK(send.at("properties").at("content").at("maxLength") == 65536);
  const json::object& session = document.at("components").at("schemas").at("Session").as_object();
  CHECK(session.at("properties").at("status").at("enum") ==
        json::array({"initializing", "qr_ready", "authenticated", "ready", "failed", "terminated"}));
}

TEST_CASE("ids, cursors and positions are strings in the document") {
  const std::set<std::string_view> opaque = {"id",    "sessionId", "webhookId", "messageId", "eventId",
                                             "after", "since",     "cursor",    "before",    "nextCursor"};
  const auto check = [&](const Schema* schema) {
    if (!schema) return;
    for (const Field& field : schema->fields) {
      INFO(schema->name << " " << field.name);
      if (opaque.contains(field.name)) CHECK(field.type == Type::text);
    }
  };
  for (const Route& route : routes()) {
    INFO(route.method << " " << route.pattern);
    for (const Schema* schema : {route.query, route.body, route.answer}) check(schema);
  }
  check(&schemas::event);
  const json::object document = json::parse(openapi_document(routes(), "1")).as_object();
  const json::value& page = document.at("paths").at("/api/v1/events").at("get").at("responses").at("200").at("content");
  CHECK(page.at("application/json").at("schema").at("properties").at("nextCursor").at("type") ==
        json::array({"string", "null"}));
}

TEST_CASE("the table is sound") {
  std::set<std::string> seen;
  for (const Route& route : routes()) {
    INFO(route.method << " " << route.pattern);
    CHECK(seen.insert(std::string(route.method) + " " + std::string(route.pattern)).second);
    CHECK_FALSE(route.summary.empty());
    CHECK_FALSE(route.tag.empty());
    if (route.method == "GET") CHECK(route.body == nullptr);
    if (route.method != "GET") CHECK(route.capability != Capability::none);
    if (route.pattern.find("/send-") != std::string_view::npos) CHECK(route.capability == Capability::send);
  }
}
