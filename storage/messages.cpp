#include "storage/messages.h"

#include <algorithm>

#include "storage/apply.h"
#include "storage/chat_bump.h"
#include "storage/packed.h"
#include "storage/recall.h"
#include "storage/removal.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

// Built once; their c_str() is the stable pointer that Database::prepared wants.
// What a chat has: the messages at home in it and those that merges make its own. One statement, so one state of the
// rows, and at most ?3 of each source. ?1 session, ?2 chat, ?4 and ?5 time and row that they come before.
// A chat that came back behind its tombstone: its rows are those after the mark, read from there on. The index by time
// would walk through all that the slices have not deleted yet.
enum class Home { plain, revived };
std::string rows_of_chat(Home home, bool before, Listed listed = Listed::all) {
  const bool few = listed == Listed::starred;
  const std::string with_star = few ? "AND n.starred_at <> 0 " : "";
  const std::string by_star = few ? " INDEXED BY message_by_star" : "";
  const std::string at_home = home == Home::plain
                                  ? "n.session_id = ?1 AND n.chat_id = ?2 AND" WHARF_MESSAGE_AT_HOME(n)
                                  : "n.row > (SELECT through_row FROM removed_chat WHERE session_id = ?1"
                                    " AND chat_id = ?2) AND +n.session_id = ?1 AND +n.chat_id = ?2 ";
  const std::string older = before ? "AND (n.timestamp, n.row) < (?4, ?5) " : "";
  const std::string newest_first = older + "ORDER BY n.timestamp DESC, n.row DESC LIMIT ?3) ";
  return "SELECT row FROM (SELECT n.row AS row FROM message n" + (home == Home::plain ? by_star : "") + " WHERE " +
         at_home + "AND" WHARF_MESSAGE_SHOWN(n) + with_star + newest_first +
         "UNION ALL SELECT m.row FROM merged_chat g INDEXED BY merged_chat_by_target CROSS JOIN message m"
         " WHERE g.session_id = ?1 AND g.to_id = ?2"
         " AND m.row IN (SELECT n.row FROM message n" +
         by_star +
         " WHERE n.session_id = g.session_id AND n.chat_id = g.from_id"
         " AND" WHARF_MESSAGE_IN_MERGE(n, g) "AND" WHARF_MESSAGE_SHOWN(n) +
         with_star + newest_first;
}
const std::string in_order = ") ORDER BY timestamp DESC, row DESC LIMIT ?3";

const std::string columns =
    "SELECT row, session_id, ifnull(" WHARF_CHAT_OF(message) ", chat_id), id, from_me, author_id, ack, timestamp, created_at, push_name, kind, error,"
    " quoted_id, quoted_author_id, mentions, secret, body, content, details, edited_at, revoked_at,"
    " target_id, target_from_me, said_at, author_on_wire, starred_at, pinned_until, pinned_by_id, pinned_at,"
    " delivered_at, read_at, played_at, album_id, never_left FROM message ";
const std::string select_by_row = columns + "WHERE row = ?1";
const std::string select_in_chat =
    columns + "WHERE session_id = ?1 AND id = ?2 AND " WHARF_CHAT_OF(message) " = ?3 AND from_me = ifnull(?4, from_me)"
              " ORDER BY from_me DESC LIMIT 1";
const std::string select_by_id =
    columns + "WHERE session_id = ?1 AND id = ?2 AND from_me = ?3 AND" WHARF_MESSAGE_LIVES "ORDER BY row DESC LIMIT 1";
const std::string select_add_ons =
    columns +
    "WHERE session_id = ?1 AND target_id = ?2 AND target_id <> '' AND target_from_me = ?3"
    " AND " WHARF_CHAT_OF(message) " = ?4 ORDER BY row DESC LIMIT ?5";
constexpr const char* select_any_add_on =
    "SELECT 1 FROM message WHERE session_id = ?1 AND target_id = ?2 AND target_id <> '' LIMIT 1";
constexpr const char* select_exact_row =
    "SELECT row FROM message WHERE session_id = ?1 AND id = ?2 AND from_me = ?4 AND " WHARF_CHAT_OF(message) " = ?3";
