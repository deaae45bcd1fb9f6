
#include <algorithm>
#include <charconv>
#include <limits>

#include "storage/apply.h"
#include "storage/chat_bump.h"
#include "storage/chat_list.h"
#include "storage/chats.h"
#include "storage/removal.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

enum class NameRank : int { none = 0, push_name = 1, subject = 2 };

const std::string columns =
    "SELECT chat_id, alternate_id, last_at, last_row, unread, name, ifnull((SELECT seconds FROM chat_timer t"
    " WHERE t.session_id = chat.session_id AND t.chat_id = chat.chat_id), 0) FROM chat ";
const std::string select_one = columns + "WHERE session_id = ?1 AND chat_id = ?2";
const std::string select_newest = columns + "WHERE session_id = ?1 ORDER BY last_at DESC, chat_id DESC LIMIT ?2";
const std::string select_before =
    columns + "WHERE session_id = ?1 AND (last_at, chat_id) < (?2, ?3) ORDER BY last_at DESC, chat_id DESC LIMIT ?4";
constexpr const char* select_all_ids =
    "SELECT chat_id FROM chat WHERE session_id = ?1 ORDER BY last_at DESC, chat_id DESC LIMIT ?2";

constexpr const char* select_partners =
    "SELECT c.chat_id FROM chat c JOIN jid j ON j.id = c.chat_id WHERE c.session_id = ?1"
    " AND c.number = " WHARF_DEVICE(?1) " AND j.server IN ('s.whatsapp.net', 'lid') ORDER BY c.last_at DESC, c.chat_id DESC LIMIT ?2";

// An older message (history, out of order) counts as unread but is not the last one, and its push name is older too.
constexpr const char* upsert =
    "INSERT INTO chat (session_id, chat_id, alternate_id, last_at, last_row, unread, name_rank, name, number)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, " WHARF_DEVICE(?1) ") ON CONFLICT (session_id, chat_id) DO UPDATE SET"
    " number = excluded.number, unread = unread + excluded.unread,"
    " alternate_id = CASE WHEN excluded.alternate_id <> 0 THEN excluded.alternate_id ELSE alternate_id END,"
    " name = CASE WHEN excluded.name_rank > name_rank"
    "   OR (excluded.name_rank = name_rank AND excluded.name_rank > 0 AND excluded.last_at >= last_at)"
    "   THEN excluded.name ELSE name END,"
    " name_rank = max(name_rank, excluded.name_rank),"
    " last_row = CASE WHEN excluded.last_at >= last_at OR last_row = 0 THEN excluded.last_row ELSE last_row END,"
    " last_at = max(last_at, excluded.last_at)";
constexpr const char* set_last = "UPDATE chat SET last_at = ?3, last_row = ?4 WHERE session_id = ?1 AND chat_id = ?2";
constexpr const char* select_with_last =
    "SELECT chat_id FROM chat WHERE session_id = ?1 AND chat_id = ?2 AND last_row = ?3";
constexpr const char* forget_last = "UPDATE chat SET last_row = 0 WHERE session_id = ?1 AND chat_id = ?2";
constexpr const char* select_touched =
    "SELECT c.chat_id FROM message m JOIN chat c ON c.session_id = m.session_id AND c.chat_id = " WHARF_CHAT_OF(
        m) " WHERE m.row = ?2 AND m.session_id = ?1 AND (c.last_row = ?2 OR c.last_at <= ?3)";
constexpr const char* lower_unread_count =
    "UPDATE chat SET unread = max(0, unread - ?3) WHERE session_id = ?1 AND chat_id = ?2";
constexpr const char* delete_chat = "DELETE FROM chat WHERE session_id = ?1 AND chat_id = ?2";
constexpr const char* select_chat = "SELECT 1 FROM chat WHERE session_id = ?1 AND chat_id = ?2";

constexpr const char* move_outbox = "UPDATE outbox SET chat_id = ?4 WHERE key BETWEEN ?1 AND ?2 AND chat_id = ?3";
// Device numbers count down: the lesser one is the newer one.
constexpr const char* merge_row =
    "INSERT INTO chat (session_id, chat_id, alternate_id, last_at, last_row, unread, name_rank, name, number)"
    " SELECT session_id, ?3, ?2, last_at, last_row, unread, name_rank, name, number FROM chat"
    " WHERE session_id = ?1 AND chat_id = ?2"
    " ON CONFLICT (session_id, chat_id) DO UPDATE SET"
    " number = min(number, excluded.number), unread = unread + excluded.unread, alternate_id = excluded.alternate_id,"
    " name = CASE WHEN excluded.name_rank > name_rank THEN excluded.name ELSE name END,"
    " name_rank = max(name_rank, excluded.name_rank),"
    " last_row = CASE WHEN excluded.last_at > last_at THEN excluded.last_row ELSE last_row END,"
    " last_at = max(last_at, excluded.last_at)";
