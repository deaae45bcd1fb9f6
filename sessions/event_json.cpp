#include "sessions/event_json.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "sessions/json_writer.h"

namespace wharf::sessions {
namespace {

void write_person(JsonWriter& out, std::string_view prefix, const PersonIds& ids) {
  if (ids.pn) out.text(std::string(prefix) + "Pn", ids.pn->to_string());
  if (ids.lid) out.text(std::string(prefix) + "Lid", ids.lid->to_string());
}

/// Ends the event's object, with the session's metadata in it.
std::string finish(JsonWriter& out, const std::string& metadata_json) {
  if (!metadata_json.empty()) out.raw("metadata", metadata_json);
  out.end_object();
  return out.take();
}

}  // namespace

std::string message_event_json(const storage::MessageRow& row, const PersonIds& chat, const PersonIds& author,
                               const std::string& metadata_json) {
  JsonWriter out(320 + row.body.size());
  out.begin_object();
  out.text("id", row.id).text("chat", row.chat.to_string());
  write_person(out, "chat", chat);
  out.boolean("isGroup", row.chat.is_group()).boolean("fromMe", row.from_me);
  out.text("author", row.author.to_string());
  write_person(out, "author", author);
  out.text_if("pushName", row.push_name);
  out.text("kind", row.kind).text("body", row.body).text_if("quotedId", row.quoted_id);
  if (!row.mentions.empty()) {
    out.key("mentions").begin_array();
    for (const Jid& jid : row.mentions) out.text(jid.to_string());
    out.end_array();
  }
  out.number("timestamp", row.timestamp).number("ack", static_cast<int>(row.ack));
  return finish(out, metadata_json);
}

std::string ack_event_json(const std::string& id, const Jid& chat, const PersonIds& chat_ids, storage::AckLevel level,
                           const std::string& error, UnixMs at, const std::string& metadata_json) {
  JsonWriter out;
  out.begin_object();
  out.text("id", id).text("chat", chat.to_string());
  write_person(out, "chat", chat_ids);
  out.boolean("fromMe", true);
  out.number("ack", static_cast<int>(level)).text_if("error", error).number("timestamp", at);
  return finish(out, metadata_json);
}

std::string qr_event_json(const QrCode& qr, const std::string& metadata_json) {
  JsonWriter out;
  out.begin_object().text("qr", qr.text).number("expiresAt", qr.expires_at);
  return finish(out, metadata_json);
}

std::string linked_event_json(const Jid& jid, const Jid& lid, const std::string& push_name,
                              const std::string& metadata_json) {
  JsonWriter out;
  out.begin_object();
  // The account, not its device: without a device suffix.
  out.text("jid", jid.user_jid().to_string());
  out.text_if("lid", lid.empty() ? "" : lid.user_jid().to_string()).text_if("pushName", push_name);
  return finish(out, metadata_json);
}

std::string reason_json(const Reason& reason) {
  JsonWriter out;
  out.begin_object();
  out.text("code", reason.code).text("message", reason.message).text("nextStep", reason.next_step);
  if (reason.until) out.number("until", *reason.until);
  return finish(out, {});
}

std::optional<Reason> parse_reason(const std::string& json) {
  if (json.empty()) return std::nullopt;
  boost::system::error_code failed;
  const boost::json::value value = boost::json::parse(json, failed);
  if (failed || !value.is_object()) return std::nullopt;
  const auto& object = value.get_object();
  const auto text = [&](std::string_view key) {
    const auto* member = object.if_contains(key);
    return member && member->is_string() ? std::string(member->get_string()) : std::string();
  };
  Reason reason{text("code"), text("message"), text("nextStep"), std::nullopt};
  if (const auto* until = object.if_contains("until"); until && until->is_int64()) reason.until = until->get_int64();
  if (reason.code.empty()) return std::nullopt;
  return reason;
}

std::string status_event_json(Status status, Connection connection, const std::optional<Reason>& reason,
                              const std::string& metadata_json) {
  JsonWriter out;
  out.begin_object();
  out.text("status", name(status)).text("connection", name(connection));
  if (reason) out.raw("reason", reason_json(*reason));
  return finish(out, metadata_json);
}

std::string contact_event_json(const Jid& user, const PersonIds& ids, std::string_view change,
                               const std::string& metadata_json) {
  JsonWriter out;
  out.begin_object();
  out.text("id", user.to_string());
  if (ids.pn) out.text("pn", ids.pn->to_string());
  if (ids.lid) out.text("lid", ids.lid->to_string());
  out.text("change", change);
  return finish(out, metadata_json);
}

}  // namespace wharf::sessions