constexpr const char* edit_row =
    "UPDATE message SET body = ?2, edited_at = ?3, mentions = ?4, details = ifnull(?5, details),"
    " content = ifnull(?6, content) WHERE row = ?1 AND revoked_at = 0 AND edited_at <= ?3";
constexpr const char* revoke_row =
    "UPDATE message SET body = '', content = x'', details = '', quoted_id = '', mentions = x'', revoked_at = ?2,"
    " starred_at = 0, pinned_until = 0 WHERE row = ?1 AND revoked_at = 0";
constexpr const char* empty_edits =
    "UPDATE message SET body = '', content = x'', details = '' WHERE session_id = ?1 AND target_id = ?2 AND"
    " target_id <> '' AND kind IN ('edit', 'sealed', 'event_answer', 'poll_vote') AND target_from_me = ?4 "
    "AND " WHARF_CHAT_OF(message) " = ?3";
constexpr const char* release_row =
    "UPDATE message SET ack = 0, timestamp = ?2, created_at = ?2, said_at = 0 WHERE row = ?1 AND ack = -2";
constexpr const char* withdraw_row = "UPDATE message SET ack = -3, error = ?2 WHERE row = ?1 AND ack = -2";
constexpr const char* put_content = "UPDATE message SET content = ?2 WHERE row = ?1 AND revoked_at = 0";
constexpr const char* put_details = "UPDATE message SET details = ?2 WHERE row = ?1";
constexpr const char* put_opened =
    "UPDATE message SET kind = ?2, body = ?3, details = ?4, content = ?5, said_at = ?6"
    " WHERE row = ?1 AND content <> x''";
constexpr const char* put_star = "UPDATE message SET starred_at = ?2 WHERE row = ?1 AND revoked_at = 0";
constexpr const char* put_pin =
    "UPDATE message SET pinned_until = ?2, pinned_by_id = ?3, pinned_at = ?4"
    " WHERE row = ?1 AND revoked_at = 0 AND pinned_at <= ?4";
constexpr const char* select_state = "SELECT from_me = 0 AND ack < ?2 AND target_id = '' FROM message WHERE row = ?1";
constexpr const char* delete_row = "DELETE FROM message WHERE row = ?1";
std::string page_of(Home home, bool before, Listed listed) {
  return columns + "WHERE row IN (" + rows_of_chat(home, before, listed) + in_order;
}
const std::string select_page[2][2][2] = {  // [listed][home][before]
    {{page_of(Home::plain, false, Listed::all), page_of(Home::plain, true, Listed::all)},
     {page_of(Home::revived, false, Listed::all), page_of(Home::revived, true, Listed::all)}},
    {{page_of(Home::plain, false, Listed::starred), page_of(Home::plain, true, Listed::starred)},
     {page_of(Home::revived, false, Listed::starred), page_of(Home::revived, true, Listed::starred)}}};
const std::string select_unread[2] = {  // ?6 level of those that are read, ?7 the most
    "SELECT row, id, author_id, timestamp FROM message WHERE row IN (" + rows_of_chat(Home::plain, false) +
        ") AND from_me = 0 AND ack < ?6 ORDER BY timestamp DESC, row DESC LIMIT ?7",
    "SELECT row, id, author_id, timestamp FROM message WHERE row IN (" + rows_of_chat(Home::revived, false) +
        ") AND from_me = 0 AND ack < ?6 ORDER BY timestamp DESC, row DESC LIMIT ?7"};
const std::string select_place[2] = {
    "SELECT timestamp, row FROM message WHERE row IN (" + rows_of_chat(Home::plain, false) + in_order,
    "SELECT timestamp, row FROM message WHERE row IN (" + rows_of_chat(Home::revived, false) + in_order};
constexpr const char* select_tombstone = "SELECT 1 FROM removed_chat WHERE session_id = ?1 AND chat_id = ?2";
constexpr const char* select_exists =
    "SELECT 1 FROM message WHERE session_id = ?1 AND id = ?2 AND " WHARF_CHAT_OF(message) " = ?3 LIMIT 1";
constexpr const char* select_time = "SELECT timestamp FROM message WHERE row = ?1 AND session_id = ?2";
constexpr const char* select_gist =
    "SELECT kind, body FROM message WHERE session_id = ?1 AND id = ?2 AND from_me = 1 AND" WHARF_MESSAGE_LIVES
    "ORDER BY row DESC LIMIT 1";