constexpr const char* set_alternate =
    "UPDATE chat SET alternate_id = ?3 WHERE session_id = ?1 AND chat_id = ?2 AND alternate_id <> ?3";

constexpr const char* select_message_of =
    "SELECT 1 FROM message m WHERE m.session_id = ?1 AND m.chat_id = ?2 AND" WHARF_MESSAGE_AT_HOME(m) "LIMIT 1";
constexpr const char* move_timer =
    "INSERT INTO chat_timer (session_id, chat_id, seconds, set_at)"
    " SELECT session_id, ?3, seconds, set_at FROM chat_timer WHERE session_id = ?1 AND chat_id = ?2"
    " ON CONFLICT (session_id, chat_id) DO UPDATE SET seconds = excluded.seconds, set_at = excluded.set_at"
    " WHERE excluded.set_at > set_at";
constexpr const char* delete_timer = "DELETE FROM chat_timer WHERE session_id = ?1 AND chat_id = ?2";

constexpr const char* select_subject =
    "SELECT subject FROM chat_group WHERE number = " WHARF_DEVICE(?1) " AND group_id = ?2 AND subject <> ''";

constexpr std::size_t max_page = 1'000;

ChatRow read_row(Database& db, Statement& select) {
  ChatRow row;
  row.chat = select.jid();
  if (Jid alternate = select.jid(); !alternate.empty()) row.alternate = std::move(alternate);
  row.last_at = select.integer();
  const std::int64_t last_row = select.integer();
  const std::int64_t unread = select.integer();
  constexpr std::int64_t most = std::numeric_limits<std::uint32_t>::max();
  row.unread = static_cast<std::uint32_t>(std::clamp<std::int64_t>(unread, 0, most));
  row.name = select.text();
  row.expires_after_s = select.number<std::uint32_t>();
  if (last_row != 0) row.last_message = find_message_row(db, last_row);
  return row;
}

// The cursor is the place (last_at, chat id) of the last chat of a page, so a chat that gets a message meanwhile moves
// to the front and does not shift the pages behind.
struct Place {
  UnixMs last_at = 0;
  std::int64_t chat_id = 0;
};
std::string cursor_text(const Place& place) {
  return std::to_string(place.last_at) + "." + std::to_string(place.chat_id);
}
/// Only what cursor_text() gives.
std::optional<Place> parse_cursor(std::string_view text) {
  Place place;
  const char* end = text.data() + text.size();
  const auto time = std::from_chars(text.data(), end, place.last_at);
  if (time.ec != std::errc() || time.ptr == end || *time.ptr != '.') return std::nullopt;
  const auto chat = std::from_chars(time.ptr + 1, end, place.chat_id);
  if (chat.ec != std::errc() || cursor_text(place) != text) return std::nullopt;
  return place;
}

/// The chat's last message is the newest of those that it has now.
Result<void> find_last(Database& db, SessionId session, std::int64_t chat) {
  const std::optional<MessagePlace> newest = newest_message(db, session, chat);
  if (!newest) return {};
  return Statement(db, set_last).session(session).integer(chat).integer(newest->timestamp).integer(newest->row).run();
}

/// Messages that are scheduled, and what is said about messages, make no row of a chat.
bool has_chat_or_messages(Database& db, SessionId session, std::int64_t chat) {
  Statement select(db, select_chat);
  if (select.session(session).integer(chat).next()) return true;
  return Statement(db, select_message_of).session(session).integer(chat).next();
}

Result<void> merge(Database& db, SessionId session, const Jid& from, const Jid& to) {
  if (!from.is_phone_number() || !to.is_lid()) return Error(Errc::internal, "a chat merges from a number to a LID");
  Result<std::int64_t> from_found = jid_id(db, from);
  if (!from_found) return from_found.error();
  Result<std::int64_t> to_found = jid_id(db, to);
  if (!to_found) return to_found.error();
  const std::int64_t from_id = *from_found, to_id = *to_found;

  if (has_chat_or_messages(db, session, from_id)) {
    if (Result<void> done = divert_chat(db, session, from_id, to_id); !done) return done;
    if (Result<void> done = Statement(db, merge_row).session(session).integer(from_id).integer(to_id).run(); !done)
      return done;
    if (Result<void> done = Statement(db, delete_chat).session(session).integer(from_id).run(); !done) return done;
    if (Result<void> done = find_last(db, session, to_id); !done) return done;
  }
  if (Result<void> done = Statement(db, set_alternate).session(session).integer(to_id).integer(from_id).run(); !done) {
    return done;
  }
  if (Result<void> done = Statement(db, move_timer).session(session).integer(from_id).integer(to_id).run(); !done)
    return done;
  if (Result<void> done = Statement(db, delete_timer).session(session).integer(from_id).run(); !done) return done;
  return Statement(db, move_outbox).keys(session).integer(from_id).integer(to_id).run();
}

}  // namespace

