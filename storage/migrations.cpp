#include "storage/migrations.h"

#include <array>
#include <string>

#include "storage/statement.h"
#include "storage/transaction.h"

namespace wharf::storage {

namespace {

// Conventions of the schema:
// - `key` is session << 32 | integer (see row_key): one B-tree for tables of (session, integer).
// - In what belongs to the linked device (keys, mappings, retries, read receipts) the session is a device number
//   (storage/removal.h), in `key` and in session_id.
// - *_id columns that hold a JID are integers of table jid; 0 stands for "none".
// - Secret blobs start with a format byte (storage/secret_blob.h), so that sealing at rest needs no rebuild.
// - `org` columns are ids of table organisation; no row of it is ever deleted, and nothing is checked by SQLite.
// - Times are Unix milliseconds.
constexpr const char* first_schema = R"sql(
CREATE TABLE counter (              -- high-water marks of ids that must never be given out twice
  name TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE probe (id INTEGER PRIMARY KEY, filler BLOB NOT NULL);   -- written to see whether the disk takes writes

CREATE TABLE jid (
  id INTEGER PRIMARY KEY,
  user TEXT NOT NULL, server TEXT NOT NULL, device INTEGER NOT NULL, integrator INTEGER NOT NULL,
  UNIQUE (user, server, device, integrator)
);

CREATE TABLE session (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  status TEXT NOT NULL, config TEXT NOT NULL, metadata TEXT NOT NULL, reason TEXT NOT NULL,
  stopped INTEGER NOT NULL, created_at INTEGER NOT NULL, last_activity INTEGER NOT NULL
);
CREATE TABLE device (
  session_id INTEGER PRIMARY KEY,
  noise BLOB NOT NULL, identity BLOB NOT NULL, adv_secret BLOB NOT NULL,        -- secret
  registration_id INTEGER NOT NULL,
  signed_pre_key_id INTEGER NOT NULL, signed_pre_key_at INTEGER NOT NULL,
  next_pre_key_id INTEGER NOT NULL, first_unuploaded INTEGER NOT NULL, server_has_prekeys INTEGER NOT NULL,
  account BLOB NOT NULL, jid_id INTEGER NOT NULL, lid_id INTEGER NOT NULL,
  push_name TEXT NOT NULL, platform TEXT NOT NULL, business_name TEXT NOT NULL,
  login_counter INTEGER NOT NULL, routing_info BLOB NOT NULL,
  server_static BLOB,                                                           -- public; NULL = not known
  server_not_before INTEGER NOT NULL, server_not_after INTEGER NOT NULL
);

CREATE TABLE pre_key (key INTEGER PRIMARY KEY, pair BLOB NOT NULL);             -- session << 32 | id; secret
CREATE TABLE signed_pre_key (key INTEGER PRIMARY KEY, pair BLOB NOT NULL, signature BLOB NOT NULL);
CREATE TABLE ratchet (key INTEGER PRIMARY KEY, record BLOB NOT NULL);           -- session << 32 | device JID
CREATE TABLE identity (key INTEGER PRIMARY KEY, public BLOB NOT NULL);          -- session << 32 | device JID
CREATE TABLE lid_of (key INTEGER PRIMARY KEY, lid_id INTEGER NOT NULL);         -- session << 32 | PN JID
CREATE TABLE pn_of (key INTEGER PRIMARY KEY, pn_id INTEGER NOT NULL);           -- session << 32 | LID JID
CREATE TABLE device_list (                                                      -- session << 32 | user JID
  key INTEGER PRIMARY KEY, devices BLOB NOT NULL, raw_id INTEGER NOT NULL, fetched_at INTEGER NOT NULL
);
CREATE TABLE retry (
  session_id INTEGER NOT NULL, author_id INTEGER NOT NULL, message_id TEXT NOT NULL,
  count INTEGER NOT NULL, at INTEGER NOT NULL,
  UNIQUE (session_id, message_id, author_id)
);
CREATE INDEX retry_by_age ON retry (at);
CREATE TABLE app_state_key (
  session_id INTEGER NOT NULL, key_id BLOB NOT NULL, secret BLOB NOT NULL, timestamp INTEGER NOT NULL,
  UNIQUE (session_id, key_id)
);

CREATE TABLE message (
  row INTEGER PRIMARY KEY,
  session_id INTEGER NOT NULL, chat_id INTEGER NOT NULL, id TEXT NOT NULL, from_me INTEGER NOT NULL,
  author_id INTEGER NOT NULL, ack INTEGER NOT NULL, timestamp INTEGER NOT NULL, created_at INTEGER NOT NULL,
  push_name TEXT NOT NULL, kind TEXT NOT NULL, error TEXT NOT NULL,
  quoted_id TEXT NOT NULL, quoted_author_id INTEGER NOT NULL, mentions BLOB NOT NULL, secret BLOB NOT NULL,
  body TEXT NOT NULL, content BLOB NOT NULL,
  UNIQUE (session_id, id, chat_id, from_me)
);
CREATE INDEX message_by_time ON message (session_id, chat_id, timestamp);       -- the rowid is its last column

CREATE TABLE chat (
  row INTEGER PRIMARY KEY,
  session_id INTEGER NOT NULL, chat_id INTEGER NOT NULL, alternate_id INTEGER NOT NULL,
  last_at INTEGER NOT NULL, last_row INTEGER NOT NULL, unread INTEGER NOT NULL,
  name_rank INTEGER NOT NULL, name TEXT NOT NULL,                               -- 0 none, 1 push name, 2 subject
  UNIQUE (session_id, chat_id)
);
CREATE INDEX chat_by_time ON chat (session_id, last_at, chat_id);

CREATE TABLE outbox (                                                           -- session << 32 | order of acceptance
  key INTEGER PRIMARY KEY,
  chat_id INTEGER NOT NULL, message_id TEXT NOT NULL, state INTEGER NOT NULL, accepted_at INTEGER NOT NULL,
  attempts INTEGER NOT NULL, stanza BLOB NOT NULL
);
CREATE TABLE idempotency (
  session_id INTEGER NOT NULL, key TEXT NOT NULL, request_hash TEXT NOT NULL, message_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  UNIQUE (session_id, key)
);
CREATE INDEX idempotency_by_age ON idempotency (at);

CREATE TABLE event (
  id INTEGER PRIMARY KEY,
  session_id INTEGER NOT NULL, at INTEGER NOT NULL,
  session_name TEXT NOT NULL, name TEXT NOT NULL, lane TEXT NOT NULL, data TEXT NOT NULL
);
CREATE INDEX event_by_session ON event (session_id);

CREATE TABLE webhook (
  row INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE, session_id INTEGER, url TEXT NOT NULL, events BLOB NOT NULL, headers BLOB NOT NULL,
  secret BLOB NOT NULL, created_at INTEGER NOT NULL, cursor INTEGER NOT NULL
);
CREATE INDEX webhook_by_session ON webhook (session_id);
CREATE TABLE webhook_delivery (
  webhook_row INTEGER NOT NULL, event_id INTEGER NOT NULL, parked INTEGER NOT NULL, attempts INTEGER NOT NULL,
  next_try INTEGER NOT NULL, first_try INTEGER NOT NULL, lane TEXT NOT NULL, last_error TEXT NOT NULL,
  UNIQUE (webhook_row, event_id)
);
CREATE INDEX delivery_in_order ON webhook_delivery (webhook_row, parked, event_id);
CREATE INDEX delivery_by_event ON webhook_delivery (event_id);
)sql";

// What single devices have of our messages, and how often one was sent to them again (storage/resends.h).
constexpr const char* resends_outlive_a_restart = R"sql(
ALTER TABLE message ADD COLUMN delivered_to BLOB NOT NULL DEFAULT x'';          -- storage/resends.cpp: two bytes a device
CREATE TABLE resend (
  session_id INTEGER NOT NULL, message_id TEXT NOT NULL, device_id INTEGER NOT NULL,
  count INTEGER NOT NULL, base_key BLOB NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (session_id, message_id, device_id)
) WITHOUT ROWID;
CREATE INDEX resend_by_age ON resend (at);
)sql";

// storage/continuity.h
constexpr const char* ratchet_epochs = R"sql(
CREATE TABLE continuity (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  ratchet_epoch INTEGER NOT NULL, complete INTEGER NOT NULL, copy INTEGER NOT NULL, boot TEXT NOT NULL,
  inode INTEGER NOT NULL
);
INSERT INTO continuity (id, ratchet_epoch, complete, copy, boot, inode) VALUES (1, 0, 1, 0, '', 0);
ALTER TABLE ratchet ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
)sql";