// The rowid is the last column of the index: they come in order.
constexpr const char* select_album_members =
    "SELECT row, id FROM message INDEXED BY message_by_album WHERE session_id = ?1 AND album_id = ?2 AND album_id <> ''"
    " AND from_me = ?3 AND " WHARF_CHAT_OF(message) " = ?4 ORDER BY row LIMIT ?5";
constexpr const char* select_own_row =
    "SELECT row FROM message WHERE session_id = ?1 AND id = ?2 AND from_me = 1 AND" WHARF_MESSAGE_LIVES
    "ORDER BY row DESC LIMIT 1";
constexpr const char* select_unread_row =
    "SELECT row FROM message WHERE session_id = ?1 AND id = ?2 AND from_me = 0 AND ack < ?4 AND " WHARF_CHAT_OF(
        message) " = ?3";

constexpr const char* select_last_row =
    "SELECT max(ifnull((SELECT max(row) FROM message), 0),"
    " ifnull((SELECT value FROM counter WHERE name = 'message'), 0))";
// Not max(row): beside a HAVING it reads every row.
constexpr const char* keep_last_row =
    "INSERT INTO counter (name, value) SELECT 'message', row FROM message WHERE true ORDER BY row DESC LIMIT 1"
    " ON CONFLICT (name) DO UPDATE SET value = max(value, excluded.value)";
// Values alone: an INSERT that selects from its own table builds a table in between, which cost more than the insert.
constexpr const char* insert_row =
    "INSERT INTO message (row, session_id, chat_id, id, from_me, author_id, ack, timestamp, created_at, push_name, "
    "kind,"
    " error, quoted_id, quoted_author_id, mentions, secret, body, content,"
    " details, edited_at, revoked_at, target_id, target_from_me, said_at, author_on_wire, album_id)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, "
    "?23, ?24, ?25, ?26)"
    " ON CONFLICT (session_id, id, chat_id, from_me) DO NOTHING";
constexpr const char* select_merged_copy =
    "SELECT 1 FROM merged_chat g INDEXED BY merged_chat_by_target CROSS JOIN message m"
    " ON m.session_id = ?1 AND m.id = ?3 AND m.chat_id = g.from_id"
    " AND m.from_me = ?4 AND m.row > g.after_row AND m.row <= g.through_row"
    " WHERE g.session_id = ?1 AND g.to_id = ?2 LIMIT 1";
constexpr const char* raise_level =
    "UPDATE message SET ack = ?3, error = ?4 WHERE row = ?2 AND session_id = ?1 AND (ack < ?3 OR ?3 = -1)";
/// ?5 when, as the recipient says.
constexpr const char* raise_with_time[] = {
    "UPDATE message SET ack = ?3, error = ?4, delivered_at = ?5 WHERE row = ?2 AND session_id = ?1 AND ack < ?3",
    "UPDATE message SET ack = ?3, error = ?4, read_at = ?5 WHERE row = ?2 AND session_id = ?1 AND ack < ?3",
    "UPDATE message SET ack = ?3, error = ?4, played_at = ?5 WHERE row = ?2 AND session_id = ?1 AND ack < ?3"};
constexpr const char* mark_never_left = "UPDATE message SET never_left = 1 WHERE row = ?1";
constexpr const char* set_time =
    "UPDATE message SET timestamp = ?3 WHERE row = ?2 AND session_id = ?1 AND timestamp <> ?3";

constexpr std::size_t max_page = 1'000;

Bytes pack_mentions(const std::vector<Jid>& mentions) {
  PackedWriter packed;
  for (const Jid& jid : mentions) {
    packed.text(jid.user);
    packed.text(jid.server);
    packed.number(std::uint32_t{jid.device} << 16 | jid.integrator);
  }
  return packed.bytes();
}

std::vector<Jid> unpack_mentions(ByteView bytes) {
  std::vector<Jid> mentions;
  PackedReader packed(bytes);
  for (;;) {
    const auto user = packed.text();
    const auto server = packed.text();
    const auto numbers = packed.number();
    if (!user || !server || !numbers) return mentions;
    Jid& jid = mentions.emplace_back(*user, *server, static_cast<std::uint16_t>(*numbers >> 16));
    jid.integrator = static_cast<std::uint16_t>(*numbers & 0xffff);
  }
}

