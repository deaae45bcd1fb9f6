// What may not be believed, what is too much, and what is not understood. 05 section 17.
#include <catch2/catch.hpp>

#include "protocol/notifications/notification.h"
#include "protocol/stanzas/node_fields.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

constexpr std::uint64_t now = 1'770'000'000;
const Jid own_pn("15550000001", server::user, 7), own_lid("900000000000001", server::lid, 7);
const NotificationReader reader{own_pn, own_lid, now};
const Jid contact("15550000002", server::user), contact_lid("900000000000002", server::lid);

Node stanza(std::string_view type, const Jid& from) {
  Node node("notification");
  return node.set("id", "1").set("type", type).set("from", from).set("t", now);
}
std::vector<NotificationEvent> read(const Node& node) { return read_notification(node, reader); }

/// The one event of this kind.
template <class Event>
Event only(const Node& node) {
  const auto events = read(node);
  REQUIRE(events.size() == 1);
  REQUIRE(std::holds_alternative<Event>(events.front()));
  return std::get<Event>(events.front());
}
bool silent(const Node& node) { return read(node).empty(); }
bool unknown(const Node& node, std::string_view child = {}) {
  const auto events = read(node);
  if (events.size() != 1) return false;
  const auto* event = std::get_if<UnknownNotification>(&events.front());
  return event != nullptr && event->type == node.attr("type") && event->child == child;
}

Node mex(std::string_view operation, std::string_view text) {
  return stanza("mex", server_jid()).add(Node("update").set("op_name", operation).text(text));
}
Node rows(std::string_view list, const Node& row, std::size_t count) {
  Node node(list);
  for (std::size_t i = 0; i < count; ++i) node.add(row);
  return node;
}

}  // namespace

TEST_CASE("a stanza of another tag or with a sender that is no JID tells nothing, and the second is still acked") {
  Node other = stanza("picture", contact);
  other.tag = "message";
  REQUIRE(silent(other));
  REQUIRE_FALSE(notification_ack(other));
  const Node odd = stanza("picture", contact).set("from", "no jid");
  REQUIRE(silent(odd));
  REQUIRE(notification_ack(odd)->attr("to") == "no jid");
  REQUIRE_FALSE(notification_ack(stanza("picture", contact).set("id", "")));
  REQUIRE_FALSE(notification_ack(stanza("picture", contact).set("from", "")));
}

TEST_CASE("acks keep JIDs as they came and name a participant for three types alone") {
  for (const char* type : {"w:gp2", "mediaretry", "psa", "picture", "encrypt", "devices"}) {
    Node node = stanza(type, contact.with_device(4));
    node.set("participant", contact).set("recipient", own_pn);
    const Node ack = notification_ack(node).value();
    CAPTURE(type);
    REQUIRE(std::get<Jid>(ack.attrs.at(1).value) == contact.with_device(4));
    const std::string_view named(type);
    REQUIRE(ack.has("participant") == (named == "w:gp2" || named == "mediaretry" || named == "psa"));
    REQUIRE(ack.has("type") == (named != "encrypt" && named != "devices"));
    REQUIRE_FALSE(ack.has("recipient"));
  }
}

TEST_CASE("only the server speaks of prekeys, pairing, registration and what mex tells") {
  const Jid other("15550000003", server::user);
  for (const Jid& from : {other, own_pn.user_jid()}) {
    REQUIRE(silent(stanza("encrypt", from).add(Node("count").set("value", "1"))));
    REQUIRE(silent(stanza("encrypt", from).add(Node("digest"))));
    REQUIRE(silent(stanza("registration", from).add(Node("device_logout"))));
    REQUIRE(silent(stanza("link_code_companion_reg", from).add(Node("link_code_companion_reg"))));
    REQUIRE(silent(stanza("companion_reg_refresh", from).add(Node("companion_reg_refresh"))));
    Node notice = mex("LidChangeNotification", R"({"data":{"xwa2_notify_lid_change":{"old":"1@lid","new":"2@lid"}}})");
    REQUIRE(read(notice).size() == 1);
    REQUIRE(silent(notice.set("from", from)));
  }
  REQUIRE(silent(stanza("contacts", other).add(Node("modify").set("old", contact).set("new", other))));
  REQUIRE(silent(stanza("mediaretry", other).add(Node("error").set("code", "2"))));
}

