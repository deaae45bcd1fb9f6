// What a network writes reads as what it meant, over the wire too.
#include <catch2/catch.hpp>

#include "protocol/notifications/notification.h"
#include "tests/support/node_json.h"
#include "tests/support/printing.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::node_from_hex;
using wharf::test::text;
using wharf::test::vectors;

namespace {

const Jid own_pn("15550000001", server::user, 7), own_lid("900000000000001", server::lid, 7);
constexpr std::uint64_t now = 1'770'000'000;
const NotificationReader reader{own_pn, own_lid, now};
const NotificationHeader header{"n-1", now, own_pn};

std::vector<NotificationEvent> through_the_wire(const NotificationEvent& event) {
  const Node stanza = notification_stanza(header, event);
  REQUIRE(notification_ack(stanza));
  return read_notification(decode_node(encode_node(stanza)).value(), reader);
}

std::vector<NotificationEvent> samples() {
  const Jid user("15550000002", server::user), lid("900000000000002", server::lid);
  const Jid group("120363000000000001", server::group), channel("120363000000000002", server::newsletter);
  std::vector<NotificationEvent> all;
  all.push_back(PreKeysLow{4});
  all.push_back(PreKeysLow{});
  all.push_back(KeyDigestAsked{});
  all.push_back(IdentityChanged{user, lid, now});
  DeviceListChanged list;
  list.change = DeviceListChanged::Change::add;
  list.jid = user;
  list.lid = lid;
  list.devices = {{user.with_device(3), lid.with_device(3), 2}, {user.with_device(4), std::nullopt, std::nullopt}};
  list.hash = "2:abc";
  list.lid_hash = "2:def";
  list.key_index_list = {1, 2, 3};
  list.listed_at = now;
  all.push_back(list);
  list.change = DeviceListChanged::Change::remove;
  all.push_back(list);
  DeviceListChanged hash_alone;
  hash_alone.jid = server_jid();
  hash_alone.hash = "a1";
  all.push_back(hash_alone);
  DeviceListChanged own;
  own.change = DeviceListChanged::Change::own;
  own.jid = own_pn.user_jid();
  own.lid = own_lid.user_jid();
  own.devices = {{own_pn.user_jid(), std::nullopt, std::nullopt}, {own_pn, std::nullopt, 3}};
  own.hash = "2:own";
  all.push_back(own);
  all.push_back(AppStateMoved{{{"regular", 12}, {"regular_low", std::nullopt}}});
  all.push_back(PrivacyChanged{{{PrivacyCategory::last_seen, PrivacyValue::contact_blacklist},
                                {PrivacyCategory::defense, PrivacyValue::on_standard}}});
  all.push_back(BlocklistChanged{false, {{lid, true}, {user, false}}, "2", "1"});
  all.push_back(BlocklistChanged{true, {}, "3", ""});
  all.push_back(DefaultTimerChanged{std::nullopt, 86400, now});
  all.push_back(DefaultTimerChanged{user, 0, now});
  all.push_back(OwnPushNameChanged{"Anna"});
  all.push_back(PictureChanged{user, lid, "17", false, false, now});
  all.push_back(PictureChanged{group, user, "", true, false, now});
  all.push_back(PictureChanged{own_pn.user_jid(), std::nullopt, "", false, true, std::nullopt});
  all.push_back(AboutChanged{user, "At work\n", false, now});
  all.push_back(AboutChanged{own_pn.user_jid(), std::nullopt, true, std::nullopt});
  all.push_back(TrustedTokenReceived{user, lid, now, {1, 2, 3}});
  all.push_back(TrustedTokenReceived{user, std::nullopt, now, {1}});
  all.push_back(ContactChanged{user, ""});
  all.push_back(ContactChanged{std::nullopt, "a1"});
  all.push_back(ContactNumberChanged{user, Jid("15550000007", server::user), lid, Jid("7", server::lid)});
  all.push_back(ContactSyncAsked{5});
  MediaRetried retried;
  retried.answer.id = header.id;
  retried.answer.message = RetriedMessage{group, true, lid};
  retried.answer.sealed = {{1, 2, 3}, {9}};
  all.push_back(retried);
  retried.answer.sealed = {};
  retried.answer.error_code = 2;
  all.push_back(retried);
  all.push_back(ChannelMessageUpdated{channel, {5, 17, {{"\U0001F44D", 3}, {"x", 1}}}});
  all.push_back(ChannelMessageUpdated{channel, {6, std::nullopt, {}}});
  all.push_back(ChannelJoined{channel});
  all.push_back(ChannelLeft{channel, "GUEST"});
  all.push_back(ChannelChanged{channel, "NotificationNewsletterStateChange"});
  all.push_back(ChannelChanged{channel, "NotificationNewsletterMilestone"});
  all.push_back(ChannelMuted{channel, true});
  all.push_back(ChannelMuted{channel, false});
  all.push_back(AccountRestricted{true, "WEB_COMPANION_ONLY", now + 500});
  all.push_back(AccountRestricted{});
  all.push_back(NewChatQuota{"CAPPED", 100, 100, 1, 2});
  all.push_back(NewChatQuota{"NONE", std::nullopt, std::nullopt, std::nullopt, std::nullopt});
  all.push_back(LidChanged{lid, Jid("8", server::lid)});
  all.push_back(LinkedProfilesChanged{lid});
  all.push_back(UsernameChanged{lid, "bakery.one", "", false});
  all.push_back(UsernameChanged{lid, "", "", false});
  all.push_back(UsernameChanged{lid, "me", "", true});
  all.push_back(UsernameChanged{std::nullopt, "", "a1", false});
  all.push_back(TextStatusChanged{user, "hello\nthere", "\U0001F44D", 3600, now, ""});
  all.push_back(TextStatusChanged{std::nullopt, "", "", std::nullopt, std::nullopt, "a1"});
  all.push_back(RegistrationCodeAsked{"123456", now, "dev1"});
  all.push_back(TakeoverAttempted{"Pixel", "android", now});
  all.push_back(BusinessNameChanged{user, "", "unknown", {1, 2}});
  all.push_back(BusinessNameChanged{user, "a1", "", {}});
  all.push_back(BusinessRemoved{user, ""});
  all.push_back(BusinessProfileChanged{user, "a1"});
  all.push_back(CatalogChanged{user, {"1", "2"}, {"3"}});
  all.push_back(PairingStep{"refresh_code"});
  all.push_back(AdvRotationAsked{});
  all.push_back(UnknownNotification{"psa", std::nullopt, ""});
  all.push_back(UnknownNotification{"mex", "NotificationBrandNew", ""});
  return all;
}

}  // namespace

