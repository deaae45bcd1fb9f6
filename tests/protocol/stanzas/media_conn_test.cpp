#include "protocol/stanzas/media_conn.h"

#include <catch2/catch.hpp>

#include "protocol/stanzas/iq.h"
#include "tests/support/vectors.h"

using namespace wharf::protocol;

namespace {

constexpr std::uint64_t now = 1'760'000'000;

Node connection_node() {
  Node node("media_conn");
  return node.set("auth", "AQ+a/b==&x").set("ttl", "3600").set("auth_ttl", "21600").set("max_buckets", "12");
}
Node host(std::string_view name, std::string_view type = {}) {
  Node node("host");
  node.set("hostname", name);
  if (!type.empty()) node.set("type", type);
  return node;
}
Node answer(Node connection) {
  return Node("iq").set("type", "result").set("id", "1").set("from", server_jid()).add(std::move(connection));
}
Result<MediaConn> read(Node connection) { return read_media_conn(answer(std::move(connection)), now); }

Errc refusal(std::string_view key, std::string_view value) {
  const auto result = read(connection_node().add(host("a.test")).set(key, value));
  return result ? Errc::none : result.error().code;
}

}  // namespace

TEST_CASE("the request is a set of w:m to the server") {
  const Node iq = media_conn_iq("7");
  REQUIRE(iq.attr("xmlns") == "w:m");
  REQUIRE(iq.attr("type") == "set");
  REQUIRE(iq.jid("to") == server_jid());
  REQUIRE(iq.children().size() == 1);
  REQUIRE(iq.children().at(0) == Node("media_conn"));
}

TEST_CASE("the answer is read, primary hosts first and otherwise in the order given") {
  Node node = connection_node();
  node.add(host("f1.test", "fallback")).add(host("p1.test")).add(host("f2.test", "fallback"));
  node.add(host("127.0.0.1:7443", "primary")).add(Node("host").set("type", "primary")).add(Node("other"));
  const auto connection = read(std::move(node));
  REQUIRE(connection.value().auth == "AQ+a/b==&x");
  REQUIRE(connection->ttl_seconds == 3600);
  REQUIRE(connection->auth_ttl_seconds == 21600);
  REQUIRE(connection->max_buckets == 12);
  REQUIRE(connection->download_hosts() == std::vector<std::string>{"p1.test", "127.0.0.1:7443", "f1.test", "f2.test"});
  REQUIRE(connection->valid_seconds() == 3600);
  REQUIRE(connection->refresh_seconds() == 3570);
}

TEST_CASE("uploads go to the hosts that take them, or to all when none says so") {
  Node node = connection_node();
  node.add(host("f.test", "fallback").add(Node("upload"))).add(host("a.test")).add(host("b.test").add(Node("upload")));
  REQUIRE(read(std::move(node)).value().upload_hosts() == std::vector<std::string>{"b.test", "f.test"});
  REQUIRE(read(connection_node().add(host("a.test"))).value().upload_hosts() == std::vector<std::string>{"a.test"});
}

TEST_CASE("what a server builds is read as it was") {
  MediaConn made;
  made.auth = "token";
  made.ttl_seconds = 300;
  made.auth_ttl_seconds = 200;
  made.max_buckets = 12;
  MediaHost full;
  full.hostname = "localhost:7443";
  full.fallback_hostname = "fallback.test";
  full.ip4 = "127.0.0.1";
  full.ip6 = "::1";
  full.fallback_ip4 = "127.0.0.2";
  full.fallback_ip6 = "::2";
  full.max_content_bytes = 1 << 20;
  full.accepts_uploads = true;
  full.downloads = {"image", "video"};
  full.buckets = {"0", "1"};
  MediaHost second;
  second.hostname = "b.test";
  second.fallback = true;
  made.hosts = {full, second};

  const Node request = media_conn_iq("9").set("from", Jid("1", server::user, 3));
  const Node result = media_conn_result(request, made);
  REQUIRE(result.attr("id") == "9");
  REQUIRE(result.attr("type") == "result");
  REQUIRE(result.jid("to") == Jid("1", server::user, 3));
  REQUIRE(result.children().at(0).is("media_conn"));  // the first child, and all four attributes (06 section 5)
  for (const char* key : {"auth", "ttl", "auth_ttl", "max_buckets"}) REQUIRE(result.children().at(0).has(key));
  REQUIRE(read_media_conn(result, now).value() == made);
  // The binary codec loses nothing of it.
  REQUIRE(read_media_conn(decode_node(encode_node(result)).value(), now).value() == made);
}

