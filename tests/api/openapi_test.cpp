// The document is generated from the table; this walks the table against the document, so that neither can drift.
#include <algorithm>
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <set>

#include "api/chat_id.h"
#include "api/handlers.h"
#include "api/schemas.h"
#include "api/sending.h"
#include "protocol/account/profile.h"
#include "protocol/groups/invite.h"
#include "protocol/messages/body.h"
#include "tests/support/json_schema.h"

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

TEST_CASE("every example is valid by the schema beside it, and every body and kind of message has one") {
  const json::object document = json::parse(openapi_document(routes(), "1")).as_object();
  const wharf::test::JsonSchema json_schema(document);
  std::set<std::string> of_types;
  std::size_t seen = 0;
  for (const Route& route : routes()) {
    if (!route.body || !route.handler) continue;
    INFO(route.method << " " << route.pattern);
    const json::object& operation = document.at("paths").at(route.pattern).at(lower(route.method)).as_object();
    const json::object& body = operation.at("requestBody").at("content").at("application/json").as_object();
    REQUIRE(body.contains("examples"));
    for (const auto& example : body.at("examples").as_object()) {
      INFO(example.key());
      ++seen;
      const json::object& value = example.value().at("value").as_object();
      CHECK(json_schema.admits(body.at("schema"), value));
      std::vector<FieldProblem> problems;
      validate(value, *route.body, Unknown::refused, problems);
      CHECK(problems.empty());
      if (route.body != &schemas::send_any) continue;
      of_types.insert(std::string(value.at("type").as_string()));
      CHECK(std::string_view(example.key()).starts_with(std::string_view(value.at("type").as_string())));
    }
  }
  CHECK(seen >= 30);
  for (const MessageType& type : message_types()) CHECK(of_types.contains(std::string(type.name)));
}

TEST_CASE("a file has exactly one source in the document, as at the door") {
  const json::object document = json::parse(openapi_document(routes(), "1")).as_object();
  const wharf::test::JsonSchema json_schema(document);
  const auto schema = [&](const char* path, const char* type) -> const json::value& {
    return document.at("paths").at(path).at("post").at("requestBody").at("content").at(type).at("schema");
  };
  const json::value& image = schema("/api/v1/sessions/{sessionId}/send-image", "application/json");
  const auto admitted = [&](const json::value& in, const char* body) {
    return json_schema.admits(in, json::parse(body));
  };
  CHECK(admitted(image, R"({"chatId":"1","data":"x"})"));
  CHECK(admitted(image, R"({"chatId":"1","files":[{"url":"x"},{"data":"x"}]})"));
  CHECK_FALSE(admitted(image, R"({"chatId":"1"})"));
  CHECK_FALSE(admitted(image, R"({"chatId":"1","data":"x","url":"x"})"));
  CHECK_FALSE(admitted(image, R"({"chatId":"1","file":["x"]})"));
  CHECK_FALSE(admitted(image, R"({"chatId":"1","files":[{"url":"x","data":"x"}]})"));
  CHECK_FALSE(admitted(image, R"({"data":"x"})"));
  const json::value& form = schema("/api/v1/sessions/{sessionId}/send-image", "multipart/form-data");
  CHECK(admitted(form, R"({"chatId":"1","file":["x","y"]})"));
  CHECK_FALSE(admitted(form, R"({"chatId":"1","file":["x"],"url":"x"})"));
  const json::value& any = schema("/api/v1/sessions/{sessionId}/messages", "application/json");
  CHECK(admitted(any, R"({"type":"text","chatId":"1","content":"x"})"));
  CHECK_FALSE(admitted(any, R"({"type":"text","chatId":"1"})"));
  CHECK(admitted(any, R"({"type":"sticker","chatId":"1","url":"x"})"));
  CHECK_FALSE(admitted(any, R"({"type":"sticker","chatId":"1"})"));
}

