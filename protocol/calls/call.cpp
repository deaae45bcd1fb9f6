#include "protocol/calls/call.h"

#include <algorithm>
#include <array>

#include "protocol/stanzas/attr_copy.h"
#include "protocol/stanzas/node_fields.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t max_word_bytes = 64;

constexpr std::array<std::string_view, 16> media_signalling = {
    "preaccept",    "transport",           "relaylatency", "mute",      "mute_v2",    "video_state",  "enc_rekey",
    "group_update", "group_info",          "peer_state",   "heartbeat", "web_client", "flow_control", "raise_hand",
    "screen_share", "waiting_room_update",
};
constexpr std::array<std::string_view, 4> answered_by_receipt = {"offer", "accept", "reject", "enc_rekey"};

bool is_one_of(std::string_view tag, const auto& list) {
  return std::find(list.begin(), list.end(), tag) != list.end();
}

bool answerable(const Node& call) { return call.is("call") && !call.attr("id").empty() && !call.attr("from").empty(); }

/// nullopt without a usable call-id and call-creator.
std::optional<CallHead> read_head(const Node& call, const Node& payload, const Jid& from, std::uint64_t now) {
  CallHead head;
  head.call_id = payload.attr("call-id");
  const auto creator = user_attr(payload, "call-creator");
  if (!acceptable_id(head.call_id) || !creator) return std::nullopt;
  head.chat = from;
  head.creator = *creator;
  head.creator_pn = phone_attr(payload, "caller_pn");
  head.group = user_attr(payload, "group-jid");
  if (head.group && !head.group->is_group()) head.group.reset();
  head.at = time_attr(call, "t", now);
  head.offline = call.has("offline");
  return head;
}

CallEnded::Outcome outcome_of(std::string_view reason) {
  if (reason == "accepted_elsewhere") return CallEnded::Outcome::answered_on_other_device;
  if (reason == "rejected_elsewhere") return CallEnded::Outcome::rejected_on_other_device;
  return CallEnded::Outcome::missed_if_not_answered;
}

bool acceptable_token(std::string_view token) {
  const auto usable = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !token.empty() && token.size() <= max_id_bytes && std::all_of(token.begin(), token.end(), usable);
}

std::string_view name(CallMedia media) { return media == CallMedia::video ? "video" : "audio"; }

std::optional<CallMedia> media_at(const Node& node) {
  const std::string media = node.attr("media");
  if (media == "video") return CallMedia::video;
  if (media == "audio") return CallMedia::audio;
  return std::nullopt;
}

}  // namespace

std::optional<CallEvent> read_call(const Node& call, std::uint64_t unix_seconds) {
  const auto from = user_attr(call, "from");
  if (!answerable(call) || !from) return std::nullopt;
  const auto& payloads = call.children();
  if (payloads.empty()) return UnknownCall{*from, std::nullopt};
  const Node& payload = payloads.front();
  UnknownCall unknown{*from, display_line(payload.tag, max_word_bytes)};
  if (payloads.size() > 1) return unknown;
  if (is_one_of(payload.tag, media_signalling)) return std::nullopt;
  auto head = read_head(call, payload, *from, unix_seconds);
  if (!head) return unknown;

  const std::string reason = line_attr(payload, "reason", max_word_bytes);
  if (payload.is("offer") || payload.is("offer_notice")) {
    CallOffered offer;
    offer.is_group = head->group.has_value() || payload.attr("type") == "group";
    offer.notice_only = payload.is("offer_notice");
    offer.video = offer.notice_only ? payload.attr("media") == "video" : payload.child("video") != nullptr;
    offer.platform = line_attr(call, "platform", max_word_bytes);
    offer.version = line_attr(call, "version", max_word_bytes);
    offer.call = std::move(*head);
    return offer;
  }
  if (payload.is("accept")) return CallAccepted{std::move(*head)};
  if (payload.is("reject")) return CallRejected{std::move(*head), reason, reason == "busy"};
  if (payload.is("terminate")) return CallEnded{std::move(*head), reason, outcome_of(reason)};
  return unknown;
}

std::optional<Node> call_answer(const Node& call, const Jid& own_pn, const Jid& own_lid) {
  if (!answerable(call)) return std::nullopt;
  const auto& payloads = call.children();
  const auto from = call.jid("from");
  const bool lid_peer = from && from->is_lid();
  const bool by_receipt = payloads.size() == 1 && is_one_of(payloads.front().tag, answered_by_receipt) &&
                          !(lid_peer ? own_lid : own_pn).empty();
  if (by_receipt) {
    Node receipt("receipt");
    copy_attr(receipt, call, "id");
    copy_attr(receipt, "to", call, "from");
    receipt.set("from", lid_peer ? own_lid : own_pn.user_jid());
    Node echo(payloads.front().tag);
    copy_attr(echo, payloads.front(), "call-id");
    copy_attr(echo, payloads.front(), "call-creator");
    return receipt.add(std::move(echo));
  }
  Node ack("ack");
  copy_attr(ack, call, "id");
  copy_attr(ack, "to", call, "from");
  ack.set("class", "call");
  if (!payloads.empty()) ack.set("type", payloads.front().tag);
  return ack;
}

