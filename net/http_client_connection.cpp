#include "net/http_client_connection.h"

#include <boost/asio/error.hpp>
#include <boost/asio/post.hpp>
#include <utility>

#include "net/read_buffer.h"

namespace wharf::net {
namespace {

using Kind = OutgoingFailure::Kind;
constexpr std::size_t max_answer_header_bytes = 64u << 10;
constexpr int max_pieces_per_turn = 4;  // of a source that has them at once; then everybody else gets a turn

OutgoingResult failure(Kind kind, std::string message) {
  OutgoingFailure out;
  out.kind = kind;
  out.message = std::move(message);
  return OutgoingResult(boost::system::in_place_error, std::move(out));
}

}  // namespace

void ClientConnection::open(asio::io_context& loop, Resolver& resolver, SSL_CTX* tls, std::shared_ptr<ClientJob> job) {
  job_ = std::move(job);
  DialTarget target;
  target.host = job_->request.url.host;
  target.port = job_->request.url.port;
  target.secure = job_->request.url.secure();
  target.globally_routable_only = !job_->request.allow_private;
  target.deadline = job_->due;
  dial_.emplace(loop, resolver, tls, std::move(target), [weak = weak_from_this()](DialResult result) {
    const auto self = weak.lock();
    if (!self || self->over_) return;
    self->dial_.reset();
    if (!result) return self->fail(result.error().kind, result.error().message);
    self->stream_ = std::move(*result);
    self->enter([&] { self->begin(); });
  });
}

void ClientConnection::carry(std::shared_ptr<ClientJob> job) {
  idle_.cancel();
  reused_ = true;
  job_ = std::move(job);
  begin();
}

void ClientConnection::begin() {
  const OutgoingRequest& request = job_->request;
  HttpReadLimits limits;
  limits.max_header_bytes = max_answer_header_bytes;
  limits.max_body_bytes = request.max_response_bytes;
  reader_.emplace(limits,
                  request.method == "HEAD" ? HttpResponseReader::Expect::no_body : HttpResponseReader::Expect::body);
  if (request.body_source || request.receive_body) reader_->stop_behind_header();
  ++exchange_;
  whole_ = false;
  write_failure_.clear();
  queue_.append(std::string_view(job_->header));
  if (request.body_source) {
    upload_ = Upload::open;
    upload_left_ = request.body_bytes;
    watch();
  } else if (reused_) {
    queue_.append(std::string(request.body));  // this connection may turn out stale, then it is needed once more
  } else {
    queue_.append(std::move(job_->request.body));
  }
  wait_readable(Stream::Wait::read);  // a server may answer before it has read everything
  send();
}

/// Runs `entry` on a later turn of the loop, unless this request is over then.
template <class Entry>
void ClientConnection::later(Entry entry) {
  asio::post(stream_->get_executor(), [self = shared_from_this(), exchange = exchange_, entry] {
    if (!self->over_ && self->job_ && self->exchange_ == exchange) self->enter([&] { entry(*self); });
  });
}

/// Sets the deadline of a request that streams; the others keep the one that the pool has set.
void ClientConnection::watch() {
  const OutgoingRequest& request = job_->request;
  if (!request.body_source && !receiver_) return;
  if (asked_ != 0 || taking_ != 0) return job_->deadline.cancel();  // our own time
  auto limit = request.progress_timeout;
  const char* silence = "nothing came of the answer for ";
  if (upload_ == Upload::open || !queue_.empty()) {
    silence = "nothing was taken of the body for ";
  } else if (!receiver_) {
    limit = request.timeout;
    silence = "no answer within ";
  }
  job_->deadline.after(limit, [weak = weak_from_this(), silence, limit] {
    const auto self = weak.lock();
    if (!self || self->over_ || !self->job_) return;
    self->enter([&] { self->fail(Kind::timeout, silence + std::to_string(limit.count()) + " ms"); });
  });
}

// ---- sending

/// Writes what there is, and asks for more, as long as both go at once.
void ClientConnection::send() {
  for (int pieces = 0;; ++pieces) {
    // The end of the body leaves when the source has said that it is the end: a longer one is not to look whole.
    const bool end_unsure = upload_ == Upload::open && upload_left_ == 0;
    if (!end_unsure && !flush()) return;
    if (upload_ != Upload::open) return watch();
    if (pieces == max_pieces_per_turn) {
      return later([](ClientConnection& self) {
        if (self.asked_ == 0 && !self.writing_) self.send();
      });
    }
    if (!ask()) return;
  }
}

bool ClientConnection::flush() {
  const std::size_t before = queue_.bytes();
  switch (queue_.flush(*stream_)) {
    case SendQueue::Outcome::sent: return true;
    case SendQueue::Outcome::failed:
      // The answer that explains it (413, 401) may already be here: the read decides.
      write_failure_ = "write: " + stream_->failure();
      give_up_upload();
      queue_.clear();
      watch();
      return false;
    case SendQueue::Outcome::blocked: break;
  }
  if (queue_.bytes() < before) watch();
  writing_ = true;
  stream_->wait(queue_.wait(), [self = shared_from_this()](boost::system::error_code error) {
    self->writing_ = false;
    if (self->over_ || !self->job_) return;
    if (error) return self->fail(Kind::connect, error.message());
    self->enter([&] { self->send(); });
  });
  return false;
}

bool ClientConnection::ask() {
  const auto job = job_;  // the request may end inside the call
  asked_ = ++calls_;
  watch();
  asking_ = true;
  job->request.body_source([weak = weak_from_this(), call = asked_](BodyPiece piece) {
    if (const auto self = weak.lock()) self->enter([&] { self->take_piece(call, std::move(piece)); });
  });
  asking_ = false;
  return asked_ == 0 && job_ == job;
}

void ClientConnection::take_piece(std::uint64_t call, BodyPiece piece) {
  if (call != asked_ || over_) return;
  asked_ = 0;
  if (piece.end == BodyPiece::End::broken) return fail(Kind::broken_body, "the body of the request cannot be made");
  if (piece.bytes.size() > upload_left_)
    return fail(Kind::broken_body, "the body of the request is longer than announced");
  upload_left_ -= piece.bytes.size();
  queue_.append(std::move(piece.bytes));
  if (piece.end == BodyPiece::End::last) {
    if (upload_left_ != 0) return fail(Kind::broken_body, "the body of the request is shorter than announced");
    upload_ = Upload::none;
  }
  watch();
  if (!asking_) send();
}

void ClientConnection::give_up_upload() {
  if (upload_ != Upload::open) return;
  upload_ = Upload::given_up;
  asked_ = 0;  // a piece that comes now is nobody's
  queue_.clear();
}

// ---- receiving

void ClientConnection::wait_readable(Stream::Wait what) {
  if (reading_) return;
  reading_ = true;
  stream_->wait(what, [self = shared_from_this()](boost::system::error_code error) {
    self->reading_ = false;
    if (self->over_) return;
    // Readable while idle: the server closes, or says something nobody asked for.
    if (!self->job_) return self->owner_.lost(self);
    if (error) return self->fail(Kind::connect, error.message());
    self->enter([&] { self->on_readable(); });
  });
}

void ClientConnection::read_on() {
  if (!stream_->read_ready()) return wait_readable(Stream::Wait::read);
  // What TLS has taken already wakes nobody.
  later([](ClientConnection& self) { self.on_readable(); });
}

void ClientConnection::on_readable() {
  if (taking_ != 0 || reading_) return;  // who is busy, or waits, reads on by itself
  ReadBuffer buffer;
  Stream::Progress progress;
  for (std::size_t room = buffer.span().size(); room > 0; room -= progress.bytes) {
    progress = stream_->read(buffer.span().first(room));
    if (progress.wait != Stream::Wait::none) break;
    if (progress.error) return on_read_error(progress.error);
    if (!feed({reinterpret_cast<const char*>(buffer.span().data()), progress.bytes})) return;
  }
  if (!hand_over()) return;
  if (progress.wait != Stream::Wait::none) wait_readable(progress.wait);
  else read_on();
}

bool ClientConnection::feed(std::string_view bytes) {
  for (;;) {
    switch (reader_->feed(bytes)) {
      case HttpResponseReader::Progress::more:
        if (!reader_->stopped_behind_header()) return true;
        if (!on_head()) return false;
        break;
      case HttpResponseReader::Progress::failed:
        fail(reader_->too_large() ? Kind::too_large : Kind::protocol, reader_->error_text());
        return false;
      case HttpResponseReader::Progress::done:
        if (!bytes.empty()) write_failure_ = "bytes behind the response";  // not a connection to use again
        finish();
        return false;
    }
  }
}

bool ClientConnection::on_head() {
  const auto job = job_;  // the request may end inside the call
  OutgoingResponse head;
  head.status = reader_->status();
  head.headers = reader_->headers();
  if (job->request.receive_body) {
    std::shared_ptr<BodyReceiver> receiver = job->request.receive_body(head);
    if (job_ != job) return false;
    receiver_ = std::move(receiver);
  }
  if (receiver_ && !reader_->stream_body(job->request.max_streamed_bytes)) {
    fail(Kind::too_large, reader_->error_text());
    return false;
  }
  const bool unwanted = upload_ == Upload::open && head.status >= 300;
  if (unwanted) give_up_upload();
  if (receiver_ || unwanted) watch();
  return true;
}

void ClientConnection::on_read_error(const boost::system::error_code& error) {
  const bool ended = reader_->end_of_input() == HttpResponseReader::Progress::done;
  if (ended && error == asio::error::eof) return finish();
  if (reused_ && !reader_->started()) return conclude(Outcome{Outcome::Next::retry, std::nullopt});
  if (!write_failure_.empty()) return fail(Kind::connect, write_failure_);
  if (error == asio::error::eof) return fail(Kind::protocol, reader_->error_text());
  fail(Kind::connect, "read: " + stream_->failure());
}

void ClientConnection::finish() {
  whole_ = true;
  if (hand_over()) respond();
}

bool ClientConnection::hand_over() {
  if (!receiver_) return true;
  std::string bytes = reader_->take_body();
  if (bytes.empty()) return true;
  const auto job = job_;
  const auto receiver = receiver_;  // both may end inside the call
  taking_ = ++calls_;
  watch();
  handing_over_ = true;
  receiver->take(std::move(bytes), [weak = weak_from_this(), call = taking_] {
    if (const auto self = weak.lock()) self->enter([&] { self->on_taken(call); });
  });
  handing_over_ = false;
  return taking_ == 0 && job_ == job;
}

void ClientConnection::on_taken(std::uint64_t call) {
  if (call != taking_ || over_) return;
  taking_ = 0;
  watch();
  if (handing_over_) return;
  if (whole_) respond();
  else read_on();
}

void ClientConnection::respond() {
  OutgoingResponse response;
  response.status = reader_->status();
  response.headers = reader_->headers();
  response.body = reader_->take_body();
  response.received = std::move(receiver_);
  const bool reusable = reader_->keep_alive() && response.status != 101 && upload_ == Upload::none && queue_.empty() &&
                        write_failure_.empty() && !writing_;
  Outcome outcome;
  outcome.next = reusable ? Outcome::Next::reuse : Outcome::Next::close;
  outcome.result.emplace(boost::system::in_place_value, std::move(response));
  conclude(std::move(outcome));
}

void ClientConnection::fail(Kind kind, std::string message) {
  Outcome outcome;
  outcome.result.emplace(failure(kind, std::move(message)));
  conclude(std::move(outcome));
}

void ClientConnection::conclude(Outcome outcome) {
  const auto self = shared_from_this();
  reader_.reset();
  owner_.finished(self, std::move(outcome));
}

void ClientConnection::rest(std::chrono::milliseconds idle_timeout) {
  job_.reset();
  idle_.after(idle_timeout, [weak = weak_from_this()] {
    if (const auto self = weak.lock(); self && !self->over_) self->owner_.lost(self);
  });
  // TLS may hold a close_notify already taken from the kernel.
  if (stream_->read_ready())
    return idle_.after(std::chrono::milliseconds(0), [weak = weak_from_this()] {
      if (const auto self = weak.lock(); self && !self->over_ && !self->job_) self->owner_.lost(self);
    });
  wait_readable(Stream::Wait::read);
}

void ClientConnection::close() {
  over_ = true;
  // What is on its way of a streamed body is of no use to anybody.
  const bool amid_stream = upload_ != Upload::none || receiver_;
  receiver_.reset();
  job_.reset();
  idle_.cancel();
  dial_.reset();
  queue_.clear();
  if (!stream_) return;
  if (amid_stream) return stream_->reset();
  if (stream_->open()) stream_->shutdown_send();
  stream_->close();
}

}  // namespace wharf::net
