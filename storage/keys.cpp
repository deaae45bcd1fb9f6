#include "storage/keys.h"

#include <algorithm>

#include "storage/apply.h"
#include "storage/removal.h"
#include "storage/secret_blob.h"
#include "storage/statement.h"

namespace wharf::storage {

namespace {

constexpr std::int64_t low_half = (std::int64_t{1} << 32) - 1;

constexpr const char* select_pre_key = "SELECT pair FROM pre_key WHERE key = " WHARF_DEVICE_KEY(?1);
constexpr const char* select_pre_keys = "SELECT key, pair FROM pre_key WHERE key >= " WHARF_DEVICE_KEY(?1) " AND key < " WHARF_DEVICE_KEY(?2) " ORDER BY key";
constexpr const char* replace_pre_key = "INSERT OR REPLACE INTO pre_key (key, pair) VALUES (" WHARF_DEVICE_KEY(?1) ", ?2)";
constexpr const char* delete_pre_key = "DELETE FROM pre_key WHERE key = " WHARF_DEVICE_KEY(?1);

constexpr const char* insert_retry_key = "INSERT OR REPLACE INTO retry_pre_key (key, user_id, at) VALUES (" WHARF_DEVICE_KEY(?1) ", ?2, ?3)";
constexpr const char* delete_retry_key = "DELETE FROM retry_pre_key WHERE key = " WHARF_DEVICE_KEY(?1);
// The keys of one session that go: the aged, those over a user's share, those over the session's. At most 64 a time,
// more than one key can ever make surplus.
constexpr const char* select_surplus =
    "SELECT key & 0xffffffff FROM (SELECT key, at, user_id, row_number() OVER (PARTITION BY user_id ORDER BY at DESC, "
    "key DESC) AS "
    "of_user,"
    " row_number() OVER (ORDER BY at DESC, key DESC) AS of_all FROM retry_pre_key WHERE key" WHARF_DEVICE_KEYS
    ")"
    " WHERE at < ?3 OR (user_id <> 0 AND of_user > ?4) OR of_all > ?5 LIMIT 64";

constexpr const char* select_signed = "SELECT pair, signature FROM signed_pre_key WHERE key = " WHARF_DEVICE_KEY(?1);
constexpr const char* replace_signed =
    "INSERT OR REPLACE INTO signed_pre_key (key, pair, signature) VALUES (" WHARF_DEVICE_KEY(?1) ", ?2, ?3)";
// Ids grow, except when they wrap after 16,777,215; the newest key itself is never the one to go.
constexpr const char* delete_old_signed =
    "DELETE FROM signed_pre_key WHERE key IN (SELECT key FROM signed_pre_key WHERE key" WHARF_DEVICE_KEYS
    " AND key <> " WHARF_DEVICE_KEY(?3)
    " ORDER BY key DESC LIMIT -1 OFFSET ?4)";

constexpr const char* select_retry =
    "SELECT count, told, requests, chat_id FROM retry WHERE session_id = " WHARF_DEVICE(?1) " AND message_id = ?2 AND author_id = ?3";
constexpr const char* select_awaited =
    "SELECT author_id FROM retry WHERE session_id = " WHARF_DEVICE(?1) " AND message_id = ?2 AND told = 0 AND chat_id = ?3 LIMIT ?4";
constexpr const char* select_any_retry = "SELECT 1 FROM retry WHERE session_id = " WHARF_DEVICE(?1) " LIMIT 1";
constexpr const char* replace_retry =
    "INSERT INTO retry (session_id, message_id, author_id, count, told, requests, chat_id, at)"
    " VALUES (" WHARF_DEVICE(?1) ", ?2, ?3, ?4, ?5, ?6, ?7, ?8)"
    " ON CONFLICT (session_id, message_id, author_id)"
    " DO UPDATE SET count = excluded.count, told = excluded.told, requests = excluded.requests,"
    " chat_id = excluded.chat_id, at = excluded.at";
constexpr const char* sweep_retries =
    "DELETE FROM retry WHERE rowid IN (SELECT rowid FROM retry WHERE at < ?1 ORDER BY at LIMIT 100)";
constexpr UnixMs retry_kept_ms = 24 * 60 * 60 * 1000;

constexpr const char* replace_app_state_key =
    "INSERT INTO app_state_key (session_id, key_id, secret, timestamp) VALUES (" WHARF_DEVICE(?1) ", ?2, ?3, ?4)"
    " ON CONFLICT (session_id, key_id) DO UPDATE SET secret = excluded.secret, timestamp = excluded.timestamp";
constexpr const char* select_app_state_key = "SELECT secret FROM app_state_key WHERE session_id = " WHARF_DEVICE(?1) " AND key_id = ?2";

}  // namespace

// --- own prekeys

std::optional<protocol::KeyPair> find_pre_key(Database& db, SessionId session, protocol::PreKeyId id) {
  Statement select(db, select_pre_key);
  if (!select.key(session, std::int64_t{id}).next()) return std::nullopt;
  return open_key_pair(select.blob_view());
}

std::vector<protocol::PreKey> load_pre_keys(Database& db, SessionId session, protocol::PreKeyId from,
                                            protocol::PreKeyId to) {
  std::vector<protocol::PreKey> keys;
  Statement select(db, select_pre_keys);
  select.key(session, std::int64_t{from}).key(session, std::int64_t{to});
  while (select.next()) {
    const auto id = static_cast<protocol::PreKeyId>(select.integer() & low_half);
    keys.push_back(protocol::PreKey{id, open_key_pair(select.blob_view())});
  }
  return keys;
}

Result<void> apply(Database& db, const AddPreKeys& change) {
  for (const protocol::PreKey& key : change.keys) {
    const SecretBlob pair(key.pair);
    const Result<void> put =
        Statement(db, replace_pre_key).key(change.session, std::int64_t{key.id}).blob(pair.view()).run();
    if (!put) return put;
  }
  return {};
}

Result<void> apply(Database& db, const RemovePreKey& change) {
  const Result<void> gone = Statement(db, delete_pre_key).key(change.session, std::int64_t{change.id}).run();
  if (!gone || change.id < first_retry_key_id) return gone;
  return Statement(db, delete_retry_key).key(change.session, std::int64_t{change.id}).run();
}

Result<void> apply(Database& db, const AddRetryPreKey& change) {
  const SecretBlob pair(change.key.pair);
  Result<void> done =
      Statement(db, replace_pre_key).key(change.session, std::int64_t{change.key.id}).blob(pair.view()).run();
  if (done)
    done = Statement(db, insert_retry_key)
               .key(change.session, std::int64_t{change.key.id})
               .jid(change.user)
               .integer(change.at)
               .run();
  if (!done) return done;
  std::vector<std::int64_t> surplus;
  {
    Statement select(db, select_surplus);
    select.keys(change.session)
        .integer(change.at - change.limits.kept_ms)
        .number(change.limits.per_user)
        .number(change.limits.per_session);
    while (select.next()) surplus.push_back(select.integer());
  }
  for (const std::int64_t gone : surplus) {
    if (done = Statement(db, delete_pre_key).key(change.session, gone).run(); !done) return done;
    if (done = Statement(db, delete_retry_key).key(change.session, gone).run(); !done) return done;
  }
  return {};
}

std::optional<protocol::SignedPreKey> find_signed_pre_key(Database& db, SessionId session, protocol::PreKeyId id) {
  Statement select(db, select_signed);
  if (!select.key(session, std::int64_t{id}).next()) return std::nullopt;
  protocol::SignedPreKey key;
  key.id = id;
  key.pair = open_key_pair(select.blob_view());
  const std::optional<protocol::Signature> signature = protocol::exactly<64>(select.blob_view());
  if (!signature) throw ReadFailure(Error(Errc::unsupported, "a stored signature has the wrong length"));
  key.signature = *signature;
  return key;
}

Result<void> apply(Database& db, const AddSignedPreKey& change) {
  const SecretBlob pair(change.key.pair);
  const Result<void> put = Statement(db, replace_signed)
                               .key(change.session, std::int64_t{change.key.id})
                               .blob(pair.view())
                               .blob(change.key.signature)
                               .run();
  if (!put) return put;
  return Statement(db, delete_old_signed)
      .keys(change.session)
      .key(change.session, std::int64_t{change.key.id})
      .number(std::max<std::size_t>(change.keep, 1) - 1)
      .run();
}

// --- what was asked for once more

RetryRow find_retry(Database& db, SessionId session, const protocol::Jid& author, const std::string& id) {
  Statement select(db, select_retry);
  RetryRow row;
  if (!select.session(session).text(id).jid(author).next()) return row;
  row.count = select.number<std::uint32_t>();
  row.told = select.integer() != 0;
  row.requests = select.number<std::uint32_t>();
  row.chat = select.jid();
  return row;
}

std::vector<protocol::Jid> awaited_authors(Database& db, SessionId session, const std::string& id,
                                           const protocol::Jid& chat, std::size_t most) {
  std::vector<protocol::Jid> out;
  Statement select(db, select_awaited);
  select.session(session).text(id).jid(chat).number(most);
  while (select.next()) out.push_back(select.jid());
  return out;
}

bool has_retries(Database& db, SessionId session) { return Statement(db, select_any_retry).session(session).next(); }

Result<void> apply(Database& db, const PutRetry& change) {
  const Result<void> put = Statement(db, replace_retry)
                               .session(change.session)
                               .text(change.id)
                               .jid(change.author)
                               .number(change.row.count)
                               .integer(change.row.told ? 1 : 0)
                               .number(change.row.requests)
                               .jid(change.row.chat)
                               .integer(change.at)
                               .run();
  if (!put) return put;
  return Statement(db, sweep_retries).integer(change.at - retry_kept_ms).run();
}

// --- app state keys

Result<void> apply(Database& db, const PutAppStateKey& change) {
  const SecretBlob secret(change.key);
  return Statement(db, replace_app_state_key)
      .session(change.session)
      .blob(change.key_id)
      .blob(secret.view())
      .number(change.timestamp)
      .run();
}

std::optional<protocol::Bytes> find_app_state_key(Database& db, SessionId session, protocol::ByteView key_id) {
  Statement select(db, select_app_state_key);
  if (!select.session(session).blob(key_id).next()) return std::nullopt;
  return protocol::to_bytes(open_secret(select.blob_view()));
}

}  // namespace wharf::storage