Result<void> bump_chat(Database& db, const MessageRow& message, std::int64_t row, bool unread,
                       const std::optional<protocol::Jid>& alternate) {
  if (message.chat.is_status()) return {};  // a status post is of no chat
  // In a group the author's push name is not the name of the chat; a channel is the author of its posts.
  const bool person = message.chat.is_phone_number() || message.chat.is_lid() || message.chat.is_channel();
  std::string name;
  NameRank rank = NameRank::none;
  if (person && !message.from_me && !message.push_name.empty()) {
    name = message.push_name;
    rank = NameRank::push_name;
  } else if (message.chat.is_group()) {
    Statement select(db, select_subject);
    if (select.session(message.session).jid(message.chat).next()) {
      name = select.text();
      rank = NameRank::subject;
    }
  }
  return Statement(db, upsert)
      .session(message.session)
      .jid(message.chat)
      .jid(alternate ? *alternate : Jid())
      .integer(message.timestamp)
      .integer(row)
      .number(unread)
      .number(rank)
      .text(name)
      .run();
}

Result<void> refresh_chat(Database& db, SessionId session, std::int64_t message_row, UnixMs timestamp) {
  std::int64_t chat = 0;
  {
    Statement select(db, select_touched);
    if (!select.session(session).integer(message_row).integer(timestamp).next()) return {};
    chat = select.integer();
  }
  return find_last(db, session, chat);
}

Result<void> lose_last_message(Database& db, SessionId session, const protocol::Jid& chat, std::int64_t message_row) {
  std::int64_t id = 0;
  {
    Statement select(db, select_with_last);
    if (!select.session(session).jid(chat).integer(message_row).next()) return {};
    id = select.integer();
  }
  if (Result<void> done = Statement(db, forget_last).session(session).integer(id).run(); !done) return done;
  return find_last(db, session, id);
}

bool valid_chat_cursor(const std::string& cursor) { return parse_cursor(cursor).has_value(); }

ChatPage page_chats(Database& db, SessionId session, std::size_t limit, const std::optional<std::string>& cursor) {
  ChatPage page;
  limit = std::clamp<std::size_t>(limit, 1, max_page);
  std::optional<Place> before;
  if (cursor) {
    before = parse_cursor(*cursor);
    if (!before) return page;
  }
  Statement select(db, before ? select_before.c_str() : select_newest.c_str());
  select.session(session);
  if (before) select.integer(before->last_at).integer(before->chat_id);
  select.number(limit + 1);
  while (select.next()) {
    if (page.chats.size() == limit) {
      const ChatRow& last = page.chats.back();
      page.next = cursor_text({last.last_at, find_jid_id(db, last.chat).value_or(0)});
      break;
    }
    page.chats.push_back(read_row(db, select));
  }
  return page;
}

std::optional<std::vector<std::int64_t>> list_chats(Database& db, SessionId session, std::size_t most) {
  std::vector<std::int64_t> chats;
  Statement select(db, select_all_ids);
  select.session(session).number(most + 1);
  while (select.next()) chats.push_back(select.integer());
  if (chats.size() > most) return std::nullopt;
  return chats;
}

std::vector<protocol::Jid> chat_partners(Database& db, SessionId session, std::size_t most) {
  std::vector<protocol::Jid> partners;
  Statement select(db, select_partners);
  select.session(session).number(most);
  while (select.next()) partners.push_back(select.jid());
  return partners;
}

std::vector<ChatRow> read_chats(Database& db, SessionId session, std::span<const std::int64_t> chats) {
  std::vector<ChatRow> rows;
  for (const std::int64_t chat : chats) {
    Statement select(db, select_one.c_str());
    if (select.session(session).integer(chat).next()) rows.push_back(read_row(db, select));
  }
  return rows;
}

std::optional<ChatRow> find_chat(Database& db, SessionId session, const protocol::Jid& chat) {
  Statement select(db, select_one.c_str());
  if (!select.session(session).jid(chat).next()) return std::nullopt;
  return read_row(db, select);
}

Result<void> apply(Database& db, const LowerUnread& change) {
  return Statement(db, lower_unread_count).session(change.session).jid(change.chat).number(change.by).run();
}

Result<void> apply(Database& db, const RemoveChat& change) { return bury_chat(db, change.session, change.chat); }

Result<void> apply(Database& db, const MergeChats& change) { return merge(db, change.session, change.from, change.to); }

}  // namespace wharf::storage