bool may_reject(const CallOffered& offer, std::uint64_t unix_seconds) {
  if (offer.notice_only || offer.call.offline) return false;
  return !offer.call.at || *offer.call.at + ringing_seconds >= unix_seconds;
}

Node call_reject(std::string_view id, const CallHead& call, const std::optional<Jid>& own) {
  Node node("call");
  put(node, "from", own).set("to", call.creator.user_jid()).set("id", id);
  Node reject("reject");
  reject.set("call-id", call.call_id).set("call-creator", call.creator).set("count", "0");
  return node.add(std::move(reject));
}

Node call_link_request(std::string_view id, CallMedia media, std::optional<std::uint64_t> start) {
  Node link("link_create");
  link.set("media", name(media));
  if (start) link.add(Node("event").set("start_time", *start));
  return Node("call").set("id", id).set("to", Jid({}, server::call)).add(std::move(link));
}

std::string CallLink::url() const {
  return std::string("https://call.whatsapp.com/") + (media == CallMedia::video ? "video/" : "voice/") + token;
}

Result<CallLink> read_call_link(const Node& ack, CallMedia asked) {
  if (ack.has("error")) return Error(Errc::refused, "call link: " + line_attr(ack, "error", max_word_bytes));
  const Node* created = ack.child("link_create");
  if (!ack.is("ack") || created == nullptr) return Error(Errc::malformed, "answer without link_create");
  CallLink link{media_at(*created).value_or(asked), created->attr("token")};
  if (!acceptable_token(link.token)) return Error(Errc::malformed, "call link without a usable token");
  return link;
}

namespace {

Node payload_node(std::string_view tag, const CallHead& head) {
  Node payload(tag);
  payload.set("call-id", head.call_id).set("call-creator", head.creator);
  put(payload, "caller_pn", head.creator_pn);
  return put(payload, "group-jid", head.group);
}

struct PayloadWriter {
  Node& call;

  void begin(const CallHead& head) {
    put(call.set("from", head.chat), "t", head.at);
    if (head.offline) call.set("offline", "1");
  }
  void operator()(const CallOffered& event) {
    begin(event.call);
    put(put(call, "platform", event.platform), "version", event.version);
    Node payload = payload_node(event.notice_only ? "offer_notice" : "offer", event.call);
    if (event.is_group && (event.notice_only || !event.call.group)) payload.set("type", "group");
    if (event.notice_only) {
      payload.set("media", event.video ? "video" : "audio");
    } else {
      payload.add(Node("audio").set("enc", "opus").set("rate", "16000"));
      if (event.video) payload.add(Node("video").set("enc", "h.264"));
    }
    call.add(std::move(payload));
  }
  void operator()(const CallAccepted& event) {
    begin(event.call);
    call.add(payload_node("accept", event.call));
  }
  void operator()(const CallRejected& event) {
    begin(event.call);
    Node payload = payload_node("reject", event.call);
    call.add(put(payload.set("count", "0"), "reason", event.reason));
  }
  void operator()(const CallEnded& event) {
    begin(event.call);
    Node payload = payload_node("terminate", event.call);
    call.add(put(payload, "reason", event.reason));
  }
  void operator()(const UnknownCall& event) {
    call.set("from", event.from);
    if (event.payload) call.add(Node(*event.payload));
  }
};

}  // namespace

Node call_stanza(std::string_view id, const CallEvent& event) {
  Node call("call");
  call.set("id", id);
  std::visit(PayloadWriter{call}, event);
  return call;
}

std::optional<CallLinkRequest> read_call_link_request(const Node& call) {
  const Node* link = call.is("call") ? call.child("link_create") : nullptr;
  const auto media = link != nullptr ? media_at(*link) : std::nullopt;
  if (!media) return std::nullopt;
  CallLinkRequest request{*media, std::nullopt};
  if (const Node* event = link->child("event")) request.start = event->number("start_time");
  return request;
}

Node call_link_ack(const Node& request, const CallLink& link) {
  Node ack("ack");
  ack.set("class", "call").set("type", "link_create");
  copy_attr(ack, request, "id");
  return ack.add(Node("link_create").set("token", link.token).set("media", name(link.media)));
}

std::optional<CallReject> read_call_reject(const Node& call) {
  const Node* reject = call.is("call") && call.children().size() == 1 ? call.child("reject") : nullptr;
  if (reject == nullptr) return std::nullopt;
  const auto creator = user_attr(*reject, "call-creator");
  CallReject out{reject->attr("call-id"), creator.value_or(Jid())};
  if (!creator || !acceptable_id(out.call_id)) return std::nullopt;
  return out;
}

}  // namespace wharf::protocol
