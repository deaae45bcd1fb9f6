// What a turn has written is seen by its later inputs, as it will be by the next turn, and is gone with a turn that is
// not committed.
#include "sessions/records.h"

#include <catch2/catch.hpp>

#include <fmt/format.h>
#include <set>

#include "protocol/appstate/actions.h"
#include "storage/app_state.h"
#include "storage/database.h"
#include "tests/sessions/records_fixture.h"

using namespace wharf;
using namespace wharf::test::records;

namespace {

const std::string contacts(protocol::critical_unblock_low);
/// Somebody is in the address book of the phone.
storage::PutAppStateRecord saved(const Rows& r, std::uint8_t mac, const Jid& who) {
  return {r.id, contacts, {{mac}, {7}, {1}, protocol::index_of({protocol::contact_action, who.to_string()})}};
}
std::set<Jid> saved_people(const Rows& r) {
  const auto saved = r.records.saved_contacts(9);
  REQUIRE(saved);
  return {saved->begin(), saved->end()};
}

const std::vector<Kind>& kinds() {
  static const auto nothing = [](Rows&) {};
  static const auto a_list = [](Rows& r) { r.records.add(r.list(ben, 4)); };
  static const std::vector<Kind> all = {
      {"PutContact", nothing,
       [](Rows& r) {
         r.records.add(r.contact(ben));
         auto watched = r.contact(ben_pn);
         watched.row.watched = true;
         r.records.add(watched);
       },
       [](Rows& r) {
         const auto row = r.records.find_contact(ben);
         return row && row->push_name == "Ben" && !row->watched && !r.records.find_contact(crew) &&
                r.records.watched_contacts(9) == std::vector<Jid>{ben_pn};
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
      {"PutAppStateRecord",
       [](Rows& r) {
         r.records.add(r.app_state_record(1, "A"));
         r.records.add(storage::PutAppState{r.id, {contacts, 1, {}, 1, false, false}});
         r.records.add(saved(r, 1, ben_pn));
         r.records.add(saved(r, 2, carl_pn));
       },
       [](Rows& r) {
         r.records.add(r.app_state_record(1, "B"));
         r.records.add(r.app_state_record(2, "B"));
         r.records.add(saved(r, 2, ben));
       },
       [](Rows& r) {
         const auto row = r.records.find_app_state_record("book", {1});
         return row && row->action == "B" && !r.records.find_app_state_record("other", {1}) &&
                r.records.app_state_records_of("book", "A").empty() &&
                r.records.app_state_records_of("book", "B").size() == 2 &&
                saved_people(r) == std::set<Jid>{ben_pn, ben} && r.records.saved_contacts(1)->size() == 1;
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
         r.records.add(storage::PutRetry{r.id, carl_pn, "m", {1, false, 1, crew}, now_ms});
         r.records.add(storage::PutRetry{r.id, ben_pn, "m", {1, false, 1, ben}, now_ms});
         r.records.add(storage::PutRetry{r.id, ben_pn, "n", {1, false}, now_ms});
         r.records.add(storage::PutRetry{r.id, ben, "m", {3, true}, now_ms});
       },
       [](Rows& r) {
         return r.records.retry(ben, "m") == storage::RetryRow{3, true} && r.records.retry(ben_pn, "m").chat == ben &&
                r.records.awaited_authors("m", crew, 8) == std::vector<Jid>{carl_pn};
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

TEST_CASE(
    "what one input of a turn writes of people, channels, app state and keys the next one sees; without a commit "
    "nobody does, with it everybody") {
  check_seen(kinds());
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
