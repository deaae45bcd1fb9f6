#pragma once
// One use of a prepared statement: bind in order, then run() or next() with the columns in order. Reset when it goes
// out of scope, so that a reader never pins an old snapshot. For storage/*.cpp only.
//
// Bound texts and blobs are not copied: they must live until run() or the last next().

#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/binary/jid.h"
#include "protocol/bytes.h"
#include "storage/database.h"
#include "storage/ids.h"

struct sqlite3_stmt;

namespace wharf::storage {

using protocol::Bytes;
using protocol::ByteView;
using protocol::Jid;

class Statement {
 public:
  /// `sql` is a string constant.
  Statement(Database& db, const char* sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& integer(std::int64_t value);
  template <class Integral>
  Statement& number(Integral value) {
    return integer(static_cast<std::int64_t>(value));
  }
  Statement& null();
  Statement& text(std::string_view value);
  Statement& blob(ByteView value);
  Statement& session(SessionId session) { return integer(session.value); }
  /// The integer of a JID; an empty one is 0. Inside a transaction of a writing connection an unknown JID gets its row
  /// first, elsewhere it is bound as NULL, which equals nothing.
  Statement& jid(const Jid& jid);
  /// The key of a per-session row: session << 32 | integer.
  Statement& key(SessionId session, const Jid& jid);
  Statement& key(SessionId session, std::int64_t low);
  /// Two parameters, first and last: every key of the session.
  Statement& keys(SessionId session);

  /// A statement without result rows. Errors: conflict (constraint), storage, storage_full.
  Result<void> run();
  /// Steps to the next result row; false after the last. Throws ReadFailure.
  bool next();

  // Columns of the current row, read from left to right.
  std::int64_t integer();
  template <class Integral>
  Integral number() {
    return static_cast<Integral>(integer());
  }
  std::string text();
  Bytes blob();
  ByteView blob_view();  // until the next step
  Jid jid();             // looked up by its integer
  bool is_null() const;

 private:
  void check(int code);

  Database& db_;
  sqlite3_stmt* statement_;
  int parameter_ = 0;
  int column_ = 0;
  Error error_;
};

/// Rows changed by the last statement of the connection.
std::int64_t changed_rows(Database& db);

/// One row per JID; the ids are never reused. Errors: storage, storage_full.
Result<std::int64_t> jid_id(Database& db, const Jid& jid);
std::optional<std::int64_t> find_jid_id(Database& db, const Jid& jid);
Jid jid_of(Database& db, std::int64_t id);

/// Per-session tables with a second integer are filed under one 64-bit rowid, session << 32 | integer: one B-tree
/// instead of two (the row and its UNIQUE index), and a session is one key range. Both halves are 32 bit by check.
std::optional<std::int64_t> row_key(SessionId session, std::int64_t low);

}  // namespace wharf::storage
