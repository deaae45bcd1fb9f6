#include "protocol/channels/operations.h"

#include <catch2/catch.hpp>

#include "protocol/stanzas/iq.h"
#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

const Jid channel("120363111111111111", server::newsletter), user("900000000000002", server::lid);
const MexDocuments documents;

std::vector<ChannelOperation> samples() {
  std::vector<ChannelOperation> all;
  all.push_back(CreateChannel{"News", "two\nlines", {0xff, 0xd8}});
  all.push_back(CreateChannel{"News", "", {}});
  UpdateChannel update;
  update.channel = channel;
  all.push_back(update);
  update.name = "Newer";
  update.description = "";
  update.picture = Bytes();
  update.reactions = ReactionCodes::none;
  all.push_back(update);
  update.picture = Bytes{1, 2, 3};
  all.push_back(update);
  all.push_back(DeleteChannel{channel});
  all.push_back(FetchChannel{channel, ChannelRole::admin});
  all.push_back(FetchChannel{"0029VaABCDEF", ChannelRole::guest});
  all.push_back(FetchFollowedChannels{});
  all.push_back(FollowChannel{channel});
  all.push_back(UnfollowChannel{channel});
  for (const bool muted : {true, false})
    for (const bool as_admin : {true, false}) all.push_back(MuteChannel{channel, muted, as_admin});
  all.push_back(FetchChannelFollowers{channel, 17});
  all.push_back(FetchChannelAdmins{channel, false});
  all.push_back(FetchChannelAdmins{channel, true});
  using Act = ChannelAdministration::Act;
  for (const Act act : {Act::change_owner, Act::demote, Act::invite, Act::revoke_invite})
    all.push_back(ChannelAdministration{act, channel, user});
  all.push_back(ChannelAdministration{Act::accept_invite, channel, std::nullopt});
  all.push_back(ChannelAdministration{Act::list_invites, channel, std::nullopt});
  FindChannels find;
  find.kind = FindChannels::Kind::directory;
  find.view = "POPULAR";
  find.limit = 5;
  find.countries = {"DE", "FR"};
  find.categories = {"NEWS"};
  find.cursor = "c";
  all.push_back(find);
  FindChannels search;
  search.kind = FindChannels::Kind::search;
  search.text = "bread";
  search.categories = {"FOOD"};
  search.cursor = "d";
  all.push_back(search);
  FindChannels recommended;
  recommended.kind = FindChannels::Kind::recommended;
  recommended.countries = {"DE"};
  all.push_back(recommended);
  recommended.kind = FindChannels::Kind::similar;
  recommended.similar_to = channel;
  all.push_back(recommended);
  all.push_back(FetchReactionSenders{channel, 5});
  all.push_back(FetchPollVoters{channel, 6, "hash", 7});
  all.push_back(FetchInsights{channel, {"VIEWS", "REACH"}});
  all.push_back(PinPosts{channel, true, {"A", "B"}});
  all.push_back(PinPosts{channel, false, {}});
  return all;
}

/// What the network makes of it, over the wire.
std::optional<ChannelOperation> through_the_wire(const ChannelOperation& operation) {
  const Node iq = mex_iq("1", documents, channel_request(operation)).value();
  const MexQuery query = read_mex_query(decode_node(encode_node(iq)).value()).value();
  return read_channel_request({std::string(documents.operation(query.document).value()), query.variables});
}

Json variables(std::string_view text) { return parse_json(as_bytes(text)).value(); }
std::optional<ChannelOperation> read(std::string operation, std::string_view text) {
  return read_channel_request({std::move(operation), variables(text)});
}

}  // namespace

TEST_CASE("every operation has a document and is read as it was asked") {
  std::vector<bool> seen(std::variant_size_v<ChannelOperation>);
  for (const ChannelOperation& operation : samples()) {
    CAPTURE(operation.index());
    REQUIRE(through_the_wire(operation) == operation);
    seen[operation.index()] = true;
  }
  REQUIRE(seen == std::vector<bool>(seen.size(), true));
}

