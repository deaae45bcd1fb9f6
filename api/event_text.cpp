// Renders events of the log from their values; one writer for each family of kinds.
#include <string>
#include <utility>

#include "api/chat_id.h"
#include "api/dialect.h"
#include "api/event_id.h"
#include "api/iso_time.h"
#include "events/event.h"

namespace wharf::api {
namespace {

/// A setting of a group as the routes name it; what they do not know stays as it came, in their spelling.
std::string setting_name(std::string_view field) {
  if (field == "subject") return "name";
  if (field == "ephemeral_seconds") return "disappearing";
  std::string out;
  bool word = false;
  for (const char c : field) {
    if (c == '_') word = true;
    else out += std::exchange(word, false) && c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return out;
}

/// The values of memberAddMode and memberLinkMode as the routes spell them.
std::string_view setting_value(std::string_view field, std::string_view value) {
  if (!field.ends_with("_mode")) return value;
  if (value.starts_with("admin_")) return "admins";
  return value.starts_with("all_member_") ? "all" : value;
}

using QrImage = std::function<std::string(const std::string&)>;

/// Writes `data`, an overload for each kind.
class DataWriter {
 public:
  DataWriter(JsonWriter& out, const storage::Event& event, Dialect dialect, const QrImage& qr_image)
      : out_(out), event_(event), dialect_(dialect), qr_image_(qr_image) {}

  void operator()(const events::NewMessage& e) const {
    const ShownMessage shown{e.message, e.chat_ids, e.author_ids, event_.at, nullptr, e.mention_ids};
    write_message(out_, shown, event_.session_name, dialect_);
  }

  void operator()(const events::StatusPosted& e) const {
    const events::PersonIds no_person;  // it is of no chat with somebody
    const ShownMessage shown{e.message, no_person, e.author_ids, event_.at, nullptr, e.mention_ids};
    write_message(out_, shown, event_.session_name, dialect_);
  }
  void operator()(const events::StatusDeleted& e) const {
    begin_about(e.about);
    out_.end_object();
  }

  void operator()(const events::StatusViewed& e) const {
    const PersonText viewer = person_text(e.viewer, e.viewer_ids);
    out_.begin_object().text("messageId", message_id_text(protocol::status_jid().to_string(), e.id, dialect_));
    out_.text("id", jid_text(viewer.id, viewer.pn, dialect_)).text_if("lid", viewer.lid);
    out_.number("viewedAt", in_units(e.at, dialect_)).end_object();
  }

  void operator()(const events::Ack& e) const {
    const PersonText chat = person_text(e.chat, e.chat_ids);
    const std::string chat_text = id_text(chat, dialect_);
    const int ack = ack_number(e.level);
    out_.begin_object().text("id", message_id_text(chat_text, e.id, dialect_));
    if (dialect_ == Dialect::gateway) {
      out_.text("waMessageId", e.id).text("chatJid", chat_text).text_if("chatLid", chat.lid).number("ackLevel", ack);
    } else {
      out_.text("chatId", chat_text).text_if("chatLid", chat.lid).text("to", chat_text).text_if("toLid", chat.lid);
      out_.number("ack", ack);
    }
    out_.text("status", ack_name(e.level)).boolean("fromMe", true).text_if("error", e.error);
    out_.number("timestamp", in_units(e.at, dialect_)).end_object();
  }

  void operator()(const events::MessageEdited& e) const {
    begin_about(e.about);
    out_.text("body", e.body);
    if (e.details.size() > 2) out_.raw(std::string_view(e.details).substr(1, e.details.size() - 2));
    out_.end_object();
  }
  void operator()(const events::MessageRevoked& e) const {
    begin_about(e.about);
    out_.end_object();
  }
  void operator()(const events::Reacted& e) const {
    begin_about(e.about);
    out_.text("reaction", e.text).end_object();
  }
  void operator()(const events::PollVoted& e) const {
    begin_about(e.about);
    out_.key("selectedOptions").begin_array();
    for (const std::string& option : e.options) out_.text(option);
    out_.end_array().end_object();
  }
  void operator()(const events::EventAnswered& e) const {
    begin_about(e.about);
    out_.text("response", e.response).number("extraGuests", e.extra_guests).end_object();
  }

  void operator()(const events::MessagePinned& e) const {
    begin_about(e.about);
    out_.boolean("pinned", e.until != 0);
    if (e.until != 0) out_.number("until", in_units(e.until, dialect_));
    out_.end_object();
  }
  void operator()(const events::MessageStarred& e) const {
    begin_here(e);
    out_.boolean("starred", e.starred).end_object();
  }
  void operator()(const events::MessageDeleted& e) const {
    begin_here(e);
    out_.end_object();
  }

  void operator()(const events::QrShown& e) const {
    out_.begin_object().text("qr", e.code.text);
    out_.text_if("qrCode", qr_image_ ? qr_image_(e.code.text) : std::string());
    out_.text("expiresAt", iso_seconds(e.code.expires_at)).end_object();
  }

  void operator()(const events::Authenticated& e) const { write_linked(e.jid, e.lid, {}); }
  void operator()(const events::Ready& e) const { write_linked(e.jid, e.lid, e.push_name); }
  void operator()(const events::StatusChanged& e) const { write_state(e.now); }
  void operator()(const events::Disconnected& e) const { write_state(e.now); }

  void operator()(const events::ContactUpdated& e) const {
    const std::string pn = e.ids.pn ? e.ids.pn->to_string() : std::string();
    out_.begin_object().text("id", jid_text(e.user.to_string(), pn, dialect_));
    if (!pn.empty()) out_.text("pn", jid_text(pn, {}, dialect_));
    if (e.ids.lid) out_.text("lid", e.ids.lid->to_string());
    out_.text("change", name(e.change)).boolean("own", e.own);
    write_news(e);
    out_.end_object();
  }

  void operator()(const events::ChatUpdated& e) const {
    const PersonText chat = person_text(e.chat, e.chat_ids);
    out_.begin_object().text(dialect_ == Dialect::gateway ? "chatJid" : "chatId", id_text(chat, dialect_));
    out_.text_if("chatLid", chat.lid);
    if (e.expires_after_s) out_.number("expiresAfter", *e.expires_after_s);
    out_.number("timestamp", in_units(e.at, dialect_)).end_object();
  }

  void operator()(const events::PresenceChanged& e) const {
    const bool gateway = dialect_ == Dialect::gateway;
    const PersonText chat = person_text(e.chat, e.chat_ids), user = person_text(e.user, e.user_ids);
    out_.begin_object().text(gateway ? "chatJid" : "chatId", id_text(chat, dialect_));
    out_.text_if("chatLid", chat.lid);
    if (gateway) out_.text("senderJid", id_text(user, dialect_)).text_if("senderLid", user.lid);
    else write_from(e.chat, chat, user, false);
    out_.text("state", e.state);
    if (e.last_seen) out_.number("lastSeen", in_units(*e.last_seen, dialect_));
    if (e.last_seen_hidden) out_.boolean("lastSeenHidden", true);
    out_.number("timestamp", in_units(e.at, dialect_)).end_object();
  }

  void operator()(const events::CallChanged& e) const {
    const bool gateway = dialect_ == Dialect::gateway;
    const PersonText chat = person_text(e.chat, e.chat_ids), caller = person_text(e.caller, e.caller_ids);
    out_.begin_object().text("id", e.id);
    out_.text(gateway ? "chatJid" : "chatId", id_text(chat, dialect_)).text_if("chatLid", chat.lid);
    out_.text(gateway ? "senderJid" : "from", id_text(caller, dialect_));
    out_.text_if(gateway ? "senderLid" : "fromLid", caller.lid).boolean("fromMe", e.from_me);
    out_.boolean("isGroup", e.is_group).boolean("isVideo", e.video).text("state", e.state).text_if("reason", e.reason);
    out_.boolean("offline", e.offline).number("timestamp", in_units(e.at, dialect_)).end_object();
  }

  void operator()(const events::GroupJoined& e) const {
    begin_in_group(e.in, e.people);
    out_.text("type", e.how).boolean("own", e.own).text_if("subject", e.subject).end_object();
  }
  void operator()(const events::GroupLeft& e) const {
    begin_in_group(e.in, e.people);
    out_.text("type", e.how).boolean("own", e.own).text_if("subject", e.subject).end_object();
  }
  void operator()(const events::GroupUpdated& e) const {
    begin_in_group(e.in, e.people);
    out_.text("field", setting_name(e.field));
    if (e.on) out_.boolean("value", *e.on);
    else if (e.number) out_.number("value", *e.number);
    else out_.text("value", setting_value(e.field, e.text));
    out_.end_object();
  }
  void operator()(const events::GroupJoinRequested& e) const {
    auto people = e.people;
    for (events::GroupPerson& one : people) one.role.clear();  // they are no members
    begin_in_group(e.in, people);
    out_.text("action", e.action).text_if("method", e.method).end_object();
  }

  void operator()(const events::ChannelUpdated& e) const {
    const bool gateway = dialect_ == Dialect::gateway;
    out_.begin_object().text(gateway ? "chatJid" : "channelId", e.chat.to_string()).text("change", e.change);
    out_.text_if("name", e.name).text_if("serverId", e.server_id);
    if (!e.message_id.empty()) out_.text("messageId", message_id_text(e.chat.to_string(), e.message_id, dialect_));
    if (e.views) out_.number("views", *e.views);
    if (e.reactions) out_.raw("reactions", *e.reactions);
    out_.number("timestamp", in_units(e.at, dialect_)).end_object();
  }

  void operator()(const events::Unknown& e) const { out_.raw(e.json); }

 private:
  /// What somebody shows now; "" = nothing any more, or it was not told.
  void write_news(const events::ContactUpdated& e) const {
    using enum events::ContactUpdated::Change;
    if (e.change == push_name) out_.text("pushname", e.text);
    if (e.change == about) out_.text("about", e.text);
    if (e.change == picture) out_.text("pictureId", e.text);
    if (e.change == events::ContactUpdated::Change::name) out_.text("name", e.text);
    if (e.change == verified_name) out_.text("verifiedName", e.text);
    if (e.change == number) out_.text("oldId", jid_text(e.text, {}, dialect_));
  }
  /// What is done to a message here alone.
  void begin_here(const auto& e) const {
    const PersonText chat = person_text(e.chat, e.chat_ids);
    const std::string chat_text = id_text(chat, dialect_);
    out_.begin_object().text("messageId", message_id_text(chat_text, e.id, dialect_)).boolean("fromMe", e.from_me);
    out_.text(dialect_ == Dialect::gateway ? "chatJid" : "chatId", chat_text).text_if("chatLid", chat.lid);
    out_.number("timestamp", in_units(e.at, dialect_));
  }
  /// `messageId`: the message that it is about; `id`: what was sent about it.
  void begin_about(const events::About& about) const {
    const PersonText chat = person_text(about.chat, about.chat_ids),
                     author = person_text(about.author, about.author_ids);
    const std::string chat_text = id_text(chat, dialect_);
    const std::string author_text = id_text(author, dialect_);
    out_.begin_object().text("messageId", message_id_text(chat_text, about.target_id, dialect_));
    out_.text("id", message_id_text(chat_text, about.id, dialect_))
        .boolean("fromMe", about.from_me)
        .boolean("messageFromMe", about.target_from_me);
    if (dialect_ == Dialect::gateway) {
      out_.text("chatJid", chat_text).text_if("chatLid", chat.lid).text("senderJid", author_text);
      out_.text_if("senderLid", author.lid).number("timestamp", about.at);
    } else {
      out_.text("chatId", chat_text).text_if("chatLid", chat.lid);
      write_from(about.chat, chat, author, about.from_me);
      out_.number("timestamp", about.at / 1000);
    }
  }
  /// Of the openwa dialect, and as in a message: `from` is where an answer goes to, `author` who it was.
  void write_from(const protocol::Jid& chat, const PersonText& place, const PersonText& author, bool from_me) const {
    const PersonText& from = from_me ? author : place;
    out_.text("from", id_text(from, dialect_)).text_if("fromLid", from.lid);
    out_.text("author", id_text(author, dialect_)).text_if("authorLid", author.lid);
    out_.boolean("isGroup", chat.is_group());
  }

  void begin_in_group(const events::InGroup& in, const std::vector<events::GroupPerson>& people) const {
    const bool gateway = dialect_ == Dialect::gateway;
    out_.begin_object().text(gateway ? "chatJid" : "chatId", in.chat.to_string());
    if (in.by) {
      const PersonText by = person_text(*in.by, in.by_ids);
      out_.text(gateway ? "senderJid" : "author", id_text(by, dialect_));
      out_.text_if(gateway ? "senderLid" : "authorLid", by.lid);
    }
    if (!gateway) {
      out_.key("recipientIds").begin_array();
      for (const events::GroupPerson& one : people) {
        const PersonText person = person_text(one.jid, one.ids);
        out_.text(id_text(person, dialect_));
      }
      out_.end_array();
    }
    out_.key("participants").begin_array();
    for (const events::GroupPerson& one : people) {
      const PersonText person = person_text(one.jid, one.ids);
      out_.begin_object().text("id", id_text(person, dialect_));
      out_.text_if("lid", person.lid).text_if("role", one.role).end_object();
    }
    out_.end_array().number("timestamp", in_units(in.at, dialect_));
  }

  void write_linked(const protocol::Jid& jid, const std::optional<protocol::Jid>& lid,
                    std::string_view push_name) const {
    out_.begin_object().text("id", jid_text(jid.user_jid().to_string(), {}, dialect_)).text("jid", jid.to_string());
    if (lid) out_.text("lid", lid->to_string());
    out_.text_if("pushname", push_name).end_object();
  }

  void write_state(const events::SessionState& state) const {
    out_.begin_object().text("status", name(state.status)).text("connection", name(state.connection));
    if (state.reason) write_reason(out_.key("reason"), *state.reason, event_.session_name);
    out_.end_object();
  }

  JsonWriter& out_;
  const storage::Event& event_;
  Dialect dialect_;
  const QrImage& qr_image_;
};

}  // namespace

std::string event_text(const storage::Event& event, const events::Event* told, Dialect dialect,
                       const QrImage& qr_image) {
  JsonWriter out(event.data.size() + 384);
  out.begin_object().text("event", event.name).text("sessionId", event.session_name);
  out.text("id", event_id_text(event.id)).text("timestamp", iso_millis(event.at));
  if (!told) {
    out.key("data").begin_object().boolean("unreadable", true).end_object();
  } else {
    out.text_if("requestId", told->request_id);
    if (!told->metadata.empty()) out.raw("metadata", told->metadata);
    std::visit(DataWriter(out.key("data"), event, dialect, qr_image), told->fact);
  }
  return out.end_object().take();
}

}  // namespace wharf::api