MessageRow read_row(Statement& select) {
  MessageRow row;
  row.row = select.integer();
  row.session = SessionId{select.integer()};
  row.chat = select.jid();
  row.id = select.text();
  row.from_me = select.integer() != 0;
  row.author = select.jid();
  row.ack = select.number<AckLevel>();
  row.timestamp = select.integer();
  row.created_at = select.integer();
  row.push_name = select.text();
  row.kind = select.text();
  row.error = select.text();
  row.quoted_id = select.text();
  row.quoted_author = select.jid();
  row.mentions = unpack_mentions(select.blob_view());
  row.secret = select.blob();
  row.body = select.text();
  row.content = select.blob();
  row.details = select.text();
  row.edited_at = select.integer();
  row.revoked_at = select.integer();
  row.target_id = select.text();
  row.target_from_me = select.integer() != 0;
  row.said_at = select.integer();
  if (row.ack == AckLevel::scheduled) row.timestamp = row.said_at;
  if (!events::in_conversation(row.ack)) row.said_at = 0;
  if (const std::string wire = select.text(); !wire.empty())
    if (auto jid = protocol::Jid::parse(wire)) row.author_on_wire = std::move(*jid);
  row.starred_at = select.integer();
  row.pinned_until = select.integer();
  row.pinned_by = select.jid();
  row.pinned_at = select.integer();
  row.delivered_at = select.integer();
  row.read_at = select.integer();
  row.played_at = select.integer();
  row.album_id = select.text();
  row.never_left = select.integer() != 0;
  return row;
}

std::optional<MessageRow> read_one(Statement& select) {
  if (!select.next()) return std::nullopt;
  return read_row(select);
}

/// The writer counts rows itself: SQLite would give the number of a deleted newest row out again.
std::int64_t next_row(Database& db) { return last_message_row(db) + 1; }

/// Whether it lies in a chat that was merged into this one and whose rows still go there.
bool has_merged_copy(Database& db, const MessageRow& row) {
  if (!db.recall().may_have_merges) return false;
  Statement select(db, select_merged_copy);
  return select.session(row.session).jid(row.chat).text(row.id).number(row.from_me).next();
}

Result<void> write_message(Database& db, const MessageRow& row, bool unread,
                           const std::optional<protocol::Jid>& alternate) {
  const Bytes mentions = pack_mentions(row.mentions);
  const std::int64_t number = next_row(db);
  // In the order of its chat it stands at the time when it was made: pages and the look for a chat's last message would
  // walk over all that is scheduled, and over what was withdrawn for ever.
  const bool later = row.ack == AckLevel::scheduled;
  /// Whether it was new.
  const auto insert = [&]() -> Result<bool> {
    if (has_merged_copy(db, row)) return false;
    const Result<void> inserted = Statement(db, insert_row)
                                      .integer(number)
                                      .session(row.session)
                                      .jid(row.chat)
                                      .text(row.id)
                                      .number(row.from_me)
                                      .jid(row.author)
                                      .number(row.ack)
                                      .integer(later ? row.created_at : row.timestamp)
                                      .integer(row.created_at)
                                      .text(row.push_name)
                                      .text(row.kind)
                                      .text(row.error)
                                      .text(row.quoted_id)
                                      .jid(row.quoted_author)
                                      .blob(mentions)
                                      .blob(row.secret)
                                      .text(row.body)
                                      .blob(row.content)
                                      .text(row.details)
                                      .integer(row.edited_at)
                                      .integer(row.revoked_at)
                                      .text(row.target_id)
                                      .number(row.target_from_me)
                                      .integer(later ? row.timestamp : row.said_at)
                                      .text(row.author_on_wire.empty() ? std::string() : row.author_on_wire.to_string())
                                      .text(row.album_id)
                                      .run();
    if (!inserted) return inserted.error();
    return changed_rows(db) > 0;
  };
  Result<bool> is_new = insert();
  if (!is_new) return is_new.error();
  if (!*is_new) {
    // Known already: nothing to count twice. Or left behind by a removed chat, which has come back with it.
    const Result<bool> left = exhume_message(db, row.session, row.chat, row.id, row.from_me);
    if (!left) return left.error();
    if (!*left) return {};
    is_new = insert();
    if (!is_new) return is_new.error();
    if (!*is_new) return {};
  }
  db.recall().last_message_row = number;
  if (!row.target_id.empty() || !events::in_conversation(row.ack)) return {};
  return bump_chat(db, row, number, unread, alternate);
}