TEST_CASE("the variables are those of the table") {
  const auto text = [](const ChannelOperation& operation) { return write_json(channel_request(operation).variables); };
  REQUIRE(text(CreateChannel{"N", "", {}}) == R"({"input":{"name":"N"}})");
  REQUIRE(text(FollowChannel{channel}) == R"({"newsletter_id":"120363111111111111@newsletter"})");
  REQUIRE(
      text(MuteChannel{channel, true, false}) ==
      R"({"input":{"newsletter_id":"120363111111111111@newsletter","type":"MUTE_FOLLOWER_ACTIVITY","value":"ON"}})");
  REQUIRE(text(ChannelAdministration{ChannelAdministration::Act::demote, channel, user}) ==
          R"({"newsletter_id":"120363111111111111@newsletter","user_id":"900000000000002@lid"})");
  UpdateChannel update;
  update.channel = channel;
  update.picture = Bytes();
  update.reactions = ReactionCodes::all;
  REQUIRE(
      text(update) ==
      R"({"newsletter_id":"120363111111111111@newsletter","updates":{"picture":"","settings":{"reaction_codes":{"value":"ALL"}}}})");
  REQUIRE(
      text(FetchChannel{"0029VaABCDEF", ChannelRole::guest}) ==
      R"({"input":{"key":"0029VaABCDEF","type":"INVITE","view_role":"GUEST"},"fetch_viewer_metadata":true,"fetch_full_image":true,"fetch_creation_time":true,"fetch_wamo_sub":false,"fetch_status_metadata":false,"fetch_pinned_messages":false})");
}

TEST_CASE("other forms of clients are read, what cannot be used is refused") {
  const char* beside =
      R"({"newsletter_id":"1@newsletter","updates":{"picture":null,"reaction_codes":{"value":"basic"}}})";
  const auto update = std::get<UpdateChannel>(read("UpdateNewsletter", beside).value());
  REQUIRE(update.reactions == ReactionCodes::basic);
  REQUIRE(update.picture == Bytes());
  REQUIRE_FALSE(read("UpdateNewsletter", R"({"newsletter_id":"1@g.us","updates":{}})"));
  REQUIRE_FALSE(read("UpdateNewsletter", R"({"newsletter_id":"1@newsletter","updates":{"picture":"no base64"}})"));
  REQUIRE_FALSE(read("CreateNewsletter", "{}"));
  REQUIRE_FALSE(read("CreateNewsletter", R"({"input":{"name":"x","picture":5}})"));
  const std::string large = R"({"input":{"name":"x","picture":")" + std::string(720'000, 'A') + R"("}})";
  REQUIRE_FALSE(read_channel_request({"CreateNewsletter", parse_json(as_bytes(large), mex_limits).value()}));
  REQUIRE_FALSE(read("FetchNewsletter", R"({"input":{"key":"1@g.us","type":"JID"}})"));
  REQUIRE_FALSE(read("FetchNewsletter", R"({"input":{"key":"a/b","type":"INVITE"}})"));
  REQUIRE_FALSE(read("FetchNewsletter", R"({"input":{"key":"0029VaABCDEF","type":"NAME"}})"));
  REQUIRE_FALSE(read("DemoteNewsletterAdmin", R"({"newsletter_id":"1@newsletter"})"));
  REQUIRE_FALSE(read("UpdateNewsletterUserSetting",
                     R"({"input":{"newsletter_id":"1@newsletter","type":"MUTE_FOLLOWER_ACTIVITY","value":"LOUD"}})"));
  REQUIRE_FALSE(
      read("UpdateNewsletterUserSetting", R"({"input":{"newsletter_id":"1@newsletter","type":"OTHER","value":"ON"}})"));
  REQUIRE_FALSE(read("FetchSimilarNewsletters", R"({"input":{}})"));
  REQUIRE_FALSE(read("FetchNewsletterPollVoters", R"({"input":{"newsletter_id":"1@newsletter"}})"));
  REQUIRE_FALSE(read("FetchNewsletterMessageReactionSenderList", R"({"input":{"id":"1@newsletter"}})"));
  REQUIRE_FALSE(read("JoinNewsletter", "{}"));
  REQUIRE_FALSE(read("FetchGroupInfo", R"({"newsletter_id":"1@newsletter"})"));
  const char* followers = R"({"input":{"newsletter_id":"1@newsletter","count":9223372036854775807}})";
  REQUIRE(std::get<FetchChannelFollowers>(read("FetchNewsletterFollowers", followers).value()).count == 1000);
  REQUIRE(std::get<FindChannels>(read("FetchRecommendedNewsletters", R"({"input":{"limit":5000}})").value()).limit ==
          1000);
  std::string many = R"({"newsletter_id":"1@newsletter","input":{"message_ids":["A")";
  for (int i = 0; i < 2000; ++i) many += R"(,"A")";
  REQUIRE(std::get<PinPosts>(read("NewsletterPinMessages", many + "]}}").value()).message_ids.size() == 1000);
}

