#include "api/webhook_request.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "protocol/crypto/random.h"

using namespace wharf;
using namespace wharf::api;
using namespace std::chrono_literals;

namespace {

std::string header(const net::OutgoingRequest& request, std::string_view name) {
  for (const auto& [key, value] : request.headers)
    if (key == name) return value;
  return {};
}

}  // namespace

TEST_CASE("signatures agree with the example of the Standard Webhooks specification") {
  const std::string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const std::string body = R"({"test": 2432232314})";
  CHECK(webhook_signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body) ==
        "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

TEST_CASE("two live secrets give two signatures, the newest first") {
  const std::string a = webhook_signature("first-secret", "1", 5, "x"),
                    b = webhook_signature("second-secret", "1", 5, "x");
  CHECK(webhook_signature("first-secret second-secret", "1", 5, "x") == a + " " + b);
}

TEST_CASE("the hub signature agrees with the published example of its inventor") {
  CHECK(hub_signature("It's a Secret to Everybody", "Hello, World!") !=
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");  // spaces separate secrets here
  CHECK(hub_signature("key", "The quick brown fox jumps over the lazy dog") ==
        "sha256=f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8");  // RFC-style HMAC-SHA256 vector
}

TEST_CASE("a delivery carries the user's headers as given, its id and its signatures") {
  storage::WebhookRow row;
  row.url = "https://us%65r:pass@hooks.example.com:8443/in?x=1";
  row.headers = {{"X-Custom", "As Given"}, {"Content-Type", "application/vnd.x+json"}};
  row.secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  const auto request = webhook_request(row, {"17", "req-1:a", "{}"}, 1700000000, WebhookSettings());
  REQUIRE(request.has_value());
  CHECK(request->method == "POST");
  CHECK(request->url.host == "hooks.example.com");
  CHECK(request->url.target == "/in?x=1");
  CHECK(header(*request, "X-Custom") == "As Given");
  CHECK(header(*request, "Content-Type") == "application/vnd.x+json");
  CHECK(header(*request, "Authorization") == "Basic dXNlcjpwYXNz");
  CHECK(header(*request, "X-Wharf-Event-Id") == "17");
  CHECK(header(*request, "X-Wharf-Request-Id") == "req-1:a");
  CHECK(header(*request, "webhook-id") == "17");
  CHECK(header(*request, "webhook-timestamp") == "1700000000");
  CHECK(header(*request, "webhook-signature") == webhook_signature(row.secret, "17", 1700000000, "{}"));
  CHECK(header(*request, "X-Hub-Signature-256") == hub_signature(row.secret, "{}"));
  CHECK(request->allow_private == false);

  row.secret.clear();
  CHECK(header(*webhook_request(row, {"17", {}, "{}"}, 1, WebhookSettings()), "webhook-signature").empty());
}

TEST_CASE("a delivery names the request only when there is one that can stand in a header") {
  storage::WebhookRow row;
  row.url = "https://hooks.example.com/in";
  for (const std::string& id :
       {std::string(), std::string("a\r\nX-Evil: 1"), std::string("a b"), std::string(129, 'x')}) {
    const auto request = webhook_request(row, {"17", id, "{}"}, 1, WebhookSettings());
    REQUIRE(request.has_value());
    const auto names_it = [](const auto& header) { return header.first == "X-Wharf-Request-Id"; };
    CHECK(std::none_of(request->headers.begin(), request->headers.end(), names_it));
  }
}

TEST_CASE("retries back off exponentially with full jitter up to an hour") {
  protocol::SeededRandom random(7);
  WebhookSettings settings;
  for (std::uint32_t attempts = 1; attempts < 40; ++attempts) {
    const auto ceiling = std::min<std::chrono::milliseconds>(1h, 1s * (1LL << std::min(attempts - 1, 20u)));
    bool low = false, high = false;
    for (int i = 0; i < 200; ++i) {
      const auto delay = retry_delay(attempts, settings, random);
      REQUIRE(delay <= ceiling);
      low = low || delay < ceiling / 4;
      high = high || delay > ceiling * 3 / 4;
    }
    CHECK(low);
    CHECK(high);
  }
}

TEST_CASE("Retry-After is read as seconds and as a date") {
  const storage::UnixMs now = 1'445'412'400'000;  // 2015-10-21T07:26:40Z
  CHECK(parse_retry_after("120", now) == 120s);
  CHECK(parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT", now) == 80s);
  CHECK(parse_retry_after("Wed, 21 Oct 2015 07:20:00 GMT", now) == 0s);
  for (const char* text : {"", "-1", "soon", "12x", "Wed, 21 Oct 2015"}) CHECK_FALSE(parse_retry_after(text, now));
}

TEST_CASE("only 2xx delivers; 410 ends it") {
  const auto status = [](unsigned code) {
    net::OutgoingResponse response;
    response.status = code;
    response.headers = {{"retry-after", "7"}};
    return outcome_of(response, 0);
  };
  CHECK(status(200).delivered);
  CHECK(status(204).delivered);
  for (unsigned code : {100u, 301u, 302u, 400u, 404u, 429u, 500u, 503u}) {
    CHECK_FALSE(status(code).delivered);
    CHECK_FALSE(status(code).gone);
    CHECK(status(code).retry_after == 7s);
  }
  CHECK(status(410).gone);
  CHECK_FALSE(outcome_of(net::OutgoingFailure{net::OutgoingFailure::Kind::timeout, "timed out"}, 0).delivered);
}
