#include "api/session_json.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include <algorithm>

#include "api/chat_id.h"
#include "api/dialect.h"
#include "api/iso_time.h"
#include "api/schemas.h"
#include "api/validation.h"
#include "sessions/config_json.h"

namespace wharf::api {
namespace {

namespace json = boost::json;

// The stored configuration without what nobody should read back.
std::string shown_config(const std::string& stored) {
  if (stored.empty()) return "{}";
  if (stored.find("\"password\"") == std::string::npos) return stored;
  boost::system::error_code failed;
  json::value value = json::parse(stored, failed);
  if (failed || !value.is_object()) return "{}";
  if (json::value* proxy = value.get_object().if_contains("proxyServerCredentials"); proxy && proxy->is_object()) {
    if (json::value* password = proxy->get_object().if_contains("password")) *password = "***";
  }
  return json::serialize(value);
}

json::object known_members(const json::object& object, const Schema& schema) {
  json::object out;
  for (const Field& field : schema.fields) {
    const json::value* value = object.if_contains(field.name);
    if (!value || value->is_null()) continue;
    if (field.object) out[field.name] = known_members(value->get_object(), *field.object);
    else out[field.name] = *value;
  }
  return out;
}

}  // namespace

void write_me(JsonWriter& out, const sessions::SessionView& view, Dialect dialect) {
  if (view.jid.empty()) {
    out.null();
    return;
  }
  const std::string user = view.jid.user_jid().to_string();
  out.begin_object().text("id", jid_text(user, {}, dialect)).text("jid", view.jid.to_string());
  if (!view.lid.empty()) out.text("lid", view.lid.user_jid().to_string());
  out.text("pushname", view.push_name).text_if("platform", view.platform);
  if (view.shows_online) out.text("presence", *view.shows_online ? "available" : "unavailable");
  out.end_object();
}

void write_session_status(JsonWriter& out, const sessions::SessionView& view) {
  out.text("status", name(view.status)).text("connection", name(view.connection));
  if (view.reason) write_reason(out.key("reason"), *view.reason, view.name);
}

void write_session(JsonWriter& out, const sessions::SessionView& view, std::string_view org, Dialect dialect,
                   const std::string& qr_code) {
  out.begin_object().text("sessionId", view.name).text("org", org);
  write_session_status(out, view);
  out.text("createdAt", iso_seconds(view.created_at)).text("lastActivity", iso_seconds(view.last_activity));
  out.raw("config", shown_config(view.config_json));
  if (!view.metadata_json.empty()) out.raw("metadata", view.metadata_json);
  write_me(out.key("me"), view, dialect);
  out.number("queued", static_cast<std::int64_t>(view.queued));
  if (view.pairing_code) out.text("pairingCode", *view.pairing_code);
  if (view.qr) {
    out.text_if("qrCode", qr_code).text("qr", view.qr->text).text("expiresAt", iso_seconds(view.qr->expires_at));
  }
  out.end_object();
}

ParsedConfig session_config_from_json(const json::object& config) {
  ParsedConfig out;
  json::object known = known_members(config, schemas::session_config);
  const bool proxied = known.contains("proxyServerCredentials");
  if (proxied) {
    json::object& proxy = known["proxyServerCredentials"].get_object();
    if (!proxy.contains("protocol")) proxy["protocol"] = "http";
  }
  out.json = json::serialize(known);
  out.config = sessions::parse_config(out.json);
  if (proxied && (!out.config.proxy || out.config.proxy->port == 0)) out.address_problem = "must be host:port";
  return out;
}

}  // namespace wharf::api
