#include "net/url.h"

#include <catch2/catch.hpp>

using namespace wharf::net;

TEST_CASE("a URL is taken apart") {
  struct Case {
    const char *text, *scheme, *host;
    std::uint16_t port;
    const char *target, *authority;
  };
  const Case cases[] = {
      {"https://example.com", "https", "example.com", 443, "/", "example.com"},
      {"HTTP://Example.COM:8080/a/b?x=1&y=%20#frag", "http", "example.com", 8080, "/a/b?x=1&y=%20", "example.com:8080"},
      {"wss://web.example.com/ws/chat", "wss", "web.example.com", 443, "/ws/chat", "web.example.com"},
      {"ws://127.0.0.1:80?q", "ws", "127.0.0.1", 80, "/?q", "127.0.0.1"},
      {"https://[::1]:8443/", "https", "::1", 8443, "/", "[::1]:8443"},
      {"https://[2001:DB8:0::1]", "https", "2001:db8::1", 443, "/", "[2001:db8::1]"},
      {"http://host:/x", "http", "host", 80, "/x", "host"},
  };
  for (const Case& c : cases) {
    INFO(c.text);
    const auto url = parse_url(c.text);
    REQUIRE(url.has_value());
    CHECK(url->scheme == c.scheme);
    CHECK(url->host == c.host);
    CHECK(url->port == c.port);
    CHECK(url->target == c.target);
    CHECK(url->authority() == c.authority);
  }
  const auto with_user = parse_url("https://me:p%40ss@example.com/");
  REQUIRE(with_user.has_value());
  CHECK(with_user->userinfo == "me:p%40ss");
}

TEST_CASE("what is not a URL to connect to is refused with a reason") {
  const char* cases[] = {"",
                         "example.com",
                         "/path",
                         "ftp://example.com/",
                         "http://",
                         "https:///path",
                         "http://host:0/",
                         "http://host:65536/",
                         "http://host:12x/",
                         "http://ho st/",
                         "http://host/a b",
                         "http://a%00b/",
                         "http://[::g]/",
                         "http://host/\r\nX: y",
                         "javascript:alert(1)",
                         "http:example.com",
                         "http://ex%2fample/",
                         "http://[v1.x]/"};
  for (const char* text : cases) {
    INFO(text);
    const auto url = parse_url(text);
    REQUIRE_FALSE(url.has_value());
    CHECK_FALSE(url.error().empty());
  }
  CHECK_FALSE(parse_url("http://host/" + std::string(9000, 'a')).has_value());
  CHECK_FALSE(parse_url("http://" + std::string(300, 'a') + "/").has_value());
}

TEST_CASE("credentials of a URL are not told") {
  CHECK(without_credentials("https://user:secret@example.org/hook?a=1") == "https://user:***@example.org/hook?a=1");
  CHECK(without_credentials("https://token@example.org/") == "https://***@example.org/");
  CHECK(without_credentials("https://example.org:8443/a%20b") == "https://example.org:8443/a%20b");
  CHECK(without_credentials("https://user:sec ret@example.org/") == "***");
}

TEST_CASE("a name that begins like an address is a name") {
  const auto url = parse_url("http://user:pass@10.1.2.3.NIP.example:8080/hook?x=1");
  REQUIRE(url.has_value());
  CHECK(url->host == "10.1.2.3.nip.example");
  CHECK(url->port == 8080);
  CHECK(url->userinfo == "user:pass");
  CHECK(url->target == "/hook?x=1");
  CHECK(parse_url("http://10.1.2.3/")->host == "10.1.2.3");
  CHECK_FALSE(parse_url("http://user@/").has_value());
  CHECK_FALSE(parse_url("http://10.1.2.3.nip.example:x/").has_value());
}

TEST_CASE("host and port are parsed, IPv6 in brackets") {
  const auto v4 = parse_host_port("127.0.0.1:8080");
  REQUIRE(v4.has_value());
  CHECK(v4->host == "127.0.0.1");
  CHECK(v4->port == 8080);
  const auto v6 = parse_host_port("[::]:0");
  REQUIRE(v6.has_value());
  CHECK(v6->host == "::");
  CHECK(v6->port == 0);
  for (const char* text :
       {"", "localhost", ":80", "host:", "host:x", "host:70000", "::1:80", "[::1]", "[::1]80", "[x]:80", "a b:1"}) {
    INFO(text);
    CHECK_FALSE(parse_host_port(text).has_value());
  }
}

TEST_CASE("the guard lets only the public internet through") {
  struct Case {
    const char* address;
    bool routable;
  };
  const Case cases[] = {
      {"8.8.8.8", true},
      {"1.1.1.1", true},
      {"0.0.0.0", false},
      {"0.1.2.3", false},
      {"10.0.0.1", false},
      {"11.0.0.1", true},
      {"100.63.255.255", true},
      {"100.64.0.1", false},
      {"100.127.255.255", false},
      {"100.128.0.1", true},
      {"127.0.0.1", false},
      {"127.255.255.255", false},
      {"169.254.169.254", false},
      {"169.253.1.1", true},
      {"172.15.255.255", true},
      {"172.16.0.1", false},
      {"172.31.255.255", false},
      {"172.32.0.1", true},
      {"192.0.0.8", false},
      {"192.0.1.1", true},
      {"192.0.2.1", false},
      {"192.88.99.1", false},
      {"192.168.0.1", false},
      {"192.169.0.1", true},
      {"198.17.255.255", true},
      {"198.18.0.1", false},
      {"198.19.255.255", false},
      {"198.20.0.1", true},
      {"198.51.100.7", false},
      {"203.0.113.7", false},
      {"223.255.255.255", true},
      {"224.0.0.1", false},
      {"239.255.255.255", false},
      {"240.0.0.1", false},
      {"255.255.255.255", false},
      {"::", false},
      {"::1", false},
      {"::8.8.8.8", false},
      {"2606:4700::1111", true},
      {"2a00:1450::1", true},
      {"fc00::1", false},
      {"fd12:3456::1", false},
      {"fe80::1", false},
      {"fec0::1", false},
      {"ff02::1", false},
      {"100::1", false},
      {"2001:db8::1", false},
      {"2001::1", false},
      {"2001:0:7f00:1::1", false},
      {"2001:10::1", false},
      {"2001:4860:4860::8888", true},
      {"3fff::1", false},
      {"::ffff:8.8.8.8", true},
      {"::ffff:127.0.0.1", false},
      {"::ffff:10.1.1.1", false},
      {"::ffff:169.254.169.254", false},
      {"64:ff9b::8.8.8.8", true},
      {"64:ff9b::127.0.0.1", false},
      {"64:ff9b::192.168.1.1", false},
      {"64:ff9b:1::1", false},
      {"2002:7f00:1::1", false},
      {"2002:808:808::1", false},
      {"2002:c0a8:101::1", false},
  };
  for (const Case& c : cases) {
    INFO(c.address);
    CHECK(globally_routable(boost::asio::ip::make_address(c.address)) == c.routable);
  }
}
