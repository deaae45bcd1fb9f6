#include "api/contact_json.h"

#include <map>

#include "api/chat_id.h"
#include "api/dialect.h"
#include "api/iso_time.h"

namespace wharf::api {

using protocol::LastSeen;
using protocol::PictureState;
using sessions::NumberChecked;

namespace {

/// The same without its end.
void begin_contact(JsonWriter& out, const storage::ContactRow& row, const events::PersonIds& ids, bool saved,
                   Dialect dialect) {
  begin_about(out, person_head(row.user, ids, dialect));
  out.text("name", shown_name(row));
  out.text("pushname", row.push_name).boolean("isMyContact", saved);
  // Nobody may take for missing of whom it is not known.
  if (row.registered == storage::Registered::unknown) out.null("isWAContact");
  else out.boolean("isWAContact", row.registered == storage::Registered::yes);
  out.text_if("verifiedName", row.verified_name).text_if("username", row.username).text_if("about", row.about);
  if (row.about_at != 0) out.text("aboutSetAt", iso_seconds(row.about_at));
  out.text_if("pictureId", row.picture_id);
}

void write_thumb(JsonWriter& out, const sessions::PictureView& picture) {
  out.key("profilePicThumbObj").begin_object().text_if("eurl", picture.state.url).text("id", picture.state.id);
  if (!picture.bytes.empty()) out.text("img", "data:image/jpeg;base64," + protocol::to_base64(picture.bytes));
  out.end_object();
}

std::string_view name(NumberChecked::Result result) {
  switch (result) {
    case NumberChecked::Result::registered: return "registered";
    case NumberChecked::Result::unregistered: return "unregistered";
    case NumberChecked::Result::invalid: return "invalid";
    case NumberChecked::Result::unanswered: break;
  }
  return "unanswered";
}

void write_checked(JsonWriter& out, const std::string& given, const NumberChecked& checked, Dialect dialect) {
  using Result = NumberChecked::Result;
  out.begin_object().text("number", given);
  // Nobody may take for missing whom WhatsApp said nothing of.
  if (checked.result == Result::unanswered) out.null("exists");
  else out.boolean("exists", checked.result == Result::registered);
  out.text("status", name(checked.result));
  if (checked.who) {
    const PersonText who = person_text(checked.who->jid, checked.who->ids);
    out.text("id", id_text(who, dialect)).text_if("lid", who.lid);
  }
  out.text_if("verifiedName", checked.verified_name).end_object();
}

}  // namespace

PersonHead person_head(const protocol::Jid& jid, const events::PersonIds& ids, Dialect dialect) {
  const PersonText text = person_text(jid, ids);
  PersonHead head;
  head.id = id_text(text, dialect);
  head.lid = text.lid;
  if (ids.pn) head.number = ids.pn->user;
  else if (jid.is_phone_number()) head.number = jid.user;
  return head;
}

JsonWriter& begin_about(JsonWriter& out, const PersonHead& who) {
  return out.begin_object().text("id", who.id).text_if("lid", who.lid).text_if("number", who.number);
}

const std::string& shown_name(const storage::ContactRow& row) {
  return !row.name.empty() ? row.name : !row.push_name.empty() ? row.push_name : row.verified_name;
}

void write_contact(JsonWriter& out, const storage::ContactRow& row, const events::PersonIds& ids, bool saved,
                   Dialect dialect) {
  begin_contact(out, row, ids, saved, dialect);
  out.end_object();
}

std::string contact_json(const sessions::ContactView& contact, const sessions::PictureView* picture, Dialect dialect) {
  JsonWriter out(512 + (picture ? picture->bytes.size() / 3 * 4 : 0));
  begin_contact(out, contact.row, contact.ids, contact.saved, dialect);
  out.boolean("isBusiness", !contact.row.verified_name.empty()).boolean("fresh", contact.fresh);
  if (picture && picture->state.kind == PictureState::Kind::present) write_thumb(out, *picture);
  return out.end_object().take();
}

std::string about_json(const sessions::ContactView& contact, Dialect dialect) {
  JsonWriter out(256);
  begin_about(out, person_head(contact.row.user, contact.ids, dialect)).text("about", contact.row.about);
  if (contact.row.about_at != 0) out.text("setAt", iso_seconds(contact.row.about_at));
  return out.boolean("fresh", contact.fresh).end_object().take();
}

std::string checked_numbers_json(std::span<const AskedNumber> asked, const std::vector<NumberChecked>& answers,
                                 Dialect dialect) {
  std::map<std::string_view, const NumberChecked*> by_digits;
  for (const NumberChecked& answer : answers) by_digits.emplace(answer.number, &answer);
  const NumberChecked nothing;
  NumberChecked none;
  none.result = NumberChecked::Result::invalid;
  JsonWriter out(asked.size() * 160 + 16);
  out.begin_array();
  for (const AskedNumber& one : asked) {
    const auto found = by_digits.find(one.digits);
    if (one.digits.empty()) write_checked(out, one.given, none, dialect);
    else write_checked(out, one.given, found == by_digits.end() ? nothing : *found->second, dialect);
  }
  return out.end_array().take();
}

std::string blocked_contacts_json(const std::vector<sessions::Person>& blocked, Dialect dialect) {
  JsonWriter out(blocked.size() * 128 + 16);
  out.begin_array();
  for (const sessions::Person& person : blocked) {
    begin_about(out, person_head(person.jid, person.ids, dialect)).end_object();
  }
  return out.end_array().take();
}

std::string contact_presence_json(const sessions::PresenceView& presence, Dialect dialect) {
  JsonWriter out(256);
  begin_about(out, person_head(presence.who.jid, presence.who.ids, dialect));
  out.text("state", !presence.available ? "unknown" : *presence.available ? "available" : "unavailable");
  if (presence.last.kind == LastSeen::Kind::at)
    out.number("lastSeen", in_units(static_cast<std::int64_t>(presence.last.unix_seconds) * 1000, dialect));
  out.boolean("lastSeenHidden", presence.last.kind == LastSeen::Kind::hidden);
  if (presence.told_at != 0) out.number("toldAt", in_units(presence.told_at, dialect));
  return out.boolean("watched", presence.watched).end_object().take();
}

}  // namespace wharf::api