Result<void> write_ack(Database& db, SessionId session, std::int64_t row, AckLevel level, const std::string& error,
                       std::optional<UnixMs> timestamp, UnixMs at = 0) {
  const std::string_view reason = level == AckLevel::error ? std::string_view(error) : std::string_view();
  const bool timed_level = at != 0 && level >= AckLevel::delivered;
  Statement raise(
      db, timed_level ? raise_with_time[static_cast<int>(level) - static_cast<int>(AckLevel::delivered)] : raise_level);
  raise.session(session).integer(row).number(level).text(reason);
  if (timed_level) raise.integer(at);
  const Result<void> raised = raise.run();
  if (!raised || !timestamp) return raised;
  const Result<void> timed = Statement(db, set_time).session(session).integer(row).integer(*timestamp).run();
  if (!timed || changed_rows(db) == 0) return timed;
  return refresh_chat(db, session, row, *timestamp);
}

}  // namespace

std::optional<MessageRow> find_message_row(Database& db, std::int64_t row) {
  Statement select(db, select_by_row.c_str());
  return read_one(select.integer(row));
}

std::optional<MessagePlace> newest_message(Database& db, SessionId session, std::int64_t chat_id) {
  const bool revived = Statement(db, select_tombstone).session(session).integer(chat_id).next();
  Statement select(db, select_place[revived].c_str());
  if (!select.session(session).integer(chat_id).integer(1).next()) return std::nullopt;
  const UnixMs timestamp = select.integer();
  return MessagePlace{timestamp, select.integer()};
}

std::int64_t last_message_row(Database& db) {
  std::optional<std::int64_t>& last = db.recall().last_message_row;
  if (!last) {
    Statement select(db, select_last_row);
    last = select.next() ? select.integer() : 0;
  }
  return *last;
}

Result<void> keep_message_rows_used(Database& db) { return Statement(db, keep_last_row).run(); }

Result<void> apply(Database& db, const InsertMessage& change) {
  return write_message(db, change.row, change.unread, change.chat_alternate);
}

std::optional<MessageRow> find_message(Database& db, SessionId session, const protocol::Jid& chat,
                                       const std::string& id, std::optional<bool> from_me) {
  Statement select(db, select_in_chat.c_str());
  select.session(session).text(id).jid(chat);
  if (from_me) select.number(*from_me);
  else select.null();
  return read_one(select);
}

std::optional<MessageRow> find_message_by_id(Database& db, SessionId session, const std::string& id, bool from_me) {
  Statement select(db, select_by_id.c_str());
  return read_one(select.session(session).text(id).number(from_me));
}

std::optional<MessageGist> find_gist(Database& db, SessionId session, const std::string& id) {
  Statement select(db, select_gist);
  if (!select.session(session).text(id).next()) return std::nullopt;
  MessageGist gist;
  gist.kind = select.text();
  gist.body = select.text();
  return gist;
}

std::optional<MessageRow> find_message_of_either(Database& db, SessionId session, const std::string& id,
                                                 std::optional<bool> from_me) {
  auto row = find_message_by_id(db, session, id, from_me.value_or(true));
  return row || from_me ? std::move(row) : find_message_by_id(db, session, id, false);
}

bool has_message(Database& db, SessionId session, const protocol::Jid& chat, const std::string& id) {
  Statement select(db, select_exists);
  return select.session(session).text(id).jid(chat).next();
}

std::vector<MessageRow> add_ons(Database& db, SessionId session, const protocol::Jid& chat,
                                const std::string& target_id, bool target_from_me, std::size_t most) {
  std::vector<MessageRow> rows;
  Statement select(db, select_add_ons.c_str());
  select.session(session).text(target_id).number(target_from_me).jid(chat).number(most);
  std::size_t bytes = 0;
  while (bytes < most_add_on_bytes && select.next()) {
    const MessageRow& row = rows.emplace_back(read_row(select));
    bytes += row.body.size() + row.content.size();
  }
  std::reverse(rows.begin(), rows.end());
  return rows;
}

