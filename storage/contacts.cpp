#include "storage/contacts.h"

#include <algorithm>

#include "storage/apply.h"
#include "storage/removal.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

#define COLUMNS                                                                                         \
  "SELECT user_id, push_name, name, verified_name, username, about, about_at, picture_id, registered, " \
  "looked_at, watched FROM contact "
#define OF_SESSION "WHERE number = " WHARF_DEVICE(?1) " "
constexpr const char* select_one = COLUMNS OF_SESSION "AND user_id = ?2";
constexpr const char* select_page = COLUMNS OF_SESSION "AND user_id > ?2 AND registered <> 1 ORDER BY user_id LIMIT ?3";
constexpr const char* select_watched =
    "SELECT user_id FROM contact INDEXED BY watched_contact " OF_SESSION "AND watched = 1 LIMIT ?2";
constexpr const char* put =
    "INSERT OR REPLACE INTO contact (number, user_id, push_name, name, verified_name, username, about, about_at, "
    "picture_id, registered, looked_at, watched) VALUES (" WHARF_DEVICE(?1) ", ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
constexpr const char* remove_one = "DELETE FROM contact " OF_SESSION "AND user_id = ?2";
#undef OF_SESSION
#undef COLUMNS

constexpr std::size_t max_page = 1'000;

ContactRow read_row(Statement& select) {
  ContactRow row;
  row.user = select.jid();
  row.push_name = select.text();
  row.name = select.text();
  row.verified_name = select.text();
  row.username = select.text();
  row.about = select.text();
  row.about_at = select.integer();
  row.picture_id = select.text();
  row.registered = static_cast<Registered>(std::clamp<std::int64_t>(select.integer(), 0, 2));
  row.looked_at = select.integer();
  row.watched = select.integer() != 0;
  return row;
}

}  // namespace

std::optional<ContactRow> find_contact(Database& db, SessionId session, const protocol::Jid& user) {
  Statement select(db, select_one);
  if (!select.session(session).jid(user).next()) return std::nullopt;
  return read_row(select);
}

ContactPage page_contacts(Database& db, SessionId session, std::size_t limit, std::int64_t after) {
  limit = std::clamp<std::size_t>(limit, 1, max_page);
  ContactPage page;
  {
    Statement select(db, select_page);
    select.session(session).integer(after).number(limit + 1);
    while (select.next()) page.contacts.push_back(read_row(select));
  }
  if (page.contacts.size() <= limit) return page;
  page.contacts.pop_back();
  page.next = find_jid_id(db, page.contacts.back().user);
  return page;
}

std::vector<protocol::Jid> watched_contacts(Database& db, SessionId session, std::size_t most) {
  std::vector<protocol::Jid> users;
  Statement select(db, select_watched);
  select.session(session).number(most);
  while (select.next()) users.push_back(select.jid());
  return users;
}

Result<void> apply(Database& db, const PutContact& change) {
  const ContactRow& row = change.row;
  return Statement(db, put)
      .session(change.session)
      .jid(row.user)
      .text(row.push_name)
      .text(row.name)
      .text(row.verified_name)
      .text(row.username)
      .text(row.about)
      .integer(row.about_at)
      .text(row.picture_id)
      .number(row.registered)
      .integer(row.looked_at)
      .number(row.watched)
      .run();
}

Result<void> apply(Database& db, const RemoveContact& change) {
  return Statement(db, remove_one).session(change.session).jid(change.user).run();
}

}  // namespace wharf::storage