// What was removed and whose rows still go, a bounded number in a batch (storage/removal.h).
constexpr const char* removal_in_slices = R"sql(
CREATE TABLE removed_session (session_id INTEGER PRIMARY KEY);
CREATE TABLE removed_chat (
  session_id INTEGER NOT NULL, chat_id INTEGER NOT NULL, through_row INTEGER NOT NULL,   -- messages up to this row
  PRIMARY KEY (session_id, chat_id)
) WITHOUT ROWID;
ALTER TABLE webhook ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
)sql";

// Lists that only a newer one replaces, one-time keys of retry receipts with their age, read receipts as a queue.
constexpr const char* what_peers_can_fill_is_bounded = R"sql(
ALTER TABLE device_list ADD COLUMN listed_at INTEGER NOT NULL DEFAULT 0;        -- unix seconds, of the signed key index
CREATE TABLE retry_pre_key (                                                    -- session << 32 | id, beside pre_key
  key INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, at INTEGER NOT NULL
);
INSERT INTO retry_pre_key (key, user_id, at)                                    -- of earlier releases: aged out
  SELECT key, 0, 0 FROM pre_key WHERE (key & 0xffffffff) >= 0x800000;
CREATE TABLE read_receipt (                                                     -- session << 32 | order
  key INTEGER PRIMARY KEY,
  chat_id INTEGER NOT NULL, author_id INTEGER NOT NULL, ids BLOB NOT NULL,      -- author 0: 1:1; packed texts
  read_at INTEGER NOT NULL, attempts INTEGER NOT NULL
);
)sql";

