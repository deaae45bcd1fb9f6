// What a turn has written is seen by its later inputs, as it will be by the next turn, and is gone with a turn that is
// not committed.
#include "sessions/records.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>

#include "protocol/appstate/actions.h"
#include "storage/app_state.h"
#include "storage/database.h"
#include "tests/sessions/session_fixture.h"

using namespace wharf;
using namespace wharf::sessions;
using storage::AckLevel;

namespace {

const Jid ben("100000000000002", "lid"), ben_pn("15550000002", "s.whatsapp.net");
const Jid carl_pn("15550000003", "s.whatsapp.net");
constexpr storage::UnixMs now_ms = 1'700'000'000'000;
const Jid crew("120363000000000001", "g.us"), other_crew("120363000000000002", "g.us");
const Jid news("120363000000000009", "newsletter");
storage::KeyCopy held(const Jid& device) {
  storage::KeyCopy copy;
  copy.device = device;
  return copy;
}
const storage::UploadKey file{{1, 2}, protocol::MediaKind::video};

struct Rows {
  test::SessionFixture fixture;
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

const std::vector<Kind>& kinds() {
  static const auto nothing = [](Rows&) {};
  static const auto one_message = [](Rows& r) { r.records.add(r.message(ben_pn, "old")); };
  static const auto scheduled = [](Rows& r) {
    auto insert = r.message(ben_pn, "old");
    insert.row.ack = AckLevel::scheduled;
    r.records.add(std::move(insert));
  };
  static const auto unread = [](Rows& r) { r.records.add(r.message(ben_pn, "old", false)); };
  static const auto a_list = [](Rows& r) { r.records.add(r.list(ben, 4)); };
  static const std::vector<Kind> all = {
      {"InsertMessage, has_message", nothing, [](Rows& r) { r.records.add(r.message(ben, "m")); },
       [](Rows& r) { return r.records.has_message(ben, "m") && !r.records.has_message(ben_pn, "m"); }},
      {"InsertMessage, find_message", nothing, [](Rows& r) { r.records.add(r.message(ben, "m")); },
       [](Rows& r) {
         const auto row = r.records.find_message(ben, "m");
         return row && row->body == "of m" && !r.records.find_message(ben_pn, "m");
       }},
      {"InsertMessage, find_message of one side", one_message,
       [](Rows& r) { r.records.add(r.message(ben_pn, "old", false)); },
       [](Rows& r) {
         const auto own = r.records.find_message(ben_pn, "old", true),
                    theirs = r.records.find_message(ben_pn, "old", false);
         return own && own->from_me && theirs && !theirs->from_me && r.records.find_message(ben_pn, "old")->from_me;
       }},
      {"InsertMessage, find_message_by_id", nothing, [](Rows& r) { r.records.add(r.message(ben, "m")); },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("m", true);
         return row && row->chat == ben && row->content.size() == 3 && !r.records.find_message_by_id("m", false);
       }},
      {"InsertMessage, has_chat", nothing, [](Rows& r) { r.records.add(r.message(ben, "m")); },
       [](Rows& r) { return r.records.has_chat(ben) && !r.records.has_chat(ben_pn); }},
      {"RaiseAck", one_message,
       [](Rows& r) {
         r.records.add(storage::RaiseAck{r.id, r.row_of("old"), AckLevel::delivered, "", std::nullopt, 3});
         r.records.add(storage::RaiseAck{r.id, r.row_of("old"), AckLevel::read, "", now_ms + 5});
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->ack == AckLevel::read && row->timestamp == now_ms + 5 && row->delivered_at == 3 &&
                row->read_at == 0;
       }},
      {"ReleaseMessage", scheduled,
       [](Rows& r) {
         r.records.add(storage::ReleaseMessage{r.id, ben_pn, "old", now_ms + 5, std::nullopt});
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->ack == AckLevel::pending && row->timestamp == now_ms + 5 && row->created_at == now_ms + 5;
       }},
      {"WithdrawMessage", scheduled,
       [](Rows& r) {
         r.records.add(storage::WithdrawMessage{r.id, ben_pn, "old", "why"});
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->ack == AckLevel::withdrawn && row->error == "why";
       }},
      {"RaiseAckById", one_message,
       [](Rows& r) {
         r.records.add(storage::RaiseAckById{r.id, "old", AckLevel::error, "why", std::nullopt, true});
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->ack == AckLevel::error && row->error == "why" && row->never_left;
       }},
      {"NoteCopy", one_message,
       [](Rows& r) {
         r.records.add(storage::NoteCopy{r.row_of("old"), storage::CopyHolder::recipient, 4});
       },
       [](Rows& r) {
         const auto row = r.row_of("old");
         return r.records.has_copy(row, storage::CopyHolder::recipient, 4) &&
                !r.records.has_copy(row, storage::CopyHolder::own_account, 4) &&
                !r.records.has_copy(row, storage::CopyHolder::recipient, 5);
       }},
      {"ReadReceived", unread,
       [](Rows& r) {
         r.records.add(storage::ReadReceived{r.id, ben_pn, "old"});
       },
       [](Rows& r) {
         return r.records.find_message_by_id("old", false)->ack == AckLevel::read &&
                r.records.find_chat(ben_pn)->unread == 0;
       }},
      {"LowerUnread", unread,
       [](Rows& r) {
         r.records.add(storage::LowerUnread{r.id, ben_pn, 5});
       },
       [](Rows& r) { return r.records.find_chat(ben_pn)->unread == 0; }},
      {"RemoveChat", one_message,
       [](Rows& r) {
         r.records.add(storage::RemoveChat{r.id, ben_pn});
       },
       [](Rows& r) {
         return !r.records.has_chat(ben_pn) && !r.records.has_message(ben_pn, "old") &&
                !r.records.find_message_by_id("old", true) && r.records.newest_messages(ben_pn, 9).empty();
       }},
      {"MergeChats", one_message,
       [](Rows& r) {
         r.records.add(storage::MergeChats{r.id, ben_pn, ben});
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->chat == ben && r.records.has_message(ben, "old") && !r.records.has_message(ben_pn, "old") &&
                r.records.has_chat(ben) && !r.records.has_chat(ben_pn) && r.records.find_message(ben, "old") &&
                r.records.newest_messages(ben, 9).size() == 1;
       }},
      {"PutOpened", one_message,
       [](Rows& r) {
         r.records.add(storage::PutContent{r.id, ben_pn, "old", true, protocol::Bytes{1}});
         r.records.add(storage::PutOpened{r.id, ben_pn, "old", true, "edit", "clear", "{}", protocol::Bytes{2}, 7});
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->kind == "edit" && row->body == "clear" && row->details == "{}" &&
                row->content == protocol::Bytes{2} && row->said_at == 7;
       }},
      {"EditMessage, with its content", one_message,
       [](Rows& r) {
         r.records.add(storage::EditMessage{r.id, ben_pn, "old", true, "new", {}, 9, "{}", protocol::Bytes{2}});
         r.records.add(storage::EditMessage{r.id, ben_pn, "old", true, "late", {}, 8, "{1}", protocol::Bytes{3}});
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->body == "new" && row->details == "{}" && row->content == protocol::Bytes{2};
       }},
      {"EditMessage, with what it shows beside its words", one_message,
       [](Rows& r) {
         r.records.add(storage::EditMessage{r.id, ben_pn, "old", true, "new", {}, 9, "{}"});
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->body == "new" && row->details == "{}" && !row->content.empty();
       }},
      {"PutStar", one_message,
       [](Rows& r) {
         r.records.add(storage::PutStar{r.id, ben_pn, "old", true, 7});
       },
       [](Rows& r) { return r.records.find_message_by_id("old", true)->starred_at == 7; }},
      {"PutPin", one_message,
       [](Rows& r) {
         r.records.add(storage::PutPin{r.id, ben_pn, "old", true, ben, 9, 2});
         r.records.add(storage::PutPin{r.id, ben_pn, "old", true, ben_pn, 5, 1});  // late
       },
       [](Rows& r) {
         const auto row = r.records.find_message_by_id("old", true);
         return row->pinned_until == 9 && row->pinned_by == ben && row->pinned_at == 2;
       }},
      {"RemoveMessage", unread,
       [](Rows& r) {
         r.records.add(storage::RemoveMessage{r.id, ben_pn, "old", false});
       },
       [](Rows& r) {
         const auto chat = r.records.find_chat(ben_pn);
         return !r.records.has_message(ben_pn, "old") && !r.records.find_message(ben_pn, "old") &&
                !r.records.find_message_by_id("old", false) && r.records.newest_messages(ben_pn, 9).empty() &&
                r.records.unread_messages(ben_pn, 9, 9).empty() && chat && chat->unread == 0;
       }},
      {"RemoveMessage, of the same turn", nothing,
       [](Rows& r) {
         r.records.add(r.message(ben, "m", false));
         r.records.add(storage::RemoveMessage{r.id, ben, "m", false});
       },
       [](Rows& r) {
         return !r.records.has_message(ben, "m") && !r.records.find_message_by_id("m", false) &&
                r.records.new_messages(ben).empty() && r.records.has_chat(ben);
       }},
      {"PutChatTimer", nothing,
       [](Rows& r) {
         r.records.add(storage::PutChatTimer{r.id, ben, {86'400, 5}});
       },
       [](Rows& r) {
         return r.records.chat_timer(ben) == storage::ChatTimer{86'400, 5} &&
                r.records.chat_timer(ben_pn) == storage::ChatTimer();
       }},
      {"PutContact", nothing,
       [](Rows& r) {
         r.records.add(r.contact(ben));
         auto watched = r.contact(ben_pn);
         watched.row.watched = true;
         watched.row.name = "Ben B";
         r.records.add(watched);
         r.records.add(storage::PutAppState{r.id, {std::string(protocol::critical_unblock_low), 1, {}, 1, false, false}});
       },
       [](Rows& r) {
         const auto row = r.records.find_contact(ben);
         return row && row->push_name == "Ben" && !row->watched && !r.records.find_contact(crew) &&
                r.records.watched_contacts(9) == std::vector<Jid>{ben_pn} &&
                r.records.saved_contacts(9) == std::vector<Jid>{ben_pn};
       }},
      {"RemoveContact",
       [](Rows& r) {
         auto watched = r.contact(ben);
         watched.row.watched = true;
         r.records.add(watched);
         r.records.add(r.contact(ben_pn));
       },
       [](Rows& r) {
         r.records.add(storage::RemoveContact{r.id, ben});
       },
       [](Rows& r) {
         return !r.records.find_contact(ben) && r.records.find_contact(ben_pn) && r.records.watched_contacts(9).empty();
       }},
      {"PutTrustedToken", nothing,
       [](Rows& r) {
         r.records.add(storage::PutTrustedToken{r.id, {ben, {7}, 5, 6}});
       },
       [](Rows& r) {
         return r.records.find_trusted_token(ben) == storage::TrustedTokenRow{ben, {7}, 5, 6} &&
                !r.records.find_trusted_token(crew);
       }},
      {"RemoveTrustedToken",
       [](Rows& r) {
         r.records.add(storage::PutTrustedToken{r.id, {ben, {7}, 5, 6}});
         r.records.add(storage::PutTrustedToken{r.id, {ben_pn, {7}, 5, 6}});
       },
       [](Rows& r) {
         r.records.add(storage::RemoveTrustedToken{r.id, ben});
       },
       [](Rows& r) { return !r.records.find_trusted_token(ben) && r.records.find_trusted_token(ben_pn); }},
      {"PutAppState", nothing,
       [](Rows& r) {
         r.records.add(storage::PutAppState{r.id, {"book", 3, {1}, 4, true}});
       },
       [](Rows& r) {
         return r.records.find_app_state("book") == storage::AppStateRow{"book", 3, {1}, 4, true} &&
                !r.records.find_app_state("other");
       }},
      {"PutAppStateRecord", [](Rows& r) { r.records.add(r.app_state_record(1, "A")); },
       [](Rows& r) {
         r.records.add(r.app_state_record(1, "B"));
         r.records.add(r.app_state_record(2, "B"));
       },
       [](Rows& r) {
         const auto row = r.records.find_app_state_record("book", {1});
         return row && row->action == "B" && !r.records.find_app_state_record("other", {1}) &&
                r.records.app_state_records_of("book", "A").empty() &&
                r.records.app_state_records_of("book", "B").size() == 2;
       }},
      {"RemoveAppStateRecord",
       [](Rows& r) {
         r.records.add(r.app_state_record(1, "A"));
         r.records.add(r.app_state_record(2, "A"));
       },
       [](Rows& r) {
         r.records.add(storage::RemoveAppStateRecord{r.id, "book", {1}});
       },
       [](Rows& r) {
         return !r.records.find_app_state_record("book", {1}) && r.records.find_app_state_record("book", {2}) &&
                r.records.app_state_records_of("book", "A").size() == 1;
       }},
      {"PutAppStateWish",
       [](Rows& r) {
         r.records.add(storage::PutAppStateWish{r.id, {"book", "A", false, {1}, 1, 1}});
       },
       [](Rows& r) {
         r.records.add(storage::PutAppStateWish{r.id, {"book", "A", true, {2}, 1, 2}});
         r.records.add(storage::PutAppStateWish{r.id, {"other", "A", false, {3}, 1, 1}});
       },
       [](Rows& r) {
         return r.records.app_state_wishes("book", 9) ==
                std::vector<storage::AppStateWish>{{"book", "A", true, {2}, 1, 2}};
       }},
      {"RemoveAppStateWish",
       [](Rows& r) {
         r.records.add(storage::PutAppStateWish{r.id, {"book", "A", false, {1}, 1, 1}});
         r.records.add(storage::PutAppStateWish{r.id, {"book", "B", false, {1}, 1, 1}});
       },
       [](Rows& r) {
         r.records.add(storage::RemoveAppStateWish{r.id, "book", "A"});
       },
       [](Rows& r) {
         const auto wishes = r.records.app_state_wishes("book", 9);
         return wishes.size() == 1 && wishes[0].action == "B";
       }},
      {"PutAppStateKey", nothing,
       [](Rows& r) {
         r.records.add(storage::PutAppStateKey{r.id, {1}, {2}, 3});
       },
       [](Rows& r) {
         return r.records.find_app_state_key(protocol::Bytes{1}) == protocol::Bytes{2} &&
                r.records.app_state_key_ids() == std::vector<protocol::Bytes>{{1}} &&
                !r.records.find_app_state_key(protocol::Bytes{9});
       }},
      {"PutChannel", nothing,
       [](Rows& r) {
         r.records.add(storage::PutChannel{r.id, {news, "{}", 5}});
       },
       [](Rows& r) {
         const auto row = r.records.find_channel(news);
         return row && row->learnt_at == 5 && !r.records.find_channel(crew) && r.records.channels(9).size() == 1;
       }},
      {"RemoveChannel",
       [](Rows& r) {
         r.records.add(storage::PutChannel{r.id, {news, "{}", 5}});
       },
       [](Rows& r) {
         r.records.add(storage::RemoveChannel{r.id, news});
       },
       [](Rows& r) { return !r.records.find_channel(news) && r.records.channels(9).empty(); }},
      {"PutGroup", nothing, [](Rows& r) { r.records.add(r.group()); },
       [](Rows& r) {
         const auto row = r.records.find_group(crew);
         return row && row->subject == "crew" && !row->stale && r.records.stale_groups(9).empty() &&
                !r.records.find_group(other_crew);
       }},
      {"AgeGroup", [](Rows& r) { r.records.add(r.group()); },
       [](Rows& r) {
         r.records.add(storage::AgeGroup{r.id, crew});
       },
       [](Rows& r) {
         return r.records.find_group(crew)->stale && r.records.stale_groups(9) == std::vector<Jid>{crew};
       }},
      {"AgeGroup, all", [](Rows& r) { r.records.add(r.group()); },
       [](Rows& r) {
         r.records.add(storage::AgeGroup{r.id, std::nullopt});
       },
       [](Rows& r) { return r.records.find_group(crew)->stale; }},
      {"PutSenderKey", nothing,
       [](Rows& r) {
         r.records.add(storage::PutSenderKey{r.id, crew, ben, {1}});
       },
       [](Rows& r) {
         return r.records.find_sender_key(crew, ben) == protocol::Bytes{1} &&
                !r.records.find_sender_key(other_crew, ben) && !r.records.find_sender_key(crew, ben_pn);
       }},
      {"MoveSenderKeys, of before and of the same turn",
       [](Rows& r) {
         r.records.add(storage::PutSenderKey{r.id, crew, ben_pn, {1}});
         r.records.add(storage::PutKeyCopies{r.id, crew, {held(ben_pn)}});
       },
       [](Rows& r) {
         r.records.add(storage::PutSenderKey{r.id, other_crew, ben_pn, {2}});
         r.records.add(storage::MoveSenderKeys{r.id, ben_pn, ben});
       },
       [](Rows& r) {
         return r.records.find_sender_key(crew, ben) == protocol::Bytes{1} &&
                r.records.find_sender_key(other_crew, ben) == protocol::Bytes{2} &&
                !r.records.find_sender_key(crew, ben_pn) && !r.records.find_sender_key(other_crew, ben_pn) &&
                r.records.key_copies(crew).contains(ben) && !r.records.key_copies(crew).contains(ben_pn);
       }},
      {"ForgetGroupKeys",
       [](Rows& r) {
         r.records.add(storage::PutSenderKey{r.id, crew, ben, {1}});
         r.records.add(storage::PutOwnSenderKey{r.id, crew, {2}});
         r.records.add(storage::PutKeyCopies{r.id, crew, {held(ben)}});
       },
       [](Rows& r) {
         r.records.add(storage::PutSenderKey{r.id, crew, ben_pn, {3}});
         r.records.add(storage::ForgetGroupKeys{r.id, crew});
       },
       [](Rows& r) {
         return !r.records.find_sender_key(crew, ben) && !r.records.find_sender_key(crew, ben_pn) &&
                !r.records.find_own_sender_key(crew) && r.records.key_copies(crew).empty() &&
                r.records.sender_keys_of(crew, ben, 9).empty();
       }},
      {"PutOwnSenderKey", nothing,
       [](Rows& r) {
         r.records.add(storage::PutOwnSenderKey{r.id, crew, {2}});
       },
       [](Rows& r) {
         return r.records.find_own_sender_key(crew) == protocol::Bytes{2} && !r.records.find_own_sender_key(other_crew);
       }},
      {"DropOwnSenderKey",
       [](Rows& r) {
         r.records.add(storage::PutOwnSenderKey{r.id, crew, {2}});
         r.records.add(storage::PutKeyCopies{r.id, crew, {held(ben)}});
       },
       [](Rows& r) {
         r.records.add(storage::DropOwnSenderKey{r.id, crew});
       },
       [](Rows& r) { return !r.records.find_own_sender_key(crew) && r.records.key_copies(crew).empty(); }},
      {"SendKeyCopies and SettleKeyCopies",
       [](Rows& r) {
         storage::KeyCopy ready = held(ben);
         ready.state = storage::KeyCopy::State::ready;
         ready.body = {1};
         r.records.add(storage::PutKeyCopies{r.id, crew, {ready, held(ben_pn)}});
       },
       [](Rows& r) {
         r.records.add(storage::SendKeyCopies{r.id, crew, "m"});
         storage::KeyCopy lost = held(carl_pn);
         lost.state = storage::KeyCopy::State::ready;
         r.records.add(storage::PutKeyCopies{r.id, crew, {lost}});
         r.records.add(storage::SendKeyCopies{r.id, crew, "n"});
         r.records.add(storage::SettleKeyCopies{r.id, crew, "m", true});
         r.records.add(storage::SettleKeyCopies{r.id, crew, "n", false});
       },
       [](Rows& r) {
         const auto copies = r.records.key_copies(crew);
         return copies.size() == 3 && copies.at(ben) == held(ben) && copies.at(ben_pn) == held(ben_pn) &&
                copies.at(carl_pn).state == storage::KeyCopy::State::again;
       }},
      {"TakeKeyCopiesBack",
       [](Rows& r) {
         for (const Jid& of : {crew, other_crew})
           r.records.add(storage::PutKeyCopies{r.id, of, {held(ben), held(ben.with_device(1)), held(carl_pn)}});
       },
       [](Rows& r) {
         r.records.add(storage::TakeKeyCopiesBack{r.id, ben, std::nullopt, 1});
         r.records.add(storage::TakeKeyCopiesBack{r.id, carl_pn, other_crew, std::nullopt});
       },
       [](Rows& r) {
         const auto there = r.records.key_copies(crew), other = r.records.key_copies(other_crew);
         using State = storage::KeyCopy::State;
         return there.at(ben).state == State::held && there.at(ben.with_device(1)).state == State::again &&
                there.at(carl_pn).state == State::held && other.at(ben).state == State::held &&
                other.at(carl_pn).state == State::again;
       }},
      {"TakeKeyCopiesBack before MoveSenderKeys",
       [](Rows& r) {
         r.records.add(storage::PutKeyCopies{r.id, crew, {held(ben_pn), held(carl_pn)}});
       },
       [](Rows& r) {
         r.records.add(storage::TakeKeyCopiesBack{r.id, ben_pn, std::nullopt, std::nullopt});
         r.records.add(storage::MoveSenderKeys{r.id, ben_pn, ben});
       },
       [](Rows& r) {
         const auto copies = r.records.key_copies(crew);
         using State = storage::KeyCopy::State;
         return copies.size() == 2 && copies.at(ben).state == State::again && copies.at(carl_pn).state == State::held;
       }},
      {"OpenReach and NoteMember", one_message,
       [](Rows& r) {
         const std::int64_t row = r.records.find_message_by_id("old", true)->row;
         r.records.add(storage::OpenReach{row, 2});
         r.records.add(storage::NoteMember{row, ben, AckLevel::read, 1});
         r.records.add(storage::NoteMember{row, ben, AckLevel::delivered, 2});
         r.records.add(storage::NoteMember{row, carl_pn, AckLevel::delivered, 3});
       },
       [](Rows& r) {
         const std::int64_t row = r.records.find_message_by_id("old", true)->row;
         return r.records.find_reach(row) == storage::GroupReach{2, 2, 1, 0} &&
                r.records.member_level(row, ben) == AckLevel::read &&
                r.records.member_level(row, carl_pn) == AckLevel::delivered &&
                r.records.member_level(row, ben_pn) == AckLevel::server;
       }},
      {"PutStatusAudience", nothing,
       [](Rows& r) {
         r.records.add(storage::PutStatusAudience{r.id, {"P", storage::StatusSetting::contacts, false, {}}});
         r.records.add(
             storage::PutStatusAudience{r.id, {"P", storage::StatusSetting::denylist, true, {ben, carl_pn}, {ben}}});
       },
       [](Rows& r) {
         const auto audience = r.records.find_status_audience("P");
         return audience && audience->setting == storage::StatusSetting::denylist && audience->settled &&
                audience->users == std::vector{ben, carl_pn} && audience->excluded == std::vector{ben} &&
                !r.records.find_status_audience("Q");
       }},
      {"PutUpload", nothing,
       [](Rows& r) {
         r.records.add(storage::PutUpload{r.id, file, "m", 1});
       },
       [](Rows& r) { return r.records.find_upload(file) == "m" && !r.records.find_upload({}); }},
      {"ForgetUpload",
       [](Rows& r) {
         r.records.add(storage::PutUpload{r.id, file, "m", 1});
       },
       [](Rows& r) {
         r.records.add(storage::ForgetUpload{r.id, file});
       },
       [](Rows& r) { return !r.records.find_upload(file); }},
      {"PutIdempotency", nothing, [](Rows& r) { r.records.add(r.answer("k")); },
       [](Rows& r) {
         const auto row = r.records.find_idempotency("k", now_ms);
         return row && row->request_hash == "hash" && !r.records.find_idempotency("k", now_ms + 1);
       }},
      {"PutRetry", nothing,
       [](Rows& r) {
         r.records.add(storage::PutRetry{r.id, ben, "m", {2, false}, now_ms});
         r.records.add(storage::PutRetry{r.id, carl_pn, "m", {1, false}, now_ms});
         r.records.add(storage::PutRetry{r.id, ben_pn, "n", {1, false}, now_ms});
         r.records.add(storage::PutRetry{r.id, ben, "m", {3, true}, now_ms});
       },
       [](Rows& r) {
         return r.records.retry(ben, "m") == storage::RetryRow{3, true} && r.records.retry(ben_pn, "m").count == 0 &&
                r.records.awaited_authors("m", 8) == std::vector<Jid>{carl_pn};
       }},
      {"PutResends", nothing,
       [](Rows& r) {
         r.records.add(storage::PutResends{r.id, ben, "m", {2, {9}}, now_ms, 1'000});
       },
       [](Rows& r) {
         return r.records.resends(ben, "m") == storage::ResendRow{2, {9}} && r.records.resends(ben, "n").count == 0;
       }},
      {"PutLid",
       [](Rows& r) {
         r.records.add(storage::PutLid{r.id, carl_pn, ben});
       },
       [](Rows& r) {
         r.records.add(storage::PutLid{r.id, ben_pn, ben});
       },
       [](Rows& r) {  // the LID has moved: its old number is without one
         return r.records.find_lid(ben_pn) == ben && r.records.find_pn(ben) == ben_pn && !r.records.find_lid(carl_pn);
       }},
      {"PutDeviceList", nothing, [](Rows& r) { r.records.add(r.list(ben, 4)); },
       [](Rows& r) {
         const auto row = r.records.find_device_list(ben);
         return row && row->devices.size() == 2 && row->raw_id == 7 && !r.records.find_device_list(ben_pn);
       }},
      {"RemoveDeviceList", a_list,
       [](Rows& r) {
         r.records.add(storage::RemoveDeviceList{r.id, ben});
       },
       [](Rows& r) { return !r.records.find_device_list(ben); }},
      {"AgeDeviceList", a_list,
       [](Rows& r) {
         r.records.add(storage::AgeDeviceList{r.id, ben});
       },
       [](Rows& r) {
         const auto row = r.records.find_device_list(ben);
         return row && row->fetched_at == 0 && row->devices.size() == 2;
       }},
      {"AddPreKeys", nothing,
       [](Rows& r) {
         r.records.add(storage::AddPreKeys{r.id, {r.pre_key(5), r.pre_key(6)}});
       },
       [](Rows& r) {
         return r.records.find_pre_key(5) && r.records.find_pre_key(6) && r.records.load_pre_keys(5, 7).size() == 2 &&
                r.records.load_pre_keys(6, 7).size() == 1;
       }},
      {"RemovePreKey",
       [](Rows& r) {
         r.records.add(storage::AddPreKeys{r.id, {r.pre_key(5)}});
       },
       [](Rows& r) {
         r.records.add(storage::RemovePreKey{r.id, 5});
       },
       [](Rows& r) { return !r.records.find_pre_key(5) && r.records.load_pre_keys(1, 9).empty(); }},
      {"AddRetryPreKey", nothing,
       [](Rows& r) {
         r.records.add(storage::AddRetryPreKey{r.id, ben, r.pre_key(storage::first_retry_key_id + 1), now_ms});
       },
       [](Rows& r) { return r.records.find_pre_key(storage::first_retry_key_id + 1).has_value(); }},
      {"AddSignedPreKey", nothing, [](Rows& r) { r.records.add(r.signed_pre_key(2)); },
       [](Rows& r) { return r.records.find_signed_pre_key(2).has_value(); }},
      {"WipeDevice",
       [](Rows& r) {
         r.records.add(r.list(ben, 4));
         r.records.add(storage::AddPreKeys{r.id, {r.pre_key(5)}});
         r.records.add(storage::PutRetry{r.id, ben, "m", {3, true}, now_ms});
         r.records.add(storage::PutResends{r.id, ben, "m", {2, {9}}, now_ms, 1'000});
         r.records.add(storage::PutRatchet{r.id, ben, {1}});
         r.records.add(storage::PutIdentity{r.id, ben, {}});
         r.records.add(storage::PutAppState{r.id, {"book", 3, {1}, 4, true}});
         r.records.add(r.app_state_record(1, "A"));
         r.records.add(storage::PutAppStateWish{r.id, {"book", "A", false, {1}, 1, 1}});
         r.records.add(storage::PutAppStateKey{r.id, {1}, {2}, 3});
         r.records.add(storage::PutKeyCopies{r.id, crew, {held(carl_pn)}});
       },
       [](Rows& r) {
         r.records.add(storage::PutKeyCopies{r.id, crew, {held(ben_pn)}});
         r.records.add(storage::WipeDevice{r.id});
         r.records.add(storage::PutKeyCopies{r.id, crew, {held(ben)}});  // of the next one
       },
       [](Rows& r) {
         const KeyCopies copies = r.records.key_copies(crew);
         return copies.size() == 1 && copies.contains(ben) && !r.records.find_app_state("book") &&
                !r.records.find_app_state_record("book", {1}) && r.records.app_state_records_of("book", "A").empty() &&
                r.records.app_state_wishes("book", 9).empty() && !r.records.find_app_state_key(protocol::Bytes{1}) &&
                r.records.app_state_key_ids().empty() && !r.records.find_device_list(ben) &&
                !r.records.find_pre_key(5) && r.records.load_pre_keys(1, 9).empty() &&
                r.records.retry(ben, "m").count == 0 && r.records.resends(ben, "m").count == 0 &&
                !r.records.find_signed_pre_key(1) && !r.records.find_ratchet(ben) && !r.records.find_identity(ben);
       }},
  };
  return all;
}

/// The answers to every question, as text; `row` is left out, which only the commit gives.
std::string ask_everything(const Records& records) {
  std::string told;
  const auto tell = [&](const std::string& line) { told += line + "\n"; };
  for (const Jid& chat : {ben, ben_pn, carl_pn}) {
    tell(fmt::format("chat {}: {}", chat.to_string(), records.has_chat(chat)));
    tell(fmt::format("timer {} {}", records.chat_timer(chat).seconds, records.chat_timer(chat).set_at));
    for (const char* id : {"a", "b", "c", "d", "e", "f"}) {
      const auto row = records.find_message(chat, id);
      tell(fmt::format("{} {} {}", id, records.has_message(chat, id),
                       row ? fmt::format("{} {} {} {} {} {}", row->chat.to_string(), static_cast<int>(row->ack),
                                         row->error, row->timestamp, row->starred_at, row->pinned_until)
                           : "-"));
    }
    const auto list = records.find_device_list(chat);
    tell(list ? fmt::format("list {} {}", fmt::join(list->devices, ","), list->fetched_at) : "no list");
    const auto lid = records.find_lid(chat), pn = records.find_pn(chat);
    tell(fmt::format("lid {} pn {}", lid ? lid->to_string() : "-", pn ? pn->to_string() : "-"));
    for (const char* id : {"a", "b"})
      tell(fmt::format("counts {} {}", records.retry(chat, id).count, records.resends(chat, id).count));
  }
  for (const char* id : {"a", "b", "c", "d", "e", "f"}) {
    for (const bool from_me : {false, true}) {
      const auto row = records.find_message_by_id(id, from_me);
      tell(row ? fmt::format("{} in {} {} {} at {} {} {} {} {}", id, row->chat.to_string(), static_cast<int>(row->ack),
                             row->error, row->timestamp, row->body, row->details, row->content.size(), row->edited_at)
               : std::string("-"));
    }
    const auto answer = records.find_idempotency(id, now_ms);
    tell(answer ? answer->request_hash : "no answer");
  }
  for (protocol::PreKeyId id = 1; id < 6; ++id)
    tell(fmt::format("key {} {}", records.find_pre_key(id).has_value(), records.find_signed_pre_key(id).has_value()));
  for (const auto& key : records.load_pre_keys(1, 6)) tell(fmt::format("loaded {}", key.id));
  return told;
}

/// One change that a session could write here.
void write_any(Rows& r, protocol::Random& dice) {
  const Jid users[] = {ben, ben_pn, carl_pn};
  const auto pick = [&](std::uint32_t n) { return dice.below(n); };
  const std::uint32_t of_user = pick(3);
  const Jid user = users[of_user];
  const std::string name(1, static_cast<char>('a' + pick(2) + 2 * of_user));  // an id is of one chat
  switch (pick(30)) {
    case 0:
    case 1:
      if (!r.records.find_message_by_id(name, true) && !r.records.find_message_by_id(name, false))
        r.records.add(r.message(user, name, pick(2) == 0));
      break;
    case 23:
      if (!r.records.find_message_by_id(name, true) && !r.records.find_message_by_id(name, false)) {
        auto scheduled = r.message(user, name);
        scheduled.row.ack = AckLevel::scheduled;
        scheduled.row.timestamp = now_ms + 1'000;
        r.records.add(std::move(scheduled));
      }
      break;
    case 24:
      if (pick(2) == 0) r.records.add(storage::ReleaseMessage{r.id, user, name, now_ms + 70, std::nullopt});
      else r.records.add(storage::WithdrawMessage{r.id, user, name, "withdrawn"});
      break;
    case 25:
      r.records.add(
          storage::EditMessage{r.id, user, name, pick(2) == 0, std::to_string(pick(9)), {}, now_ms + pick(4)});
      break;
    case 26: r.records.add(storage::PutContent{r.id, user, name, pick(2) == 0, protocol::Bytes(1 + pick(9), 7)}); break;
    case 27: r.records.add(storage::PutDetails{r.id, user, name, pick(2) == 0, std::to_string(pick(9))}); break;
    case 2:
      // What is scheduled is released first.
      if (const auto row = r.records.find_message_by_id(name, true); row && !events::in_conversation(row->ack)) break;
      r.records.add(storage::RaiseAckById{r.id, name, static_cast<AckLevel>(static_cast<int>(pick(6)) - 1), "why",
                                          pick(2) == 0 ? std::optional(now_ms + 9) : std::nullopt});
      break;
    case 3:
      if (const auto row = r.records.find_message_by_id(name, true);
          row && row->row != 0 && events::in_conversation(row->ack))
        r.records.add(storage::RaiseAck{r.id, row->row, static_cast<AckLevel>(2 + static_cast<int>(pick(3))), "",
                                        std::nullopt, now_ms + pick(3)});
      break;
    case 4: r.records.add(storage::RemoveChat{r.id, user}); break;
    case 5: r.records.add(storage::MergeChats{r.id, pick(2) == 0 ? ben_pn : carl_pn, ben}); break;
    case 6: r.records.add(r.answer(name)); break;
    case 7: r.records.add(storage::PutRetry{r.id, user, "a", {pick(5), pick(2) != 0}, now_ms}); break;
    case 8: r.records.add(storage::PutResends{r.id, user, "b", {pick(5), {}}, now_ms, 1'000}); break;
    case 9: r.records.add(storage::PutLid{r.id, pick(2) == 0 ? ben_pn : carl_pn, ben}); break;
    case 10: r.records.add(r.list(user, static_cast<std::uint16_t>(1 + pick(9)))); break;
    case 11: r.records.add(storage::RemoveDeviceList{r.id, user}); break;
    case 12: r.records.add(storage::AgeDeviceList{r.id, user}); break;
    case 13: r.records.add(storage::AddPreKeys{r.id, {r.pre_key(1 + pick(5))}}); break;
    case 14: r.records.add(storage::RemovePreKey{r.id, 1 + pick(5)}); break;
    case 15: r.records.add(r.signed_pre_key(1 + pick(3))); break;
    case 16: r.records.add(storage::ReadReceived{r.id, user, name}); break;
    case 17:
      if (pick(4) == 0) r.records.add(storage::WipeDevice{r.id});
      break;
    case 19: r.records.add(storage::RemoveMessage{r.id, user, name, pick(2) == 0}); break;
    case 28: {
      // What is said about a message is never scheduled.
      const bool own = pick(2) == 0;
      if (const auto row = r.records.find_message_by_id(name, own); row && !events::in_conversation(row->ack)) break;
      r.records.add(storage::PutOpened{r.id, user, name, own, "edit", std::to_string(pick(9)), "{}",
                                       protocol::Bytes(1 + pick(9), 8), pick(9)});
      break;
    }
    case 29:
      r.records.add(storage::EditMessage{r.id,
                                         user,
                                         name,
                                         pick(2) == 0,
                                         std::to_string(pick(9)),
                                         {},
                                         now_ms + pick(4),
                                         std::to_string(pick(9)),
                                         protocol::Bytes(1 + pick(9), 9)});
      break;
    case 20: r.records.add(storage::PutStar{r.id, user, name, pick(2) == 0, pick(3)}); break;
    case 21: r.records.add(storage::PutPin{r.id, user, name, pick(2) == 0, ben, pick(5), pick(5)}); break;
    case 22: r.records.add(storage::RevokeMessage{r.id, user, name, pick(2) == 0, now_ms}); break;
    case 18: r.records.add(storage::PutChatTimer{r.id, user, {pick(3), 1 + pick(5)}}); break;
  }
}

}  // namespace

TEST_CASE("what one input of a turn writes the next one sees; without a commit nobody does, with it everybody") {
  for (const Kind& kind : kinds()) {
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

TEST_CASE("what is seen inside a turn is what is seen after its commit, whatever the changes and their order") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    protocol::SeededRandom dice(seed);
    Rows r;
    for (int turn = 0; turn < 4; ++turn) {
      const auto changes = 1 + dice.below(14);
      for (std::uint32_t i = 0; i < changes; ++i) write_any(r, dice);
      const std::string inside = ask_everything(r.records);
      storage::Changes written = r.records.take();
      INFO(storage::to_text(written));
      r.fixture.store->commit(std::move(written), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
      REQUIRE(inside == ask_everything(r.records));
    }
  }
}

TEST_CASE("levels of a message of this turn rise as they will in its row, an error overrides and is overridden") {
  Rows r;
  const auto raise = [&](AckLevel level) {
    r.records.add(storage::RaiseAckById{r.id, "m", level, "why", std::nullopt});
    return r.records.find_message_by_id("m", true)->ack;
  };
  r.records.add(r.message(ben, "m"));
  CHECK(r.row_of("m") == 0);
  CHECK(raise(AckLevel::delivered) == AckLevel::delivered);
  CHECK(raise(AckLevel::server) == AckLevel::delivered);
  CHECK(raise(AckLevel::error) == AckLevel::error);
  CHECK(r.records.find_message_by_id("m", true)->error == "why");
  CHECK(raise(AckLevel::server) == AckLevel::server);
  CHECK(r.records.find_message_by_id("m", true)->error.empty());
}

TEST_CASE("a message that arrives in a turn is not among those that its later inputs mark as read") {
  Rows r;
  r.records.add(r.message(ben, "old", false));
  r.commit();
  r.records.add(r.message(ben, "new", false));
  r.records.add(r.message(ben_pn, "first", false));
  CHECK(r.records.find_chat(ben)->unread == 1);
  CHECK(r.records.newest_messages(ben, 9).size() == 1);
  CHECK(r.records.new_messages(ben).size() == 1);
  CHECK(r.records.new_messages(ben).front().id == "new");
  CHECK_FALSE(r.records.find_chat(ben_pn));
  CHECK(r.records.has_chat(ben_pn));
  r.records.add(storage::LowerUnread{r.id, ben, 1});
  CHECK(r.records.find_chat(ben)->unread == 0);
  r.commit();
  CHECK(r.records.find_chat(ben)->unread == 1);
}

TEST_CASE("a merge adds what was unread, and pages of both chats are one, the newest first") {
  Rows r;
  auto at = [&](const Jid& chat, const char* id, storage::UnixMs time) {
    auto insert = r.message(chat, id, false);
    insert.row.timestamp = time;
    r.records.add(std::move(insert));
  };
  at(ben, "1", now_ms + 1);
  at(ben_pn, "2", now_ms + 2);
  at(ben, "3", now_ms + 3);
  at(ben_pn, "4", now_ms + 4);
  r.commit();
  r.records.add(storage::MergeChats{r.id, ben_pn, ben});
  for (int committed = 0; committed < 2; ++committed) {
    CHECK(r.records.find_chat(ben)->unread == 4);
    CHECK_FALSE(r.records.find_chat(ben_pn));
    std::string ids;
    for (const auto& row : r.records.newest_messages(ben, 3)) ids += row.id;
    CHECK(ids == "432");
    CHECK(r.records.unread_messages(ben, 9, 9).size() == 4);
    CHECK(r.records.unread_messages(ben, 2, 9).at(1).id == "3");
    r.commit();
  }
}

TEST_CASE("the members of an album come in the order in which they were accepted, those of this turn too") {
  Rows r;
  const auto head = r.message(ben, "head").row;
  const auto member = [&](const char* id, const char* album) {
    auto insert = r.message(ben, id);
    insert.row.album_id = album;
    r.records.add(std::move(insert));
  };
  member("z", "head");
  r.commit();
  member("y", "head");
  member("b", "another");
  member("c", "head");
  member("a", "head");
  for (int committed = 0; committed < 2; ++committed) {
    CHECK(r.records.album_members(head) == std::vector<std::string>{"z", "y", "c", "a"});
    r.commit();
  }
}

TEST_CASE("the members of an album are found when this turn has merged its chat, without those that it has deleted") {
  Rows r;
  const auto member = [&](const Jid& chat, const char* id) {
    auto insert = r.message(chat, id);
    insert.row.album_id = "head";
    r.records.add(std::move(insert));
  };
  r.records.add(r.message(ben_pn, "head"));
  for (const char* id : {"c", "a", "both", "gone"}) member(ben_pn, id);
  member(ben, "b");
  member(ben, "both");
  r.commit();
  r.records.add(storage::MergeChats{r.id, ben_pn, ben});
  r.records.add(storage::RemoveMessage{r.id, ben, "gone", true});
  for (int committed = 0; committed < 2; ++committed) {
    const auto head = r.records.find_message_by_id("head", true);
    REQUIRE(head->chat == ben);
    auto members = r.records.album_members(*head);
    std::sort(members.begin(), members.end());  // of what both had, the commit keeps the row of the other chat
    CHECK(members == std::vector<std::string>{"a", "b", "both", "c"});
    r.commit();
  }
}

TEST_CASE("what this turn has marked as read is not unread any more") {
  Rows r;
  for (const char* id : {"1", "2", "3"}) r.records.add(r.message(ben, id, false));
  r.commit();
  const auto rows = r.records.unread_messages(ben, 9, 9);
  REQUIRE(rows.size() == 3);
  r.records.add(storage::RaiseAck{r.id, rows[0].row, AckLevel::read, "", std::nullopt});
  r.records.add(storage::ReadReceived{r.id, ben, rows[1].id});
  for (int committed = 0; committed < 2; ++committed) {
    const auto left = r.records.unread_messages(ben, 9, 9);
    REQUIRE(left.size() == 1);
    CHECK(left[0].row == rows[2].row);
    r.commit();
  }
}

TEST_CASE("rows appended as a list are seen like those that are added") {
  Rows r;
  storage::Changes more;
  more.add(r.message(ben, "m"));
  more.add(r.signed_pre_key(2));
  r.records.add(r.message(ben_pn, "first"));
  r.records.append(std::move(more));
  CHECK(r.records.find_message(ben, "m")->body == "of m");
  CHECK(r.records.find_signed_pre_key(2));
  CHECK(r.records.take().rows().size() == 3);
}

TEST_CASE("a session that begins again is made of its rows; one that was removed has none") {
  Rows r;
  const auto rows = load_session_rows(r.fixture.store->reader(), r.id);
  REQUIRE(rows);
  CHECK(rows->session.name == "s");
  CHECK(rows->device.linked());
  r.records.add(storage::RemoveSession{r.id});
  r.commit();
  CHECK_FALSE(load_session_rows(r.fixture.store->reader(), r.id));
}
