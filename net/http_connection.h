#pragma once
// One connection of the HTTP server: reads requests one after the other, hands each to the handler, writes the answer.
// Requests are read by Beast's parser (http_message_reader.h), answers go through its serializer, both with bodies in
// pieces. Ours is what stands around them: admission, deadlines, one request at a time, the orderly end. It waits for
// readability before it reads, so that an idle connection has no buffer. Internal to net/. Loop thread only.

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "net/http_message_reader.h"
#include "net/http_server.h"
#include "net/loop_guard.h"
#include "net/stream.h"

namespace wharf::net {

class HttpConnection;

/// What the connections of one server share. Outlives the server while answers are pending.
struct HttpFront {
  HttpServerSettings settings;
  HttpServer::Handler handler;
  TlsContext tls;              // null: plain
  bool draining = false;       // answers end their connections
  std::size_t websockets = 0;  // upgraded connections whose socket is open
  std::size_t body_bytes = 0;  // counted towards settings.max_unfinished_body_bytes
  bool stopped = false;        // the server is gone: the handler is not called any more
  std::function<void()> connection_ended;
  std::unordered_map<HttpConnection*, std::shared_ptr<HttpConnection>> connections;

  HttpResponse render_error(unsigned status, std::string_view message) const;
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  enum class Admission { serve, refuse };  // refuse: answer 503 and close

  HttpConnection(std::shared_ptr<HttpFront> front, std::unique_ptr<Stream> stream, Admission admission);
  ~HttpConnection();
  void run();  // whatever it throws ends the connection
  /// Nothing of a request has arrived.
  bool idle() const { return state_ == State::handshake || state_ == State::idle; }
  void drop();  // closes now; removes itself from the front

  // From the responder of request number `request`; late and repeated answers are ignored.
  void respond(std::uint64_t request, HttpResponse response);
  void upgrade(std::uint64_t request, WebSocketUpgrade upgrade);
  bool peer_gone(std::uint64_t request) const;
  bool answered(std::uint64_t request) const { return request != request_ || state_ != State::handling; }

 private:
  enum class State { handshake, idle, header, body, handling, writing, lingering, over };

  /// Runs an entry of the loop, or of an owner. An exception ends this connection only.
  template <class Entry>
  void enter(Entry entry) {
    guard("HTTP connection", entry, [this] { drop(); });
  }
  bool reads_request() const { return state_ == State::idle || state_ == State::header || state_ == State::body; }
  void handshake();
  void begin_request();
  void wait_readable();
  void read_on();  // after everybody else had a turn
  void on_readable();
  void advance();
  void resume();  // advance() outside of on_readable()
  /// False: the body that is announced is too large; answered.
  bool on_header();
  HttpRequest take_head();
  /// False: what has come of the bodies of all connections is too much.
  bool count_body();
  void uncount_body();
  /// Gives what has come of the body to its receiver. False: that is busy with it, and goes on later.
  bool hand_over();
  void on_taken(std::uint64_t request);
  /// True: the receiver wants no more; the request is being handled.
  bool cut_short();
  /// Bytes of the body that earn it a new body_timeout.
  std::size_t body_step() const;
  void begin_step(std::chrono::milliseconds length);
  void continue_step(std::chrono::steady_clock::duration left);
  void send_continue();
  void dispatch();
  void fail(unsigned status, std::string_view message);
  void write(HttpResponse response);
  void send();
  void on_sent(const boost::system::error_code& error);
  void response_sent();
  void next_piece();
  void take_piece(std::uint64_t request, BodyPiece piece);
  void linger();
  void discard();
  void set_deadline(std::chrono::milliseconds after);
  void on_deadline();

  std::shared_ptr<HttpFront> front_;
  std::unique_ptr<Stream> stream_;
  HttpRequestReader reader_;
  std::shared_ptr<BodyReceiver> receiver_;  // of the body that is coming
  struct Answer;                            // what is being sent
  std::unique_ptr<Answer> answer_;
  Timer deadline_;
  State state_ = State::handshake;
  Admission admission_;
  bool reading_ = false, writing_ = false;      // an operation is pending
  bool taking_ = false, handing_over_ = false;  // the receiver is busy; it is being called
  bool peer_gone_ = false;
  // Of the current request:
  std::uint64_t request_ = 0;
  bool first_ = true;
  bool keep_alive_ = false, http_1_0_ = false, head_ = false;
  std::string websocket_key_;      // empty: no upgrade
  HttpRequest head_of_body_;       // while the receiver takes its body
  std::size_t body_progress_ = 0;  // bytes since a step of the body began, which has a body_timeout
  SteadyTime step_due_{};
  std::chrono::steady_clock::duration step_left_{0};  // while the receiver is busy
  std::size_t counted_ = 0;                           // of the front's body_bytes
  std::size_t discarded_ = 0;                         // while lingering
};

}  // namespace wharf::net