bool has_add_ons(Database& db, SessionId session, const std::string& target_id) {
  return Statement(db, select_any_add_on).session(session).text(target_id).next();
}

namespace {

/// 0: it is not there.
template <class Change>
std::int64_t row_of(Database& db, const Change& change, bool from_me) {
  Statement select(db, select_exact_row);
  select.session(change.session).text(change.id).jid(change.chat).number(from_me);
  return select.next() ? select.integer() : 0;
}
template <class Change>
std::int64_t row_of(Database& db, const Change& change) {
  return row_of(db, change, change.from_me);
}

}  // namespace

Result<void> apply(Database& db, const EditMessage& change) {
  const std::int64_t row = row_of(db, change);
  if (row == 0) return {};
  const Bytes mentions = pack_mentions(change.mentions);
  Statement update(db, edit_row);
  update.integer(row).text(change.body).integer(change.at).blob(mentions);
  change.details ? update.text(*change.details) : update.null();
  change.content.empty() ? update.null() : update.blob(change.content);
  return update.run();
}

Result<void> apply(Database& db, const RevokeMessage& change) {
  const std::int64_t row = row_of(db, change);
  if (row == 0) return {};
  if (Result<void> revoked = Statement(db, revoke_row).integer(row).integer(change.at).run(); !revoked) return revoked;
  if (change.from_me)
    if (Result<void> done = forget_uploads_of(db, change.session, change.id); !done) return done;
  return Statement(db, empty_edits)
      .session(change.session)
      .text(change.id)
      .jid(change.chat)
      .number(change.from_me)
      .run();
}

Result<void> apply(Database& db, const ReleaseMessage& change) {
  const std::int64_t row = row_of(db, change, true);
  if (row == 0) return {};
  const Result<void> released = Statement(db, release_row).integer(row).integer(change.at).run();
  if (!released || changed_rows(db) == 0) return released;
  MessageRow message;
  message.session = change.session;
  message.chat = change.chat;
  message.from_me = true;
  message.timestamp = change.at;
  return bump_chat(db, message, row, false, change.chat_alternate);
}

Result<void> apply(Database& db, const WithdrawMessage& change) {
  const std::int64_t row = row_of(db, change, true);
  if (row == 0) return {};
  return Statement(db, withdraw_row).integer(row).text(change.error).run();
}

Result<void> apply(Database& db, const PutDetails& change) {
  const std::int64_t row = row_of(db, change);
  if (row == 0) return {};
  return Statement(db, put_details).integer(row).text(change.details).run();
}

Result<void> apply(Database& db, const PutOpened& change) {
  const std::int64_t row = row_of(db, change);
  if (row == 0) return {};
  return Statement(db, put_opened)
      .integer(row)
      .text(change.kind)
      .text(change.body)
      .text(change.details)
      .blob(change.content)
      .integer(change.said_at)
      .run();
}

Result<void> apply(Database& db, const PutContent& change) {
  const std::int64_t row = row_of(db, change);
  if (row == 0) return {};
  return Statement(db, put_content).integer(row).blob(change.content).run();
}

Result<void> apply(Database& db, const PutStar& change) {
  const std::int64_t row = row_of(db, change);
  if (row == 0) return {};
  return Statement(db, put_star).integer(row).integer(change.at).run();
}

Result<void> apply(Database& db, const PutPin& change) {
  const std::int64_t row = row_of(db, change);
  if (row == 0) return {};
  return Statement(db, put_pin).integer(row).integer(change.until).jid(change.by).integer(change.at).run();
}

