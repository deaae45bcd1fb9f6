// The control API's view of the media host: its files, and what goes wrong there.

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <optional>

#include "sandbox/control_api.h"
#include "tests/sandbox/inline_workers.h"
#include "tests/sandbox/phone_world.h"

namespace wharf::sandbox::test {

namespace json = boost::json;

namespace {

struct Answered final : net::Responder::Sink {
  std::optional<net::HttpResponse> response;
  void respond(net::HttpResponse r) override { response = std::move(r); }
  void upgrade(net::WebSocketUpgrade) override {}
  bool peer_gone() const override { return false; }
};

struct Api : PhoneWorld {
  InlineWorkers workers;
  MediaStore store{{}, clock, random, workers, network.changes()};
  std::shared_ptr<MediaHost> media = std::make_shared<MediaHost>(
      MediaHost::Ports{store, clock, {}, {}, [](const std::function<void()>& effect) { effect(); }});
  SandboxAddresses addresses;
  ControlApi control{network, phones, addresses, [](std::function<void()> effect) { effect(); }, media.get()};

  net::HttpResponse call(std::string method, std::string target, std::string body = "") {
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = "/sandbox/v1" + std::move(target);
    request.body = std::move(body);
    if (!request.body.empty()) request.headers.emplace_back("content-type", "application/json");
    const auto sink = std::make_shared<Answered>();
    control.handle(std::move(request), net::Responder(sink));
    REQUIRE(sink->response.has_value());
    return *sink->response;
  }
  json::object document(const std::string& method, const std::string& target, const std::string& body = "",
                        unsigned status = 200) {
    const auto response = call(method, target, body);
    INFO(response.body);
    REQUIRE(response.status == status);
    return json::parse(response.body).as_object();
  }
  /// The names of the fields that a body of POST /faults is refused for.
  json::object refused(const std::string& body) {
    return document("POST", "/faults", body, 400).at("error").at("details").as_object();
  }
  MediaFile put(const std::string& kind, const std::string& text) {
    std::optional<MediaFile> kept;
    store.put(kind, text, [&](protocol::Result<MediaFile> result) { kept = result.value(); });
    workers.settle();
    return kept.value();
  }
};

}  // namespace

TEST_CASE("the media host's files are listed in pages, and forgotten one by one") {
  Api api;
  const auto one = api.put("image", "one"), two = api.put("md-msg-hist", "three"), three = api.put("video", "four");
  auto page = api.document("GET", "/media?limit=2");
  REQUIRE(page.at("data").as_array().size() == 2);
  const json::object& first = page.at("data").as_array()[0].as_object();
  CHECK(first.at("id") == json::string(one.id));
  CHECK(first.at("kind") == "image");
  CHECK(first.at("directPath") == json::string(one.direct_path()));
  CHECK(first.at("bytes") == 3);
  CHECK(first.at("encSha256") == json::string(protocol::to_base64(one.hash)));
  CHECK(first.at("createdMs") == one.created_ms);
  CHECK(first.at("expiresMs") == one.expires_ms);
  CHECK(first.at("expired") == false);
  const std::string cursor(page.at("nextCursor").as_string());
  page = api.document("GET", "/media?limit=2&cursor=" + cursor);
  REQUIRE(page.at("data").as_array().size() == 1);
  CHECK(page.at("data").as_array()[0].at("id") == json::string(three.id));
  CHECK(page.at("nextCursor").is_null());
  api.document("GET", "/media?limit=0", "", 400);
  api.document("GET", "/media?cursor=x", "", 400);

  CHECK(api.document("DELETE", "/media/" + two.id).at("data").at("id") == json::string(two.id));
  CHECK_FALSE(api.store.find(two.path()));
  api.document("DELETE", "/media/" + two.id, "", 404);
  api.document("DELETE", "/media/..%2f..%2fetc", "", 404);
}

TEST_CASE("media faults are set as a list, shown while they last, and taken back") {
  Api api;
  const std::string body =
      R"({"drop_acks":1,"media":[{"what":"status","status":503,"retryAfter":3,"on":"upload","count":2},)"
      R"({"what":"cut","bytes":10,"kind":"image","path":"/v/t62/x.enc?oh=1"},{"what":"dead","host":"primary"}]})";
  const auto after = api.document("POST", "/faults", body).at("data").as_object();
  CHECK(after.at("media") == json::parse(R"([{"what":"status","count":2,"on":"upload","status":503,"retryAfter":3},)"
                                         R"({"what":"cut","count":1,"kind":"image","path":"/v/t62/x.enc","bytes":10},)"
                                         R"({"what":"dead","count":1,"host":"primary"}])"));
  CHECK(api.network.faults().drop_acks == 1);
  const auto taken = api.media->faults().take({MediaWay::upload, MediaDoor::primary, "image", "/mms/image/x"});
  REQUIRE(taken);
  CHECK(taken->status == 503);
  CHECK(taken->retry_after_seconds == 3);
  CHECK(api.document("GET", "/faults").at("data").at("media").as_array()[0].at("count") == 1);
  // Others leave it as it is.
  CHECK(api.document("POST", "/faults", R"({"drop_acks":0})").at("data").at("media").as_array().size() == 3);
  CHECK(api.document("POST", "/faults", R"({"media":[]})").at("data").at("media").as_array().empty());
}

TEST_CASE("media faults that are wrong change nothing") {
  Api api;
  CHECK(api.refused(R"({"drop_acks":1,"media":{"what":"dead"}})").contains("media"));
  CHECK(api.refused(R"({"drop_acks":1,"media":[{"what":"dead"},7]})").contains("media[1]"));
  const auto bad = api.refused(
      R"({"drop_acks":1,"media":[{"what":"explode","status":200,"count":0,"bytes":-1,"bytesPerSecond":0,"x":1}]})");
  for (const char* name : {"what", "status", "count", "bytes", "bytesPerSecond", "x"})
    CHECK(bad.contains("media[0]." + std::string(name)));
  CHECK(api.refused(R"({"media":[{"status":500}]})").contains("media[0].what"));
  CHECK(api.refused(R"({"expire_media_auth":1})").contains("expire_media_auth"));
  CHECK(api.refused(R"({"nonsense":1})").at("nonsense").as_string().find("expire_media_auth") != std::string::npos);
  CHECK(api.network.faults().drop_acks == 0);
  CHECK(api.media->faults().rules().empty());
}

TEST_CASE("files are forgotten and expired, and tokens ended, by faults") {
  Api api;
  const auto one = api.put("image", "one"), two = api.put("image", "two");
  api.document("POST", "/faults",
               R"({"drop_acks":5,"expire_media":")" + one.direct_path() + R"(","forget_media":"00112233"})", 404);
  CHECK_FALSE(api.store.find(one.path())->gone);  // together or not at all
  CHECK(api.network.faults().drop_acks == 0);
  api.document("POST", "/faults",
               R"({"expire_media":")" + one.direct_path() + R"(","forget_media":")" + two.id + R"("})");
  CHECK(api.store.find(one.path())->gone);
  CHECK_FALSE(api.store.find(two.path()));

  Inbox port;
  REQUIRE(api.network.create_account("15550000009", "x"));
  api.network.attach_phone("15550000009", port);
  Node iq = protocol::iq_set("m1", "w:m");
  api.network.handle({"15550000009", 0}, iq.add(Node("media_conn")));
  const std::string auth(port.answer("m1").child("media_conn")->attr("auth"));
  REQUIRE(api.network.check_media_auth(auth) == AuthState::valid);
  api.document("POST", "/faults", R"({"expire_media_auth":false})");
  CHECK(api.network.check_media_auth(auth) == AuthState::valid);
  api.document("POST", "/faults", R"({"expire_media_auth":true})");
  CHECK(api.network.check_media_auth(auth) == AuthState::expired);
}

TEST_CASE("a network without a media host says so") {
  Api api;
  ControlApi bare{api.network, api.phones, api.addresses, [](std::function<void()> effect) { effect(); }};
  const auto status = [&](std::string method, std::string target, std::string body = "") {
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = "/sandbox/v1" + std::move(target);
    request.body = std::move(body);
    request.headers.emplace_back("content-type", "application/json");
    const auto sink = std::make_shared<Answered>();
    bare.handle(std::move(request), net::Responder(sink));
    return sink->response.value().status;
  };
  CHECK(status("GET", "/media") == 503);
  CHECK(status("DELETE", "/media/x") == 503);
  CHECK(status("POST", "/faults", R"({"media":[]})") == 503);
  CHECK(status("GET", "/faults") == 200);
}

}  // namespace wharf::sandbox::test
