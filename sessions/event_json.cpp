#include "sessions/event_json.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

namespace wharf::sessions {
namespace {

// Appends members to one flat object. Events are the hottest JSON of the daemon, and a value tree per event would cost
// a dozen allocations for what is one string.
class ObjectWriter {
 public:
  explicit ObjectWriter(std::size_t reserve = 256) {
    out_.reserve(reserve);
    out_.push_back('{');
  }
  ObjectWriter& text(std::string_view key, std::string_view value) {
    name(key);
    quoted(value);
    return *this;
  }
  ObjectWriter& text_if(std::string_view key, std::string_view value) { return value.empty() ? *this : text(key, value); }
  ObjectWriter& number(std::string_view key, std::int64_t value) {
    name(key);
    char digits[24];
    const auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    out_.append(digits, end);
    return *this;
  }
  ObjectWriter& boolean(std::string_view key, bool value) {
    name(key);
    out_ += value ? "true" : "false";
    return *this;
  }
  ObjectWriter& raw(std::string_view key, std::string_view json) {
    name(key);
    out_ += json;
    return *this;
  }
  ObjectWriter& person(std::string_view prefix, const PersonIds& ids) {
    if (ids.pn) text(std::string(prefix) + "Pn", ids.pn->to_string());
    if (ids.lid) text(std::string(prefix) + "Lid", ids.lid->to_string());
    return *this;
  }
  ObjectWriter& metadata(const std::string& json) { return json.empty() ? *this : raw("metadata", json); }
  std::string done() {
    out_.push_back('}');
    return std::move(out_);
  }

  static void quote_into(std::string& out, std::string_view value) {
    out.push_back('"');
    for (const char c : value) {
      switch (c) {
        case '"': out += "\\\""; break;
        case '\\': out += "\\\\"; break;
        case '\n': out += "\\n"; break;
        case '\r': out += "\\r"; break;
        case '\t': out += "\\t"; break;
        default:
          if (static_cast<unsigned char>(c) < 0x20) {
            constexpr char digits[] = "0123456789abcdef";
            out += "\\u00";
            out.push_back(digits[(c >> 4) & 15]);
            out.push_back(digits[c & 15]);
          } else {
            out.push_back(c);
          }
      }
    }
    out.push_back('"');
  }

 private:
  void name(std::string_view key) {
    if (out_.size() > 1) out_.push_back(',');
    out_.push_back('"');
    out_ += key;
    out_ += "\":";
  }
  void quoted(std::string_view value) { quote_into(out_, value); }
  std::string out_;
};

}  // namespace

std::string message_event_json(const storage::MessageRow& row, const PersonIds& chat, const PersonIds& author,
                               const std::string& metadata_json) {
  ObjectWriter out(320 + row.body.size());
  out.text("id", row.id).text("chat", row.chat.to_string()).person("chat", chat);
  out.boolean("isGroup", row.chat.is_group()).boolean("fromMe", row.from_me);
  out.text("author", row.author.to_string()).person("author", author).text_if("pushName", row.push_name);
  out.text("kind", row.kind).text("body", row.body).text_if("quotedId", row.quoted_id);
  if (!row.mentions.empty()) {
    std::string list = "[";
    for (const Jid& jid : row.mentions) {
      if (list.size() > 1) list.push_back(',');
      ObjectWriter::quote_into(list, jid.to_string());
    }
    out.raw("mentions", list + "]");
  }
  out.number("timestamp", row.timestamp).number("ack", static_cast<int>(row.ack));
  return out.metadata(metadata_json).done();
}

std::string ack_event_json(const std::string& id, const Jid& chat, const PersonIds& chat_ids, storage::AckLevel level,
                           const std::string& error, UnixMs at, const std::string& metadata_json) {
  ObjectWriter out;
  out.text("id", id).text("chat", chat.to_string()).person("chat", chat_ids).boolean("fromMe", true);
  out.number("ack", static_cast<int>(level)).text_if("error", error).number("timestamp", at);
  return out.metadata(metadata_json).done();
}

std::string qr_event_json(const QrCode& qr, const std::string& metadata_json) {
  return ObjectWriter().text("qr", qr.text).number("expiresAt", qr.expires_at).metadata(metadata_json).done();
}

std::string linked_event_json(const Jid& jid, const Jid& lid, const std::string& push_name,
                              const std::string& metadata_json) {
  ObjectWriter out;
  out.text("jid", jid.to_string()).text_if("lid", lid.empty() ? "" : lid.to_string()).text_if("pushName", push_name);
  return out.metadata(metadata_json).done();
}

std::string reason_json(const Reason& reason) {
  ObjectWriter out;
  out.text("code", reason.code).text("message", reason.message).text("nextStep", reason.next_step);
  if (reason.until) out.number("until", *reason.until);
  return out.done();
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
  ObjectWriter out;
  out.text("status", name(status)).text("connection", name(connection));
  if (reason) out.raw("reason", reason_json(*reason));
  return out.metadata(metadata_json).done();
}

std::string contact_event_json(const Jid& user, const PersonIds& ids, std::string_view change,
                               const std::string& metadata_json) {
  ObjectWriter out;
  out.text("id", user.to_string());
  if (ids.pn) out.text("pn", ids.pn->to_string());
  if (ids.lid) out.text("lid", ids.lid->to_string());
  return out.text("change", change).metadata(metadata_json).done();
}

}  // namespace wharf::sessions
