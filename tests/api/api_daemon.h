#pragma once
// The whole API over real sockets, with a real store and supervisor. The WhatsApp network is a port where nobody
// listens: sessions connect for ever, which is enough for everything but pairing and delivery (tests/e2e).
//
// Its parts are named here and defined in the .cpp: a test includes what it touches of them.

#include <boost/json/value.hpp>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "api/schemas.h"
#include "storage/ids.h"

namespace boost::asio {
class io_context;
}
namespace wharf::net {
struct HttpRequest;
class Responder;
}  // namespace wharf::net
namespace wharf::storage {
class Changes;
class Database;
}  // namespace wharf::storage

namespace wharf::test {

using Headers = std::vector<std::pair<std::string, std::string>>;
/// Of a caller who wants the gateway dialect.
inline const Headers gateway = {{"Accept", "application/json; profile=gateway"}};

struct Answer {
  Answer();
  Answer(const Answer&);
  Answer(Answer&&) noexcept;
  Answer& operator=(const Answer&);
  Answer& operator=(Answer&&) noexcept;
  ~Answer();

  unsigned status = 0;
  std::string body;
  Headers headers;
  std::string header(std::string_view name) const;  // "" when absent
  boost::json::object json() const;
  std::string code() const;  // of the error
};

/// An answer has exactly what the OpenAPI document says: no unknown member, every required one.
void check_documented(const boost::json::value& value, const api::Schema& schema);

/// What a test chooses of api::ApiSettings. Nothing else is bounded, no rate is limited.
struct DaemonSettings {
  std::size_t max_sessions = 10'000;
  std::size_t max_body_bytes = 16u << 20;
  bool webhooks_allow_private = true;
  std::string linked = {};  // a session of this name is there and linked, as 15550000001 and 100000000000001@lid
};
/// A session `a` that is linked.
inline DaemonSettings linked() {
  DaemonSettings settings;
  settings.linked = "a";
  return settings;
}

struct Daemon {
  /// Who answers under /sandbox/v1/.
  using SandboxControl = std::function<void(net::HttpRequest, net::Responder)>;

  explicit Daemon(const DaemonSettings& settings = {});
  Daemon(const DaemonSettings& settings, SandboxControl sandbox);
  Daemon(const Daemon&) = delete;
  Daemon& operator=(const Daemon&) = delete;
  ~Daemon();

  void until(const std::function<bool()>& condition);
  Answer ask(std::string_view method, std::string_view path, std::string_view body = {});
  Answer ask(std::string_view method, std::string_view path, std::string_view body, Headers headers);
  Answer create(const std::string& name);

  // --- behind the API
  storage::SessionId id_of(const std::string& name);
  bool has_reason(const std::string& name);  // the session says why it is as it is
  bool has_failed(const std::string& name);
  /// Message `number` of the one chat 1234567890.
  void insert(storage::SessionId session, int number);
  /// Fails the test when the turn fails.
  void commit(storage::Changes changes);
  storage::Database& rows();
  boost::asio::io_context& loop();

 private:
  friend struct Listener;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

/// A WebSocket of a daemon: accepted or refused when it is made.
struct Listener {
  Listener(Daemon& daemon, const std::string& path);
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  ~Listener();
  bool accepted() const;

  std::optional<unsigned> refused;  // the status
  std::vector<std::string> texts;
  std::string closed;  // why

 private:
  struct Connection;
  std::unique_ptr<Connection> connection_;
};

}  // namespace wharf::test
