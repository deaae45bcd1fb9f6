#include "storage/sessions.h"

#include "storage/organisations.h"
#include "storage/read_receipts.h"
#include "storage/resends.h"

#include "storage/keys.h"
#include "storage/messages.h"
#include "storage/outbox.h"
#include "storage/peers.h"
#include "storage/webhooks.h"
#include "tests/storage/fixture.h"

using namespace wharf;
using namespace wharf::storage;
using protocol::Jid;
using test::count;

namespace {

protocol::Key32 key(std::uint8_t first) {
  protocol::Key32 bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(first + i);
  return bytes;
}

protocol::KeyPair pair(std::uint8_t first) {
  // The public half is stored, not computed: any bytes come back.
  return protocol::KeyPair{protocol::PrivateKey(key(first)), key(static_cast<std::uint8_t>(first + 100))};
}

bool same(const protocol::KeyPair& a, const protocol::KeyPair& b) {
  return protocol::equal(a.secret.view(), b.secret.view()) && a.pub == b.pub;
}

DeviceRow full_device(SessionId session) {
  DeviceRow row;
  row.session = session;
  row.noise = pair(1);
  row.identity = pair(2);
  row.registration_id = 0xfffffffe;
  row.adv_secret = key(3);
  row.signed_pre_key_id = 4;
  row.next_pre_key_id = 16'777'215;
  row.first_unuploaded = 6;
  row.server_has_prekeys = true;
  row.account = {7, 0, 7};
  row.jid = Jid("15550000001", "s.whatsapp.net", 8);
  row.lid = Jid("100000000000001", "lid", 8);
  row.push_name = "Anna \xf0\x9f\x90\xb3";
  row.platform = "android";
  row.business_name = "Wharf & Sons";
  row.login_counter = 9;
  row.routing_info = {10, 11};
  row.server_static = key(12);
  row.server_not_before = 13;
  row.server_not_after = 0xffffffffffffffffULL;
  row.signed_pre_key_at = 14;
  row.groups_listed = true;
  row.reads_shown = ReadsShown::no;
  return row;
}

/// Something of the session in every table that belongs to one.
void fill(Changes& changes, SessionId session) {
  const Jid peer("1", "lid"), pn("2", "s.whatsapp.net");
  changes.add(InsertSession{test::session_row(session.value, "session-" + std::to_string(session.value))});
  changes.add(PutDevice{full_device(session)});
  changes.add(AddSignedPreKey{session, protocol::SignedPreKey{1, pair(1), {}}});
  changes.add(PutRatchet{session, peer, {1}});
  changes.add(PutIdentity{session, peer, key(1)});
  changes.add(PutLid{session, pn, peer});
  changes.add(PutChatTimer{session, peer, {86'400, 1}});
  changes.add(PutDeviceList{session, peer, DeviceListRow{{0, 1}, 1, 1}});
  changes.add(PutRetry{session, peer, "id", {1, false}, 1});
  changes.add(PutResends{session, peer, "id", ResendRow{1, {1}}, 1, 1});
  changes.add(AddRetryPreKey{session, peer, protocol::PreKey{first_retry_key_id, pair(1)}, 1});
  ReadReceiptRow read;
  read.session = session;
  read.row = 1;
  read.chat = peer;
  read.ids = {"id"};
  changes.add(InsertReadReceipt{read});
  changes.add(PutAppStateKey{session, {1}, {2}, 3});
  changes.add(InsertMessage{test::message_row(session, peer, "id", 1), true, std::nullopt});
  OutboxRow outbox;
  outbox.session = session;
  outbox.row = 1;
  outbox.chat = peer;
  changes.add(InsertOutbox{outbox});
  changes.add(PutIdempotency{IdempotencyRow{session, "key", "hash", "id", 1}});
  changes.add(PutUpload{session, {}, "id", 1});
  changes.add(PutStatusAudience{session, {"id", StatusSetting::contacts, true, {peer}}});
  const Jid group("120363000000000001", "g.us");
  GroupRow crew;
  crew.group = group;
  changes.add(PutGroup{session, crew});
  ContactRow contact;
  contact.user = peer;
  changes.add(PutContact{session, contact});
  changes.add(PutTrustedToken{session, {peer, {1}, 1, 1}});
  changes.add(PutAppState{session, {"regular", 1, {}, 1, false}});
  changes.add(PutAppStateRecord{session, "regular", {{1}, {2}, {1}, "[]"}});
  changes.add(PutAppStateWish{session, {"regular", "[]", false, {1}, 1, 1}});
  changes.add(PutChannel{session, {Jid("120363000000000009", "newsletter"), "{}", 1}});
  changes.add(PutSenderKey{session, group, peer, {1}});
  changes.add(PutOwnSenderKey{session, group, {1}});
  changes.add(PutKeyCopies{session, group, {{peer, KeyCopy::State::held, {}, {}, {}}}});
  changes.emit(NewEvent(session, "ready", "", "{}", 1));
  WebhookRow webhook;
  webhook.id = "hook-" + std::to_string(session.value);
  webhook.session = session;
  changes.add(PutWebhook{webhook});
  DeliveryRow delivery;
  delivery.webhook = webhook.id;
  delivery.event = session.value;
  changes.add(PutDelivery{delivery});
}

const std::vector<std::string> all_tables = {
    "session",          "device",          "pre_key",        "signed_pre_key",
    "ratchet",          "identity",        "lid_of",         "pn_of",
    "device_list",      "retry",           "resend",         "read_receipt",
    "retry_pre_key",    "message",         "chat",           "outbox",
    "idempotency",      "event",           "webhook",        "webhook_delivery",
    "app_state_key",    "chat_timer",      "upload",         "contact",
    "chat_group",       "sender_key",      "own_sender_key", "sender_key_copy",
    "trusted_token",    "status_audience", "channel",        "app_state",
    "app_state_record", "app_state_wish"};

}  // namespace

TEST_CASE("sessions come back as they were put, and ids are never used twice") {
  test::InlineStore store;
  CHECK(last_session_id(store.db()) == 0);
  SessionRow anna = test::session_row(1, "anna");
  anna.config = R"({"a":1})";
  anna.metadata = R"({"b":2})";
  anna.reason = R"({"code":"network"})";
  anna.created_at = 5;
  anna.last_activity = 6;
  store.turn([&](Changes& changes) {
    changes.add(InsertSession{anna});
    changes.add(InsertSession{test::session_row(2, "ben")});
  });
  anna.status = "DISCONNECTED";
  anna.stopped = true;
  anna.last_activity = 7;
  store.turn([&](Changes& changes) {
    changes.add(UpdateSession{anna});
    changes.add(TouchSession{SessionId{2}, 99});
    changes.add(TouchSession{SessionId{2}, 98});
  });
  const auto rows = load_sessions(store.db());
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].id == anna.id);
  CHECK(rows[0].name == "anna");
  CHECK(rows[0].status == "DISCONNECTED");
  CHECK(rows[0].config == anna.config);
  CHECK(rows[0].metadata == anna.metadata);
  CHECK(rows[0].reason == anna.reason);
  CHECK(rows[0].stopped);
  CHECK(rows[0].created_at == 5);
  CHECK(rows[0].last_activity == 7);
  CHECK(rows[1].last_activity == 99);
  store.turn([](Changes& changes) { changes.add(RemoveSession{SessionId{2}}); });
  CHECK(load_sessions(store.db()).size() == 1);
  CHECK(last_session_id(store.db()) == 2);
}

TEST_CASE("a session's name is one of its organisation's") {
  test::InlineStore store;
  const auto insert = [&](std::int64_t id, OrgId org) {
    SessionRow row = test::session_row(id, "anna");
    row.org = org;
    Changes changes;
    changes.add(InsertSession{row});
    return store.try_commit(std::move(changes));
  };
  REQUIRE(insert(1, default_org).has_value());
  const Result<void> again = insert(2, default_org);
  REQUIRE(!again.has_value());
  CHECK(again.error().code == Errc::conflict);
  REQUIRE(insert(3, OrgId{2}).has_value());
  const auto rows = load_sessions(store.db());
  REQUIRE(rows.size() == 2);
  CHECK(rows[0].org == default_org);
  CHECK(rows[1].org == OrgId{2});
  CHECK(load_session(store.db(), SessionId{3})->org == OrgId{2});
}

TEST_CASE("a new file has one organisation") {
  test::InlineStore store;
  const auto rows = load_organisations(store.db());
  REQUIRE(rows.size() == 1);
  CHECK(rows[0].id == default_org);
  CHECK(rows[0].name == "default");
  CHECK(rows[0].created_at > 1'700'000'000'000);
}

TEST_CASE("a device comes back complete, linked or not") {
  test::InlineStore store;
  const SessionId session{1};
  CHECK(!load_device(store.db(), session));
  const DeviceRow row = full_device(session);
  store.turn([&](Changes& changes) { changes.add(PutDevice{row}); });
  const auto back = load_device(store.db(), session);
  REQUIRE(back);
  CHECK(back->linked());
  CHECK(same(back->noise, row.noise));
  CHECK(same(back->identity, row.identity));
  CHECK(back->registration_id == row.registration_id);
  CHECK(back->adv_secret == row.adv_secret);
  CHECK(back->signed_pre_key_id == row.signed_pre_key_id);
  CHECK(back->next_pre_key_id == row.next_pre_key_id);
  CHECK(back->first_unuploaded == row.first_unuploaded);
  CHECK(back->server_has_prekeys);
  CHECK(back->account == row.account);
  CHECK(back->jid == row.jid);
  CHECK(back->lid == row.lid);
  CHECK(back->push_name == row.push_name);
  CHECK(back->platform == row.platform);
  CHECK(back->business_name == row.business_name);
  CHECK(back->login_counter == row.login_counter);
  CHECK(back->routing_info == row.routing_info);
  CHECK(back->server_static == row.server_static);
  CHECK(back->server_not_before == row.server_not_before);
  CHECK(back->server_not_after == row.server_not_after);
  CHECK(back->signed_pre_key_at == row.signed_pre_key_at);
  CHECK(back->groups_listed);
  CHECK(back->reads_shown == ReadsShown::no);

  DeviceRow fresh;
  fresh.session = session;
  fresh.noise = pair(50);
  store.turn([&](Changes& changes) { changes.add(PutDevice{fresh}); });
  const auto unlinked = load_device(store.db(), session);
  REQUIRE(unlinked);
  CHECK(!unlinked->linked());
  CHECK(same(unlinked->noise, fresh.noise));
  CHECK(unlinked->jid.empty());
  CHECK(!unlinked->server_static);
}

TEST_CASE("secret columns start with their format byte") {
  test::InlineStore store;
  store.turn([](Changes& changes) { fill(changes, SessionId{1}); });
  for (const char* column : {"noise FROM device", "identity FROM device", "adv_secret FROM device", "pair FROM pre_key",
                             "pair FROM signed_pre_key", "secret FROM app_state_key", "secret FROM webhook"}) {
    CHECK(count(store.db(), std::string("SELECT hex(substr(c, 1, 1)) = '01' FROM (SELECT ") +
                                std::string(column).replace(std::string(column).find(' '), 1, " AS c ") + ")") == 1);
  }
}

TEST_CASE("removing a session leaves no row of it in any table and every row of the others") {
  test::InlineStore store;
  for (const std::int64_t id : {1, 2, 3}) store.turn([&](Changes& changes) { fill(changes, SessionId{id}); });
  for (const std::string& table : all_tables) {
    INFO(table);
    CHECK(count(store.db(), "SELECT count(*) FROM " + table) == 3);
  }
  store.turn([](Changes& changes) { changes.add(RemoveSession{SessionId{2}}); });
  for (const std::string& table : all_tables) {
    INFO(table);
    // Events belong to the readers of the log.
    CHECK(count(store.db(), "SELECT count(*) FROM " + table) == (table == "event" ? 3 : 2));
  }
  for (const char* tombstones :
       {"removed_session", "removed_device", "removed_chat", "removed_message", "merged_chat", "removed_reach"})
    CHECK(count(store.db(), std::string("SELECT count(*) FROM ") + tombstones) == 0);
  CHECK(find_message_by_id(store.db(), SessionId{1}, "id", false));
  CHECK(!find_message_by_id(store.db(), SessionId{2}, "id", false));
  CHECK(load_outbox(store.db(), SessionId{3}).size() == 1);
  // A table that is added later and forgotten here shows in the number.
  CHECK(count(store.db(), "SELECT count(*) FROM sqlite_master WHERE type = 'table'") ==
        static_cast<std::int64_t>(all_tables.size()) +
            22);  // organisation, installation, continuity, folder_removal (by names: of files that are still there),
                  // media_folder, counter, jid, probe, device_number, removed_(session, device, chat, message),
                  // merged_chat, search_progress, the four of message_index (search_test.cpp: its words too),
                  // group_reach, group_receipt and removed_reach (groups_test.cpp: they go after their message)
}

TEST_CASE("logging out forgets the device and keeps the conversations") {
  test::InlineStore store;
  for (const std::int64_t id : {1, 2}) store.turn([&](Changes& changes) { fill(changes, SessionId{id}); });
  store.turn([](Changes& changes) { changes.add(WipeDevice{SessionId{1}}); });
  for (const char* table : {"device", "pre_key", "signed_pre_key", "ratchet", "identity", "device_list",
                            "retry_pre_key", "read_receipt", "resend"}) {
    INFO(table);
    CHECK(count(store.db(), std::string("SELECT count(*) FROM ") + table) == 1);
  }
  for (const char* table :
       {"session", "message", "chat", "chat_timer", "outbox", "event", "webhook", "lid_of", "pn_of"}) {
    INFO(table);
    CHECK(count(store.db(), std::string("SELECT count(*) FROM ") + table) == 2);
  }
  CHECK(!load_device(store.db(), SessionId{1}));
  CHECK(load_device(store.db(), SessionId{2}));
}