TEST_CASE("what claims to come from another server than ours is told as unknown, whatever it says") {
  for (const std::string_view name : {server::group, server::newsletter, server::lid, server::broadcast}) {
    const Jid from({}, name);
    REQUIRE(unknown(stanza("encrypt", from).add(Node("count").set("value", "1"))));
    REQUIRE(unknown(stanza("account_sync", from).add(Node("status"))));
    REQUIRE(unknown(stanza("picture", from)));
    Node notice = mex("LidChangeNotification", R"({"data":{"xwa2_notify_lid_change":{"old":"1@lid","new":"2@lid"}}})");
    REQUIRE(unknown(notice.set("from", from)));
    REQUIRE(notification_ack(notice)->attr("to") == from.to_string());
  }
}

TEST_CASE("a tree deeper than 16 levels is told as unknown") {
  const auto nested = [](std::size_t levels) {
    Node tree("set");
    for (std::size_t i = 1; i < levels; ++i) tree = Node("set").add(std::move(tree));
    return stanza("status", contact).add(std::move(tree));
  };
  REQUIRE(only<AboutChanged>(nested(16)).jid == contact);
  REQUIRE(unknown(nested(17)));
}

TEST_CASE("a number changes between accounts of persons") {
  const auto modify = [](const Jid& before, const Jid& after) {
    return stanza("contacts", server_jid()).add(Node("modify").set("old", before).set("new", after));
  };
  const auto changed = only<ContactNumberChanged>(modify(contact.with_device(2), contact_lid));
  REQUIRE(changed.old_jid == contact);
  REQUIRE(changed.new_jid == contact_lid);
  REQUIRE(silent(modify(Jid("1", server::group), contact)));
  REQUIRE(silent(modify(contact, Jid("1", server::newsletter))));
  REQUIRE(silent(modify(contact, server_jid())));
}

TEST_CASE("the own account is known by both of its identities, and no LID is not everybody's") {
  Node sync = stanza("account_sync", own_lid.user_jid()).add(Node("status"));
  REQUIRE(only<AboutChanged>(sync).jid == own_lid.user_jid());
  sync.set("from", own_lid);  // a device of it
  REQUIRE(only<AboutChanged>(sync).jid == own_lid.user_jid());
  REQUIRE(only<AboutChanged>(stanza("account_sync", server_jid()).add(Node("status"))).jid == own_pn.user_jid());
  const NotificationReader without{own_pn, Jid(), now};
  REQUIRE(read_notification(sync, without).empty());
  REQUIRE_FALSE(without.is_own(Jid()));
  REQUIRE_FALSE(without.is_own(server_jid()));
}

TEST_CASE("an identity change of a companion, of the own account or of something without devices is no event") {
  const auto change = [](const Jid& from) { return stanza("encrypt", from).add(Node("identity")); };
  REQUIRE(only<IdentityChanged>(change(contact_lid)).jid == contact_lid);
  REQUIRE(silent(change(contact.with_device(1))));
  REQUIRE(silent(change(own_pn.user_jid())));
  REQUIRE(silent(change(own_lid.user_jid())));
  REQUIRE(silent(change(Jid("1", server::group))));
  REQUIRE_FALSE(only<IdentityChanged>(change(contact).set("lid", Jid("2", server::user))).lid);
}

