// What a turn has written of groups, their keys and whom a message reaches is seen by its later inputs.
#include <catch2/catch.hpp>

#include "tests/sessions/records_fixture.h"

using namespace wharf;
using namespace wharf::test::records;

namespace {

const std::vector<Kind>& kinds() {
  static const auto nothing = [](Rows&) {};
  static const auto one_message = [](Rows& r) { r.records.add(r.message(ben_pn, "old")); };
  static const std::vector<Kind> all = {
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
      {"AgeGroup, all",
       [](Rows& r) {
         r.records.add(r.group());
         auto left = r.group();
         left.row.group = other_crew;
         left.row.member = false;
         r.records.add(std::move(left));
       },
       [](Rows& r) {
         r.records.add(storage::AgeGroup{r.id, std::nullopt});
       },
       [](Rows& r) { return r.records.find_group(crew)->stale && !r.records.find_group(other_crew)->stale; }},
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
         return copies.size() == 2 && copies.contains(ben) && copies.at(ben).state == State::again &&
                copies.at(carl_pn).state == State::held;
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
      {"NoteMember of another identity",
       [](Rows& r) {
         one_message(r);
         r.commit();
         const std::int64_t row = r.records.find_message_by_id("old", true)->row;
         r.records.add(storage::OpenReach{row, 3});
         r.records.add(storage::NoteMember{row, carl_pn, AckLevel::delivered, 1});
         r.records.add(storage::NoteMember{row, ben_pn, AckLevel::read, 2});
         r.records.add(storage::NoteMember{row, ben, AckLevel::delivered, 3});
       },
       [](Rows& r) {
         const std::int64_t row = r.records.find_message_by_id("old", true)->row;
         r.records.add(storage::NoteMember{row, ben, AckLevel::delivered, 4, ben_pn});
         r.records.add(storage::NoteMember{row, Jid("100000000000003", "lid"), AckLevel::played, 5, carl_pn});
       },
       [](Rows& r) {
         const std::int64_t row = r.records.find_message_by_id("old", true)->row;
         return r.records.find_reach(row) == storage::GroupReach{3, 2, 2, 1} &&
                r.records.member_level(row, ben) == AckLevel::read &&
                r.records.member_level(row, Jid("100000000000003", "lid")) == AckLevel::played &&
                r.records.member_level(row, ben_pn) == AckLevel::server &&
                r.records.member_level(row, carl_pn) == AckLevel::server;
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
  };
  return all;
}

}  // namespace

TEST_CASE(
    "what one input of a turn writes of groups the next one sees; without a commit nobody does, with it everybody") {
  check_seen(kinds());
}
