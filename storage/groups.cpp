#include "storage/groups.h"

#include <algorithm>

#include "storage/apply.h"
#include "storage/removal.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

#define COLUMNS "SELECT group_id, metadata, subject, member, stale, fetched_at, heard FROM chat_group "
#define OF_SESSION "WHERE number = " WHARF_DEVICE(?1) " "
constexpr const char* select_one = COLUMNS OF_SESSION "AND group_id = ?2";
constexpr const char* select_stale =
    "SELECT group_id FROM chat_group INDEXED BY stale_chat_group " OF_SESSION "AND stale = 1 LIMIT ?2";
constexpr const char* select_page = COLUMNS OF_SESSION "AND member = 1 AND group_id > ?2 ORDER BY group_id LIMIT ?3";
constexpr const char* put =
    "INSERT OR REPLACE INTO chat_group (number, group_id, metadata, subject, member, stale, fetched_at, heard)"
    " VALUES (" WHARF_DEVICE(?1) ", ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
constexpr const char* age_one = "UPDATE chat_group SET stale = 1 " OF_SESSION "AND group_id = ?2";
constexpr const char* age_all = "UPDATE chat_group SET stale = 1 " OF_SESSION "AND member = 1 AND stale = 0";
#undef OF_SESSION
#undef COLUMNS
constexpr const char* name_chat =
    "UPDATE chat SET name = ?3, name_rank = 2 WHERE session_id = ?1 AND chat_id = ?2 AND (name <> ?3 OR name_rank <> "
    "2)";

constexpr std::size_t max_page = 1'000;

GroupRow read_row(Statement& select) {
  GroupRow row;
  row.group = select.jid();
  row.metadata = select.blob();
  row.subject = select.text();
  row.member = select.integer() != 0;
  row.stale = select.integer() != 0;
  row.fetched_at = select.integer();
  row.heard = select.blob();
  return row;
}

}  // namespace

std::optional<GroupRow> find_group(Database& db, SessionId session, const protocol::Jid& group) {
  Statement select(db, select_one);
  if (!select.session(session).jid(group).next()) return std::nullopt;
  return read_row(select);
}

std::vector<protocol::Jid> stale_groups(Database& db, SessionId session, std::size_t most) {
  std::vector<protocol::Jid> groups;
  Statement select(db, select_stale);
  select.session(session).number(most);
  while (select.next()) groups.push_back(select.jid());
  return groups;
}

GroupPage page_groups(Database& db, SessionId session, std::size_t limit, std::int64_t after) {
  limit = std::clamp<std::size_t>(limit, 1, max_page);
  GroupPage page;
  {
    Statement select(db, select_page);
    select.session(session).integer(after).number(limit + 1);
    while (select.next()) page.groups.push_back(read_row(select));
  }
  if (page.groups.size() <= limit) return page;
  page.groups.pop_back();
  page.next = find_jid_id(db, page.groups.back().group);
  return page;
}

Result<void> apply(Database& db, const PutGroup& change) {
  const GroupRow& row = change.row;
  const Result<void> done = Statement(db, put)
                                .session(change.session)
                                .jid(row.group)
                                .blob(row.metadata)
                                .text(row.subject)
                                .number(row.member)
                                .number(row.stale)
                                .integer(row.fetched_at)
                                .blob(row.heard)
                                .run();
  if (!done || row.subject.empty()) return done;
  return Statement(db, name_chat).session(change.session).jid(row.group).text(row.subject).run();
}

Result<void> apply(Database& db, const AgeGroup& change) {
  if (!change.group) return Statement(db, age_all).session(change.session).run();
  return Statement(db, age_one).session(change.session).jid(*change.group).run();
}

}  // namespace wharf::storage
