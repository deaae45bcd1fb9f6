#include "api/validation.h"

#include <boost/json/parse.hpp>
#include <catch2/catch.hpp>
#include <map>

#include "api/schemas.h"

using namespace wharf::api;

namespace {

std::map<std::string, std::string> problems_of(const Schema& schema, std::string_view body,
                                               Unknown unknown = Unknown::ignored) {
  std::vector<FieldProblem> problems;
  validate(boost::json::parse(body).as_object(), schema, unknown, problems);
  std::map<std::string, std::string> out;
  for (const FieldProblem& problem : problems) out[problem.field] = problem.what;
  return out;
}

}  // namespace

TEST_CASE("a good body has no problems") {
  CHECK(problems_of(schemas::create_session,
                    R"({"sessionId":"my-bot","waitForQR":true,"config":{"multiDevice":true,"headless":true,
    "qrTimeout":120,"authTimeout":60.0,"proxyServerCredentials":{"protocol":"socks5","address":"h:1","username":"u","password":"p"}}})")
            .empty());
  CHECK(problems_of(schemas::send_text,
                    R"({"chatId":"1234567890@c.us","content":"Hello, World!","quotedMessageId":null})")
            .empty());
  CHECK(problems_of(schemas::register_webhook,
                    R"({"url":"https://your-server.com/webhook","events":["message","ack","group_join","group_*","*"],
    "headers":{"Authorization":"Bearer your-token"},"secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"})")
            .empty());
}

TEST_CASE("every bad field is reported, with what is allowed") {
  const auto problems = problems_of(
      schemas::create_session,
      R"({"sessionId":"a b","waitForQR":"yes","config":{"qrTimeout":0,"multiDevice":1,"proxyServerCredentials":{"protocol":"ftp"}},"metadata":[]})");
  CHECK(problems.size() == 7);
  CHECK(problems.at("sessionId") == "must be 1 to 64 characters of A-Z a-z 0-9 . _ -");
  CHECK(problems.at("waitForQR") == "must be true or false");
  CHECK(problems.at("config.qrTimeout") == "must be an integer, 1 to 3600");
  CHECK(problems.at("config.multiDevice") == "must be true or false");
  CHECK(problems.at("config.proxyServerCredentials.protocol") == "must be one of: http, https, socks5, socks5h");
  CHECK(problems.at("config.proxyServerCredentials.address") == "is required");
  CHECK(problems.at("metadata") == "must be an object");
}

TEST_CASE("lengths count characters, not bytes") {
  const std::string content = [] {
    std::string text;
    for (int i = 0; i < 65536; ++i) text += "é";
    return text;
  }();
  CHECK(problems_of(schemas::send_text, R"({"chatId":"1234567890","content":")" + content + "\"}").empty());
  CHECK(problems_of(schemas::send_text, R"({"chatId":"1234567890","content":"x)" + content + "\"}").count("content") ==
        1);
  CHECK(problems_of(schemas::send_text, R"({"chatId":"1234567890","content":""})").count("content") == 1);
}

TEST_CASE("webhooks cannot smuggle headers or addresses of other schemes") {
  const auto problems = problems_of(schemas::register_webhook,
                                    R"({"url":"file:///etc/passwd","events":["mesage"],"secret":"whsec_no base64",
    "headers":{"Host":"x","bad name":"x","X-Ok":"a\r\nX-Evil: 1","X-Number":1}})");
  CHECK(problems.count("url") == 1);
  CHECK(problems.count("events[0]") == 1);
  CHECK(problems.count("secret") == 1);
  CHECK(problems.count("headers.Host") == 1);
  CHECK(problems.count("headers.bad name") == 1);
  CHECK(problems.count("headers.X-Ok") == 1);
  CHECK(problems.count("headers.X-Number") == 1);
}

TEST_CASE("unknown fields are refused only when asked for") {
  const auto body = R"({"chatId":"1234567890","content":"x","colour":"red"})";
  CHECK(problems_of(schemas::send_text, body).empty());
  CHECK(problems_of(schemas::send_text, body, Unknown::refused).at("colour") == "is not a known field");
  CHECK(problems_of(schemas::create_session, R"({"sessionId":"a","config":{"typo":1}})", Unknown::refused)
            .count("config.typo") == 1);
}

TEST_CASE("queries are decoded and checked") {
  auto query = Query::parse("before=true_1%40c.us_ABC&limit=5000&cursor=a+b&empty&x=%C3%A9");
  REQUIRE(query);
  CHECK(query->text("before") == "true_1@c.us_ABC");
  CHECK(query->text("cursor") == "a b");
  CHECK(query->text("x") == "é");
  CHECK(query->has("empty"));
  std::vector<FieldProblem> problems;
  validate(*query, schemas::messages_query, Unknown::ignored, problems);
  CHECK(problems.empty());
  CHECK(query->integer("limit", 0) == 1000);  // clamped

  auto bad = Query::parse("limit=many&before=%20");
  validate(*bad, schemas::messages_query, Unknown::refused, problems);
  CHECK(problems.size() == 2);

  CHECK_FALSE(Query::parse("a=%"));
  CHECK_FALSE(Query::parse("a=%4"));
  CHECK_FALSE(Query::parse("a=%zz"));
  CHECK_FALSE(Query::parse("a=%00"));
  std::string many;
  for (int i = 0; i < 65; ++i) many += "a" + std::to_string(i) + "=1&";
  CHECK_FALSE(Query::parse(many));
}