TEST_CASE("of a change of devices one child counts, and rows of others mark it as not to be patched") {
  using Change = DeviceListChanged::Change;
  const auto device = [](const Jid& jid) { return Node("device").set("jid", jid); };
  Node node = stanza("devices", contact).set("lid", contact_lid);
  node.add(Node("update").set("hash", "u")).add(Node("add").add(device(contact.with_device(1))));
  REQUIRE(only<DeviceListChanged>(node).change == Change::add);
  node.add(Node("remove").add(device(contact.with_device(2))).add(device(contact_lid.with_device(3))));
  auto list = only<DeviceListChanged>(node);
  REQUIRE(list.change == Change::remove);
  REQUIRE(list.devices.size() == 2);
  REQUIRE_FALSE(list.rows_skipped);

  const auto add = [&](const Node& row) {
    return only<DeviceListChanged>(stanza("devices", contact).set("lid", contact_lid).add(Node("add").add(row)));
  };
  REQUIRE_FALSE(add(device(Jid("15550000002", server::hosted, 99))).rows_skipped);
  REQUIRE_FALSE(add(device(contact.with_device(3)).set("lid", contact_lid.with_device(3))).rows_skipped);
  REQUIRE(add(device(contact.with_device(3)).set("lid", contact_lid.with_device(4))).rows_skipped);
  REQUIRE(add(device(Jid("15550000009", server::user, 3))).rows_skipped);
  // The LID beside a device is of the same user, or a mapping of two strangers would be learned.
  REQUIRE(add(device(contact.with_device(3)).set("lid", Jid("900000000000009", server::lid, 3))).rows_skipped);
  REQUIRE(add(device(contact.with_device(3)).set("lid", Jid("15550000002", server::user, 3))).rows_skipped);
  REQUIRE_FALSE(
      add(device(Jid("15550000002", server::hosted, 99)).set("lid", Jid("900000000000002", server::hosted_lid, 99)))
          .rows_skipped);
  const auto without_lid = [&](const Jid& from, const Node& row) {
    return only<DeviceListChanged>(stanza("devices", from).add(Node("add").add(row)));
  };
  const Node with_lid = device(contact.with_device(3)).set("lid", contact_lid.with_device(3));
  REQUIRE(without_lid(contact, with_lid).devices.at(0).lid == contact_lid.with_device(3));
  const Node foreign = device(contact_lid.with_device(3)).set("lid", Jid("900000000000009", server::lid, 3));
  REQUIRE(without_lid(contact_lid, foreign).rows_skipped);
  REQUIRE(add(Node("device")).rows_skipped);
  REQUIRE(add(device(contact.with_device(3)).set("key-index", "4294967296")).devices.at(0).key_index == std::nullopt);
  const Node phone_removed = stanza("devices", contact).add(Node("remove").add(device(contact)));
  list = only<DeviceListChanged>(phone_removed);
  REQUIRE(list.devices.empty());
  REQUIRE(list.rows_skipped);
  const Node index = Node("key-index-list").set("ts", "5").bytes(Bytes(16 * 1024 + 1));
  REQUIRE(add(index).rows_skipped);
  REQUIRE(add(index).key_index_list.empty());
  REQUIRE(add(index).listed_at == 5);
  // Nothing that is known: what is cached of this user may be wrong.
  list = only<DeviceListChanged>(stanza("devices", contact).add(Node("replace")));
  REQUIRE(list.change == Change::update);
  REQUIRE(list.jid == contact);
}

TEST_CASE("a change of the block list that is not wholly understood asks for all of it") {
  const auto change = [](Node list) {
    return only<BlocklistChanged>(stanza("account_sync", own_pn.user_jid()).add(std::move(list)));
  };
  const Node good = Node("item").set("jid", contact_lid).set("action", "block");
  REQUIRE_FALSE(change(Node("blocklist").add(good)).full_refetch);
  REQUIRE(change(Node("blocklist")).full_refetch);
  for (const Node& bad : {Node("item").set("action", "block"), Node("item").set("jid", contact_lid),
                          Node("item").set("jid", contact_lid).set("action", "mute"),
                          Node("item").set("jid", server_jid()).set("action", "block")}) {
    const auto event = change(Node("blocklist").add(good).add(bad));
    REQUIRE(event.full_refetch);
    REQUIRE(event.changes.size() == 1);
  }
}