// A log-out and a merge in slices: storage/removal.h.
constexpr const char* log_out_and_merge_in_slices = R"sql(
CREATE TABLE device_number (                          -- of sessions that were logged out: below 0, never used twice
  session_id INTEGER PRIMARY KEY, number INTEGER NOT NULL
);
CREATE TABLE removed_device (number INTEGER PRIMARY KEY);
INSERT INTO removed_device (number) SELECT session_id FROM removed_session;
CREATE TABLE merged_chat (
  session_id INTEGER NOT NULL, from_id INTEGER NOT NULL, to_id INTEGER NOT NULL,
  after_row INTEGER NOT NULL, through_row INTEGER NOT NULL,
  PRIMARY KEY (session_id, from_id, through_row)
) WITHOUT ROWID;
CREATE INDEX merged_chat_by_target ON merged_chat (session_id, to_id);
)sql";

// A row without a primary key cannot be carried to a second machine.
constexpr const char* every_table_has_a_primary_key = R"sql(
CREATE TABLE new_retry (
  session_id INTEGER NOT NULL, author_id INTEGER NOT NULL, message_id TEXT NOT NULL,
  count INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (session_id, message_id, author_id)
);
INSERT INTO new_retry SELECT session_id, author_id, message_id, count, at FROM retry;
DROP TABLE retry;
ALTER TABLE new_retry RENAME TO retry;
CREATE INDEX retry_by_age ON retry (at);

CREATE TABLE new_app_state_key (
  session_id INTEGER NOT NULL, key_id BLOB NOT NULL, secret BLOB NOT NULL, timestamp INTEGER NOT NULL,
  PRIMARY KEY (session_id, key_id)
);
INSERT INTO new_app_state_key SELECT session_id, key_id, secret, timestamp FROM app_state_key;
DROP TABLE app_state_key;
ALTER TABLE new_app_state_key RENAME TO app_state_key;

CREATE TABLE new_idempotency (
  session_id INTEGER NOT NULL, key TEXT NOT NULL, request_hash TEXT NOT NULL, message_id TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (session_id, key)
);
INSERT INTO new_idempotency SELECT session_id, key, request_hash, message_id, at FROM idempotency;
DROP TABLE idempotency;
ALTER TABLE new_idempotency RENAME TO idempotency;
CREATE INDEX idempotency_by_age ON idempotency (at);

