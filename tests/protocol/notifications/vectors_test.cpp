// Every case of notifications.json: what it tells, with the fields of 05 section 6.4, and what it is answered with.
#include <boost/json/serialize.hpp>
#include <boost/json/value.hpp>
#include <catch2/catch.hpp>
#include <cstdio>
#include <map>
#include <set>

#include "protocol/calls/call.h"
#include "protocol/notifications/notification.h"
#include "tests/support/node_json.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::node_from_hex;
using wharf::test::node_from_json;
using wharf::test::text;
using wharf::test::vectors;
namespace json = boost::json;

namespace {

const Jid own_pn("15550000001", server::user, 7), own_lid("900000000000001", server::lid, 7);
constexpr std::uint64_t now = 1'770'002'500;

json::value optional(const std::optional<Jid>& jid) { return jid ? json::value(jid->to_string()) : nullptr; }
json::value optional(const std::optional<std::uint64_t>& n) { return n ? json::value(*n) : nullptr; }
json::value optional(const std::string& s) { return s.empty() ? json::value(nullptr) : json::value(s); }
json::value list(const std::vector<std::string>& items) {
  json::array out;
  for (const std::string& item : items) out.emplace_back(item);
  return out;
}

/// An event with the names of the vectors. What they do not show (prekeys, digest) is null.
struct Shown {
  json::value operator()(const PreKeysLow&) const { return nullptr; }
  json::value operator()(const KeyDigestAsked&) const { return nullptr; }
  json::value operator()(const IdentityChanged& e) const {
    return {{"event", "identity_changed"},
            {"jid", e.jid.to_string()},
            {"lid", optional(e.lid)},
            {"timestamp", optional(e.at)}};
  }
  json::value operator()(const DeviceListChanged& e) const {
    using Change = DeviceListChanged::Change;
    json::array devices;
    for (const ChangedDevice& device : e.devices) devices.emplace_back(device.jid.to_string());
    json::object out{{"event", "device_list_changed"},
                     {"jid", e.jid.to_string()},
                     {"devices", std::move(devices)},
                     {"hash", optional(e.hash)},
                     {"internal", is_internal(e)}};
    if (e.change == Change::own) {
      out["own"] = true;
      return out;
    }
    out["lid"] = optional(e.lid);
    out["action"] = e.change == Change::add ? "add" : e.change == Change::remove ? "remove" : "update";
    return out;
  }
  json::value operator()(const AppStateMoved& e) const {
    json::array rows;
    for (const auto& row : e.collections)
      rows.push_back(json::object{{"name", row.name}, {"version", optional(row.version)}});
    return {{"event", "internal_app_state_sync"}, {"collections", std::move(rows)}};
  }
  json::value operator()(const PrivacyChanged& e) const {
    json::object settings;
    for (const PrivacySetting& setting : e.settings)
      settings[std::string(name(setting.category))] = std::string(name(setting.value));
    return {{"event", "privacy_settings_changed"}, {"settings", std::move(settings)}};
  }
  json::value operator()(const BlocklistChanged& e) const {
    json::array changes;
    for (const auto& change : e.changes)
      changes.push_back(
          json::object{{"jid", change.jid.to_string()}, {"action", change.blocked ? "block" : "unblock"}});
    return {{"event", "blocklist_changed"}, {"full_refetch", e.full_refetch}, {"changes", std::move(changes)}};
  }
  json::value operator()(const DefaultTimerChanged& e) const {
    json::object out{{"event", e.contact ? "contact_default_ephemeral" : "own_default_ephemeral"},
                     {"seconds", e.seconds},
                     {"timestamp", optional(e.at)}};
    if (e.contact) out["jid"] = e.contact->to_string();
    return out;
  }
  json::value operator()(const OwnPushNameChanged& e) const { return {{"event", "own_push_name"}, {"name", e.name}}; }
  json::value operator()(const PictureChanged& e) const {
    if (e.own) return {{"event", "picture_changed"}, {"jid", e.jid.to_string()}, {"own", true}};
    return {{"event", "picture_changed"},          {"jid", e.jid.to_string()}, {"author", optional(e.author)},
            {"pictureId", optional(e.picture_id)}, {"removed", e.removed},     {"timestamp", optional(e.at)}};
  }
  json::value operator()(const AboutChanged& e) const {
    if (e.own) return {{"event", "about_changed"}, {"jid", e.jid.to_string()}, {"own", true}};
    return {{"event", "about_changed"},
            {"jid", e.jid.to_string()},
            {"about", e.about.value()},
            {"timestamp", optional(e.at)}};
  }
  json::value operator()(const TrustedTokenReceived& e) const {
    return {{"event", "internal_tc_token"},
            {"jid", e.lid.value_or(e.from).to_string()},
            {"timestamp", e.at},
            {"token_hex", to_hex(e.token)}};
  }
  json::value operator()(const ContactChanged& e) const {
    json::object out{{"event", "contact_changed"}, {"jid", optional(e.jid)}};
    if (!e.jid) out["hash"] = e.hash;
    return out;
  }
  json::value operator()(const ContactNumberChanged& e) const {
    return {{"event", "contact_number_changed"},
            {"old", e.old_jid.to_string()},
            {"new", e.new_jid.to_string()},
            {"oldLid", optional(e.old_lid)},
            {"newLid", optional(e.new_lid)}};
  }
  json::value operator()(const ContactSyncAsked& e) const {
    return {{"event", "contact_sync_requested"}, {"after", optional(e.after)}};
  }
  json::value operator()(const MediaRetried& e) const {
    const auto& answer = e.answer;
    const bool ok = !answer.error_code;
    return {{"event", "internal_media_retry"},
            {"messageId", answer.id},
            {"chat", answer.message.value().chat.to_string()},
            {"fromMe", answer.message->from_me},
            {"participant", optional(answer.message->participant)},
            {"ok", ok},
            {"errorCode", answer.error_code ? json::value(*answer.error_code) : nullptr},
            {"enc_iv_hex", ok ? json::value(to_hex(answer.sealed.iv)) : nullptr}};
  }
  json::value operator()(const ChannelMessageUpdated& e) const {
    json::array reactions;
    for (const ReactionCount& reaction : e.counts.reactions)
      reactions.push_back(json::object{{"code", reaction.code}, {"count", reaction.count}});
    return {{"event", "channel_message_update"},
            {"channel", e.channel.to_string()},
            {"serverId", e.counts.server_id},
            {"views", optional(e.counts.views)},
            {"reactions", std::move(reactions)}};
  }
  json::value operator()(const ChannelJoined& e) const {
    return {{"event", "channel_joined"}, {"channel", e.channel.to_string()}};
  }
  json::value operator()(const ChannelLeft& e) const {
    return {{"event", "channel_left"}, {"channel", e.channel.to_string()}, {"role", e.role}};
  }
  json::value operator()(const ChannelChanged& e) const {
    return {{"event", "channel_update"}, {"channel", e.channel.to_string()}};
  }
  json::value operator()(const ChannelMuted& e) const {
    return {{"event", "channel_update"}, {"channel", e.channel.to_string()}, {"muted", e.muted}};
  }
  json::value operator()(const AccountRestricted& e) const {
    return {{"event", "account_restricted"},
            {"active", e.active},
            {"enforcement", optional(e.enforcement)},
            {"until", optional(e.until)}};
  }
  json::value operator()(const NewChatQuota& e) const {
    return {{"event", "new_chat_quota"},
            {"status", e.status},
            {"used", optional(e.used)},
            {"total", optional(e.total)},
            {"cycleEnd", optional(e.cycle_end)}};
  }
  json::value operator()(const LidChanged& e) const {
    return {{"event", "lid_changed"}, {"old", e.old_lid.to_string()}, {"new", e.new_lid.to_string()}};
  }
  json::value operator()(const LinkedProfilesChanged& e) const { return {{"lid", e.lid.to_string()}}; }
  json::value operator()(const UsernameChanged& e) const { return {{"username", e.username}}; }
  json::value operator()(const TextStatusChanged& e) const { return {{"text", e.text}}; }
  json::value operator()(const RegistrationCodeAsked& e) const {
    return {{"event", "security_registration_code"},
            {"code", e.code},
            {"expires", optional(e.expires)},
            {"device", e.device}};
  }
  json::value operator()(const TakeoverAttempted& e) const {
    return {{"event", "security_account_takeover_attempt"},
            {"device", e.device},
            {"platform", e.platform},
            {"timestamp", optional(e.at)}};
  }
  json::value operator()(const BusinessNameChanged& e) const {
    return {{"event", "business_verified_name"},
            {"jid", e.jid.to_string()},
            {"hash", optional(e.hash)},
            {"level", optional(e.level)}};
  }
  json::value operator()(const BusinessRemoved& e) const {
    return {{"event", "business_removed"}, {"jid", e.jid.to_string()}, {"hash", optional(e.hash)}};
  }
  json::value operator()(const BusinessProfileChanged& e) const {
    return {{"event", "business_profile_changed"}, {"jid", e.jid.to_string()}, {"hash", optional(e.hash)}};
  }
  json::value operator()(const CatalogChanged& e) const {
    return {{"event", "catalog_changed"},
            {"jid", e.jid.to_string()},
            {"products", list(e.products)},
            {"collections", list(e.collections)}};
  }
  json::value operator()(const PairingStep& e) const {
    return {{"event", "internal_pairing_step"}, {"stage", e.stage}};
  }
  json::value operator()(const AdvRotationAsked&) const { return {{"event", "internal_rotate_adv_secret"}}; }
  json::value operator()(const UnknownNotification& e) const {
    json::object out{{"event", "unknown_notification"}, {"type", e.type}};
    if (e.operation) out["op"] = *e.operation;
    return out;
  }

