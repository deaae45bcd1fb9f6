#include "api/add_on_text.h"

#include <boost/json/parse.hpp>

#include <map>
#include <tuple>

#include "api/chat_id.h"
#include "protocol/messages/content.h"
#include "sessions/edits.h"

namespace wharf::api {
namespace {

namespace json = boost::json;
using protocol::Jid;
using storage::MessageRow;

/// The one name of a person: rows older than a mapping have the number where later ones have the LID.
Jid canonical(const Jid& user, const IdsOf& ids_of) { return ids_of(user).lid.value_or(user); }

/// Of each person the newest of this kind, by the sender's clock and then by arrival (03 section 10).
std::vector<const MessageRow*> newest_of_each(const std::vector<MessageRow>& said, std::string_view kind,
                                              const IdsOf& ids_of) {
  std::map<Jid, const MessageRow*> newest;
  for (const MessageRow& row : said) {
    // A vote that chose too much, or what cannot be opened, counts for nothing: the one before it stays.
    // Nor does what nobody got.
    if (row.kind != kind || row.ack == storage::AckLevel::error) continue;
    if ((kind == "poll_vote" || kind == "event_answer") && row.details.empty()) continue;
    const MessageRow*& kept = newest[canonical(row.author, ids_of)];
    if (kept == nullptr || std::tie(row.said_at, row.row) > std::tie(kept->said_at, kept->row)) kept = &row;
  }
  std::vector<const MessageRow*> rows;
  rows.reserve(newest.size());
  for (const auto& [author, row] : newest) rows.push_back(row);
  return rows;
}

/// Both ids of somebody; `lid` "" when it is not known.
struct Named {
  std::string id, lid;
};
Named person(const Jid& user, const IdsOf& ids_of, Dialect dialect) {
  const PersonText text = person_text(user, ids_of(user));
  return {jid_text(text.id, text.pn, dialect), text.lid};
}

void write_reactions(JsonWriter& out, const std::vector<MessageRow>& said, const IdsOf& ids_of, Dialect dialect) {
  out.key("reactions").begin_array();
  for (const MessageRow* row : newest_of_each(said, "reaction", ids_of)) {
    if (row->body.empty()) continue;  // taken back
    const Named who = person(row->author, ids_of, dialect);
    out.begin_object().text("emoji", row->body).text("from", who.id).text_if("fromLid", who.lid);
    out.boolean("fromMe", row->from_me);
    out.number("timestamp", in_units(row->timestamp, dialect)).end_object();
  }
  out.end_array();
}

/// How far it is with somebody who is to get an own message.
struct Recipient {
  PersonText who;
  storage::AckLevel level;
  storage::UnixMs delivered_at, read_at, played_at;
};
void write_recipient(JsonWriter& out, const Recipient& one, Dialect dialect) {
  out.begin_object().text("id", jid_text(one.who.id, one.who.pn, dialect)).text_if("lid", one.who.lid);
  out.number("ack", ack_number(one.level)).text("status", ack_name(one.level));
  const auto time = [&](const char* name, storage::UnixMs at) {
    if (at != 0) out.number(name, in_units(at, dialect));
  };
  time("deliveredAt", one.delivered_at);
  time("readAt", one.read_at);
  time("playedAt", one.played_at);
  out.end_object();
}

/// Of a chat with one person that one, of a group those members who have said something.
void write_recipients(JsonWriter& out, const MessageRow& message, const std::optional<InGroup>& in_group,
                      const IdsOf& ids_of, Dialect dialect) {
  if (message.chat.is_group() && !in_group) return;
  out.key("recipients").begin_array();
  if (in_group) {
    for (const storage::MemberReceipt& member : in_group->members) {
      write_recipient(out,
                      {person_text(member.user, ids_of(member.user)), member.level, member.delivered_at, member.read_at,
                       member.played_at},
                      dialect);
    }
  } else {
    write_recipient(out,
                    {person_text(message.chat, ids_of(message.chat)), message.ack, message.delivered_at,
                     message.read_at, message.played_at},
                    dialect);
  }
  out.end_array();
  if (!in_group) return;
  const storage::GroupReach& reach = in_group->reach;
  out.key("recipientCounts").begin_object().number("members", reach.members).number("delivered", reach.delivered);
  out.number("read", reach.read).number("played", reach.played).end_object();
}

void write_edits(JsonWriter& out, const MessageRow& message, const std::vector<MessageRow>& said, const IdsOf& ids_of,
                 Dialect dialect) {
  const auto one_name = [&](const Jid& user) { return canonical(user, ids_of); };
  out.key("edits").begin_array();
  for (const MessageRow& row : said) {
    if (row.kind != "edit" || row.body.empty() || !sessions::edit_counts(row, message, one_name)) continue;
    if (row.from_me && row.ack < storage::AckLevel::server) continue;  // it has not happened
    out.begin_object().text("id", row.id).text("body", row.body);
    out.number("timestamp", in_units(row.timestamp, dialect)).end_object();
  }
  out.end_array();
}

struct Results {
  std::vector<std::string> options;
  std::int64_t selectable = 0;
  std::string name;
};

/// What message_details wrote.
Results poll_of(const events::Message& poll) {
  Results out;
  boost::system::error_code failed;
  const json::value details = json::parse(poll.details, failed);
  if (failed) return out;
  if (const json::value* given = details.as_object().if_contains("poll")) {
    out.name = given->at("name").as_string();
    out.selectable = given->at("selectableCount").to_number<std::int64_t>();
    for (const json::value& option : given->at("options").as_array()) out.options.emplace_back(option.as_string());
  }
  return out;
}

std::vector<std::string> choices_of(const MessageRow& vote) {
  boost::system::error_code failed;
  const json::value details = json::parse(vote.details, failed);
  std::vector<std::string> out;
  if (failed) return out;
  for (const json::value& option : details.at("selectedOptions").as_array()) out.emplace_back(option.as_string());
  return out;
}

}  // namespace

void write_poll_results(JsonWriter& out, const events::Message& poll, const std::vector<MessageRow>& said,
                        const IdsOf& ids_of, Dialect dialect) {
  const Results asked = poll_of(poll);
  std::map<std::string, std::vector<Named>> voters;
  std::int64_t voted = 0;
  for (const MessageRow* vote : newest_of_each(said, "poll_vote", ids_of)) {
    const auto chosen = choices_of(*vote);
    if (!chosen.empty()) ++voted;
    for (const std::string& option : chosen) voters[option].push_back(person(vote->author, ids_of, dialect));
  }
  out.begin_object().text("name", asked.name).number("selectableCount", asked.selectable).number("voters", voted);
  out.key("options").begin_array();
  for (const std::string& option : asked.options) {
    const auto& who = voters[option];
    out.begin_object().text("option", option).number("count", static_cast<std::int64_t>(who.size()));
    out.key("voters").begin_array();
    for (const Named& voter : who) out.text(voter.id);
    out.end_array().key("voterLids").begin_array();
    for (const Named& voter : who) out.text(voter.lid.empty() ? voter.id : voter.lid);
    out.end_array().end_object();
  }
  out.end_array().end_object();
}

void write_event_answers(JsonWriter& out, const std::vector<MessageRow>& said, const IdsOf& ids_of, Dialect dialect) {
  struct Given {
    const MessageRow* row;
    std::string response;
    std::int64_t guests;
  };
  std::vector<Given> all;
  std::map<std::string, std::int64_t> people;
  std::int64_t guests = 0;
  for (const MessageRow* row : newest_of_each(said, "event_answer", ids_of)) {
    boost::system::error_code failed;
    const json::value details = json::parse(row->details, failed);  // answer_details() wrote it
    if (failed) continue;
    Given& given = all.emplace_back(row, std::string(details.at("response").as_string()),
                                    details.at("extraGuests").to_number<std::int64_t>());
    ++people[given.response];
    if (given.response == "going") guests += given.guests;
  }
  out.begin_object();
  for (const char* response : {"going", "notGoing", "maybe"}) out.number(response, people[response]);
  out.number("extraGuests", guests).key("answers").begin_array();
  for (const Given& given : all) {
    const Named who = person(given.row->author, ids_of, dialect);
    out.begin_object().text("from", who.id).text_if("fromLid", who.lid).boolean("fromMe", given.row->from_me);
    out.text("response", given.response).number("extraGuests", given.guests);
    const auto at = given.row->timestamp;
    out.number("timestamp", in_units(at, dialect)).end_object();
  }
  out.end_array().end_object();
}

void write_message_with_add_ons(JsonWriter& out, const MessageRow& message, const std::vector<MessageRow>& said,
                                const std::optional<InGroup>& in_group, const IdsOf& ids_of,
                                std::string_view session_name, Dialect dialect, bool pinned) {
  const events::PersonIds chat = ids_of(message.chat), author = ids_of(message.author);
  const events::PersonIds pinner = pinned ? ids_of(message.pinned_by) : events::PersonIds();
  std::vector<events::PersonIds> mentioned;
  mentioned.reserve(message.mentions.size());
  for (const protocol::Jid& user : message.mentions) mentioned.push_back(ids_of(user.user_jid()));
  begin_message(out, {message, chat, author, message.created_at, pinned ? &pinner : nullptr, mentioned}, session_name,
                dialect);
  if (message.target_id == storage::about_the_chat) {
    out.end_object();
    return;
  }
  if (!message.target_id.empty()) {
    const PersonText text = person_text(message.chat, chat);
    out.text("targetMessageId", message_id_text(jid_text(text.id, text.pn, dialect), message.target_id, dialect));
    out.end_object();
    return;
  }
  if (message.from_me) write_recipients(out, message, in_group, ids_of, dialect);
  write_reactions(out, said, ids_of, dialect);
  write_edits(out, message, said, ids_of, dialect);
  // Of an event the content is that of its newest edit.
  if (message.edited_at != 0 && message.revoked_at == 0 && message.kind != "event") {
    if (const auto original = protocol::parse_message(message.content)) out.text("originalBody", original->text);
  }
  if (message.kind == "poll" && message.revoked_at == 0)
    write_poll_results(out.key("pollResults"), message, said, ids_of, dialect);
  if (message.kind == "event" && message.revoked_at == 0)
    write_event_answers(out.key("eventAnswers"), said, ids_of, dialect);
  out.end_object();
}

}  // namespace wharf::api