CREATE TABLE new_webhook_delivery (
  webhook_row INTEGER NOT NULL, event_id INTEGER NOT NULL, parked INTEGER NOT NULL, attempts INTEGER NOT NULL,
  next_try INTEGER NOT NULL, first_try INTEGER NOT NULL, lane TEXT NOT NULL, last_error TEXT NOT NULL,
  PRIMARY KEY (webhook_row, event_id)
);
INSERT INTO new_webhook_delivery
  SELECT webhook_row, event_id, parked, attempts, next_try, first_try, lane, last_error FROM webhook_delivery;
DROP TABLE webhook_delivery;
ALTER TABLE new_webhook_delivery RENAME TO webhook_delivery;
CREATE INDEX delivery_in_order ON webhook_delivery (webhook_row, parked, event_id);
CREATE INDEX delivery_by_event ON webhook_delivery (event_id);
)sql";

// Whose sessions, webhooks and events are. A name of a session is unique in its organisation. An event has its own: its
// session may be gone while readers of the log still come to it.
constexpr const char* organisations = R"sql(
CREATE TABLE organisation (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_at INTEGER NOT NULL);
INSERT INTO organisation (id, name, created_at) VALUES (1, 'default', CAST(strftime('%s', 'now') AS INTEGER) * 1000);

CREATE TABLE new_session (
  id INTEGER PRIMARY KEY,
  org INTEGER NOT NULL DEFAULT 1,
  name TEXT NOT NULL,
  status TEXT NOT NULL, config TEXT NOT NULL, metadata TEXT NOT NULL, reason TEXT NOT NULL,
  stopped INTEGER NOT NULL, created_at INTEGER NOT NULL, last_activity INTEGER NOT NULL,
  UNIQUE (org, name)
);
INSERT INTO new_session (id, name, status, config, metadata, reason, stopped, created_at, last_activity)
  SELECT id, name, status, config, metadata, reason, stopped, created_at, last_activity FROM session;
DROP TABLE session;
ALTER TABLE new_session RENAME TO session;

ALTER TABLE webhook ADD COLUMN org INTEGER NOT NULL DEFAULT 1;
ALTER TABLE event ADD COLUMN org INTEGER NOT NULL DEFAULT 1;
)sql";

// What a resend brought stays known when its chat is removed.
constexpr const char* retries_know_what_was_told = "ALTER TABLE retry ADD COLUMN told INTEGER NOT NULL DEFAULT 0;";

// The number that a request says follows the resends that came, no longer each delivery.
constexpr const char* requests_are_counted_beside_their_number =
    "ALTER TABLE retry ADD COLUMN requests INTEGER NOT NULL DEFAULT 0; UPDATE retry SET requests = count;";

// Every kind of message, and what is said about messages.
constexpr const char* messages_of_every_kind = R"sql(
ALTER TABLE message ADD COLUMN details TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN edited_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN revoked_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN target_id TEXT NOT NULL DEFAULT '';
ALTER TABLE message ADD COLUMN target_from_me INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN said_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN author_on_wire TEXT NOT NULL DEFAULT '';
CREATE INDEX message_by_target ON message (session_id, target_id) WHERE target_id <> '';
)sql";

// The partial index is what the start reads: the names of the files that are still needed.
constexpr const char* files_wait_for_their_upload = R"sql(
ALTER TABLE outbox ADD COLUMN upload BLOB NOT NULL DEFAULT x'';
CREATE INDEX outbox_by_upload ON outbox (upload) WHERE upload <> x'';
)sql";

// The queue as its users see it: when a message is to be sent, until when, and before whom.
constexpr const char* messages_wait_for_their_time = R"sql(
ALTER TABLE outbox ADD COLUMN priority INTEGER NOT NULL DEFAULT 1;
ALTER TABLE outbox ADD COLUMN send_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE outbox ADD COLUMN expires_at INTEGER NOT NULL DEFAULT 0;
)sql";