  static json::object call(const char* event, const CallHead& head) {
    return {{"event", event},
            {"callId", head.call_id},
            {"chat", head.chat.to_string()},
            {"creator", head.creator.to_string()},
            {"creatorPn", optional(head.creator_pn)},
            {"group", optional(head.group)},
            {"timestamp", optional(head.at)},
            {"offline", head.offline}};
  }
  json::value operator()(const CallOffered& e) const {
    json::object out = call("call_received", e.call);
    out["video"] = e.video;
    out["isGroup"] = e.is_group;
    if (e.notice_only) {
      out["noticeOnly"] = true;
    } else {
      out["platform"] = optional(e.platform);
      out["version"] = optional(e.version);
    }
    return out;
  }
  json::value operator()(const CallAccepted& e) const { return call("call_accepted", e.call); }
  json::value operator()(const CallRejected& e) const {
    json::object out = call("call_rejected", e.call);
    out["reason"] = optional(e.reason);
    out["deviceOnly"] = e.device_only;
    return out;
  }
  json::value operator()(const CallEnded& e) const {
    using Outcome = CallEnded::Outcome;
    json::object out = call("call_ended", e.call);
    out["reason"] = optional(e.reason);
    out["outcome"] = e.outcome == Outcome::answered_on_other_device   ? "answered_on_other_device"
                     : e.outcome == Outcome::rejected_on_other_device ? "rejected_on_other_device"
                                                                      : "missed_if_not_answered";
    return out;
  }
  json::value operator()(const UnknownCall& e) const {
    return {{"event", "unknown_call"},
            {"from", e.from.to_string()},
            {"payload", e.payload ? json::value(*e.payload) : nullptr}};
  }
};

/// Members sorted, so that equal objects are equal text.
json::value sorted(const json::value& value) {
  if (const auto* object = value.if_object()) {
    std::map<std::string, json::value> members;
    for (const auto& member : *object) members.emplace(member.key(), sorted(member.value()));
    json::object out;
    for (auto& [key, member] : members) out[key] = std::move(member);
    return out;
  }
  if (const auto* array = value.if_array()) {
    json::array out;
    for (const auto& item : *array) out.push_back(sorted(item));
    return out;
  }
  return value;
}
std::string line(const json::value& value) { return json::serialize(sorted(value)); }

/// A stanza as text, JIDs and texts alike: some vectors write the server's JID as the token, some as a JID.
std::string spelled(const Node& node) {
  std::multiset<std::string> attrs;
  for (const Attr& attr : node.attrs) attrs.insert(attr.key + "=" + node.attr(attr.key));
  std::string out = node.tag;
  for (const std::string& attr : attrs) out += " " + attr;
  out += " #" + to_hex(node.data());
  for (const Node& child : node.children()) out += " {" + spelled(child) + "}";
  return out;
}
std::string spelled(const json::value& value) { return spelled(node_from_json(value)); }

struct Counts {
  int notifications = 0, calls = 0, outgoing = 0;
};

void check_answer(const std::optional<Node>& answer, const json::object& vector) {
  const json::value& generic = vector.at("expected_ack");
  if (generic.is_null()) {
    REQUIRE_FALSE(answer);
    return;
  }
  REQUIRE(answer);
  // The web form: recommended, and what we send.
  const auto* web = vector.if_contains("zapo_ack");
  if (web == nullptr) web = &generic;
  REQUIRE(spelled(*answer) == spelled(web->is_array() ? web->as_array().at(0) : *web));
}

void check_notification(const json::object& vector, const Node& node) {
  const NotificationReader reader{own_pn, own_lid, now};
  json::array events;
  for (const NotificationEvent& event : read_notification(node, reader)) {
    json::value shown = std::visit(Shown{}, event);
    if (!shown.is_null()) events.push_back(std::move(shown));
  }
  REQUIRE(line(events) == line(vector.at("gateway_events")));
  check_answer(notification_ack(node), vector);
}

void check_call(const json::object& vector, const Node& node) {
  json::array events;
  if (const auto event = read_call(node, now)) events.push_back(std::visit(Shown{}, *event));
  REQUIRE(line(events) == line(vector.at("gateway_events")));
  check_answer(call_answer(node, own_pn, own_lid), vector);
}

void check_outgoing(const json::object& vector, const Node& node) {
  const std::string_view id = text(vector, "id");
  if (id == "out_call_reject") {
    CallHead head;
    head.call_id = node.child("reject")->attr("call-id");
    head.creator = node.child("reject")->jid("call-creator").value();
    REQUIRE(spelled(call_reject("ID-1", head, own_pn)) == spelled(node));
    REQUIRE(read_call_reject(node)->call_id == head.call_id);
    return;
  }
  REQUIRE(id == "out_call_link");
  REQUIRE(spelled(call_link_request("ID-1", CallMedia::audio)) == spelled(node));
  REQUIRE(read_call_link_request(node)->media == CallMedia::audio);
  const auto link = read_call_link(node_from_json(vector.at("response")), CallMedia::audio);
  REQUIRE(link.value().token == text(vector.at("parsed").as_object(), "token"));
  REQUIRE(link->url() == text(vector.at("parsed").as_object(), "link"));
  REQUIRE(spelled(call_link_ack(node, *link)) == spelled(vector.at("response")));
}

}  // namespace