Result<void> apply(Database& db, const RemoveMessage& change) {
  if (change.from_me && change.chat.is_status())
    if (Result<void> done = forget_status_audience(db, change.session, change.id); !done) return done;
  if (change.from_me)
    if (Result<void> done = forget_uploads_of(db, change.session, change.id); !done) return done;
  // While a merge is under way both chats may have a copy of it: without the one the other would come back.
  constexpr int most_copies = 8;
  bool any = false, was_unread = false;
  for (int copies = 0; copies < most_copies; ++copies) {
    const std::int64_t row = row_of(db, change);
    if (row == 0) break;
    if (!any) {
      if (Result<void> kept = keep_message_rows_used(db); !kept) return kept;
      Statement select(db, select_state);
      was_unread = select.integer(row).number(AckLevel::read).next() && select.integer() != 0;
    }
    any = true;
    if (Result<void> done = Statement(db, delete_row).integer(row).run(); !done) return done;
    if (Result<void> done = lose_last_message(db, change.session, change.chat, row); !done) return done;
  }
  if (!any) return {};
  if (change.from_me) db.recall().removals_wait = true;  // its trigger may have left a reach to the slices
  if (has_add_ons(db, change.session, change.id)) {
    const Result<void> buried = bury_add_ons(db, change.session, change.chat, change.id, change.from_me);
    if (!buried) return buried;
  }
  return was_unread ? apply(db, LowerUnread{change.session, change.chat, 1}) : Result<void>();
}

Result<void> apply(Database& db, const RaiseAck& change) {
  return write_ack(db, change.session, change.message_row, change.level, change.error, change.timestamp, change.at);
}

Result<void> apply(Database& db, const RaiseAckById& change) {
  std::int64_t row = 0;
  {
    Statement select(db, select_own_row);
    if (!select.session(change.session).text(change.id).next()) return {};
    row = select.integer();
  }
  const Result<void> raised = write_ack(db, change.session, row, change.level, change.error, change.timestamp);
  if (!raised || !change.never_left) return raised;
  return Statement(db, mark_never_left).integer(row).run();
}

Result<void> apply(Database& db, const ReadReceived& change) {
  std::int64_t row = 0;
  {
    Statement select(db, select_unread_row);
    if (!select.session(change.session).text(change.id).jid(change.chat).number(AckLevel::read).next()) return {};
    row = select.integer();
  }
  if (Result<void> raised = write_ack(db, change.session, row, AckLevel::read, "", std::nullopt); !raised)
    return raised;
  return apply(db, LowerUnread{change.session, change.chat, 1});
}

MessagePage page_messages(Database& db, SessionId session, const protocol::Jid& chat, std::size_t limit,
                          std::optional<std::int64_t> before_row, Listed listed, UnixMs before_time) {
  MessagePage page;
  limit = std::clamp<std::size_t>(limit, 1, max_page);
  if (before_row) {
    Statement select(db, select_time);
    if (select.integer(*before_row).session(session).next()) before_time = select.integer();
    else if (before_time == 0) return page;
  }
  const bool revived = Statement(db, select_tombstone).session(session).jid(chat).next();
  Statement select(db, select_page[listed == Listed::starred][revived][before_row.has_value()].c_str());
  select.session(session).jid(chat);
  select.number(limit + 1);  // one more tells whether there is a next page
  if (before_row) select.integer(before_time).integer(*before_row);
  while (select.next()) {
    if (page.messages.size() == limit) {
      page.next = page.messages.back().row;
      break;
    }
    page.messages.push_back(read_row(select));
  }
  return page;
}

std::vector<AlbumMember> album_members(Database& db, SessionId session, const protocol::Jid& chat,
                                       const std::string& head_id, bool from_me) {
  std::vector<AlbumMember> members;
  Statement select(db, select_album_members);
  select.session(session).text(head_id).number(from_me).jid(chat).number(most_album_members);
  while (select.next()) {
    const std::int64_t row = select.integer();
    members.push_back({row, select.text()});
  }
  return members;
}

std::vector<UnreadMessage> unread_messages(Database& db, SessionId session, const protocol::Jid& chat, std::size_t most,
                                           std::size_t looked_at) {
  const bool revived = Statement(db, select_tombstone).session(session).jid(chat).next();
  Statement select(db, select_unread[revived].c_str());
  select.session(session).jid(chat).number(looked_at).integer(0).integer(0).number(AckLevel::read).number(most);
  std::vector<UnreadMessage> found;
  while (select.next()) {
    UnreadMessage& message = found.emplace_back();
    message.row = select.integer();
    message.id = select.text();
    message.author = select.jid();
    message.timestamp = select.integer();
  }
  return found;
}

}  // namespace wharf::storage