// storage/search_index.h
constexpr const char* words_are_indexed = R"sql(
CREATE TABLE search_progress (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  after_row INTEGER NOT NULL, through_row INTEGER NOT NULL,
  taken_out INTEGER NOT NULL, sweeping INTEGER NOT NULL, swept_at INTEGER NOT NULL
);
INSERT INTO search_progress (id, after_row, through_row, taken_out, sweeping, swept_at)
  SELECT 1, last, last, 0, 0, 0 FROM (
    SELECT max(ifnull((SELECT max(row) FROM message), 0),
               ifnull((SELECT value FROM counter WHERE name = 'message'), 0)) AS last);
CREATE VIRTUAL TABLE message_index USING fts5 (
  body, more, scope, content='', columnsize=0, prefix='3', tokenize='unicode61 remove_diacritics 2'
);
INSERT INTO message_index (message_index, rank) VALUES ('automerge', 0);        -- by slices: storage/search_index.cpp
)sql";

// storage/chat_timers.h
constexpr const char* disappearing_timers = R"sql(
CREATE TABLE chat_timer (
  session_id INTEGER NOT NULL, chat_id INTEGER NOT NULL,
  seconds INTEGER NOT NULL, set_at INTEGER NOT NULL,                            -- unix seconds
  PRIMARY KEY (session_id, chat_id)
) WITHOUT ROWID;
)sql";

// Stars, pins, and messages that are deleted here alone: what was said about them goes in slices (storage/removal.h).
constexpr const char* stars_pins_and_single_removals = R"sql(
ALTER TABLE message ADD COLUMN starred_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN pinned_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN pinned_by_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN pinned_at INTEGER NOT NULL DEFAULT 0;
CREATE INDEX message_by_star ON message (session_id, chat_id, timestamp) WHERE starred_at <> 0;
CREATE TABLE removed_message (
  session_id INTEGER NOT NULL, chat_id INTEGER NOT NULL, id TEXT NOT NULL, from_me INTEGER NOT NULL,
  PRIMARY KEY (session_id, chat_id, id, from_me)
) WITHOUT ROWID;
)sql";

// Which index of words it is (each rebuilt one is another), and whether it was found damaged: storage/index_keeper.h.
constexpr const char* a_damaged_index_is_marked = R"sql(
ALTER TABLE search_progress ADD COLUMN number INTEGER NOT NULL DEFAULT 1;
ALTER TABLE search_progress ADD COLUMN damaged INTEGER NOT NULL DEFAULT 0;
)sql";

// When the receipts of an own message say that it got there, of chats with one person.
constexpr const char* receipts_have_times = R"sql(
ALTER TABLE message ADD COLUMN delivered_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN read_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN played_at INTEGER NOT NULL DEFAULT 0;
)sql";

// storage/uploads.h. The index is what the sweep reads.
constexpr const char* uploads_are_known_by_their_file = R"sql(
CREATE TABLE upload (
  session_id INTEGER NOT NULL, file_sha256 BLOB NOT NULL, kind INTEGER NOT NULL,
  message_id TEXT NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (session_id, file_sha256, kind)
) WITHOUT ROWID;
CREATE INDEX upload_by_time ON upload (at);
)sql";

// storage/folder_removals.h. Uploads go with their message, by its id.
constexpr const char* a_plain_folder_is_of_one_installation = R"sql(
CREATE TABLE installation (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), id TEXT NOT NULL);
INSERT INTO installation (only_row, id) VALUES (1, lower(hex(randomblob(16))));
CREATE TABLE folder_removal (
  number INTEGER PRIMARY KEY, session TEXT NOT NULL, message_id TEXT NOT NULL, from_me INTEGER NOT NULL,
  sent_at INTEGER NOT NULL, created_at INTEGER NOT NULL
);
CREATE INDEX upload_by_message ON upload (session_id, message_id);
)sql";

