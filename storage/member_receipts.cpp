#include "storage/member_receipts.h"

#include <algorithm>
#include <utility>

#include "storage/apply.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

constexpr const char* select_reach = "SELECT members, delivered, read, played FROM group_reach WHERE message_row = ?1";
constexpr const char* open_reach =
    "INSERT OR IGNORE INTO group_reach (message_row, members, delivered, read, played)"
    " SELECT row, ?2, 0, 0, 0 FROM message WHERE row = ?1";
constexpr const char* put_reach =
    "UPDATE group_reach SET delivered = ?2, read = ?3, played = ?4 WHERE message_row = ?1";
#define COLUMNS "SELECT user_id, level, delivered_at, read_at, played_at FROM group_receipt WHERE message_row = ?1"
constexpr const char* select_member = COLUMNS " AND user_id = ?2";
constexpr const char* select_members = COLUMNS " ORDER BY user_id LIMIT ?2";
#undef COLUMNS
constexpr const char* put_member =
    "INSERT OR REPLACE INTO group_receipt (message_row, user_id, level, delivered_at, read_at, played_at)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

constexpr const char* remove_member = "DELETE FROM group_receipt WHERE message_row = ?1 AND user_id = ?2";

MemberReceipt read_row(Statement& select) {
  MemberReceipt row;
  row.user = select.jid();
  row.level = static_cast<AckLevel>(select.integer());
  row.delivered_at = select.integer();
  row.read_at = select.integer();
  row.played_at = select.integer();
  return row;
}

/// What two rows of one person say together; of what both say the earlier.
void unite(MemberReceipt& row, const MemberReceipt& other) {
  const auto earlier = [](UnixMs& at, UnixMs also) {
    at = at == 0 || also == 0 ? std::max(at, also) : std::min(at, also);
  };
  row.level = std::max(row.level, other.level);
  earlier(row.delivered_at, other.delivered_at);
  earlier(row.read_at, other.read_at);
  earlier(row.played_at, other.played_at);
}

}  // namespace

void GroupReach::advance(AckLevel from, AckLevel to) {
  const auto crosses = [&](AckLevel level) { return from < level && to >= level; };
  if (crosses(AckLevel::delivered)) ++delivered;
  if (crosses(AckLevel::read)) ++read;
  if (crosses(AckLevel::played)) ++played;
}

void GroupReach::unite(AckLevel one, AckLevel other) {
  const AckLevel twice = std::min(one, other);
  if (twice >= AckLevel::delivered) --delivered;
  if (twice >= AckLevel::read) --read;
  if (twice >= AckLevel::played) --played;
}

AckLevel GroupReach::level() const {
  if (members == 0) return AckLevel::server;
  if (played >= members) return AckLevel::played;
  if (read >= members) return AckLevel::read;
  return delivered >= members ? AckLevel::delivered : AckLevel::server;
}

std::optional<GroupReach> find_reach(Database& db, std::int64_t message_row) {
  Statement select(db, select_reach);
  if (!select.integer(message_row).next()) return std::nullopt;
  GroupReach reach;
  for (std::uint32_t* count : {&reach.members, &reach.delivered, &reach.read, &reach.played})
    *count = select.number<std::uint32_t>();
  return reach;
}

std::optional<MemberReceipt> find_member_receipt(Database& db, std::int64_t message_row, const protocol::Jid& user) {
  Statement select(db, select_member);
  if (!select.integer(message_row).jid(user).next()) return std::nullopt;
  return read_row(select);
}

std::vector<MemberReceipt> member_receipts(Database& db, std::int64_t message_row, std::size_t most) {
  std::vector<MemberReceipt> rows;
  Statement select(db, select_members);
  select.integer(message_row).number(most);
  while (select.next()) rows.push_back(read_row(select));
  return rows;
}

Result<void> apply(Database& db, const OpenReach& change) {
  return Statement(db, open_reach).integer(change.message_row).number(change.members).run();
}

Result<void> apply(Database& db, const NoteMember& change) {
  auto reach = find_reach(db, change.message_row);
  if (!reach) return {};
  auto known = find_member_receipt(db, change.message_row, change.user);
  const auto other = change.other ? find_member_receipt(db, change.message_row, *change.other) : std::nullopt;
  if (!known && !other && reach->delivered >= max_speakers(*reach)) return {};
  MemberReceipt row = known ? std::move(*known) : MemberReceipt();
  if (other) {
    reach->unite(row.level, other->level);
    unite(row, *other);
    const auto removed = Statement(db, remove_member).integer(change.message_row).jid(*change.other).run();
    if (!removed) return removed;
  }
  const AckLevel before = row.level;
  const bool news = change.level > before;
  if (!news && !other) return {};
  if (news) {
    row.level = change.level;
    UnixMs& at = change.level == AckLevel::played ? row.played_at
                 : change.level == AckLevel::read ? row.read_at
                                                  : row.delivered_at;
    at = change.at;
  }
  const Result<void> put = Statement(db, put_member)
                               .integer(change.message_row)
                               .jid(change.user)
                               .number(static_cast<int>(row.level))
                               .integer(row.delivered_at)
                               .integer(row.read_at)
                               .integer(row.played_at)
                               .run();
  if (!put) return put;
  reach->advance(before, row.level);
  return Statement(db, put_reach)
      .integer(change.message_row)
      .number(reach->delivered)
      .number(reach->read)
      .number(reach->played)
      .run();
}

}  // namespace wharf::storage
