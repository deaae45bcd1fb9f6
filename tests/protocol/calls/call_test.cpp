#include "protocol/calls/call.h"

#include <catch2/catch.hpp>

#include "tests/support/node_json.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

constexpr std::uint64_t now = 1'770'000'000;
const Jid peer("900000000000002", server::lid), own_pn("15550000001", server::user, 7);
const Jid own_lid("900000000000001", server::lid, 7), group("120363000000000001", server::group);

CallHead head() {
  CallHead call;
  call.call_id = "0123456789ABCDEF0123456789ABCDEF";
  call.chat = peer;
  call.creator = peer.with_device(3);
  call.creator_pn = Jid("15550000002", server::user);
  call.at = now;
  return call;
}
Node with_payload(Node payload, const Jid& from = peer) {
  Node call("call");
  return call.set("id", "c-1").set("from", from).set("t", now).add(std::move(payload));
}
Node payload(std::string_view tag) {
  Node node(tag);
  return node.set("call-id", "A1").set("call-creator", peer);
}
bool is_unknown(const Node& call) {
  const auto event = read_call(call, now);
  return event && std::holds_alternative<UnknownCall>(*event);
}

}  // namespace

TEST_CASE("what a network says of a call reads as it was meant") {
  CallOffered offer;
  offer.call = head();
  offer.platform = "android";
  offer.version = "2.26.1.1";
  CallOffered to_group = offer;
  to_group.call.group = group;
  to_group.is_group = to_group.video = true;
  CallOffered notice;
  notice.call = head();
  notice.call.chat = group;
  notice.call.offline = true;
  notice.is_group = notice.notice_only = notice.video = true;
  CallEnded elsewhere{head(), "rejected_elsewhere", CallEnded::Outcome::rejected_on_other_device};
  const std::vector<CallEvent> events = {offer,
                                         to_group,
                                         notice,
                                         CallAccepted{head()},
                                         CallRejected{head(), "", false},
                                         CallRejected{head(), "busy", true},
                                         CallEnded{head(), "timeout", CallEnded::Outcome::missed_if_not_answered},
                                         elsewhere,
                                         UnknownCall{peer, "future"},
                                         UnknownCall{peer, std::nullopt}};
  for (const CallEvent& event : events) {
    const Node stanza = decode_node(encode_node(call_stanza("c-1", event))).value();
    CAPTURE(event.index());
    REQUIRE(read_call(stanza, now) == event);
  }
}

TEST_CASE("media signalling is answered and told to nobody") {
  for (const char* tag : {"preaccept", "transport", "relaylatency", "mute", "mute_v2", "video_state", "enc_rekey",
                          "group_update", "group_info", "peer_state", "flow_control", "heartbeat", "web_client",
                          "raise_hand", "screen_share", "waiting_room_update"}) {
    CAPTURE(tag);
    const Node call = with_payload(Node(tag));  // not even a call-id is asked of it
    REQUIRE_FALSE(read_call(call, now));
    const Node answer = call_answer(call, own_pn, own_lid).value();
    REQUIRE(answer.tag == (std::string_view(tag) == "enc_rekey" ? "receipt" : "ack"));
  }
}

TEST_CASE("a call without a usable id, creator or payload is unknown and never rejected") {
  REQUIRE(is_unknown(with_payload(payload("offer").set("call-id", ""))));
  REQUIRE(is_unknown(with_payload(payload("offer").set("call-id", "a b"))));
  REQUIRE(is_unknown(with_payload(payload("offer").set("call-id", std::string(129, 'a')))));
  REQUIRE(is_unknown(with_payload(payload("offer").set("call-creator", "x"))));
  REQUIRE(is_unknown(with_payload(payload("terminate").set("call-creator", server_jid()))));
  REQUIRE(is_unknown(with_payload(payload("offer")).add(payload("offer"))));
  REQUIRE_FALSE(is_unknown(with_payload(payload("offer"))));
  Node no_from = with_payload(payload("offer")).set("from", "");
  REQUIRE_FALSE(read_call(no_from, now));
  REQUIRE_FALSE(call_answer(no_from, own_pn, own_lid));
  REQUIRE_FALSE(read_call(with_payload(payload("offer")).set("id", ""), now));
  REQUIRE_FALSE(call_answer(Node("message").set("id", "1").set("from", peer), own_pn, own_lid));
}

