#include "api/dialect.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "api/chat_id.h"
#include "api/iso_time.h"
#include "api/next_step.h"

namespace wharf::api {
namespace {

// Kinds of protocol::name(MessageKind) that openwa clients know by another word.
constexpr std::array<std::pair<std::string_view, std::string_view>, 6> openwa_types = {{{"text", "chat"},
                                                                                        {"voice", "ptt"},
                                                                                        {"contact", "vcard"},
                                                                                        {"contacts", "multi_vcard"},
                                                                                        {"poll", "poll_creation"},
                                                                                        {"video_note", "ptv"}}};

constexpr std::array<std::string_view, 6> ack_names = {"error", "pending", "server", "delivered", "read", "played"};
constexpr std::array<std::string_view, 8> media_kinds = {"image", "video", "gif",      "video_note",
                                                         "audio", "voice", "document", "sticker"};

constexpr std::array<std::string_view, 19> kinds = {
    "text",     "image",    "video",   "gif",          "video_note",    "audio",
    "voice",    "document", "sticker", "location",     "live_location", "contact",
    "contacts", "poll",     "event",   "group_invite", "album",         "interactive_reply",
    "unknown"};

std::string_view openwa_type(std::string_view kind) {
  for (const auto& [ours, theirs] : openwa_types)
    if (ours == kind) return theirs;
  return kind;
}

bool shows_media(const events::Message& m) { return m.revoked_at == 0 && is_media_kind(m.kind); }

/// By the number where it is known, as everybody is. The text may name them by their LIDs ("@…"), and so those stand
/// beside them, in the same order.
void write_mentions(JsonWriter& out, const ShownMessage& shown, Dialect dialect) {
  const std::vector<protocol::Jid>& mentions = shown.message.mentions;
  std::vector<std::string> lids;
  bool any_lid = false;
  out.key("mentions").begin_array();
  for (std::size_t i = 0; i < mentions.size(); ++i) {
    const PersonText person =
        person_text(mentions[i], i < shown.mentions.size() ? shown.mentions[i] : events::PersonIds());
    const std::string shown_as = id_text(person, dialect);
    out.text(shown_as);
    any_lid = any_lid || !person.lid.empty();
    lids.push_back(person.lid.empty() ? shown_as : person.lid);
  }
  out.end_array();
  if (!any_lid) return;
  out.key("mentionLids").begin_array();
  for (const std::string& lid : lids) out.text(lid);
  out.end_array();
}

void write_marks(JsonWriter& out, const ShownMessage& shown, Dialect dialect) {
  const events::Message& m = shown.message;
  if (m.starred_at != 0) out.boolean("starred", true);
  if (shown.pinned_by == nullptr) return;
  out.key("pinned").begin_object();
  out.number("until", in_units(m.pinned_until, dialect));
  out.text("by", id_text(person_text(m.pinned_by, *shown.pinned_by), dialect)).end_object();
}

/// What both dialects spell alike: the time of a scheduled one, and the members of `details`, which is one JSON object.
/// A file, the first of them (sessions/message_details.h), says where it is read, too; a peer's id that no path can
/// carry has no address.
void write_details(JsonWriter& out, const events::Message& m, std::string_view session_name) {
  if (m.ack == events::AckLevel::scheduled) out.text("sendAt", iso_millis(m.timestamp));
  if (m.details.size() <= 2) return;
  std::string_view members = std::string_view(m.details).substr(1, m.details.size() - 2);
  constexpr std::string_view file = R"("media":{)";
  if (members.starts_with(file) && shows_media(m) && parse_message_id(m.id) == m.id) {
    members.remove_prefix(file.size());
    out.key("media").begin_object();
    out.text("url", fmt::format("/api/v1/sessions/{}/messages/{}/media", session_name, m.id));
  }
  out.raw(members);
}

void write_openwa(JsonWriter& out, const ShownMessage& shown, std::string_view session_name) {
  const events::Message& m = shown.message;
  const PersonText chat_person = person_text(m.chat, shown.chat), author_person = person_text(m.author, shown.author);
  const std::string chat = id_text(chat_person, Dialect::openwa), author = id_text(author_person, Dialect::openwa);
  out.begin_object().text("id", message_id_text(chat, m.id, Dialect::openwa)).text("body", m.body);
  out.text("type", openwa_type(m.kind)).number("timestamp", m.timestamp / 1000).boolean("fromMe", m.from_me);
  out.text("from", m.from_me ? author : chat);
  out.text_if("fromLid", m.from_me ? author_person.lid : chat_person.lid);
  if (m.from_me) out.text("to", chat).text_if("toLid", chat_person.lid);
  out.text("author", author).text_if("authorLid", author_person.lid);
  out.text("chatId", chat).boolean("isGroup", m.chat.is_group()).text_if("pushname", m.push_name);
  const int ack = ack_number(m.ack);
  out.number("ack", ack).text("status", ack_name(m.ack)).text_if("error", m.error);
  if (shows_media(m)) out.boolean("hasMedia", true);
  if (!m.quoted_id.empty()) out.text("quotedMessageId", message_id_text(chat, m.quoted_id, Dialect::openwa));
  if (!m.mentions.empty()) write_mentions(out, shown, Dialect::openwa);
  if (m.edited_at != 0) out.number("editedAt", m.edited_at / 1000);
  if (m.revoked_at != 0) out.number("revokedAt", m.revoked_at / 1000);
  write_marks(out, shown, Dialect::openwa);
  write_details(out, m, session_name);
}

void write_gateway(JsonWriter& out, const ShownMessage& shown, std::string_view session_name) {
  const events::Message& m = shown.message;
  const PersonText chat = person_text(m.chat, shown.chat), author = person_text(m.author, shown.author);
  const int ack = ack_number(m.ack);
  out.begin_object().number("ackLevel", ack).text("body", m.body).text("chatJid", id_text(chat, Dialect::gateway));
  out.text_if("chatLid", chat.lid).number("createdAt", shown.created_at).boolean("deleted", m.revoked_at != 0);
  out.text("direction", m.from_me ? "out" : "in").boolean("edited", m.edited_at != 0).text_if("error", m.error);
  out.boolean("fromMe", m.from_me).boolean("hasMedia", shows_media(m)).text("id", m.id);
  write_mentions(out, shown, Dialect::gateway);
  out.text_if("quotedMessageId", m.quoted_id).text("senderJid", id_text(author, Dialect::gateway));
  out.text_if("senderLid", author.lid).text_if("senderName", m.push_name).text("sessionId", session_name);
  out.text("status", ack_name(m.ack)).number("timestamp", m.timestamp).text("type", m.kind).text("waMessageId", m.id);
  if (m.edited_at != 0) out.number("editedAt", m.edited_at);
  if (m.revoked_at != 0) out.number("revokedAt", m.revoked_at);
  write_marks(out, shown, Dialect::gateway);
  write_details(out, m, session_name);
}

}  // namespace

PersonText person_text(const protocol::Jid& jid, const events::PersonIds& ids) {
  PersonText out;
  out.id = jid.to_string();
  if (ids.pn) out.pn = ids.pn->to_string();
  else if (jid.is_phone_number()) out.pn = out.id;
  if (ids.lid) out.lid = ids.lid->to_string();
  else if (jid.is_lid()) out.lid = out.id;
  return out;
}

std::string id_text(const PersonText& person, Dialect dialect) { return jid_text(person.id, person.pn, dialect); }

void write_message(JsonWriter& out, const ShownMessage& shown, std::string_view session_name, Dialect dialect) {
  begin_message(out, shown, session_name, dialect);
  out.end_object();
}

void begin_message(JsonWriter& out, const ShownMessage& shown, std::string_view session_name, Dialect dialect) {
  if (dialect == Dialect::gateway) write_gateway(out, shown, session_name);
  else write_openwa(out, shown, session_name);
}

std::span<const std::string_view> shown_kinds() { return kinds; }

std::optional<std::string_view> shown_kind(std::string_view name) {
  for (const auto& [ours, theirs] : openwa_types)
    if (theirs == name) return ours;
  if (std::find(kinds.begin(), kinds.end(), name) == kinds.end()) return std::nullopt;
  return name;
}

bool is_media_kind(std::string_view kind) {
  return std::find(media_kinds.begin(), media_kinds.end(), kind) != media_kinds.end();
}

void write_reason(JsonWriter& out, const events::Reason& reason, std::string_view session_name) {
  out.begin_object().text("code", reason.code).text("message", reason.message);
  out.text("nextStep", next_step_text(reason.next_step, session_name));
  if (reason.until) out.text("until", iso_seconds(*reason.until));
  out.end_object();
}

std::string_view type_name(std::string_view kind, Dialect dialect) {
  return dialect == Dialect::openwa ? openwa_type(kind) : kind;
}

int ack_number(storage::AckLevel level) {
  return level == storage::AckLevel::scheduled ? 0 : std::clamp(static_cast<int>(level), -1, 4);
}

std::string_view ack_name(storage::AckLevel level) {
  if (level == storage::AckLevel::scheduled) return "scheduled";
  return ack_names.at(static_cast<std::size_t>(ack_number(level) + 1));
}

std::optional<storage::AckLevel> ack_named(std::string_view name) {
  for (std::size_t i = 0; i < ack_names.size(); ++i)
    if (ack_names[i] == name) return static_cast<storage::AckLevel>(static_cast<int>(i) - 1);
  return std::nullopt;
}

}  // namespace wharf::api
