// The OpenAPI 3.1 document, generated from the routing table and its schemas: what is validated is what is documented.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "api/examples.h"
#include "api/handlers.h"
#include "api/schemas.h"
#include "api/sending.h"

namespace wharf::api {
namespace {

constexpr std::int64_t unbounded = std::numeric_limits<std::int64_t>::max();

/// Of texts, or of integers, whose choices are written as JSON has them.
void write_enum(JsonWriter& out, const Field& field) {
  std::string_view choices = field.one_of;
  out.key("enum").begin_array();
  while (!choices.empty()) {
    const std::size_t bar = choices.find('|');
    const std::string_view choice = choices.substr(0, bar);
    if (field.type == Type::integer) out.raw(choice);
    else out.text(choice);
    choices = bar == std::string_view::npos ? std::string_view{} : choices.substr(bar + 1);
  }
  if (field.nullable) out.null();
  out.end_array();
}

void write_type(JsonWriter& out, std::string_view type, bool nullable) {
  if (!nullable) {
    out.text("type", type);
    return;
  }
  out.key("type").begin_array().text(type).text("null").end_array();
}

void write_bounds(JsonWriter& out, const Field& field, std::string_view min_name, std::string_view max_name) {
  if (field.min != 0) out.number(min_name, field.min);
  if (field.max != unbounded) out.number(max_name, field.max);
}

void write_format(JsonWriter& out, const web::Format* format) {
  if (!format) return;
  out.text_if("pattern", format->pattern);
  out.text_if("format", format->keyword);
}

void write_reference(JsonWriter& out, const Schema& schema) {
  out.begin_object().text("$ref", fmt::format("#/components/schemas/{}", schema.name)).end_object();
}

void write_field(JsonWriter& out, const Field& field) {
  if (field.type == Type::object && field.object && !field.nullable) return write_reference(out, *field.object);
  out.begin_object();
  out.text_if("description", field.summary);
  if (field.later) out.text("x-status", "not_implemented");
  switch (field.type) {
    case Type::text:
      write_type(out, "string", field.nullable);
      write_bounds(out, field, "minLength", "maxLength");
      if (!field.one_of.empty()) write_enum(out, field);
      write_format(out, field.format);
      break;
    case Type::number:
      write_type(out, "number", field.nullable);
      out.number("minimum", field.min).number("maximum", field.max);
      break;
    case Type::integer:
      write_type(out, "integer", field.nullable);
      if (!field.one_of.empty()) write_enum(out, field);
      else if (!field.clamped && (field.min != 0 || field.max != unbounded)) {
        out.number("minimum", field.min);
        if (field.max != unbounded) out.number("maximum", field.max);
      } else if (!field.clamped) {
        out.number("minimum", 0);
      }
      break;
    case Type::boolean: write_type(out, "boolean", field.nullable); break;
    case Type::texts:
      write_type(out, "array", field.nullable);
      out.key("items").begin_object().text("type", "string");
      write_format(out, field.format);
      out.end_object();
      write_bounds(out, field, "minItems", "maxItems");
      break;
    case Type::objects:
      write_type(out, "array", field.nullable);
      if (field.object) write_reference(out.key("items"), *field.object);
      else out.key("items").begin_object().text("type", "object").end_object();
      write_bounds(out, field, "minItems", "maxItems");
      break;
    case Type::text_map:
      write_type(out, "object", field.nullable);
      out.key("additionalProperties").begin_object().text("type", "string").end_object();
      break;
    case Type::any: break;
    case Type::object:
      if (field.object) {
        out.key("oneOf").begin_array();
        write_reference(out, *field.object);
        out.begin_object().text("type", "null").end_object().end_array();
      } else {
        write_type(out, "object", field.nullable);
      }
      break;
  }
  out.end_object();
}

/// Where a file comes from: exactly one of these.
struct SourceField {
  std::string_view name, summary;
};
constexpr SourceField file_source{"file", "parts of the form"};
constexpr SourceField text_sources[] = {
    {"data", "a data URL or base64"},
    {"url", "fetched from an address"},
    {"mediaMessageId", "the file of a stored message"},
    {"files", "several files, a message of each"},
};

void write_sources(JsonWriter& out, std::span<const SourceField> sources) {
  for (const SourceField& source : sources) {
    out.begin_object().text("title", source.summary);
    out.key("required").begin_array().text(source.name).end_array().end_object();
  }
}

/// Fields of which a body names at least one.
struct Alternatives {
  const Schema* schema;
  std::string_view one, other;
};
const Alternatives alternatives[] = {
    {&schemas::save_contact, "fullName", "firstName"},
    {&schemas::decide_requests, "approve", "reject"},
    {&schemas::change_excluded, "add", "remove"},
};
void write_alternatives(JsonWriter& out, const Alternatives& row) {
  out.key("anyOf").begin_array();
  for (const std::string_view name : {row.one, row.other})
    out.begin_object().key("required").begin_array().text(name).end_array().end_object();
  out.end_array();
}

void write_schema(JsonWriter& out, const Schema& schema) {
  out.begin_object().text("type", "object").key("properties").begin_object();
  for (const Field& field : schema.fields) write_field(out.key(field.name), field);
  out.end_object().key("required").begin_array();
  for (const Field& field : schema.fields)
    if (field.required) out.text(field.name);
  out.end_array();
  for (const Schema* change : {&schemas::update_channel, &schemas::update_group, &schemas::update_privacy,
                               &schemas::update_session, &schemas::update_webhook})
    if (&schema == change) out.number("minProperties", 1);
  for (const Alternatives& row : alternatives)
    if (&schema == row.schema) write_alternatives(out, row);
  if (schema.name == "File") {
    out.key("oneOf").begin_array();
    write_sources(out, std::span(text_sources).first(3));  // no list in a list
    out.end_array();
  }
  out.end_object();
}

void collect(const Schema* schema, std::map<std::string_view, const Schema*>& schemas) {
  if (!schema || schema->name.empty() || !schemas.emplace(schema->name, schema).second) return;
  for (const Field& field : schema->fields) collect(field.object, schemas);
}

/// The form of what stands in a path, where it has one that the route insists on.
std::string_view form_of(std::string_view parameter) {
  if (parameter == "serverId") return "^0*[1-9][0-9]*$";
  if (parameter == "code") return "^[A-Za-z0-9_-]{10,64}$";
  return {};
}

void write_path_parameters(JsonWriter& out, std::string_view pattern) {
  for (std::size_t at = pattern.find('{'); at != std::string_view::npos; at = pattern.find('{', at + 1)) {
    const std::string_view name = pattern.substr(at + 1, pattern.find('}', at) - at - 1);
    out.begin_object().text("name", name).text("in", "path").boolean("required", true);
    out.key("schema").begin_object().text("type", "string").text_if("pattern", form_of(name));
    out.end_object().end_object();
  }
}

void write_header_parameter(JsonWriter& out, std::string_view name, std::string_view description,
                            std::int64_t max_length = 0) {
  out.begin_object().text("name", name).text("in", "header").text("description", description);
  out.boolean("required", false).key("schema").begin_object().text("type", "string");
  if (max_length != 0) out.number("maxLength", max_length);
  out.end_object().end_object();
}

void write_parameters(JsonWriter& out, const Route& route) {
  out.key("parameters").begin_array();
  write_path_parameters(out, route.pattern);
  if (route.query) {
    for (const Field& field : route.query->fields) {
      out.begin_object().text("name", field.name).text("in", "query").text_if("description", field.summary);
      out.boolean("required", field.required);
      write_field(out.key("schema"), field);
      out.end_object();
    }
  }
  if (route.budget == Budget::message || route.body == &schemas::create_group)
    write_header_parameter(out, "Idempotency-Key", "the same request again under it is answered as the first one was",
                           255);
  if (route.gives_file) {
    write_header_parameter(out, "Range", "bytes=<first>-<last>; one range: several are answered with the whole");
    write_header_parameter(out, "If-Range", "an ETag: of another version the whole is answered");
    write_header_parameter(out, "If-None-Match", "ETags that are here already");
  }
  out.end_array();
}

void write_error(JsonWriter& out, std::string_view status, std::string_view description) {
  out.key(status).begin_object().text("description", description).key("content").begin_object();
  out.key("application/json").begin_object().key("schema").begin_object().text("$ref", "#/components/schemas/Error");
  out.end_object().end_object().end_object().end_object();
}

/// The same fields as parts of a form, and the files as others.
void write_form(JsonWriter& out, const Route& route) {
  out.key("multipart/form-data").begin_object().key("schema").begin_object().key("allOf").begin_array();
  write_reference(out, *route.body);
  out.begin_object().text("type", "object").key("properties").begin_object().key("file").begin_object();
  out.text("type", "array").number("minItems", 1).number("maxItems", 10);
  out.text("description", "the file, or several in parts of one name; any part with a filename is one");
  out.key("items").begin_object().text("type", "string").text("contentMediaType", "application/octet-stream");
  out.end_object().end_object().end_object().end_object().end_array();
  out.key("oneOf").begin_array();
  write_sources(out, std::span(&file_source, 1));
  write_sources(out, text_sources);
  out.end_array().end_object().end_object();
}

/// A body in JSON: its fields, of which a file wants one source, and each type of message its own.
void write_json_body(JsonWriter& out, const Route& route) {
  if (!route.files) return write_reference(out, *route.body);
  out.begin_object().key("allOf").begin_array();
  write_reference(out, *route.body);
  out.end_array().key("oneOf").begin_array();
  if (route.body == &schemas::post_status) {
    constexpr SourceField text{"content", "a text"};
    write_sources(out, std::span(&text, 1));
    write_sources(out, std::span(text_sources).first(3));
  } else if (route.body != &schemas::send_any) {
    write_sources(out, text_sources);
  } else {
    for (const MessageType& type : message_types()) {
      out.begin_object().text("title", type.name).key("allOf").begin_array();
      write_reference(out, *type.schema);
      out.end_array().key("properties").begin_object().key("type").begin_object().text("const", type.name);
      out.end_object().end_object();
      if (type.has_file) {
        out.key("oneOf").begin_array();
        write_sources(out, text_sources);
        out.end_array();
      }
      out.end_object();
    }
  }
  out.end_array().end_object();
}

void write_examples(JsonWriter& out, const Route& route) {
  bool any = false;
  for (const Example& example : examples()) {
    if (example.schema != route.body) continue;
    if (!std::exchange(any, true)) out.key("examples").begin_object();
    out.key(example.name).begin_object().raw("value", example.json).end_object();
  }
  if (any) out.end_object();
}

/// What is answered with the bytes of a file, or in place of them.
void write_file_answers(JsonWriter& out) {
  const auto header = [&out](std::string_view name, std::string_view description) {
    out.key(name).begin_object().text("description", description);
    out.key("schema").begin_object().text("type", "string").end_object().end_object();
  };
  const auto answer = [&](std::string_view status, std::string_view description, bool bytes, bool range) {
    out.key(status).begin_object().text("description", description).key("headers").begin_object();
    header("ETag", "of this version of the file, which never changes");
    header("Accept-Ranges", "bytes");
    if (range) header("Content-Range", "which bytes of how many");
    if (bytes) header("Content-Disposition", "its name; inline, or attachment: to be saved");
    out.end_object();
    if (bytes) {
      out.key("content").begin_object().key("*/*").begin_object().key("schema").begin_object();
      out.text("type", "string").text("contentMediaType", "application/octet-stream");
      out.text("description", "the bytes, under the type of the file").end_object().end_object().end_object();
    }
    out.end_object();
  };
  answer("200", "the file", true, false);
  answer("206", "the range of it that was asked for", true, true);
  answer("304", "the version that If-None-Match names is still the one", false, false);
  answer("416", "no byte of the file is in the range", false, true);
  write_error(out, "409", "the session has to be connected to fetch it");
  write_error(out, "410", "nobody has the file any more (MEDIA_GONE)");
  write_error(out, "502",
              "WhatsApp's servers do not give it, or not the announced one (MEDIA_FETCH_FAILED, MEDIA_DAMAGED)");
  write_error(out, "504", "WhatsApp or the phone did not answer");
}

/// What WhatsApp says of a request to it, and how it can fail on the way.
void write_asked_errors(JsonWriter& out) {
  write_error(out, "403", "the account may not: it is not a member, not an admin, or a person hides it");
  write_error(
      out, "409",
      "the session is not connected (SESSION_NOT_READY), or the group is not as the request supposes (GROUP_CONFLICT)");
  write_error(out, "502", "WhatsApp refused it otherwise; its code is in the message");
  write_error(out, "504", "WhatsApp did not answer");
}

void write_answer(JsonWriter& out, const Route& route, unsigned status, std::string_view description) {
  out.key(std::to_string(status)).begin_object();
  if (route.websocket) {
    out.text("description", "a WebSocket; every text message is an Event").end_object();
    return;
  }
  out.text("description", description);
  if (status == 204) {
    out.end_object();
    return;
  }
  out.key("content").begin_object().key(route.media_type).begin_object().key("schema").begin_object();
  if (route.media_type == "application/json") {
    out.text("type", "object").key("properties").begin_object();
    out.key("success").begin_object().boolean("const", true).end_object();
    out.key("message").begin_object().text("type", "string").end_object();
    if (route.answer && route.answer_is_list) {
      out.key("data").begin_object().text("type", "array");
      write_reference(out.key("items"), *route.answer);
      out.end_object().key("nextCursor").begin_object();
      write_type(out, "string", true);
      out.text("description", "opaque; null: this was the last page").end_object();
      if (route.handler == search_messages || route.query == &schemas::messages_query)
        out.key("complete")
            .begin_object()
            .text("type", "boolean")
            .text("description", "of a search: false while older messages, or too many new ones, are not indexed yet")
            .end_object();
    } else if (route.answer) {
      write_reference(out.key("data"), *route.answer);
    }
    out.end_object();
  } else {
    out.text("type", "string");
  }
  out.end_object().end_object().end_object().end_object();
}

std::string operation_id(const Route& route) {
  std::string id(route.method);
  for (const char c : route.pattern) id.push_back(std::isalnum(static_cast<unsigned char>(c)) ? c : '_');
  return id;
}

/// A person, chat or message stands in the path, whose id can be wrong by its looks.
bool names_one(std::string_view pattern) {
  for (const std::string_view id : {"{chatId}", "{contactId}", "{messageId}", "{groupId}", "{channelId}"})
    if (pattern.find(id) != std::string_view::npos) return true;
  return false;
}

bool can_wait(const Route& route) {
  if (route.query == nullptr) return false;
  const auto& fields = route.query->fields;
  return std::any_of(fields.begin(), fields.end(), [](const Field& field) { return field.name == "waitFor"; });
}

void write_operation(JsonWriter& out, const Route& route) {
  std::string method(route.method);
  for (char& c : method) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  out.key(method).begin_object().text("operationId", operation_id(route)).text("summary", route.summary);
  out.key("tags").begin_array().text(route.tag).end_array().text("x-capability", name(route.capability));
  const bool built = route.handler && !route.later;
  if (!built) out.text("x-status", "not_implemented");
  write_parameters(out, route);
  if (route.body) {
    out.key("requestBody").begin_object().boolean("required", true).key("content").begin_object();
    out.key("application/json").begin_object();
    write_json_body(out.key("schema"), route);
    write_examples(out, route);
    out.end_object();
    if (route.files) write_form(out, route);
    out.end_object().end_object();
  }
  out.key("responses").begin_object();
  if (!built) {
    write_error(out, "501", "not implemented yet");
    if (route.body) write_error(out, "400", "bad fields, all listed in details");
    if (route.handler) write_error(out, "404", "not found");
  } else {
    if (route.gives_file) write_file_answers(out);
    else write_answer(out, route, route.success, route.summary);
    if (route.may_be_empty)
      out.key("204").begin_object().text("description", "done, and there is nothing to show").end_object();
    const bool waits = route.budget == Budget::message && can_wait(route);
    if (waits)
      write_answer(out, route, 202, "waitFor was asked and its time is over: how far the message has got by then");
    if (route.body || route.query || route.asks_whatsapp || names_one(route.pattern))
      write_error(out, "400", "bad fields, all listed in details");
    if (route.pattern.find('{') != std::string_view::npos) write_error(out, "404", "not found");
    if (route.budget == Budget::message)
      write_error(out, "409", "the key or id stands for another request, or the session is not linked");
    if (route.asks_whatsapp) write_asked_errors(out);
    else if (!route.conflict.empty()) write_error(out, "409", route.conflict);
    if (route.files) write_error(out, "410", "the file of mediaMessageId is gone everywhere");
    if (route.files) write_error(out, "413", "a file or the fields beside it are too large");
    if (route.body)
      write_error(out, "415",
                  route.files ? "neither application/json nor multipart/form-data" : "not application/json");
    if (route.files && route.asks_whatsapp) write_error(out, "422", "the file is no picture (MEDIA_UNUSABLE)");
    else if (waits)
      write_error(
          out, "422",
          route.files
              ? "a file is not what the route sends (MEDIA_UNUSABLE), or waitFor was asked and the message failed, or "
                "never gets that far"
              : "waitFor was asked and the message failed, for example because the number is not on WhatsApp, or "
                "never gets that far (a post in a channel)");
    if (route.handler == set_presence) write_error(out, "501", "the session has no connected client to show it with");
    if (route.handler == reject_call) write_error(out, "501", "it is a call of a group");
    if (route.files && !route.asks_whatsapp)
      write_error(out, "502", "the server of url, or WhatsApp's, did not give the file");
    if (route.websocket) write_error(out, "426", "not a WebSocket request");
    write_error(out, "429", "over a rate limit; Retry-After says when");
  }
  write_error(out, "default", "any other error");
  out.end_object().end_object();
}

void write_error_schema(JsonWriter& out) {
  std::set<std::string_view> codes;
  for (const ErrorRow& row : error_rows()) codes.insert({row.openwa, row.gateway});
  out.key("Error").begin_object().text("type", "object").key("properties").begin_object();
  out.key("success").begin_object().boolean("const", false).end_object();
  out.key("error").begin_object().text("type", "object").key("properties").begin_object();
  out.key("code").begin_object().text("type", "string").key("enum").begin_array();
  for (const std::string_view code : codes) out.text(code);
  out.end_array().end_object();
  out.key("message").begin_object().text("type", "string").end_object();
  out.key("details")
      .begin_object()
      .text("type", "object")
      .text("description", "bad field: what is wrong and what is allowed")
      .end_object();
  out.end_object().end_object().end_object().end_object();
}

/// An event as a webhook gets it, and all other readers too.
void write_event(JsonWriter& out, const schemas::EventData& told) {
  out.key(told.event).begin_object().key("post").begin_object().text("summary", told.summary);
  out.key("requestBody").begin_object().boolean("required", true).key("content").begin_object();
  out.key("application/json").begin_object().key("schema").begin_object().key("allOf").begin_array();
  write_reference(out, schemas::event);
  out.begin_object().text("type", "object").key("properties").begin_object();
  out.key("event").begin_object().text("const", told.event).end_object();
  write_reference(out.key("data"), *told.data);
  out.end_object().end_object().end_array().end_object();
  out.key("examples").begin_object().key(told.event).begin_object().key("value").begin_object();
  out.text("event", told.event).text("sessionId", "my-bot").text("id", "1207");
  out.text("timestamp", "2026-11-28T21:06:40.000Z").key("data").raw(told.example);
  out.end_object().end_object().end_object().end_object().end_object().end_object();
  out.key("responses").begin_object().key("2XX").begin_object().text("description", "the event is taken");
  out.end_object().end_object().end_object().end_object();
}

}  // namespace

std::string openapi_document(std::span<const Route> table, std::string_view version) {
  JsonWriter out(128u << 10);
  out.begin_object().text("openapi", "3.1.0").key("info").begin_object();
  out.text("title", "Wharf").text("version", version.empty() ? "0" : version);
  out.text("description",
           "A WhatsApp gateway. Message objects and error codes come in two dialects: openwa (default) and "
           "gateway (Accept: application/json; profile=gateway).");
  out.end_object();

  std::map<std::string_view, const Schema*> schemas;
  std::vector<std::string_view> paths;  // in order of first appearance
  for (const Route& route : table) {
    collect(route.body, schemas);
    collect(route.answer, schemas);
    if (std::find(paths.begin(), paths.end(), route.pattern) == paths.end()) paths.push_back(route.pattern);
  }
  out.key("paths").begin_object();
  for (const std::string_view path : paths) {
    out.key(path).begin_object();
    for (const Route& route : table)
      if (route.pattern == path) write_operation(out, route);
    out.end_object();
  }
  out.end_object().key("webhooks").begin_object();
  for (const schemas::EventData& told : schemas::event_data()) {
    write_event(out, told);
    collect(told.data, schemas);
  }
  out.end_object().key("components").begin_object().key("schemas").begin_object();
  for (const auto& [name, schema] : schemas) write_schema(out.key(name), *schema);
  write_error_schema(out);
  return out.end_object().end_object().end_object().take();
}

}  // namespace wharf::api