TEST_CASE("a channel is answered to who asked for it, follows or changes it") {
  const ChannelMetadata metadata{.id = channel, .state = ChannelState::active, .name = "News"};
  for (const ChannelOperation& operation :
       {ChannelOperation(CreateChannel{"News", "", {}}), ChannelOperation(UpdateChannel{.channel = channel}),
        ChannelOperation(FetchChannel{channel, ChannelRole::guest}), ChannelOperation(FollowChannel{channel}),
        ChannelOperation(UnfollowChannel{channel})}) {
    const Node request = mex_iq("1", documents, channel_request(operation)).value();
    REQUIRE(
        read_channel_answer(decode_node(encode_node(channel_answer(request, operation, metadata))).value()).value() ==
        metadata);
    REQUIRE(read_channel_answer(channel_answer(request, operation, std::nullopt)).error().code == Errc::not_found);
  }
  const Node request = iq_get("1", "w:mex");
  const Node done = channel_answer(request, DeleteChannel{channel}, std::nullopt);
  REQUIRE(read_mex_answer(done).has_value());
  REQUIRE(read_channel_answer(done).error().code == Errc::malformed);
  const ChannelMetadata gone{.id = channel, .state = ChannelState::non_existing};
  REQUIRE(read_channel_answer(channel_answer(request, FollowChannel{channel}, gone)).error().code == Errc::not_found);
  const Json odd = Json::object().set("xwa2_newsletter", Json::object().set("id", "1@g.us"));
  REQUIRE(read_channel_answer(mex_answer(request, odd)).error().code == Errc::malformed);
}

TEST_CASE("the list of followed channels is read without what cannot be used") {
  const Node request = iq_get("1", "w:mex");
  const std::vector<ChannelMetadata> list = {{.id = channel, .name = "News"}, {.id = Jid("2", server::newsletter)}};
  const ChannelsTold all = read_channels_answer(channels_answer(request, list)).value();
  REQUIRE(all.channels == list);
  REQUIRE(all.whole);
  const ChannelsTold none = read_channels_answer(channels_answer(request, {})).value();
  REQUIRE(none.channels.empty());
  REQUIRE(none.whole);
  REQUIRE(read_channels_answer(mex_answer(request, Json::object())).error().code == Errc::malformed);
  // Whoever takes what is not there for gone must know that something is not there for another reason.
  const auto told = [&](Json list_of_them) {
    return read_channels_answer(
               mex_answer(request, Json::object().set("xwa2_newsletter_subscribed", std::move(list_of_them))))
        .value();
  };
  const Json row = Json::object().set("id", channel.to_string());
  REQUIRE(told(Json::array().push(row)).whole);
  const ChannelsTold cut = told(Json::array().push(row).push(Json::object().set("id", "1@g.us")));
  REQUIRE(cut.channels.size() == 1);
  REQUIRE_FALSE(cut.whole);
  REQUIRE_FALSE(told(Json()).whole);
  REQUIRE_FALSE(told(Json("none")).whole);
  Json large = Json::array();
  for (int i = 0; i < 900; ++i) large.push(Json(row).set("more", std::string(4'000, 'x')));
  REQUIRE(told(large).channels.size() == 900);  // more than the mebibyte of other answers
  Json rows = Json::array().push(5u).push(Json::object());
  for (int i = 0; i < 1500; ++i) rows.push(Json::object().set("id", channel.to_string()));
  const Json data = Json::object().set("xwa2_newsletter_subscribed", rows);
  const ChannelsTold first = read_channels_answer(mex_answer(request, data)).value();
  REQUIRE(first.channels.size() == 1000);
  REQUIRE_FALSE(first.whole);
}
