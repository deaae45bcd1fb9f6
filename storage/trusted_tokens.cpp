#include "storage/trusted_tokens.h"

#include "storage/apply.h"
#include "storage/removal.h"
#include "storage/secret_blob.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

#define OF_USER "WHERE number = " WHARF_DEVICE(?1) " AND user_id = ?2"
constexpr const char* select_one = "SELECT token, token_at, issued_at FROM trusted_token " OF_USER;
constexpr const char* put =
    "INSERT OR REPLACE INTO trusted_token (number, user_id, token, token_at, issued_at) VALUES (" WHARF_DEVICE(
        ?1) ", ?2, ?3, ?4, ?5)";
constexpr const char* remove_one = "DELETE FROM trusted_token " OF_USER;
#undef OF_USER

}  // namespace

std::optional<TrustedTokenRow> find_trusted_token(Database& db, SessionId session, const protocol::Jid& user) {
  Statement select(db, select_one);
  if (!select.session(session).jid(user).next()) return std::nullopt;
  TrustedTokenRow row;
  row.user = user;
  row.token = protocol::to_bytes(open_secret(select.blob_view()));
  row.token_at = select.number<std::uint64_t>();
  row.issued_at = select.number<std::uint64_t>();
  return row;
}

Result<void> apply(Database& db, const PutTrustedToken& change) {
  const TrustedTokenRow& row = change.row;
  const SecretBlob token(row.token);
  return Statement(db, put)
      .session(change.session)
      .jid(row.user)
      .blob(token.view())
      .number(row.token_at)
      .number(row.issued_at)
      .run();
}

Result<void> apply(Database& db, const RemoveTrustedToken& change) {
  return Statement(db, remove_one).session(change.session).jid(change.user).run();
}

}  // namespace wharf::storage
