#include "protocol/channels/posts.h"

#include <catch2/catch.hpp>

#include "protocol/messages/wire.h"
#include "protocol/stanzas/iq.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

constexpr std::uint64_t now = 1'770'000'000;
const Jid channel("120363111111111111", server::newsletter);

Node wire(const Node& node) { return decode_node(encode_node(node)).value(); }
Bytes text_message(std::string_view text) {
  Bytes message;
  append_field(message, 1, as_bytes(text));
  return message;
}
ChannelPost post(std::uint64_t server_id) {
  ChannelPost out;
  out.counts = {server_id, 17, {{"\U0001F44D", 3}, {"x", 1}}};
  out.id = "3EB0CAFE";
  out.type = "media";
  out.at = now - 5;
  out.own = true;
  out.message = text_message("hello");
  out.media_type = "image";
  return out;
}
Node answer(Node child) { return Node("iq").set("type", "result").set("id", "1").add(std::move(child)); }

}  // namespace

TEST_CASE("history is asked for by JID or invite and answered in pages") {
  ChannelPage page{channel, 20, 100, std::nullopt, ChannelRole::subscriber};
  REQUIRE(channel_history_iq("1", page).jid("to") == server_jid());
  REQUIRE(read_channel_history_query(wire(channel_history_iq("1", page))) == page);
  ChannelPage by_invite{"0029VaABCDEF", 5, std::nullopt, 7, ChannelRole::unknown};
  const Node request = channel_history_iq("1", by_invite);
  REQUIRE(request.child("messages")->attr("key") == "0029VaABCDEF");
  REQUIRE(read_channel_history_query(wire(request)) == by_invite);

  ChannelPost bare;
  bare.counts.server_id = 4;
  const std::vector<ChannelPost> posts = {post(5), bare};
  REQUIRE(read_channel_history(wire(channel_history_answer(request, channel, posts)), now).value() == posts);
  REQUIRE(read_channel_history(channel_history_answer(request, channel, {}), now).value().empty());

  Node odd = request;
  REQUIRE_FALSE(read_channel_history_query(odd.set("type", "set")));
  REQUIRE_FALSE(read_channel_history_query(iq_get("1", "newsletter").add(Node("messages"))));
  const Node bad_invite = iq_get("1", "newsletter").add(Node("messages").set("type", "invite").set("key", "a/b"));
  REQUIRE_FALSE(read_channel_history_query(bad_invite));
  page.count = 99'999;
  REQUIRE(read_channel_history_query(channel_history_iq("1", page))->count == 1000);
}

TEST_CASE("updates are asked of the channel itself") {
  const ChannelUpdatesPage page{channel, 50, now, std::nullopt, 7};
  const Node request = channel_updates_iq("1", page);
  REQUIRE(request.jid("to") == channel);
  REQUIRE(read_channel_updates_query(wire(request)) == page);
  const std::vector<ChannelPost> posts = {post(5)};
  REQUIRE(read_channel_updates(wire(channel_updates_answer(request, channel, posts)), now).value() == posts);
  REQUIRE(read_channel_updates(answer(Node("message_updates")), now).error().code == Errc::malformed);
  REQUIRE_FALSE(read_channel_updates_query(iq_get("1", "newsletter").add(Node("message_updates"))));
}

