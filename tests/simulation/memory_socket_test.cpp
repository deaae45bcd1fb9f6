#include "tests/simulation/memory_socket.h"

#include <catch2/catch.hpp>
#include <string>

using namespace wharf;
using namespace wharf::simulation;
using namespace std::chrono_literals;

namespace {

struct Fixture {
  VirtualTime time{1'700'000'000'000};
  VirtualScheduler client_process{time}, server_process{time};
  protocol::SeededRandom random{5};
  Trace trace{time, Trace::Show::newest};
  std::shared_ptr<MemoryLink> link = std::make_shared<MemoryLink>(
      MemoryLink::World{client_process, server_process, random, trace}, 1, Latency{20ms, 10ms});
  std::shared_ptr<net::WebSocket> client = link->socket(Side::client), server = link->socket(Side::server);
  std::string at_client, at_server;

  net::WebSocket::Callbacks into(std::string& log) {
    net::WebSocket::Callbacks callbacks;
    callbacks.message = [&log](net::MessageType, std::span<const std::uint8_t> bytes) {
      log += std::string(bytes.begin(), bytes.end()) + " ";
    };
    callbacks.closed = [&log](const std::string& reason) { log += "[" + reason + "]"; };
    return callbacks;
  }
  void start() {
    client->start(into(at_client));
    server->start(into(at_server));
  }
  static void say(net::WebSocket& socket, std::string_view text) {
    socket.send(net::MessageType::binary, {text.begin(), text.end()});
  }
  void run() {
    while (time.run_next()) {
    }
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "messages arrive in order and take their time") {
  start();
  for (int i = 0; i < 20; ++i) say(*client, std::to_string(i));
  say(*server, "hello");
  time.run_until(19ms);
  CHECK(at_server.empty());
  run();
  CHECK(at_server == "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 ");
  CHECK(at_client == "hello ");
}

TEST_CASE_METHOD(Fixture, "what arrives before a side reads waits for it") {
  server->start(into(at_server));
  say(*server, "early");
  run();
  client->start(into(at_client));
  CHECK(at_client.empty());  // never inside the call
  run();
  CHECK(at_client == "early ");
  client->pause(true);
  say(*server, "later");
  run();
  CHECK(at_client == "early ");
  client->pause(false);
  CHECK(at_client == "early later ");
}

TEST_CASE_METHOD(Fixture, "a close is heard behind what was sent before it, and what is sent after it is dropped") {
  start();
  say(*client, "last words");
  client->close(1000, "");
  say(*client, "nothing");
  say(*server, "too late");
  run();
  CHECK(at_server == "last words [closed by peer 1000]");
  CHECK(at_client.empty());
  CHECK_FALSE(link->open());
}

TEST_CASE_METHOD(Fixture, "who lets go of a socket resets the connection") {
  start();
  client.reset();
  run();
  CHECK(at_server == "[read: connection reset]");
}

TEST_CASE_METHOD(Fixture, "a reset loses what is under way, and both sides hear of it once") {
  start();
  say(*client, "lost");
  say(*server, "lost");
  link->reset("cut");
  run();
  link->reset("cut");
  run();
  CHECK(at_server == "[read: connection reset]");
  CHECK(at_client == "[read: connection reset]");
}

TEST_CASE_METHOD(Fixture, "on a silent connection nothing arrives, and nobody hears why") {
  start();
  say(*client, "under way");
  link->go_silent();
  say(*server, "lost");
  client->close(1000, "");
  run();
  CHECK(at_server.empty());
  CHECK(at_client.empty());
}

TEST_CASE_METHOD(Fixture, "a stall holds back what is sent, in order") {
  start();
  link->stall(10s);
  say(*client, "a");
  say(*client, "b");
  time.run_until(9s);
  CHECK(at_server.empty());
  run();
  CHECK(at_server == "a b ");
}

TEST_CASE_METHOD(Fixture, "of a process that died arrives what it had sent, or it is lost with it") {
  const bool lost = GENERATE(false, true);
  start();
  say(*client, "sent");
  say(*server, "for the dead");
  client_process.kill();
  link->client_died(lost);
  client.reset();
  run();
  CHECK(at_server == (lost ? "[read: connection reset]" : "sent [read: connection reset]"));
  CHECK(at_client.empty());
}

TEST_CASE_METHOD(Fixture, "beyond the buffers of the kernel the sender's queue grows until the reader goes on") {
  start();
  server->pause(true);
  client->send(net::MessageType::binary, std::vector<std::uint8_t>(300u << 10));
  CHECK(client->queued_bytes() == 44u << 10);
  bool drained = false;
  client->when_drained([&] { drained = true; });
  run();
  CHECK_FALSE(drained);
  server->pause(false);
  CHECK(drained);
  CHECK(client->queued_bytes() == 0);
}
