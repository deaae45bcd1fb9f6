// Renders events of the log. Their data is the neutral JSON of sessions/event_json.h; one writer per family of events.
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <spdlog/spdlog.h>

#include "api/chat_id.h"
#include "api/dialect.h"
#include "api/iso_time.h"
#include "api/validation.h"
#include "protocol/text.h"
#include "sessions/event_json.h"

namespace wharf::api {
namespace {

namespace json = boost::json;
using QrImage = std::function<std::string(const std::string&)>;

PersonText person_of(const json::object& data, std::string_view name) {
  const std::string key(name);
  PersonText out{std::string(text_of(data, key)), std::string(text_of(data, key + "Pn")),
                 std::string(text_of(data, key + "Lid"))};
  if (out.pn.empty() && out.id.ends_with("@s.whatsapp.net")) out.pn = out.id;
  if (out.lid.empty() && out.id.ends_with("@lid")) out.lid = out.id;
  return out;
}

MessageFacts message_of(const json::object& data, storage::UnixMs event_at) {
  MessageFacts m;
  m.id = text_of(data, "id");
  m.chat = person_of(data, "chat");
  m.author = person_of(data, "author");
  m.is_group = boolean_of(data, "isGroup", false);
  m.from_me = boolean_of(data, "fromMe", false);
  m.push_name = text_of(data, "pushName");
  m.kind = text_of(data, "kind");
  m.body = text_of(data, "body");
  m.quoted_id = text_of(data, "quotedId");
  m.mentions = texts_of(data, "mentions");
  m.timestamp = integer_of(data, "timestamp").value_or(event_at);
  m.created_at = event_at;
  m.ack = static_cast<int>(integer_of(data, "ack").value_or(0));
  m.error = text_of(data, "error");
  return m;
}

void write_ack(JsonWriter& out, const json::object& data, storage::UnixMs event_at, Dialect dialect) {
  const PersonText chat = person_of(data, "chat");
  const std::string chat_text = jid_text(chat.id, chat.pn, dialect);
  const auto ack = static_cast<int>(integer_of(data, "ack").value_or(0));
  const storage::UnixMs at = integer_of(data, "timestamp").value_or(event_at);
  const std::string_view id = text_of(data, "id");
  out.begin_object().text("id", message_id_text(chat_text, id, dialect));
  if (dialect == Dialect::gateway) {
    out.text("waMessageId", id).text("chatJid", chat_text).text_if("chatLid", chat.lid).number("ackLevel", ack);
  } else {
    out.text("chatId", chat_text).text_if("chatLid", chat.lid).text("to", chat_text).number("ack", ack);
  }
  out.text("status", ack_name(ack)).boolean("fromMe", boolean_of(data, "fromMe", true));
  out.text_if("error", text_of(data, "error")).number("timestamp", dialect == Dialect::gateway ? at : at / 1000);
  out.end_object();
}

void write_qr(JsonWriter& out, const json::object& data, const QrImage& qr_image) {
  const std::string text(text_of(data, "qr"));
  out.begin_object().text("qr", text).text_if("qrCode", qr_image ? qr_image(text) : std::string());
  if (const auto expires = integer_of(data, "expiresAt")) out.text("expiresAt", iso_seconds(*expires));
  out.end_object();
}

void write_linked(JsonWriter& out, const json::object& data, Dialect dialect) {
  const auto jid = protocol::Jid::parse(text_of(data, "jid"));
  const std::string own = jid ? jid->user_jid().to_string() : std::string();
  out.begin_object().text("id", jid_text(own, {}, dialect)).text("jid", text_of(data, "jid"));
  out.text_if("lid", text_of(data, "lid")).text_if("pushname", text_of(data, "pushName")).end_object();
}

void write_status(JsonWriter& out, const json::object& data) {
  out.begin_object().text("status", text_of(data, "status")).text("connection", text_of(data, "connection"));
  if (const json::value* reason = data.if_contains("reason")) {
    if (const auto parsed = sessions::parse_reason(json::serialize(*reason))) write_reason(out.key("reason"), *parsed);
  }
  out.end_object();
}

void write_contact(JsonWriter& out, const json::object& data, Dialect dialect) {
  out.begin_object().text("id", jid_text(text_of(data, "id"), text_of(data, "pn"), dialect));
  if (const auto pn = text_of(data, "pn"); !pn.empty()) out.text("pn", jid_text(pn, {}, dialect));
  out.text_if("lid", text_of(data, "lid")).text("change", text_of(data, "change")).end_object();
}

void write_data(JsonWriter& out, const storage::Event& event, const json::object& data, Dialect dialect,
                const QrImage& qr_image) {
  if (event.name == "message" || event.name == "message.sent")
    write_message(out, message_of(data, event.at), event.session_name, dialect);
  else if (event.name == "ack") write_ack(out, data, event.at, dialect);
  else if (event.name == "qr") write_qr(out, data, qr_image);
  else if (event.name == "authenticated" || event.name == "ready") write_linked(out, data, dialect);
  else if (event.name == "disconnected" || event.name == "session.status") write_status(out, data);
  else if (event.name == "contact.updated") write_contact(out, data, dialect);
  else out.raw(json::serialize(data));
}

}  // namespace

std::string event_text(const storage::Event& event, Dialect dialect, const QrImage& qr_image) {
  boost::system::error_code failed;
  json::value value = json::parse(event.data, failed);
  // A row of an older version may hold broken UTF-8: what people can read of it is shown.
  if (failed) value = json::parse(protocol::displayable(event.data), failed = {});
  const bool readable = !failed && value.is_object();
  json::object data = readable ? std::move(value.get_object()) : json::object();

  JsonWriter out(event.data.size() + 384);
  out.begin_object().text("event", event.name).text("sessionId", event.session_name).number("id", event.id);
  out.text("timestamp", iso_millis(event.at));
  if (const json::value* metadata = data.if_contains("metadata")) {
    out.raw("metadata", json::serialize(*metadata));
    data.erase("metadata");
  }
  out.key("data");
  if (!readable) {
    // Damaged on the disk. Never shown as an event that says nothing: a program would take that for a message.
    spdlog::error("event_unreadable id={} name={}", event.id, event.name);
    out.begin_object().boolean("unreadable", true).end_object().end_object();
    return out.take();
  }
  write_data(out, event, data, dialect, qr_image);
  out.end_object();
  return out.take();
}

}  // namespace wharf::api