TEST_CASE("timers over 31 bits and without their time are not applied") {
  const auto own = [](const char* seconds) {
    Node mode = Node("disappearing_mode").set("duration", seconds).set("t", "5");
    return read(stanza("account_sync", own_pn.user_jid()).add(mode));
  };
  REQUIRE(own("2147483647").size() == 1);
  for (const char* bad : {"2147483648", "-1", "", "x", "99999999999999999999"}) REQUIRE(own(bad).empty());
  Node of_contact = stanza("disappearing_mode", contact);
  REQUIRE(unknown(of_contact) == false);
  REQUIRE(silent(of_contact.add(Node("disappearing_mode").set("duration", "5").set("t", "-5"))));
}

TEST_CASE("a time more than a day ahead counts as now") {
  const auto at = [](std::uint64_t t) {
    return only<AboutChanged>(stanza("status", contact).set("t", t).add(Node("set").text("x"))).at;
  };
  REQUIRE(at(now + 86'400) == now + 86'400);
  REQUIRE(at(now + 86'401) == now);
  REQUIRE(at(5) == 5);
  Node without = stanza("status", contact).set("t", "-3").add(Node("set").text("x"));
  REQUIRE(only<AboutChanged>(without).at == std::nullopt);
}

TEST_CASE("tokens of ourselves, bots and the server, without a time or too long are ignored") {
  const auto from = [](const Jid& jid, const char* t = "5", std::size_t bytes = 16) {
    Node token = Node("token").set("type", "trusted_contact").set("t", t).bytes(Bytes(bytes, 1));
    return stanza("privacy_token", jid).add(Node("tokens").add(token));
  };
  REQUIRE(only<TrustedTokenReceived>(from(contact)).from == contact);
  REQUIRE(silent(from(own_pn.user_jid())));
  REQUIRE(silent(from(contact).set("sender_lid", own_lid.user_jid())));
  REQUIRE(silent(from(server_jid())));
  REQUIRE(silent(from(Jid("0", server::user))));
  REQUIRE(silent(from(Jid("1", server::bot))));
  REQUIRE(silent(from(contact, "x")));
  REQUIRE(silent(from(contact, "5", 0)));
  REQUIRE(silent(from(contact, "5", 4097)));
  REQUIRE(unknown(stanza("privacy_token", contact)));
}

TEST_CASE("text of peers is made displayable and cut") {
  const auto about = [](std::string_view text) {
    return only<AboutChanged>(stanza("status", contact).add(Node("set").text(text))).about.value();
  };
  REQUIRE(about("two\nlines") == "two\nlines");
  REQUIRE(about("\xff") == "\xEF\xBF\xBD");
  REQUIRE(about(std::string(9000, 'x')).size() == 8192);
  std::string long_text(8191, 'x');
  REQUIRE(about(long_text + "\u00e9") == long_text);
  REQUIRE(about(std::string(8192, '\xff')).size() <= 8192);
  const auto push_name = [](std::string_view text) {
    return only<OwnPushNameChanged>(stanza("account_sync", own_pn.user_jid()).set("pushname", text)).name;
  };
  REQUIRE(push_name("a\nb") == "a b");
  REQUIRE(push_name(std::string(1000, 'x')).size() == 256);
  REQUIRE(only<UnknownNotification>(stanza(std::string(100, 'y'), contact)).type.size() == 64);
}

TEST_CASE("a list over 1,000 rows is told as unknown by its tag, and nothing of it is believed") {
  const Node item = Node("item").set("jid", contact_lid).set("action", "block");
  REQUIRE(only<BlocklistChanged>(stanza("account_sync", own_pn.user_jid()).add(rows("blocklist", item, 1000)))
              .changes.size() == 1000);
  REQUIRE(unknown(stanza("account_sync", own_pn.user_jid()).add(rows("blocklist", item, 1001)), "blocklist"));
  const Node collection = Node("collection").set("name", "regular");
  Node sync = rows("notification", collection, 1001);
  sync.set("id", "1").set("type", "server_sync").set("from", server_jid());
  REQUIRE(unknown(sync));
  const Node device = Node("device").set("jid", contact.with_device(1));
  REQUIRE(unknown(stanza("devices", contact).add(rows("add", device, 1001)), "add"));
  const Node token = Node("token").set("type", "trusted_contact").set("t", "1").bytes(Bytes(1));
  REQUIRE(unknown(stanza("privacy_token", contact).add(rows("tokens", token, 1001))));
  const Node product = Node("product").add(Node("id").text("1"));
  REQUIRE(unknown(stanza("business", contact).add(rows("product_catalog", product, 1001)), "product_catalog"));
  const Jid channel("1", server::newsletter);
  const Node message = Node("message").set("server_id", "1");
  REQUIRE(unknown(stanza("newsletter", channel).add(rows("live_updates", message, 1001)), "live_updates"));
  const Node reaction = Node("reaction").set("code", "x").set("count", "1");
  const Node crowded = Node("message").set("server_id", "1").add(rows("reactions", reaction, 1001));
  const Node posts = Node("live_updates").add(Node("messages").add(crowded));
  REQUIRE(only<ChannelMessageUpdated>(stanza("newsletter", channel).add(posts)).counts.reactions.empty());
  // Lists in lists end as well.
  const Node many = rows("live_updates", rows("messages", message, 1000), 1000);
  REQUIRE(read(stanza("newsletter", channel).add(many)).size() == 1000);
}

TEST_CASE("live updates of something that is no channel and posts without a number are ignored") {
  const Node posts = Node("live_updates").add(Node("message").set("server_id", "-1")).add(Node("message"));
  REQUIRE(silent(stanza("newsletter", Jid("1", server::newsletter)).add(posts)));
  const Node good = Node("live_updates").add(Node("message").set("server_id", "1"));
  REQUIRE(silent(stanza("newsletter", contact).add(good)));
  REQUIRE(unknown(stanza("newsletter", Jid("1", server::newsletter)).add(Node("reaction")), "reaction"));
}

TEST_CASE("parts that are not known of a known type are named") {
  REQUIRE(unknown(stanza("account_sync", own_pn.user_jid()).add(Node("new_thing")), "new_thing"));
  REQUIRE(unknown(stanza("contacts", server_jid()).add(Node("new_thing")), "new_thing"));
  REQUIRE(unknown(stanza("picture", contact).add(Node("new_thing")), "new_thing"));
  REQUIRE(unknown(stanza("business", contact).add(Node("subscriptions")), "subscriptions"));
  REQUIRE(unknown(stanza("registration", server_jid()).add(Node("new_thing")), "new_thing"));
  REQUIRE(unknown(stanza("status", contact)));
  REQUIRE(silent(stanza("account_sync", own_pn.user_jid()).add(Node("tos"))));
  REQUIRE(only<PictureChanged>(stanza("picture", contact).add(Node("request"))).removed == false);
  REQUIRE(unknown(stanza("picture", server_jid()).add(Node("set").set("hash", "x")), "set"));
}

TEST_CASE("mex members of the wrong kind are told as unknown and never thrown on") {
  const auto told = [](std::string_view operation, std::string_view text) {
    return only<UnknownNotification>(mex(operation, text)).operation;
  };
  const char* restriction = "NotificationUserReachoutTimelockUpdate";
  for (const char* bad : {"", "[]", "1", R"({"data":[]})", R"({"data":{}})", R"({"data":{"x":1,"y":2}})",
                          R"({"data":{"xwa2_notify_account_reachout_timelock":[]}})",
                          R"({"data":{"xwa2_notify_account_reachout_timelock":{}}})",
                          R"({"data":{"xwa2_notify_account_reachout_timelock":{"is_active":"true"}}})"}) {
    CAPTURE(bad);
    REQUIRE(told(restriction, bad) == restriction);
  }
  REQUIRE(told("LidChangeNotification", R"({"data":{"xwa2_notify_lid_change":{"old":1,"new":"2@lid"}}})"));
  REQUIRE(
      told("LidChangeNotification", R"({"data":{"xwa2_notify_lid_change":{"old":"1@s.whatsapp.net","new":"2@lid"}}})"));
  REQUIRE(told("NotificationNewsletterJoin", R"({"data":{"xwa2_notify_newsletter_on_join":{"id":"1@g.us"}}})"));
  REQUIRE(told("", "{}") == std::nullopt);
  const std::string join = R"("data":{"xwa2_notify_newsletter_on_join":{"id":"1@newsletter"}}})";
  REQUIRE(told("NotificationNewsletterJoin", R"({"errors":{"message":"x"},)" + join));
  REQUIRE(only<ChannelJoined>(mex("NotificationNewsletterJoin", R"({"errors":null,)" + join)).channel ==
          Jid("1", server::newsletter));
  REQUIRE(told("X", "{\"data\":" + std::string(20, '[') + std::string(20, ']') + "}") == "X");
  REQUIRE(told("X", "\"" + std::string(64 * 1024, 'x') + "\"") == "X");
  REQUIRE(told(std::string(500, 'x'), "{}")->size() == 128);
}

TEST_CASE("a restriction without an end lasts a minute, with numbers as texts or not") {
  const auto until = [](std::string_view member) {
    std::string text = R"({"errors":[],"data":{"xwa2_notify_account_reachout_timelock":{"is_active":true)";
    text.append(member).append("}}}");
    return only<AccountRestricted>(mex("NotificationUserReachoutTimelockUpdate", text)).until;
  };
  REQUIRE(until("") == now + 60);
  REQUIRE(until(R"(,"time_enforcement_ends":"5")") == 5);
  REQUIRE(until(R"(,"time_enforcement_ends":5)") == 5);
  REQUIRE(until(R"(,"time_enforcement_ends":-5)") == now + 60);
}

TEST_CASE("mex is routed by its operation, else by the key of its data") {
  const char* data = R"({"data":{"xwa2_notify_newsletter_on_leave":{"id":"1@newsletter"}}})";
  REQUIRE(only<ChannelLeft>(mex("", data)).channel == Jid("1", server::newsletter));
  REQUIRE(only<ChannelLeft>(mex("RenamedOperation", data)).role.empty());
  const char* renamed = R"({"data":{"xwa3_new_key":{"id":"1@newsletter"}}})";
  REQUIRE(only<ChannelChanged>(mex("NotificationNewsletterOwnerUpdate", renamed)).operation ==
          "NotificationNewsletterOwnerUpdate");
  REQUIRE(only<ChannelJoined>(mex("NotificationNewsletterJoin", renamed)).channel == Jid("1", server::newsletter));
  const char* muted = R"({"data":{"xwa2_notify_newsletter_on_mute_change":{"id":"1@newsletter","mute":"ON"}}})";
  REQUIRE(only<ChannelMuted>(mex("NotificationNewsletterUserSettingChange", muted)).muted);
}

TEST_CASE("the older form of mex names an operation and channels") {
  const auto legacy = [](std::string_view text) { return stanza("mex", server_jid()).add(Node("mex").text(text)); };
  const Node good = legacy(
      R"({"operation":"NotificationNewsletterUpdate","updates":[{"jid":"1@newsletter"},{"jid":5},{"jid":"2@newsletter"}]})");
  REQUIRE(read(good).size() == 2);
  for (const char* bad : {"", "{}", R"({"operation":"NotificationNewsletterUpdate"})",
                          R"({"operation":"LidChangeNotification","updates":[{"jid":"1@newsletter"}]})"}) {
    REQUIRE(unknown(legacy(bad)));
  }
  REQUIRE(unknown(stanza("mex", server_jid()).add(Node("new_thing")), "new_thing"));
}
