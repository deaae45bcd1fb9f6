#pragma once
// The records of a session that is really there, and what each kind of change must answer inside its turn.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "sessions/records.h"
#include "tests/sessions/session_fixture.h"

namespace wharf::test::records {

using namespace wharf::sessions;
using storage::AckLevel;

inline const Jid ben("100000000000002", "lid"), ben_pn("15550000002", "s.whatsapp.net");
inline const Jid carl_pn("15550000003", "s.whatsapp.net");
inline constexpr storage::UnixMs now_ms = 1'700'000'000'000;
inline const Jid crew("120363000000000001", "g.us"), other_crew("120363000000000002", "g.us");
inline const Jid news("120363000000000009", "newsletter");
inline storage::KeyCopy held(const Jid& device) {
  storage::KeyCopy copy;
  copy.device = device;
  return copy;
}
inline const storage::UploadKey file{{1, 2}, protocol::MediaKind::video};

struct Rows {
  SessionFixture fixture;
  storage::SessionId id = fixture.row.id;
  Records records{fixture.store->reader(), id};

  void commit() {
    fixture.store->commit(records.take(), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
  }
  storage::InsertMessage message(const Jid& chat, const std::string& name, bool from_me = true) const {
    storage::InsertMessage insert;
    insert.row.session = id;
    insert.row.chat = insert.row.author = chat;
    insert.row.id = name;
    insert.row.from_me = from_me;
    insert.row.kind = "text";
    insert.row.body = "of " + name;
    insert.row.content = {1, 2, 3};
    insert.row.timestamp = insert.row.created_at = now_ms;
    insert.unread = !from_me;
    return insert;
  }
  storage::PutGroup group() const {
    storage::PutGroup put{id, {}};
    put.row.group = crew;
    put.row.subject = "crew";
    put.row.metadata = {1};
    return put;
  }
  storage::PutContact contact(const Jid& user) const {
    storage::PutContact put{id, {}};
    put.row.user = user;
    put.row.push_name = "Ben";
    return put;
  }
  storage::PutAppStateRecord app_state_record(std::uint8_t mac, std::string action) const {
    return {id, "book", {{mac}, {7}, {1}, std::move(action)}};
  }
  storage::PutIdempotency answer(const std::string& key) const {
    storage::PutIdempotency put;
    put.row.session = id;
    put.row.key = key;
    put.row.request_hash = "hash";
    put.row.message_id = "m";
    put.row.at = now_ms;
    return put;
  }
  storage::PutDeviceList list(const Jid& user, std::uint16_t device) const {
    storage::PutDeviceList put{id, user, {}};
    put.row.devices = {0, device};
    put.row.fetched_at = now_ms;
    put.row.raw_id = 7;
    return put;
  }
  protocol::PreKey pre_key(protocol::PreKeyId number) { return {number, protocol::KeyPair::generate(fixture.random)}; }
  storage::AddSignedPreKey signed_pre_key(protocol::PreKeyId number) {
    const auto identity = protocol::KeyPair::generate(fixture.random);
    return {id, protocol::make_signed_pre_key(identity, number, fixture.random)};
  }
  std::int64_t row_of(const std::string& name) const { return records.find_message_by_id(name, true)->row; }
};

/// One kind of change and the question that it answers. `before`: rows that are committed first.
struct Kind {
  const char* name;
  std::function<void(Rows&)> before;
  std::function<void(Rows&)> write;
  std::function<bool(Rows&)> seen;
};

/// What one input of a turn writes the next one sees; without a commit nobody does, with it everybody.
inline void check_seen(const std::vector<Kind>& kinds) {
  for (const Kind& kind : kinds) {
    INFO(kind.name);
    Rows r;
    kind.before(r);
    r.commit();
    CHECK_FALSE(kind.seen(r));
    kind.write(r);
    CHECK(kind.seen(r));
    static_cast<void>(r.records.take());  // the turn is discarded
    CHECK_FALSE(kind.seen(r));
    kind.write(r);
    r.commit();
    CHECK(kind.seen(r));
  }
}

}  // namespace wharf::test::records
