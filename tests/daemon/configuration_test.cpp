#include <catch2/catch.hpp>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "daemon/configuration.h"

using namespace wharf::daemon;

namespace {

/// A TOML file that disappears with the test.
struct File {
  explicit File(const std::string& text)
      : path((std::filesystem::temp_directory_path() / ("wharf-config-" + std::to_string(::getpid()) + ".toml"))
                 .string()) {
    std::ofstream(path) << text;
  }
  ~File() { std::filesystem::remove(path); }
  std::string path;
};

}  // namespace

TEST_CASE("environment wins over the file") {
  const File file("listen = \"127.0.0.1:9000\"\n[limits]\nmessages_per_minute = 7\nsessions = 5\n");
  Configuration c;
  REQUIRE(apply_file(c, file.path).has_value());
  const std::map<std::string, std::string> variables = {{"WHARF_LIMITS_MESSAGES_PER_MINUTE", "9"}};
  REQUIRE(apply_environment(c, [&](const char* name) {
            const auto it = variables.find(name);
            return it == variables.end() ? nullptr : it->second.c_str();
          }).has_value());
  REQUIRE(c.listen == "127.0.0.1:9000");
  REQUIRE(c.limits_messages_per_minute == 9);
  REQUIRE(c.limits_sessions == 5);
}

TEST_CASE("lists are TOML arrays or separated by commas, and each entry is checked") {
  const File file(
      "[server]\nhosts = [\"WA.example.org\", \"[2001:DB8::1]\"]\n[cors]\norigins = \"https://a.example:443, "
      "http://localhost:3000\"\n");
  Configuration c;
  REQUIRE(apply_file(c, file.path).has_value());
  CHECK(c.server_hosts == std::vector<std::string>{"wa.example.org", "2001:db8::1"});
  CHECK(c.cors_origins == std::vector<std::string>{"https://a.example", "http://localhost:3000"});
  REQUIRE(apply_value(c, "cors.origins", "", "test").has_value());
  CHECK(c.cors_origins.empty());
  for (const char* wrong : {"*", "a.example", "https://a.example/path"})
    CHECK_FALSE(apply_value(c, "cors.origins", wrong, "test").has_value());
  CHECK_FALSE(apply_value(c, "server.hosts", "https://a.example", "test").has_value());
}

TEST_CASE("a name that begins like loopback is not loopback") {
  Configuration c;
  for (const char* listen : {"127.evil.example:8080", "127.0.0.1.evil.example:8080", "0.0.0.0:8080", "127.1:8080"}) {
    INFO(listen);
    c.listen = listen;
    const auto valid = validate(c);
    REQUIRE_FALSE(valid.has_value());
    CHECK(valid.error().detail.find("not a loopback address") != std::string::npos);
  }
}

TEST_CASE("every key takes the value it shows, and has a variable of its own") {
  std::map<std::string, int> names;
  for (const auto& key : configuration_keys()) {
    Configuration c;
    INFO(key.name);
    REQUIRE(++names[environment_name(key.name)] == 1);
    if (const std::string shown = key.show(c); !shown.empty()) REQUIRE(key.set(c, shown).has_value());
  }
  REQUIRE(names.contains("WHARF_LIMITS_MESSAGES_PER_MINUTE"));
}

TEST_CASE("what is wrong is named with its place, key and what is allowed") {
  struct Row {
    const char* text;
    const char* mention;
  };
  for (const Row& row : {Row{"nonsense = 1", ":1: unknown key 'nonsense'"},
                         Row{"[limits]\nsessions = 0", ":2: limits.sessions: '0' is not a number from 1"},
                         Row{"[log]\nlevel = \"loud\"", "log.level: 'loud' is not one of"},
                         Row{"listen = [1]", "listen: a string, number, boolean or a list"}, Row{"listen = ", ":1:"}}) {
    const File file(row.text);
    Configuration c;
    const auto applied = apply_file(c, file.path);
    INFO(row.text);
    REQUIRE(applied.has_error());
    INFO(applied.error().detail);
    REQUIRE(applied.error().detail.find(row.mention) != std::string::npos);
  }
}

TEST_CASE("an open API on a public address is refused, and so are contradictory networks") {
  const auto refused = [](auto change) {
    Configuration c;
    change(c);
    return validate(c).has_error();
  };
  REQUIRE(validate(Configuration()).has_value());
  REQUIRE(refused([](Configuration& c) { c.listen = "0.0.0.0:8080"; }));
  REQUIRE(refused([](Configuration& c) { c.listen = "nonsense"; }));
  REQUIRE(refused([](Configuration& c) { c.sandbox_listen = "192.0.2.1:1"; }));
  REQUIRE(refused([](Configuration& c) { c.network = "sandbox"; }));
  REQUIRE(refused([](Configuration& c) { c.network = "http://x/"; }));
  REQUIRE(refused([](Configuration& c) { c.network = "ws://127.0.0.1:1/ws/chat"; }));  // no root key
  REQUIRE(refused([](Configuration& c) { c.network_root = "00"; }));
  REQUIRE(refused([](Configuration& c) { c.client_version = "2.3000"; }));
  Configuration other;
  other.network = "wss://127.0.0.1:1/ws/chat";
  other.network_root = std::string(64, 'a');
  REQUIRE(validate(other).has_value());
}

TEST_CASE("plain files stand in a directory of their own") {
  const auto refused = [](const char* folder, const char* media = "") {
    Configuration c;
    c.data = "/srv/wharf";
    c.media_directory = media;
    c.media_folder = folder;
    return validate(c).has_error();
  };
  for (const char* taken : {"/srv/wharf", "/srv/wharf/", "/srv/x/../wharf", "/srv/wharf/media",
                            "/srv/wharf/media/cache", "/srv/wharf/plain"})
    CHECK(refused(taken));
  CHECK(refused("/media/", "/media"));
  CHECK(refused("/media/plain", "/media"));
  // A session may be called "wharf", or "vault": its directory would be that one.
  for (const char* above : {"/srv", "/srv/", "/", "/srv/wharf/.."}) CHECK(refused(above));
  CHECK(refused("/files", "/files/vault"));
  for (const char* apart : {"", "/srv/wharf-plain", "/srv/plain", "/media"}) CHECK_FALSE(refused(apart));

  const File beside("");
  const std::string directory = beside.path + ".d";
  std::filesystem::create_directories(directory + "/real/data");
  std::filesystem::create_directory_symlink(directory + "/real", directory + "/link");
  Configuration c;
  c.data = directory + "/real/data";
  c.media_folder = directory + "/link";
  CHECK(validate(c).has_error());
  c.media_folder = directory + "/link/data/plain";
  CHECK(validate(c).has_error());
  c.media_folder = directory + "/link/plain";
  CHECK_FALSE(validate(c).has_error());
  std::filesystem::remove_all(directory);
}

TEST_CASE("a password in the network's URL is refused and not told") {
  for (const char* network : {"wss://user:URL-SECRET@127.0.0.1:1/ws/chat", "http://user:URL-SECRET@127.0.0.1/",
                              "wss://user:URL-SECRET@127.0.0.1:99999/", "URL-SECRET"}) {
    Configuration c;
    c.network = network;
    c.network_root = std::string(64, 'a');
    const auto valid = validate(c);
    INFO(network);
    REQUIRE(valid.has_error());
    CHECK(valid.error().detail.starts_with("network: "));
    CHECK(valid.error().detail.find("SECRET") == std::string::npos);
  }
}
