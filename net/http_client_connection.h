#pragma once
// One pooled connection of the HTTP client and the request it carries. Beast's parser reads the answer
// (http_message_reader.h); the writing is ours: header and body leave as they are, and an answer may overtake them.
//
// A streamed body has one piece at a time on its way: a source is asked when the kernel has taken the piece before, and
// while a receiver is busy nothing is read, so that either end holds the other back through TCP. Sources and receivers
// may answer inside the call, and may end the request there: what follows a call of theirs asks first whether it still
// goes on. Both are numbered, so that an answer that comes late, or twice, is nobody's.
// Internal to net/. Loop thread only.

#include <cstdint>
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
  bool fresh_only = false;  // no connection of the pool: one was stale, or the body can be made only once
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

  // Sending. What is left of a source's body: not asked any more after given_up, the connection ends with the answer.
  enum class Upload { none, open, given_up };
  void send();
  /// False: the kernel takes no more for now, or never.
  bool flush();
  /// Asks the source. True: its piece is here, go on.
  bool ask();
  void take_piece(std::uint64_t call, BodyPiece piece);
  void give_up_upload();

  // Receiving.
  void wait_readable(Stream::Wait what);
  void read_on();  // after everybody else had a turn
  void on_readable();
  /// Of `bytes`, what the answer's. False: nothing more is to be read.
  bool feed(std::string_view bytes);
  bool on_head();
  void on_read_error(const boost::system::error_code& error);
  void finish();  // the answer is whole
  /// Gives the receiver what has come. False: it is busy with it and goes on later, or the request is over.
  bool hand_over();
  void on_taken(std::uint64_t call);
  void respond();
  void fail(OutgoingFailure::Kind kind, std::string message);
  void conclude(Outcome outcome);

  void watch();
  template <class Entry>
  void later(Entry entry);

  std::string origin_;
  Owner owner_;
  std::optional<Dial> dial_;
  std::unique_ptr<Stream> stream_;
  std::shared_ptr<ClientJob> job_;  // shared with the pool, whose deadline may end it; null: idle
  SendQueue queue_;
  std::optional<HttpResponseReader> reader_;
  std::shared_ptr<BodyReceiver> receiver_;  // of the answer's body; shared with the call of it that may be running
  Timer idle_;
  std::string write_failure_;
  std::uint64_t upload_left_ = 0;  // bytes that the source still owes
  // Calls of the source and of the receiver are numbered: the one that is out, 0 when none is.
  std::uint64_t calls_ = 0, asked_ = 0, taking_ = 0;
  std::uint64_t exchange_ = 0;  // the number of the request
  Upload upload_ = Upload::none;
  bool reused_ = false, over_ = false;
  bool reading_ = false, writing_ = false;      // a wait is pending
  bool asking_ = false, handing_over_ = false;  // the source, the receiver is being called
  bool whole_ = false;                          // the answer, up to what the receiver is busy with
};

}  // namespace wharf::net
