// Channels over the whole API: what is shown of stored ones, what a request must be like, what a session that is not
// connected answers and takes. What WhatsApp does with it is tests/e2e.
#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>

#include "api/channel_json.h"
#include "protocol/channels/metadata.h"
#include "protocol/messages/building.h"
#include "storage/changes.h"
#include "storage/channels.h"
#include "storage/messages.h"
#include "tests/api/api_daemon.h"

using namespace wharf;
using namespace wharf::api;
using protocol::ChannelMetadata;
using protocol::Jid;
using test::Answer;
using test::check_documented;
using test::Daemon;
using test::gateway;
using test::linked;

namespace json = boost::json;

namespace {

const std::string base = "/api/v1/sessions/a";
const Jid news("120363000000000009", "newsletter");
const std::string channel = base + "/channels/120363000000000009@newsletter";
const std::string invite = base + "/channels/abcdefghijklmnop";

ChannelMetadata metadata(protocol::ChannelRole role) {
  ChannelMetadata out;
  out.id = news;
  out.state = protocol::ChannelState::active;
  out.name = "News";
  out.description = "what happens";
  out.created_at = 1'700'000'000;
  out.picture = protocol::ChannelPicture{"7", "/v/7"};
  out.invite = "abcdefghijklmnop";
  out.subscribers = 12;
  out.verified = true;
  out.reactions = protocol::ReactionCodes::basic;
  out.role = role;
  out.muted = false;
  return out;
}

void put_channel(Daemon& d, protocol::ChannelRole role) {
  storage::Changes changes;
  const std::string text = protocol::write_json(protocol::channel_metadata_json(metadata(role)));
  changes.add(storage::PutChannel{d.id_of("a"), {news, text, 1}});
  d.commit(std::move(changes));
}

}  // namespace