// storage/groups.h, storage/sender_keys.h: `number` is the device of a session, as in the keys of the other secrets.
// storage/member_receipts.h: a row of message that goes leaves its reach to the slices of storage/removal.h.
constexpr const char* groups = R"sql(
CREATE TABLE chat_group (
  number INTEGER NOT NULL, group_id INTEGER NOT NULL,
  subject TEXT NOT NULL, member INTEGER NOT NULL, stale INTEGER NOT NULL, fetched_at INTEGER NOT NULL,
  metadata BLOB NOT NULL,                                                       -- an encoded <group> node
  PRIMARY KEY (number, group_id)
);
CREATE TABLE sender_key (                                                       -- secret
  number INTEGER NOT NULL, group_id INTEGER NOT NULL, author_id INTEGER NOT NULL, record BLOB NOT NULL,
  PRIMARY KEY (number, group_id, author_id)
);
CREATE INDEX sender_key_by_author ON sender_key (number, author_id);
CREATE TABLE own_sender_key (                                                   -- secret
  number INTEGER NOT NULL, group_id INTEGER NOT NULL, record BLOB NOT NULL, epoch INTEGER NOT NULL,
  PRIMARY KEY (number, group_id)
);
CREATE TABLE sender_key_copy (
  number INTEGER NOT NULL, group_id INTEGER NOT NULL, device_id INTEGER NOT NULL,
  state INTEGER NOT NULL, kind INTEGER NOT NULL, message_id TEXT NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (number, group_id, device_id)
) WITHOUT ROWID;
CREATE INDEX sender_key_copy_by_device ON sender_key_copy (number, device_id);
CREATE TABLE group_reach (
  message_row INTEGER PRIMARY KEY,
  members INTEGER NOT NULL, delivered INTEGER NOT NULL, read INTEGER NOT NULL, played INTEGER NOT NULL
);
CREATE TABLE group_receipt (
  message_row INTEGER NOT NULL, user_id INTEGER NOT NULL, level INTEGER NOT NULL,
  delivered_at INTEGER NOT NULL, read_at INTEGER NOT NULL, played_at INTEGER NOT NULL,
  PRIMARY KEY (message_row, user_id)
) WITHOUT ROWID;
CREATE TABLE removed_reach (message_row INTEGER PRIMARY KEY);
CREATE TRIGGER reach_goes_with_its_message AFTER DELETE ON message
WHEN EXISTS (SELECT 1 FROM group_reach WHERE message_row = old.row)
BEGIN
  INSERT OR IGNORE INTO removed_reach (message_row) VALUES (old.row);
  DELETE FROM group_reach WHERE message_row = old.row;
END;
)sql";

// What belongs to an album is asked for when its head goes. Of other messages nothing is in the index.
constexpr const char* albums_know_their_members = R"sql(
ALTER TABLE message ADD COLUMN album_id TEXT NOT NULL DEFAULT '';
UPDATE message SET album_id = json_extract(details, '$.albumId') WHERE CASE
  WHEN instr(details, '"albumId":"') = 0 OR NOT json_valid(details) THEN 0
  ELSE json_type(details, '$.albumId') IS 'text' END;
CREATE INDEX message_by_album ON message (session_id, album_id) WHERE album_id <> '';
)sql";

// Own messages that ended before they were sealed. Of earlier ones nobody knows.
constexpr const char* what_never_left_is_marked =
    "ALTER TABLE message ADD COLUMN never_left INTEGER NOT NULL DEFAULT 0;";

// What each copy into the folder asks.
constexpr const char* removals_are_found_by_file =
    "CREATE INDEX folder_removal_by_file ON folder_removal (session, message_id);";

// storage/folder_removals.h
constexpr const char* folders_are_remembered =
    "CREATE TABLE media_folder (path TEXT PRIMARY KEY NOT NULL) WITHOUT ROWID;";

// Whether all groups were stored once, which of them are to be asked for, and digests of what was heard of each.
constexpr const char* groups_are_asked_for = R"sql(
ALTER TABLE chat_group ADD COLUMN heard BLOB NOT NULL DEFAULT x'';
CREATE INDEX stale_chat_group ON chat_group (number, group_id) WHERE stale = 1;
ALTER TABLE device ADD COLUMN groups_listed INTEGER NOT NULL DEFAULT 0;
)sql";

// storage/contacts.h: `number` as in the groups. What chats were called by until now are the names of who wrote there.
constexpr const char* contacts = R"sql(
CREATE TABLE contact (
  number INTEGER NOT NULL, user_id INTEGER NOT NULL,
  push_name TEXT NOT NULL, name TEXT NOT NULL, verified_name TEXT NOT NULL, username TEXT NOT NULL,
  about TEXT NOT NULL, about_at INTEGER NOT NULL, picture_id TEXT NOT NULL,
  registered INTEGER NOT NULL,                                                  -- 0 not known, 1 no, 2 yes
  looked_at INTEGER NOT NULL, watched INTEGER NOT NULL,
  PRIMARY KEY (number, user_id)
);
CREATE INDEX watched_contact ON contact (number, user_id) WHERE watched = 1;
INSERT INTO contact (number, user_id, push_name, name, verified_name, username, about, about_at, picture_id, registered,
                     looked_at, watched)
