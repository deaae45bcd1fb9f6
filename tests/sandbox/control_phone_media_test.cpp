// The control API's view of files that phones send and get.

#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <optional>

#include "protocol/messages/content.h"
#include "sandbox/control_api.h"
#include "sandbox/network/channels/channel_store.h"
#include "tests/sandbox/media_world.h"

namespace wharf::sandbox::test {

namespace json = boost::json;

namespace {

struct Answered final : net::Responder::Sink {
  std::optional<net::HttpResponse> response;
  void respond(net::HttpResponse r) override { response = std::move(r); }
  void upgrade(net::WebSocketUpgrade) override {}
  bool peer_gone() const override { return false; }
};

struct Api : MediaWorld {
  SandboxAddresses addresses;
  ControlApi control{network, phones, addresses, [](std::function<void()> effect) { effect(); }, media.get()};
  Api() { two_phones(); }

  net::HttpResponse call(std::string method, const std::string& target, std::string body = "") {
    return call_at("/phones/" + target, std::move(method), std::move(body));
  }
  net::HttpResponse call_at(const std::string& target, std::string method, std::string body) {
    net::HttpRequest request;
    request.method = std::move(method);
    request.target = "/sandbox/v1" + target;
    request.body = std::move(body);
    if (!request.body.empty()) request.headers.emplace_back("content-type", "application/json");
    const auto sink = std::make_shared<Answered>();
    control.handle(std::move(request), net::Responder(sink));
    settle_all();
    REQUIRE(sink->response.has_value());
    return *sink->response;
  }
  json::value data(const std::string& method, const std::string& target, const std::string& body = "",
                   unsigned status = 200) {
    const auto response = call(method, target, body);
    INFO(response.body);
    REQUIRE(response.status == status);
    return json::parse(response.body).at("data");
  }
  std::string send(const std::string& file) {
    const auto sent = data("POST", "15550000001/messages", R"({"to":"15550000002","media":)" + file + "}", 202);
    return std::string(sent.at("id").as_string());
  }
  /// The names of the fields that a body is refused for.
  json::object refused(const std::string& file, const std::string& beside = "") {
    const auto response = call("POST", "15550000001/messages", R"({"to":"15550000002","media":)" + file + beside + "}");
    INFO(response.body);
    REQUIRE(response.status == 400);
    return json::parse(response.body).at("error").at("details").as_object();
  }
  json::object faults(const std::string& body) {
    return json::parse(call_at("/faults", "POST", body).body).at("data").as_object();
  }
  json::object newest() { return data("GET", "15550000002/messages?limit=1").as_array().at(0).as_object(); }
  /// As a client reads an answer that is made while it is sent.
  std::string body_of(net::HttpResponse response) {
    REQUIRE(response.status == 200);
    std::string out = std::move(response.body);
    for (bool more = static_cast<bool>(response.more); more;) {
      std::optional<net::BodyPiece> piece;
      response.more([&](net::BodyPiece next) { piece = std::move(next); });
      settle_all();
      REQUIRE(piece);
      out += piece->bytes;
      more = piece->end == net::BodyPiece::End::more;
      REQUIRE(piece->end != net::BodyPiece::End::broken);
    }
    return out;
  }
};

std::string quoted_base64(const std::string& bytes) {
  return '"' + protocol::to_base64(protocol::as_bytes(bytes)) + '"';
}

}  // namespace

TEST_CASE("a file is sent as base64, shown with the message, and given back as bytes") {
  Api api;
  const std::string bytes = picture(1'000);
  const auto id = api.send(R"({"kind":"document","filename":"a.pdf","mimetype":"application/pdf","caption":"read",)"
                           R"("data":)" +
                           quoted_base64(bytes) + "}");
  const auto message = api.newest();
  CHECK(message.at("kind") == "document");
  CHECK(message.at("text") == "read");
  const auto hash = protocol::to_hex(protocol::sha256(protocol::as_bytes(bytes)));
  CHECK(message.at("media") == json::value({{"kind", "document"},
                                            {"mimetype", "application/pdf"},
                                            {"filename", "a.pdf"},
                                            {"size", 1'000},
                                            {"width", 0},
                                            {"height", 0},
                                            {"seconds", 0},
                                            {"sha256", hash},
                                            {"state", "ready"}}));
  for (const std::string phone : {"15550000001", "15550000002"}) {
    const auto response = api.call("GET", phone + "/messages/" + id + "/media");
    CHECK(response.content_type == "application/octet-stream");
    CHECK((api.body_of(response) == bytes));
  }
}

TEST_CASE("a data URL says what its bytes are, and numbers travel") {
  Api api;
  api.send(R"({"kind":"video","data":"data:video/webm;base64,AAEC","width":320,"height":240,"seconds":9})");
  auto media = api.newest().at("media").as_object();
  CHECK(media.at("mimetype") == "video/webm");
  CHECK(media.at("width") == 320);
  CHECK(media.at("height") == 240);
  CHECK(media.at("seconds") == 9);
  CHECK(media.at("size") == 3);
  api.send(R"({"kind":"voice","data":"AAEC"})");
  CHECK(api.newest().at("media").at("mimetype") == "audio/ogg; codecs=opus");
  api.send(R"({"kind":"image","data":"AAEC","viewOnce":true})");
  CHECK(api.newest().at("media").at("state") == "ready");
}

TEST_CASE("a long file is given back in pieces") {
  Api api;
  const std::string bytes = picture(2'000'000);
  const auto id = api.anna().send(with_media("15550000002", image(bytes))).value();
  api.settle_all();
  const auto response = api.call("GET", "15550000002/messages/" + id + "/media");
  CHECK(response.body.empty());
  CHECK((api.body_of(response) == bytes));
}

TEST_CASE("what is wrong with a file is named") {
  Api api;
  CHECK(api.refused(R"({})").contains("media.kind"));
  CHECK(api.refused(R"({})").contains("media.data"));
  CHECK(api.refused(R"({"kind":"poll","data":"AAEC"})").contains("media.kind"));
  CHECK(api.refused(R"({"kind":"image","data":"!"})").contains("media.data"));
  CHECK(api.refused(R"({"kind":"image","data":"data:image/png;base64,"})").contains("media.data"));
  CHECK(api.refused(R"({"kind":"image","data":"AAEC","width":-1})").contains("media.width"));
  CHECK(api.refused(R"({"kind":"image","data":"AAEC"})", R"(,"text":"x")").contains("text"));
  CHECK(api.call("POST", "15550000001/messages",
                 R"({"to":"15550000002","media":{"kind":"sticker","data":"AAEC","viewOnce":true}})")
            .status == 400);
  const std::string large = R"({"to":"15550000002","media":{"kind":"image","data":")" + std::string(600'000, 'A');
  CHECK(api.call("POST", "15550000001/messages", large + "\"}}").status == 413);
  CHECK(api.anna().messages().empty());
}

TEST_CASE("a file that failed is shown with the reason, and is not given out") {
  Api api;
  const auto faulty = api.faults(R"({"media":[{"what":"status","status":503,"host":"phones","on":"download"}]})");
  CHECK(faulty.at("media").as_array().at(0).at("host") == "phones");
  const auto id = api.send(R"({"kind":"image","data":"AAEC"})");
  const auto media = api.newest().at("media").as_object();
  CHECK(media.at("state") == "failed");
  CHECK(media.at("sha256").is_null());
  CHECK(media.at("failure").as_string().find("503") != std::string::npos);
  const std::string mine = "15550000002/messages/";
  CHECK(api.call("GET", mine + id + "/media").status == 200);  // it is there, after all
  REQUIRE(api.store.forget(std::string(api.store.list(0, 1).at(0).id)));
  CHECK(api.call("GET", mine + id + "/media").status == 404);
  CHECK(api.call("GET", mine + "nothing/media").status == 404);
  CHECK(api.call("GET", "15550000009/messages/x/media").status == 404);
  api.data("POST", "15550000001/messages", R"({"to":"15550000002","text":"no file"})", 202);
  CHECK(api.call("GET", mine + std::string(api.newest().at("id").as_string()) + "/media").status == 404);
}

TEST_CASE("a file that is not what its message says is not given out") {
  Api api;
  auto desk = linked_client(api, api.anna());
  auto file = upload(api, protocol::MessageKind::image, protocol::MediaKind::image, picture(300));
  file.content.file.sha256[0] ^= 1;
  desk->send(desk->prepare("15550000002", protocol::build_message(file.content, {}, api.random).encoded, "C1"));
  api.settle_all();
  CHECK(api.call("GET", "15550000002/messages/C1/media").status == 422);
}

TEST_CASE("a file that is not uploaded yet is not given out, and without a media host none is sent") {
  Api api;
  api.anna().power(false);
  const auto id = api.send(R"({"kind":"image","data":"AAEC"})");
  CHECK(api.call("GET", "15550000001/messages/" + id + "/media").status == 409);
  api.phones.set_media_host(nullptr);
  CHECK(api.call("POST", "15550000002/messages", R"({"to":"15550000001","media":{"kind":"image","data":"AAEC"}})")
            .status == 503);
}

TEST_CASE("a post with a file has it on the media host in clear, without a key, and no phone is sent anything") {
  Api api;
  const std::string bytes = picture(70'000);
  const auto said = [&](const std::string& target, const std::string& body, unsigned status) {
    const auto response = api.call_at(target, "POST", body);
    INFO(response.body);
    REQUIRE(response.status == status);
    return json::parse(response.body);
  };
  const auto made = said("/channels", R"({"phone":"15550000001","name":"News"})", 201);
  const std::string posts = "/channels/" + std::string(made.at("data").at("id").as_string()) + "/posts";
  const std::string file =
      R"({"kind":"image","mimetype":"image/png","caption":"the pier","data":)" + quoted_base64(bytes);
  const auto post = said(posts, R"({"media":)" + file + "}}", 201).at("data");
  CHECK(post.at("type") == "media");
  CHECK(post.at("text") == "the pier");
  CHECK(post.at("media").at("mimetype") == "image/png");
  CHECK(post.at("media").at("size") == 70'000);
  const auto files = api.store.list(0, 10);
  REQUIRE(files.size() == 1);
  CHECK(files[0].kind == "newsletter-image");
  CHECK(post.at("media").at("directPath") == json::string(files[0].direct_path()));
  std::optional<std::string> whole;
  api.store.fetch(files[0].direct_path(), 1u << 20, [&](protocol::Result<std::string> read) { whole = *read; });
  api.settle_all();
  CHECK((whole == bytes));

  const Channel* channel = api.network.channels().at(0);
  const auto content = protocol::parse_message(channel->posts.begin()->second.message);
  REQUIRE(content);
  const auto& announced = std::get<protocol::MediaFile>(content->body);
  CHECK(announced.key.empty());
  CHECK(announced.enc_sha256.empty());
  CHECK(announced.sha256 == protocol::to_bytes(protocol::sha256(protocol::as_bytes(bytes))));
  CHECK(channel->posts.begin()->second.media_type == "image");

  // Its caption is another one then, and the file the same.
  const auto edited = said(posts + "/" + std::string(post.at("serverId").as_string()), R"({"text":"a pier"})", 200);
  CHECK(edited.at("data").at("text") == "a pier");
  CHECK(edited.at("data").at("media") == post.at("media"));
  const auto refused = [&](const std::string& body) {
    return said(posts, body, 400).at("error").at("details").as_object();
  };
  CHECK(refused(R"({"text":"x","media":{"kind":"image","data":"AAEC"}})").contains("text"));
  CHECK(refused("{}").contains("text"));
  CHECK(refused(R"({"media":{"kind":"image","data":"!"}})").contains("media.data"));
  CHECK(refused(R"({"media":{"kind":"image","data":"AAEC","viewOnce":true}})").contains("media.viewOnce"));
  CHECK(api.ben().messages().empty());
}

TEST_CASE("the phone's answer to requests for files is chosen by name") {
  Api api;
  for (const std::string answer : {"not_found", "general_error", "silent", "upload"}) {
    CHECK(api.data("POST", "15550000001/media-retry", R"({"answer":")" + answer + "\"}").at("answer") ==
          json::string(answer));
  }
  CHECK(api.call("POST", "15550000001/media-retry", R"({"answer":"maybe"})").status == 400);
  CHECK(api.call("POST", "15550000001/media-retry", "{}").status == 400);
  CHECK(api.call("POST", "15550000009/media-retry", R"({"answer":"silent"})").status == 404);
}

}  // namespace wharf::sandbox::test