TEST_CASE("every kind of event is written and read again") {
  std::vector<bool> seen(std::variant_size_v<NotificationEvent>);
  for (const NotificationEvent& event : samples()) {
    CAPTURE(event.index());
    REQUIRE(through_the_wire(event) == std::vector{event});
    seen[event.index()] = true;
  }
  REQUIRE(seen == std::vector<bool>(seen.size(), true));
}

TEST_CASE("what the vectors tell is written so that it tells the same") {
  int written = 0;
  for (const auto& value : vectors("notifications").at("vectors").as_array()) {
    const auto& vector = value.as_object();
    if (text(vector, "kind") != "notification") continue;
    CAPTURE(std::string(text(vector, "id")));
    for (const NotificationEvent& event : read_notification(node_from_hex(vector.at("wire_hex")), reader)) {
      // What says that something was refused is no more in what is written.
      if (const auto* list = std::get_if<DeviceListChanged>(&event); list && list->rows_skipped) continue;
      NotificationHeader of_event = header;
      if (const auto* retried = std::get_if<MediaRetried>(&event)) of_event.id = retried->answer.id;
      const auto again = read_notification(notification_stanza(of_event, event), reader);
      REQUIRE(again.size() == 1);
      REQUIRE(again.front().index() == event.index());
      ++written;
    }
  }
  REQUIRE(written > 50);
}

TEST_CASE("what serves the session alone is told apart") {
  int internal = 0;
  for (const NotificationEvent& event : samples()) internal += is_internal(event);
  REQUIRE(internal == 3 + 4 + 1 + 2 + 2 + 2);  // keys, device lists, app state, tokens, media, pairing
  REQUIRE_FALSE(is_internal(IdentityChanged{}));
  REQUIRE_FALSE(is_internal(UnknownNotification{}));
}