TEST_CASE("a ttl from 10^9 on is a point in time") {
  REQUIRE(read(connection_node().add(host("a")).set("ttl", now + 500)).value().ttl_seconds == 500);
  REQUIRE(read(connection_node().add(host("a")).set("ttl", "999999999")).value().ttl_seconds == 999'999'999);
  REQUIRE(refusal("ttl", std::to_string(now)) == Errc::malformed);
  REQUIRE(refusal("ttl", "1000000000") == Errc::malformed);  // 2001
}

TEST_CASE("the shorter lifetime decides and a short one is used up to its half") {
  const auto refresh = [](std::string_view ttl, std::string_view auth_ttl) {
    return read(connection_node().add(host("a")).set("ttl", ttl).set("auth_ttl", auth_ttl)).value().refresh_seconds();
  };
  REQUIRE(refresh("3600", "100") == 70);
  REQUIRE(refresh("60", "3600") == 30);
  REQUIRE(refresh("40", "3600") == 20);
  Node without = Node("media_conn").set("auth", "x").set("ttl", "50").add(host("a"));
  REQUIRE(read(std::move(without)).value().valid_seconds() == 50);
}

TEST_CASE("an answer without token, lifetime or host is refused") {
  REQUIRE(refusal("auth", "x") == Errc::none);
  REQUIRE(refusal("auth", "") == Errc::malformed);
  REQUIRE(refusal("auth", std::string(4096, 'x')) == Errc::none);
  REQUIRE(refusal("auth", std::string(4097, 'x')) == Errc::malformed);
  for (const char* key : {"ttl", "auth_ttl"})
    for (const char* bad : {"0", "-1", "x", "", "99999999999999999999"}) REQUIRE(refusal(key, bad) == Errc::malformed);
  REQUIRE(refusal("max_buckets", "x") == Errc::none);
  REQUIRE(read(connection_node()).error().code == Errc::malformed);
  REQUIRE(read(connection_node().add(Node("host"))).error().code == Errc::malformed);
  REQUIRE(read_media_conn(Node("iq").set("type", "result"), now).error().code == Errc::malformed);
  REQUIRE(read_media_conn(Node(), now).error().code == Errc::malformed);
}

TEST_CASE("something that is no hostname makes the whole answer doubtful") {
  for (const std::string& bad : {std::string("a/b"), std::string("a@b.test"), std::string("a b"), std::string("a?b"),
                                 std::string("a:99999"), std::string("a\r\nb"), std::string(300, 'a')}) {
    REQUIRE(read(connection_node().add(host("good.test")).add(host(bad))).error().code == Errc::malformed);
  }
  Node odd = host("a.test").set("fallback_hostname", "a b").set("ip4", std::string(1000, '1'));
  const auto connection = read(connection_node().add(std::move(odd)));
  REQUIRE(connection.value().hosts.at(0).fallback_hostname.empty());
  REQUIRE(connection->hosts.at(0).ip4.size() == 64);
}

TEST_CASE("hosts and hints are bounded") {
  Node node = connection_node();
  for (int i = 0; i < 40; ++i) {
    Node download("download");
    for (int hint = 0; hint < 100; ++hint) download.add(Node("h" + std::to_string(hint)));
    node.add(host("h" + std::to_string(i) + ".test").add(std::move(download)));
  }
  const auto connection = read(std::move(node));
  REQUIRE(connection.value().hosts.size() == 32);
  REQUIRE(connection->hosts.at(0).downloads.size() == 64);
}

TEST_CASE("an error answer is reported as such and never shows the token") {
  const auto error = [](const char* code) {
    Node node = Node("iq").set("type", "error").add(Node("error").set("code", code).set("text", "no"));
    return read_media_conn(node.add(connection_node()), now).error();
  };
  REQUIRE(error("429").code == Errc::rate_limited);
  REQUIRE(error("403").code == Errc::refused);
  REQUIRE(error("403").detail == "media_conn: 403 no");
  const auto refused = read(connection_node().set("ttl", "0").add(host("a")));
  REQUIRE(refused.error().detail.find("AQ+") == std::string::npos);
}