TEST_CASE("channels that are known are shown without a connection, as the document says") {
  Daemon d(linked());
  CHECK(d.ask("GET", base + "/channels").json() == json::parse(R"({"success":true,"data":[],"nextCursor":null})"));
  put_channel(d, protocol::ChannelRole::owner);
  const json::object list = d.ask("GET", base + "/channels").json();
  REQUIRE(list.at("data").as_array().size() == 1);
  check_documented(list.at("data").at(0), schemas::channel);
  CHECK(
      list.at("data").at(0) ==
      json::parse(
          R"({"id":"120363000000000009@newsletter","name":"News","description":"what happens","state":"active","role":"owner","muted":false,"verified":true,"subscribers":12,"invite":"abcdefghijklmnop","link":"https://whatsapp.com/channel/abcdefghijklmnop","reactionCodes":"basic","createdAt":"2023-11-14T22:13:20Z","picture":{"id":"7","directPath":"/v/7"},"fresh":false})"));
  const json::object one = d.ask("GET", channel).json();
  check_documented(one.at("data"), schemas::channel);
  CHECK(one.at("data").at("fresh") == false);
  CHECK(d.ask("GET", channel + "/picture").code() == "SESSION_NOT_READY");  // whose host WhatsApp names
  CHECK(d.ask("GET", base + "/channels/abcdefghijklmnop").status == 409);   // a link is WhatsApp's to resolve
}

TEST_CASE("what WhatsApp is to be asked for wants a connection") {
  Daemon d(linked());
  struct Row {
    const char* method;
    std::string path;
    const char* body;
  };
  for (const Row& row : {
           Row{"POST", base + "/channels", R"({"name":"News"})"},
           Row{"GET", channel, ""},
           Row{"PATCH", channel, R"({"name":"News"})"},
           Row{"DELETE", channel, ""},
           Row{"POST", channel + "/follow", ""},
           Row{"POST", channel + "/unfollow", ""},
           Row{"POST", channel + "/mute", ""},
           Row{"POST", channel + "/unmute", ""},
           Row{"GET", channel + "/picture", ""},
           Row{"DELETE", channel + "/picture", ""},
           Row{"GET", channel + "/messages", ""},
           Row{"GET", channel + "/updates?after=100&since=1700000000", ""},
           Row{"POST", channel + "/messages/101/reactions", R"({"emoji":"👍"})"},
           Row{"POST", channel + "/views", R"({"serverIds":["101"]})"},
           Row{"POST", channel + "/watch", ""},
           // So does whose invite it is, wherever a channel is named.
           Row{"GET", invite, ""},
           Row{"GET", base + "/channels/https%3A%2F%2Fwhatsapp.com%2Fchannel%2Fabcdefghijklmnop", ""},
           Row{"PATCH", invite, R"({"name":"News"})"},
           Row{"DELETE", invite, ""},
           Row{"POST", invite + "/follow", ""},
           Row{"POST", invite + "/unfollow", ""},
           Row{"POST", invite + "/mute", ""},
           Row{"POST", invite + "/unmute", ""},
           Row{"PUT", invite + "/picture", R"({"url":"https://files.example/a.png"})"},
           Row{"GET", invite + "/picture", ""},
           Row{"DELETE", invite + "/picture", ""},
           Row{"GET", invite + "/messages", ""},
           Row{"GET", invite + "/updates?after=100", ""},
           Row{"POST", invite + "/messages", R"({"content":"x"})"},
           Row{"POST", invite + "/messages/101/reactions", R"({"emoji":"👍"})"},
           Row{"POST", invite + "/views", R"({"serverIds":["101"]})"},
           Row{"POST", invite + "/watch", ""},
       }) {
    INFO(row.method << " " << row.path);
    const Answer answer = d.ask(row.method, row.path, row.body);
    CHECK(answer.code() == "SESSION_NOT_READY");
    CHECK(answer.json().at("error").at("details").as_object().contains("nextStep"));
  }
}

TEST_CASE("each wrong field of a request about channels is named") {
  Daemon d(linked());
  struct Row {
    const char* method;
    std::string path;
    const char* body;
    const char* field;
    unsigned status = 400;
  };
  for (const Row& row : {
           Row{"POST", base + "/channels", R"({})", "name"},
           Row{"POST", base + "/channels", R"({"name":""})", "name"},
           Row{"POST", base + "/channels", R"({"name":"News","picture":"data:image/png;base64,AAAA"})", "picture"},
           Row{"POST", base + "/channels", R"({"name":"  "})", "name"},
           Row{"PATCH", channel, R"({"name":"  "})", "name"},
           Row{"PATCH", channel, R"({"name":"a\nb"})", "name"},
           Row{"PATCH", channel, R"({"picture":"data:image/png;base64,AAAA"})", "picture"},
           Row{"GET", base + "/channels/1-2@g.us", "", "channelId"},
           Row{"GET", base + "/channels/short", "", "channelId"},
           Row{"POST", base + "/channels/15550000002/follow", "", "channelId"},
           Row{"POST", base + "/channels/short/follow", "", "channelId"},
           Row{"GET", base + "/channels/120363000000000009", "", "channelId"},
           Row{"POST", channel + "/messages?waitFor=delivered", R"({"content":"x"})", "waitFor", 422},
           Row{"POST", base + "/send-text?waitFor=read", R"({"chatId":"120363000000000009@newsletter","content":"x"})",
               "waitFor", 422},
           Row{"PATCH", channel, R"({"reactionCodes":"some"})", "reactionCodes"},
           Row{"PATCH", channel, R"({})", "body"},
           Row{"GET", channel + "/messages?limit=0", "", "limit"},
           Row{"GET", channel + "/messages?limit=101", "", "limit"},
           Row{"GET", channel + "/messages?before=x", "", "before"},
           Row{"GET", channel + "/messages?after=0", "", "after"},
           Row{"GET", channel + "/messages?before=5&after=3", "", "after"},
           Row{"GET", channel + "/messages?before=5&cursor=before-5", "", "cursor"},
           Row{"GET", channel + "/messages?cursor=5", "", "cursor"},
           Row{"GET", channel + "/messages?cursor=after-0", "", "cursor"},
           Row{"GET", channel + "/updates", "", "after"},
           Row{"GET", channel + "/updates?after=5&since=soon", "", "since"},
           Row{"POST", channel + "/messages", R"({})", "content"},
           Row{"POST", channel + "/messages", R"({"content":"x","mentions":["15550000002"]})", "mentions", 501},
           Row{"POST", channel + "/messages", R"({"content":"x","quotedMessageId":"3EB0AA"})", "quotedMessageId", 501},
           Row{"POST", channel + "/messages", R"({"content":"x","type":"image"})", "type", 501},
           Row{"POST", channel + "/messages", R"({"content":"x","chatId":"15550000002"})", "chatId", 400},
           Row{"POST", channel + "/messages", R"({"content":"x","sendAt":"soon"})", "sendAt"},
           Row{"POST", channel + "/messages/x/reactions", R"({"emoji":"👍"})", "serverId"},
           Row{"POST", channel + "/messages/101/reactions", R"({"emoji":"yes"})", "emoji"},
           Row{"POST", channel + "/views", R"({"serverIds":[]})", "serverIds"},
           Row{"POST", channel + "/views", R"({"serverIds":["101","-1"]})", "serverIds[1]"},
           Row{"GET", base + "/contacts/120363000000000009@newsletter", "", "contactId"},
           Row{"PUT", base + "/chats/120363000000000009@newsletter/presence", R"({"state":"composing"})", "chatId"},
       }) {
    INFO(row.method << " " << row.path << " " << row.body);
    const Answer answer = d.ask(row.method, row.path, row.body);
    CHECK(answer.status == row.status);
    CHECK(answer.json().at("error").at("details").as_object().contains(row.field));
  }
}

TEST_CASE("a text to an own channel is queued like any message, once, whichever route it takes") {
  Daemon d(linked());
  put_channel(d, protocol::ChannelRole::owner);
  const Answer sent = d.ask("POST", channel + "/messages", R"({"content":"hello","messageId":"CHANNEL0001"})");
  REQUIRE(sent.status == 200);
  check_documented(sent.json().at("data"), schemas::sent_message);
  CHECK(sent.json().at("data").at("chatId") == "120363000000000009@newsletter");
  CHECK(sent.json().at("data").at("status") == "pending");
  const Answer again = d.ask("POST", channel + "/messages", R"({"content":"hello","messageId":"CHANNEL0001"})");
  CHECK(again.json().at("data").at("replayed") == true);
  CHECK(d.ask("POST", channel + "/messages", R"({"content":"other","messageId":"CHANNEL0001"})").code() ==
        "MESSAGE_ID_REUSED");
  const test::Headers key = {{"Idempotency-Key", "k1"}};
  REQUIRE(d.ask("POST", channel + "/messages", R"({"content":"keyed"})", key).status == 200);
  CHECK(
      d.ask("POST", base + "/channels/120363000000000010@newsletter/messages", R"({"content":"keyed"})", key).code() ==
      "IDEMPOTENCY_KEY_REUSED");
  const Answer generic =
      d.ask("POST", base + "/messages", R"({"type":"text","chatId":"120363000000000009@newsletter","content":"too"})");
  CHECK(generic.status == 200);
  CHECK(d.ask("GET", base + "/queue").json().at("data").as_array().size() == 3);
  // By either of its ids, in either dialect.
  for (const char* id : {"CHANNEL0001", "true_120363000000000009@newsletter_CHANNEL0001"}) {
    INFO(id);
    CHECK(d.ask("GET", base + "/messages/" + id).status == 200);
    CHECK(d.ask("GET", base + "/messages/" + id, "", gateway).status == 200);
  }
  CHECK(d.ask("POST", channel + "/messages?waitFor=read", R"({"content":"x"})").code() == "NEVER_REACHED");
  CHECK(d.ask("POST", channel + "/messages?waitFor=read", R"({"content":"x"})", gateway).code() == "never_reached");
  const json::object pages = d.ask("GET", base + "/chats/120363000000000009@newsletter/messages").json();
  CHECK(pages.at("data").as_array().size() == 3);

  const char* place = R"({"chatId":"120363000000000009@newsletter","latitude":1,"longitude":2})";
  CHECK(d.ask("POST", base + "/send-location", place).code() == "NOT_IMPLEMENTED");
  // What was told over an earlier connection may have changed since: WhatsApp decides.
  put_channel(d, protocol::ChannelRole::subscriber);
  CHECK(d.ask("POST", channel + "/messages", R"({"content":"me too"})").status == 200);
}

TEST_CASE("the file of a post is of a channel, by a server id, and this server keeps none") {
  Daemon d(linked());
  CHECK(d.ask("GET", channel + "/messages/101/media").code() == "NOT_IMPLEMENTED");
  CHECK(d.ask("GET", base + "/channels/15550000002/messages/101/media").code() == "VALIDATION_ERROR");
  CHECK(d.ask("GET", channel + "/messages/101/media?download=maybe").status == 400);
}

TEST_CASE("posts are shown with their counts, and one without content too") {
  protocol::SeededRandom random{3};
  protocol::ChannelPost post;
  post.counts = {101, 7, {{"👍", 2}}};
  post.id = "3EB0AA";
  post.at = 1'700'000'000;
  post.own = true;
  post.message = protocol::quotable(protocol::build_message("hello", {}, random).encoded);
  protocol::ChannelPost deleted;
  deleted.counts.server_id = 102;
  const json::value shown = json::parse(posts_json({post, deleted}, news, "a", Dialect::openwa));
  REQUIRE(shown.as_array().size() == 2);
  for (const json::value& row : shown.as_array()) check_documented(row, schemas::channel_post);
  CHECK(
      shown.at(0) ==
      json::parse(
          R"({"serverId":"101","id":"true_120363000000000009@newsletter_3EB0AA","type":"chat","body":"hello","fromMe":true,"timestamp":1700000000,"views":7,"reactions":[{"emoji":"👍","count":2}]})"));
  CHECK(shown.at(1) == json::parse(R"({"serverId":"102","type":"unknown","body":"","fromMe":false,"reactions":[]})"));
  const json::value bare = json::parse(posts_json({post}, news, "a", Dialect::gateway)).at(0);
  check_documented(bare, schemas::channel_post);
  CHECK(bare.at("timestamp") == 1'700'000'000'000);
  CHECK(bare.at("id") == "3EB0AA");
  CHECK(bare.at("type") == "text");

  protocol::MediaContent picture;
  picture.kind = protocol::MessageKind::image;
  picture.caption = "the pier";
  picture.file.mimetype = "image/jpeg";
  picture.file.length = 1'000;
  post.message = protocol::quotable(protocol::build_message(picture, {}, random).encoded);
  for (const Dialect dialect : {Dialect::openwa, Dialect::gateway}) {
    const json::value row = json::parse(posts_json({post}, news, "a", dialect)).at(0);
    check_documented(row, schemas::channel_post);
    CHECK(row.at("hasMedia") == true);
    CHECK(row.at("body") == "the pier");
    CHECK(row.at("media").at("url") == "/api/v1/sessions/a/channels/120363000000000009@newsletter/messages/101/media");
    CHECK(row.at("media").at("mimetype") == "image/jpeg");
  }
}