TEST_CASE("the answers with the bytes of a file are in the document") {
  const json::object document = json::parse(openapi_document(routes(), "1")).as_object();
  const std::string path = GENERATE(as<std::string>{}, "/api/v1/sessions/{sessionId}/messages/{messageId}/media",
                                    "/api/v1/sessions/{sessionId}/channels/{channelId}/messages/{serverId}/media");
  const json::object& get = document.at("paths").at(path).at("get").as_object();
  const json::object& answers = get.at("responses").as_object();
  for (const char* status : {"200", "206", "304", "404", "410", "416", "502"}) CHECK(answers.contains(status));
  CHECK(answers.at("206").at("headers").as_object().contains("Content-Range"));
  CHECK(answers.at("200").at("headers").as_object().contains("ETag"));
  CHECK(answers.at("200").at("content").as_object().contains("*/*"));
  CHECK_FALSE(answers.at("304").as_object().contains("content"));
  std::set<std::string> headers;
  for (const json::value& parameter : get.at("parameters").as_array())
    if (parameter.at("in") == "header") headers.insert(std::string(parameter.at("name").as_string()));
  CHECK(headers == std::set<std::string>{"Range", "If-Range", "If-None-Match"});
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

TEST_CASE("statuses that a route can answer are in the document, and others are not") {
  const json::object document = json::parse(openapi_document(routes(), "1")).as_object();
  const auto answers = [&document](const std::string& path, const char* method) {
    return document.at("paths").at("/api/v1/sessions/{sessionId}" + path).at(method).at("responses").as_object();
  };
  for (const char* of : {"/me", "/groups/{groupId}", "/channels/{channelId}"})
    CHECK(answers(std::string(of) + "/picture", "put").contains("422"));
  CHECK(answers("/status/posts/{messageId}/viewers", "get").contains("400"));
  CHECK(answers("/contacts/{contactId}/presence", "get").contains("400"));
  CHECK(answers("/contacts/{contactId}/presence", "post").contains("400"));
  for (const char* status : {"202", "422"}) {
    CHECK_FALSE(answers("/broadcasts", "post").contains(status));
    CHECK(answers("/send-text", "post").contains(status));
  }
  const json::object& schemas = document.at("components").at("schemas").as_object();
  CHECK(schemas.at("UpdateChannel").at("minProperties") == 1);
}

TEST_CASE("a change of nothing is none in the document either") {
  const json::object document = json::parse(openapi_document(routes(), "1")).as_object();
  const wharf::test::JsonSchema json_schema(document);
  const json::object& schemas = document.at("components").at("schemas").as_object();
  std::size_t changes = 0;
  for (const Route& route : routes()) {
    if (route.method != "PATCH") continue;
    INFO(route.pattern);
    ++changes;
    CHECK_FALSE(json_schema.admits(schemas.at(route.body->name), json::object()));
  }
  CHECK(changes >= 8);
  CHECK_FALSE(json_schema.admits(schemas.at("SaveContact"), json::object{{"saveOnPhone", true}}));
  CHECK(json_schema.admits(schemas.at("SaveContact"), json::object{{"firstName", "Ben"}}));
  CHECK_FALSE(json_schema.admits(schemas.at("DecideJoinRequests"), json::object()));
  CHECK(json_schema.admits(schemas.at("DecideJoinRequests"), json::object{{"reject", {"15550000002"}}}));
}

TEST_CASE("timers are choices, and those that the protocol knows") {
  for (const Schema* schema : {&schemas::set_disappearing, &schemas::set_default_timer}) {
    for (const std::uint32_t seconds : {0u, 1u, 3'600u, 86'400u, 86'401u, 604'800u, 7'776'000u, 7'776'001u}) {
      INFO(schema->name << " " << seconds);
      std::vector<FieldProblem> problems;
      validate(json::object{{"seconds", static_cast<std::int64_t>(seconds)}}, *schema, Unknown::refused, problems);
      CHECK(problems.empty() == wharf::protocol::is_disappearing_timer(seconds));
      CHECK(problems.empty() == wharf::protocol::acceptable_default_timer(seconds));
    }
  }
}

TEST_CASE("ids that are taken, and cursors that are given, have the form that the document says") {
  const json::object document = json::parse(openapi_document(routes(), "1")).as_object();
  const wharf::test::JsonSchema json_schema(document);
  const json::object& schemas = document.at("components").at("schemas").as_object();
  const json::value& chat = schemas.at("SendText").at("properties").at("chatId");
  const json::value& people = schemas.at("SendBroadcast").at("properties").at("recipients");
  const json::value& groups = schemas.at("LinkedGroups").at("properties").at("groups");
  const json::value& posts = schemas.at("ViewPosts").at("properties").at("serverIds");
  for (const char* text : {"1234567890@c.us", "1234567890@s.whatsapp.net", "1234567890", "+1234567890",
                           "+1 234 567-890", "+1 (234) 567.890", "1234567890:7@s.whatsapp.net", "1234567890:7@c.us",
                           "+1 234 567-890@c.us", "205227043110953@lid", "205227043110953:4@lid"}) {
    INFO(text);
    REQUIRE(parse_chat_id(text));
    CHECK(json_schema.admits(chat, text));
    CHECK(json_schema.admits(people, {text}));
    CHECK_FALSE(json_schema.admits(groups, {text}));
  }
  for (const char* text : {"120363021234567890@g.us", "1234567890-1642694598@g.us"}) {
    CHECK(json_schema.admits(chat, text));
    CHECK(json_schema.admits(groups, {text}));
    CHECK_FALSE(json_schema.admits(people, {text}));
  }
  CHECK(json_schema.admits(chat, "120363021234567890@newsletter"));
  for (const char* text : {"", "hello", "hello@c.us", "1@example.com", "status@broadcast"}) {
    INFO(text);
    CHECK_FALSE(json_schema.admits(chat, text));
    CHECK_FALSE(json_schema.admits(people, {text}));
    CHECK_FALSE(json_schema.admits(groups, {text}));
  }
  CHECK(json_schema.admits(posts, {"101", "18446744073709551615"}));
  CHECK_FALSE(json_schema.admits(posts, {"-1"}));
  CHECK_FALSE(json_schema.admits(posts, {"0"}));
  const auto& of_invite = document.at("paths")
                              .at("/api/v1/sessions/{sessionId}/groups/invite/{code}")
                              .at("get")
                              .at("parameters")
                              .as_array();
  const auto code =
      std::find_if(of_invite.begin(), of_invite.end(), [](const json::value& one) { return one.at("name") == "code"; });
  REQUIRE(code != of_invite.end());
  for (const char* text : {"ABCDEFGHIJKLMNOPQRSTUV", "short", "p6GImVjW7t3_Cuz9", "../../etc/passwd"}) {
    INFO(text);
    CHECK(json_schema.admits(code->at("schema"), text) == wharf::protocol::groups::is_invite_code(text));
  }
  struct Row {
    const char* path;
    const char* cursor;
  };
  for (const Row& row :
       {Row{"/chats", "1700000000000.7"}, Row{"/groups", "g7"}, Row{"/contacts", "c7"}, Row{"/queue", "q7"},
        Row{"/messages", "m7.1700000000000"}, Row{"/chats/{chatId}/messages", "m7.1700000000000"},
        Row{"/status/posts", "m7.1700000000000"}, Row{"/channels/{channelId}/messages", "before-101"}}) {
    INFO(row.path);
    const json::value& get = document.at("paths").at(std::string("/api/v1/sessions/{sessionId}") + row.path).at("get");
    const auto& parameters = get.at("parameters").as_array();
    const auto cursor = std::find_if(parameters.begin(), parameters.end(),
                                     [](const json::value& one) { return one.at("name") == "cursor"; });
    REQUIRE(cursor != parameters.end());
    CHECK(json_schema.admits(cursor->at("schema"), row.cursor));
    CHECK_FALSE(json_schema.admits(cursor->at("schema"), "x"));
  }
}

TEST_CASE("what may be null may be so beside choices, and integers have theirs") {
  const json::object document = json::parse(openapi_document(routes(), "1")).as_object();
  const wharf::test::JsonSchema json_schema(document);
  const json::value& config = document.at("components").at("schemas").at("SessionConfig");
  for (const Field& field : schemas::session_config.fields) {
    INFO(field.name);
    CHECK(json_schema.admits(config, json::object{{field.name, nullptr}}));
  }
  CHECK_FALSE(json_schema.admits(config, json::object{{"presence", "away"}}));
  const json::value& font = document.at("components").at("schemas").at("PostStatus").at("properties").at("font");
  CHECK(json_schema.admits(font, 10));
  CHECK_FALSE(json_schema.admits(font, 3));
}

TEST_CASE("events whose data has a schema are in the document, each with an example") {
  const json::object document = json::parse(openapi_document(routes(), "1")).as_object();
  const wharf::test::JsonSchema json_schema(document);
  const json::object& hooks = document.at("webhooks").as_object();
  CHECK(hooks.size() == schemas::event_data().size());
  for (const schemas::EventData& told : schemas::event_data()) {
    INFO(told.event);
    const json::object& body =
        hooks.at(told.event).at("post").at("requestBody").at("content").at("application/json").as_object();
    const json::value& example = body.at("examples").at(told.event).at("value");
    CHECK(json_schema.admits(body.at("schema"), example));
    std::vector<FieldProblem> problems;
    validate(example.as_object(), schemas::event, Unknown::refused, problems);
    validate(example.at("data").as_object(), *told.data, Unknown::refused, problems);
    CHECK(problems.empty());
  }
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