SELECT ifnull((SELECT n.number FROM device_number n WHERE n.session_id = c.session_id), c.session_id), c.chat_id, c.name,
       '', '', '', '', 0, '', 2, 0, 0
FROM chat c JOIN jid j ON j.id = c.chat_id
WHERE c.name_rank = 1 AND c.name <> '' AND j.server IN ('s.whatsapp.net', 'lid');
)sql";

// storage/sessions.h, ReadsShown
constexpr const char* whether_reads_are_shown = "ALTER TABLE device ADD COLUMN reads_shown INTEGER NOT NULL DEFAULT 0;";

// storage/trusted_tokens.h: `number` as in the groups.
constexpr const char* trusted_tokens = R"sql(
CREATE TABLE trusted_token (
  number INTEGER NOT NULL, user_id INTEGER NOT NULL,
  token BLOB NOT NULL,                                                          -- secret_blob.h
  token_at INTEGER NOT NULL, issued_at INTEGER NOT NULL,
  PRIMARY KEY (number, user_id)
);
)sql";

// storage/status_audiences.h. A chat knows the device number (as in the groups) under which a message came to it last:
// whom the account before had to do with is no contact of this one. Which of two devices a chat that is there already
// is of nobody knows, so it is of the first one.
constexpr const char* status_audiences = R"sql(
CREATE TABLE status_audience (
  session_id INTEGER NOT NULL, post TEXT NOT NULL,
  setting INTEGER NOT NULL,                                                     -- StatusSetting
  settled INTEGER NOT NULL, users BLOB NOT NULL, excluded BLOB NOT NULL,
  PRIMARY KEY (session_id, post)
);
ALTER TABLE chat ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
UPDATE chat SET number = session_id;
)sql";

// storage/channels.h: `number` as in the groups.
constexpr const char* channels = R"sql(
CREATE TABLE channel (
  number INTEGER NOT NULL, channel_id INTEGER NOT NULL,
  metadata TEXT NOT NULL, learnt_at INTEGER NOT NULL,
  PRIMARY KEY (number, channel_id)
);
)sql";

// storage/app_state.h: `number` as in the groups.
constexpr const char* app_state = R"sql(
CREATE TABLE app_state (
  number INTEGER NOT NULL, collection TEXT NOT NULL,
  version INTEGER NOT NULL, hash BLOB NOT NULL, heard INTEGER NOT NULL, whole_is_wanted INTEGER NOT NULL,
  PRIMARY KEY (number, collection)
);
CREATE TABLE app_state_record (
  number INTEGER NOT NULL, collection TEXT NOT NULL, index_mac BLOB NOT NULL,
  value_mac BLOB NOT NULL, key_id BLOB NOT NULL, action TEXT NOT NULL,
  PRIMARY KEY (number, collection, index_mac)
);
CREATE INDEX app_state_by_action ON app_state_record (number, collection, action);
CREATE TABLE app_state_wish (
  number INTEGER NOT NULL, collection TEXT NOT NULL, action TEXT NOT NULL,
  remove INTEGER NOT NULL, value BLOB NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY (number, collection, action)
);
)sql";

// storage/app_state.h: AppStateRow::diverged.
constexpr const char* diverged_app_state = R"sql(
ALTER TABLE app_state ADD COLUMN diverged INTEGER NOT NULL DEFAULT 0;
)sql";

// storage/keys.h: RetryRow::chat.
constexpr const char* retries_know_their_chat = "ALTER TABLE retry ADD COLUMN chat_id INTEGER NOT NULL DEFAULT 0;";

// Of contacts by their names, which steps behind it remove again.
constexpr const char* saved_contacts = R"sql(
CREATE INDEX saved_contact ON contact (number, user_id) WHERE name <> '' AND registered <> 1;
)sql";

