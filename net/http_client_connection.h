#pragma once
// One pooled connection of the HTTP client and the request it carries. Beast's parser reads the answer
// (http_message_reader.h); the writing is ours: header and body leave as they are, and an answer may overtake them.
// Internal to net/. Loop thread only.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/dial.h"
#include "net/http_client.h"
#include "net/http_message_reader.h"
#include "net/loop_guard.h"
#include "net/send_queue.h"
#include "net/stream.h"

namespace wharf::net {

/// A request on its way through the pool.
struct ClientJob {
  ClientJob(Executor executor, OutgoingRequest r, std::function<void(OutgoingResult)> d)
      : request(std::move(r)), done(std::move(d)), deadline(new_alarm(executor)) {}
  OutgoingRequest request;
  std::string header;                        // serialised
  std::function<void(OutgoingResult)> done;  // empty: answered
  Timer deadline;
  SteadyTime due;
  std::string origin;       // key in the pool
  bool fresh_only = false;  // a reused connection was stale: once is enough
};

class ClientConnection : public std::enable_shared_from_this<ClientConnection> {
 public:
  /// How a request ended on this connection.
  struct Outcome {
    enum class Next { reuse, close, retry } next = Next::close;  // retry: nothing was answered, the job is still open
    std::optional<OutgoingResult> result;                        // set unless retry
  };
  /// `finished` runs once per request, `lost` when the connection ends while idle. Both may drop the connection.
  struct Owner {
    std::function<void(const std::shared_ptr<ClientConnection>&, Outcome)> finished;
    std::function<void(const std::shared_ptr<ClientConnection>&)> lost;
  };

  ClientConnection(Executor executor, std::string origin, Owner owner)
      : origin_(std::move(origin)), owner_(std::move(owner)), idle_(new_alarm(executor)) {}

  void open(asio::io_context& loop, Resolver& resolver, SSL_CTX* tls, std::shared_ptr<ClientJob> job);
  void carry(std::shared_ptr<ClientJob> job);  // on an open, idle connection
  void rest(std::chrono::milliseconds idle_timeout);
  void close();  // no callback any more
  const std::string& origin() const { return origin_; }
  const std::shared_ptr<ClientJob>& job() const { return job_; }

 private:
  /// Runs an entry of the loop. An exception ends this connection and the request it carries.
  template <class Entry>
  void enter(Entry entry) {
    guard("HTTP client", entry, [this] {
      if (over_) return;
      if (job_) fail(OutgoingFailure::Kind::connect, "an internal error");
      else owner_.lost(shared_from_this());
    });
  }
  void begin();
  void flush();
  void wait_readable(Stream::Wait what);
  void on_readable();
  void respond();
  void fail(OutgoingFailure::Kind kind, std::string message);
  void conclude(Outcome outcome);

  std::string origin_;
  Owner owner_;
  std::optional<Dial> dial_;
  std::unique_ptr<Stream> stream_;
  std::shared_ptr<ClientJob> job_;  // shared with the pool, whose deadline may end it; null: idle
  SendQueue queue_;
  std::optional<HttpResponseReader> reader_;
  Timer idle_;
  std::string write_failure_;
  bool reused_ = false, over_ = false;
  bool reading_ = false, writing_ = false;  // a wait is pending
};

}  // namespace wharf::net