TEST_CASE("fields of the wrong kind are left out") {
  Node offer = payload("offer").set("group-jid", peer).set("caller_pn", peer);
  const auto event = std::get<CallOffered>(read_call(with_payload(std::move(offer)).set("t", "x"), now).value());
  REQUIRE_FALSE(event.call.group);
  REQUIRE_FALSE(event.call.creator_pn);
  REQUIRE_FALSE(event.call.at);
  REQUIRE_FALSE(event.is_group);
  const auto late =
      std::get<CallOffered>(read_call(with_payload(payload("offer")).set("t", now + 90'000), now).value());
  REQUIRE(late.call.at == now);
}

TEST_CASE("an offer of a LID is answered by the LID of the device, others by the phone number") {
  const auto sender = [](const Jid& from) {
    return call_answer(with_payload(payload("offer"), from), own_pn, own_lid)->jid("from");
  };
  REQUIRE(sender(peer) == own_lid);
  REQUIRE(sender(Jid("15550000002", server::user)) == own_pn.user_jid());
  REQUIRE(sender(group) == own_pn.user_jid());
  // Before the own LID is known the plain ack ends the redelivery.
  const Node ack = call_answer(with_payload(payload("offer")), own_pn, Jid()).value();
  REQUIRE(ack.is("ack"));
  REQUIRE(ack.attr("type") == "offer");
}

TEST_CASE("only a call that rings now is rejected") {
  CallOffered offer;
  offer.call = head();
  REQUIRE(may_reject(offer, now));
  REQUIRE(may_reject(offer, now + 45));
  REQUIRE_FALSE(may_reject(offer, now + 46));
  CallOffered offline = offer;
  offline.call.offline = true;
  REQUIRE_FALSE(may_reject(offline, now));
  CallOffered notice = offer;
  notice.notice_only = true;
  REQUIRE_FALSE(may_reject(notice, now));

  const Node reject = call_reject("r-1", offer.call, std::nullopt);
  REQUIRE(reject.jid("to") == peer);
  REQUIRE_FALSE(reject.has("from"));
  REQUIRE(reject.child("reject")->jid("call-creator") == peer.with_device(3));
  const auto read = read_call_reject(reject);
  REQUIRE(read->call_id == offer.call.call_id);
  REQUIRE(read->creator == offer.call.creator);
  REQUIRE_FALSE(read_call_reject(with_payload(Node("reject"))));
  REQUIRE_FALSE(read_call_reject(with_payload(payload("offer"))));
}

TEST_CASE("a call link is asked for, given and shown") {
  const Node request = call_link_request("l-1", CallMedia::video, 1'770'000'500);
  const auto asked = read_call_link_request(request);
  REQUIRE(asked->media == CallMedia::video);
  REQUIRE(asked->start == 1'770'000'500);
  REQUIRE_FALSE(read_call_link_request(Node("call").add(Node("link_create"))));
  const Node ack = call_link_ack(request, {CallMedia::video, "AbC-_9"});
  REQUIRE(ack.attr("id") == "l-1");
  REQUIRE(read_call_link(ack, CallMedia::audio).value().url() == "https://call.whatsapp.com/video/AbC-_9");

  const auto refusal = [&](const Node& answer) { return read_call_link(answer, CallMedia::audio).error().code; };
  REQUIRE(refusal(Node("ack")) == Errc::malformed);
  for (const std::string& bad : {std::string(), std::string("a/b"), std::string("a b"), std::string(129, 'a')})
    REQUIRE(refusal(Node("ack").add(Node("link_create").set("token", bad))) == Errc::malformed);
  REQUIRE(refusal(Node(ack).set("error", "403")) == Errc::refused);
}