// Who is in the address book is what the records of its collection say: storage/app_state.h.
constexpr const char* contacts_are_records = "DROP INDEX saved_contact;";

// The newest message has the smallest rowid now (storage/search_index.h). An index in the old order is given up, as a
// damaged one is (storage/index_keeper.h): the writer makes another, and everything goes into that in slices.
constexpr const char* words_are_indexed_newest_first = R"sql(
UPDATE search_progress SET
  (after_row, through_row) = (SELECT last, last FROM (
    SELECT max(ifnull((SELECT max(row) FROM message), 0),
               ifnull((SELECT value FROM counter WHERE name = 'message'), 0)) AS last)),
  taken_out = 0, sweeping = 0, damaged = 1
WHERE after_row < through_row;
)sql";

constexpr std::array steps_of_this_release = {first_schema,
                                              resends_outlive_a_restart,
                                              ratchet_epochs,
                                              removal_in_slices,
                                              what_peers_can_fill_is_bounded,
                                              log_out_and_merge_in_slices,
                                              every_table_has_a_primary_key,
                                              organisations,
                                              retries_know_what_was_told,
                                              requests_are_counted_beside_their_number,
                                              messages_of_every_kind,
                                              files_wait_for_their_upload,
                                              messages_wait_for_their_time,
                                              words_are_indexed,
                                              disappearing_timers,
                                              stars_pins_and_single_removals,
                                              a_damaged_index_is_marked,
                                              receipts_have_times,
                                              uploads_are_known_by_their_file,
                                              a_plain_folder_is_of_one_installation,
                                              groups,
                                              albums_know_their_members,
                                              what_never_left_is_marked,
                                              removals_are_found_by_file,
                                              folders_are_remembered,
                                              groups_are_asked_for,
                                              contacts,
                                              whether_reads_are_shown,
                                              trusted_tokens,
                                              status_audiences,
                                              channels,
                                              app_state,
                                              diverged_app_state,
                                              saved_contacts,
                                              retries_know_their_chat,
                                              contacts_are_records,
                                              words_are_indexed_newest_first};

std::int64_t pragma(Database& db, const char* sql) {
  Statement statement(db, sql);
  return statement.next() ? statement.integer() : 0;
}

std::int64_t user_version(Database& db) { return pragma(db, "PRAGMA user_version"); }

Result<void> check_owner(Database& db, std::int64_t version, std::size_t known) {
  const std::int64_t owner = pragma(db, "PRAGMA application_id");
  const bool empty = pragma(db, "SELECT count(*) FROM sqlite_master") == 0;
  if (!empty && owner != application_id) return Error(Errc::unsupported, "the file is not a Wharf database");
  if (version > static_cast<std::int64_t>(known)) {
    return Error(Errc::unsupported, "the database has schema version " + std::to_string(version) +
                                        ", this Wharf knows versions up to " + std::to_string(known) +
                                        ": it was written by a newer Wharf");
  }
  return {};
}

Result<void> apply(Database& db, std::span<const char* const> steps) {
  // Read again inside the transaction: another process may have migrated between.
  const std::int64_t version = user_version(db);
  if (Result<void> ours = check_owner(db, version, steps.size()); !ours) return ours;
  for (std::size_t step = static_cast<std::size_t>(version); step < steps.size(); ++step) {
    if (Result<void> applied = db.execute(steps[step]); !applied) {
      return Error(applied.error().code, "migration " + std::to_string(step + 1) + ": " + applied.error().detail);
    }
  }
  const std::string stamp = "PRAGMA application_id = " + std::to_string(application_id) +
                            "; PRAGMA user_version = " + std::to_string(steps.size());
  return db.execute(stamp.c_str());
}

}  // namespace

std::span<const char* const> migrations() { return steps_of_this_release; }

Result<void> migrate(Database& db, std::span<const char* const> steps) {
  if (Result<void> ours = check_version(db, steps); !ours) return ours;
  if (user_version(db) == static_cast<std::int64_t>(steps.size())) return {};
  return in_transaction(db, [&] { return apply(db, steps); });
}

Result<void> check_version(Database& db, std::span<const char* const> steps) {
  return check_owner(db, user_version(db), steps.size());
}

}  // namespace wharf::storage
