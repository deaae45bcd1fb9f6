#pragma once
// The whole simulated network as one object: listeners, Noise responder, server, phones, control API.

#include <functional>
#include <memory>
#include <string>

#include "net/http_server.h"
#include "net/loop.h"
#include "protocol/bytes.h"
#include "protocol/crypto/random.h"

namespace wharf::sandbox {

struct SandboxSettings {
  net::HostPort chat_listen{"127.0.0.1", 0};    // ws://
  net::HostPort secure_listen{"127.0.0.1", 0};  // wss://
  /// The Noise root and intermediate, server static key and every other key come from this seed: the same seed gives
  /// the same root key.
  std::uint64_t seed = 0;
  std::string state_file;  // "" = in memory only; else loaded at start, and every change is kept before its effect
  /// A control listener of its own (wharfd sandbox); with serve --sandbox the API routes to handle_control instead.
  std::string control_listen;  // "host:port" or ""
  /// Phones are created on demand for unknown numbers that messages are sent to.
  bool auto_create_phones = false;
  std::size_t wire_log_entries = 2'000;  // of GET /sandbox/v1/wire; 0 switches it off (load tests)
};

struct SandboxAddresses {
  std::string web_socket_url;         // ws://127.0.0.1:PORT/ws/chat
  std::string secure_web_socket_url;  // wss://…
  std::string noise_root_hex;
  std::string ca_pem;
  std::string media_url;
  std::string control_url;  // "" when there is no own control listener
};

class MediaHost;
class Network;
class Phones;

class Sandbox {
 public:
  Sandbox(net::asio::io_context& loop, SandboxSettings settings, protocol::Random& random);
  ~Sandbox();
  /// Binds the listeners. Error: a message.
  boost::system::result<SandboxAddresses, std::string> start();
  const SandboxAddresses& addresses() const;
  /// A request whose target begins with /sandbox/v1/. Answers in the API's envelope. For the API's router.
  void handle_control(net::HttpRequest request, net::Responder responder);
  /// Before the API drains: scenarios that play are stopped, and whoever waits for one is answered.
  void end_scripts();
  void stop();  // commits what is left, closes the listeners
  /// For tests and benchmarks in the same process, as those below.
  MediaHost& media();
  Network& network();
  Phones& phones();

 private:
  struct State;
  std::shared_ptr<State> state_;  // connections that end after the sandbox hold it weakly
};

}  // namespace wharf::sandbox