TEST_CASE("the vectors are about the account they say") {
  const auto& own = vectors("notifications").at("own_account").as_object();
  REQUIRE(text(own, "pn") == own_pn.user_jid().to_string());
  REQUIRE(text(own, "lid") == own_lid.user_jid().to_string());
  REQUIRE(own.at("device").as_int64() == own_pn.device);
}

TEST_CASE("every notification and call tells what its vector says and is answered as the web client answers") {
  Counts counts;
  for (const auto& value : vectors("notifications").at("vectors").as_array()) {
    const json::object& vector = value.as_object();
    CAPTURE(std::string(text(vector, "id")));
    const Node node = node_from_hex(vector.at("wire_hex"));
    REQUIRE(spelled(node) == spelled(vector.at("node")));
    const std::string_view kind = text(vector, "kind");
    if (kind == "notification") {
      check_notification(vector, node);
      check_notification(vector, node_from_json(vector.at("node")));
      ++counts.notifications;
    } else if (kind == "call") {
      check_call(vector, node);
      ++counts.calls;
    } else {
      check_outgoing(vector, node);
      ++counts.outgoing;
    }
  }
  std::printf("notifications.json: %d notifications, %d calls, %d outgoing\n", counts.notifications, counts.calls,
              counts.outgoing);
  REQUIRE(counts.notifications + counts.calls + counts.outgoing == 103);
  REQUIRE(counts.outgoing == 2);
}
