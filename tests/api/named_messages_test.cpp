// Messages that are named with their chat: senders choose their ids, and two of them may choose the same.
#include <catch2/catch.hpp>

#include "storage/changes.h"
#include "storage/messages.h"
#include "tests/api/api_daemon.h"

using namespace wharf;
using namespace wharf::api;
using test::Answer;
using test::Daemon;

namespace {

const protocol::Jid john("1234567890", "s.whatsapp.net"), kim("1999999", "s.whatsapp.net");

/// An own message to Kim and one of John have one id, and John has said something else.
struct Namesakes : Daemon {
  Namesakes() {
    create("a");
    put("ONE", kim, true, "ours");
    put("ONE", john, false, "theirs");
    put("TWO", john, false, "more");
  }
  void put(const char* id, const protocol::Jid& chat, bool from_me, const char* body) {
    storage::MessageRow row;
    row.session = id_of("a");
    row.chat = row.author = chat;
    row.id = id;
    row.from_me = from_me;
    row.kind = "text";
    row.body = body;
    row.ack = storage::AckLevel::delivered;
    row.timestamp = row.created_at = 1'764'374'400'000 + ++written * 1'000;
    storage::Changes changes;
    changes.add(storage::InsertMessage{std::move(row), !from_me, std::nullopt});
    commit(std::move(changes));
  }
  /// Its text, or the code of the error.
  std::string text_of(const std::string& id) {
    const Answer answer = ask("GET", base + "messages/" + id);
    if (answer.status != 200) return answer.code();
    return std::string(answer.json().at("data").at("body").as_string());
  }
  const std::string base = "/api/v1/sessions/a/";
  std::int64_t written = 0;
};

}  // namespace

TEST_CASE("a message that is named with its chat is that one, whatever has its id elsewhere") {
  Namesakes d;
  CHECK(d.text_of("ONE") == "ours");
  CHECK(d.text_of("true_1999999@c.us_ONE") == "ours");
  CHECK(d.text_of("true_1234567890@c.us_ONE") == "theirs");
  CHECK(d.text_of("true_1777777@c.us_ONE") == "MESSAGE_NOT_FOUND");
  CHECK(d.text_of("true_1777777@c.us_NOSUCH") == "MESSAGE_NOT_FOUND");
  CHECK(d.text_of("true_nobody_ONE") == "VALIDATION_ERROR");

  CHECK(d.ask("POST", d.base + "messages/true_1234567890@c.us_ONE/star", "{}").status == 200);
  CHECK(storage::find_message(d.rows(), d.id_of("a"), john, "ONE")->starred_at != 0);
  CHECK(storage::find_message(d.rows(), d.id_of("a"), kim, "ONE")->starred_at == 0);
  CHECK(d.ask("DELETE", d.base + "messages/true_1234567890@c.us_ONE?for=me").status == 204);
  CHECK(d.text_of("true_1234567890@c.us_ONE") == "MESSAGE_NOT_FOUND");
  CHECK(d.text_of("ONE") == "ours");
}

TEST_CASE("what stands beside a chat is of that chat, or not found") {
  Namesakes d;
  const std::string list = d.base + "chats/1234567890@c.us/messages?before=";
  for (const char* search : {"", "&q=theirs"}) {
    const auto page = [&](const std::string& before) { return d.ask("GET", list + before + search); };
    for (const char* own : {"TWO", "true_1234567890@c.us_TWO", "true_1234567890@s.whatsapp.net_TWO"})
      CHECK(page(own).json().at("data").as_array().size() == 1);
    CHECK(page("true_1999999@c.us_TWO").code() == "MESSAGE_NOT_FOUND");  // Kim's chat has none of this id
    CHECK(page("true_1999999@c.us_ONE").code() == "MESSAGE_NOT_FOUND");  // and this one is hers
    CHECK(page("true_nobody_TWO").status == 400);
  }
  const auto quote = [&](const std::string& id) {
    return d.ask("POST", d.base + "send-text",
                 R"({"chatId":"1234567890","content":"x","quotedMessageId":")" + id + "\"}");
  };
  const Answer elsewhere = quote("true_1999999@c.us_ONE");
  CHECK(elsewhere.code() == "MESSAGE_NOT_FOUND");
  CHECK(elsewhere.json().at("error").at("details").as_object().contains("quotedMessageId"));
  CHECK(quote("true_nobody_ONE").status == 400);
  CHECK(quote("true_1234567890@c.us_ONE").code() == "SESSION_NOT_READY");  // as without a quote
}