TEST_CASE("watching lasts for 30 to 600 seconds") {
  const Node request = channel_live_iq("1", channel);
  REQUIRE(read_channel_live_query(wire(request)) == channel);
  const auto seconds = [&](std::uint64_t said) {
    return read_channel_live(channel_live_answer(request, said)).value();
  };
  REQUIRE(seconds(300) == 300);
  REQUIRE(seconds(5) == 30);
  REQUIRE(seconds(86'400) == 600);
  REQUIRE(read_channel_live(answer(Node("live_updates"))).error().code == Errc::malformed);
  REQUIRE_FALSE(read_channel_live_query(iq_set("1", "newsletter").add(Node("live_updates"))));
  REQUIRE(channel_addons_iq("1").child("my_addons")->attr("limit") == "1");
}

TEST_CASE("a post that does not decode keeps its number and its counts") {
  Node message = Node("message").set("server_id", "5").add(Node("views_count").set("count", "9"));
  message.add(Node("plaintext").bytes(Bytes{0xff, 0xff}));
  const auto posts = read_channel_history(answer(Node("messages").add(message)), now).value();
  REQUIRE(posts.at(0).counts.views == 9);
  REQUIRE_FALSE(posts.at(0).message);
  Node many("messages");
  for (int i = 0; i < 1001; ++i) many.add(Node("message").set("server_id", "1"));
  REQUIRE(read_channel_history(answer(many), now).error().code == Errc::malformed);
  const Node without = Node("messages").add(Node("message")).add(Node("message").set("server_id", "-1"));
  REQUIRE(read_channel_history(answer(without), now).value().empty());
  REQUIRE(read_channel_history(answer(Node("other")), now).error().code == Errc::malformed);
  const Node refused = Node("iq").set("type", "error").add(Node("error").set("code", "404"));
  REQUIRE(read_channel_history(refused, now).error().code == Errc::not_found);
}

TEST_CASE("a post arrives as a message from its channel") {
  REQUIRE(read_channel_post(wire(channel_post_stanza(channel, post(5))), now) == post(5));
  REQUIRE_FALSE(read_channel_post(channel_post_stanza(Jid("1", server::group), post(5)), now));
  Node notice = channel_post_stanza(channel, post(5));
  notice.tag = "notification";
  REQUIRE_FALSE(read_channel_post(notice, now));
  Node odd = channel_post_stanza(channel, post(5)).set("id", "a b").set("t", now + 90'000);
  REQUIRE(read_channel_post(odd, now)->id.empty());
  REQUIRE(read_channel_post(odd, now)->at == now);
}

TEST_CASE("a change of a post arrives under its id, a deletion without content") {
  const Node edited = wire(channel_change_stanza(channel, post(5)));
  REQUIRE(edited.attr("edit") == "3");
  REQUIRE(read_channel_post(edited, now) == post(5));
  ChannelPost gone = post(5);
  gone.message.reset();
  gone.media_type.clear();
  const Node deleted = wire(channel_change_stanza(channel, gone));
  REQUIRE(deleted.attr("edit") == "8");
  REQUIRE(deleted.attr("type") == "text");
  REQUIRE(deleted.child("plaintext") != nullptr);
  REQUIRE(deleted.child("plaintext")->data().empty());
  REQUIRE(read_channel_post(deleted, now)->id == gone.id);
  REQUIRE_FALSE(read_channel_post(deleted, now)->message);
}

TEST_CASE("what is sent to a channel is read as it was meant") {
  const Bytes message = text_message("hello");
  const std::vector<ChannelSend> all = {PublishPost{message, "", ""},
                                        PublishPost{message, "image", "handle"},
                                        PublishPoll{message, "quiz"},
                                        PublishPoll{message, ""},
                                        EditPost{message},
                                        DeletePost{},
                                        ReactToPost{5, "\U0001F44D"},
                                        ReactToPost{5, ""},
                                        VoteInPost{6, {{1, 2}, {3}}},
                                        VoteInPost{6, {}}};
  std::vector<bool> seen(std::variant_size_v<ChannelSend>);
  for (const ChannelSend& send : all) {
    CAPTURE(send.index());
    const Node stanza = wire(channel_message("3EB0CAFE", channel, send));
    REQUIRE(stanza.attr("id") == "3EB0CAFE");
    REQUIRE(stanza.child("enc") == nullptr);
    REQUIRE(read_channel_message(stanza) == send);
    seen[send.index()] = true;
  }
  REQUIRE(seen == std::vector<bool>(seen.size(), true));
}

TEST_CASE("stanzas to channels have the attributes of their kind") {
  const Bytes message = text_message("hello");
  const auto attrs = [](const ChannelSend& send) {
    const Node node = channel_message("1", channel, send);
    return node.attr("type") + " " + node.attr("edit") + " " + node.attr("server_id") + " " + node.attr("media_id");
  };
  REQUIRE(attrs(PublishPost{message, "", ""}) == "text   ");
  REQUIRE(attrs(PublishPost{message, "image", "h"}) == "media   h");
  REQUIRE(attrs(EditPost{message}) == "text 3  ");
  REQUIRE(attrs(DeletePost{}) == "text 8  ");
  REQUIRE(attrs(ReactToPost{5, "x"}) == "reaction  5 ");
  REQUIRE(attrs(ReactToPost{5, ""}) == "reaction 7 5 ");
  REQUIRE(attrs(VoteInPost{6, {}}) == "poll  6 ");
  const Node published = channel_message("1", channel, PublishPost{message, "", ""});
  REQUIRE(equal(published.child("plaintext")->data(), message));  // no padding
  REQUIRE(channel_message("1", channel, DeletePost{}).child("plaintext")->data().empty());
  REQUIRE(acked_server_id(Node("ack").set("server_id", "7")) == 7);
}

TEST_CASE("what is sent to nobody, without id, or half is refused") {
  const Bytes message = text_message("hello");
  const Node good = channel_message("1", channel, PublishPost{message, "", ""});
  const auto refused = [](Node node) { return !read_channel_message(node).has_value(); };
  REQUIRE_FALSE(refused(good));
  REQUIRE(refused(Node(good).set("to", Jid("1", server::group))));
  REQUIRE(refused(Node(good).set("id", "")));
  REQUIRE(refused(Node(good).set("type", "media")));
  REQUIRE(refused(Node(good).set("edit", "9")));
  REQUIRE(refused(Node(good).set("type", "poll")));
  const auto head = [&](const char* type) {
    return Node("message").set("to", channel).set("id", "1").set("type", type);
  };
  REQUIRE(refused(head("text")));
  REQUIRE(refused(head("text").add(Node("plaintext").bytes(Bytes{0xff, 0xff}))));
  REQUIRE(refused(head("reaction").add(Node("reaction").set("code", "x"))));
  REQUIRE(refused(head("reaction").set("server_id", "5").add(Node("reaction"))));
  REQUIRE(refused(head("reaction").set("server_id", "5").set("edit", "7").add(Node("reaction").set("code", "x"))));
  REQUIRE(refused(head("reaction").set("server_id", "5")));
  VoteInPost vote{5, std::vector<Bytes>(65, Bytes{1})};
  REQUIRE(refused(channel_message("1", channel, vote)));
  REQUIRE(refused(channel_message("1", channel, VoteInPost{5, {Bytes(65)}})));
  REQUIRE(refused(channel_message("1", channel, VoteInPost{5, {Bytes()}})));
}

TEST_CASE("views are told for up to 256 posts") {
  const std::vector<std::uint64_t> ids = {5, 6, 7};
  const auto views = read_channel_view_receipt(wire(channel_view_receipt("1", channel, ids)));
  REQUIRE(views->channel == channel);
  REQUIRE(views->server_ids == ids);
  REQUIRE_THROWS(channel_view_receipt("1", channel, {}));
  REQUIRE_THROWS(channel_view_receipt("1", channel, std::vector<std::uint64_t>(257, 1)));
  REQUIRE_FALSE(read_channel_view_receipt(channel_view_receipt("1", channel, ids).set("type", "read")));
  REQUIRE_FALSE(read_channel_view_receipt(channel_view_receipt("1", Jid("1", server::user), ids)));
  Node many("list");
  for (int i = 0; i < 1001; ++i) many.add(Node("item").set("server_id", "1"));
  REQUIRE_FALSE(read_channel_view_receipt(Node("receipt").set("to", channel).set("type", "view").add(many)));
}
