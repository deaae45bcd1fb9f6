#include "net/http_client_connection.h"

#include <boost/asio/error.hpp>
#include <utility>

#include "net/read_buffer.h"

namespace wharf::net {
namespace {

using Kind = OutgoingFailure::Kind;
constexpr std::size_t max_answer_header_bytes = 64u << 10;

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
  HttpReadLimits limits;
  limits.max_header_bytes = max_answer_header_bytes;
  limits.max_body_bytes = job_->request.max_response_bytes;
  reader_.emplace(
      limits, job_->request.method == "HEAD" ? HttpResponseReader::Expect::no_body : HttpResponseReader::Expect::body);
  write_failure_.clear();
  queue_.append(std::string_view(job_->header));
  // A reused connection may turn out stale, then the body is needed once more.
  if (reused_) queue_.append(std::string(job_->request.body));
  else queue_.append(std::move(job_->request.body));
  wait_readable(Stream::Wait::read);  // a server may answer before it has read everything
  flush();
}

void ClientConnection::flush() {
  switch (queue_.flush(*stream_)) {
    case SendQueue::Outcome::sent: return;
    case SendQueue::Outcome::failed:
      // The answer that explains it (413, 401) may already be here: the read decides.
      write_failure_ = "write: " + stream_->failure();
      queue_.clear();
      return;
    case SendQueue::Outcome::blocked: break;
  }
  writing_ = true;
  stream_->wait(queue_.wait(), [self = shared_from_this()](boost::system::error_code error) {
    self->writing_ = false;
    if (self->over_ || !self->job_) return;
    if (error) return self->fail(Kind::connect, error.message());
    self->enter([&] { self->flush(); });
  });
}

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

void ClientConnection::on_readable() {
  ReadBuffer buffer;
  for (;;) {
    const Stream::Progress progress = stream_->read(buffer.span());
    if (progress.wait != Stream::Wait::none) return wait_readable(progress.wait);
    if (progress.error) {
      const bool ended = reader_->end_of_input() == HttpResponseReader::Progress::done;
      if (ended && progress.error == asio::error::eof) return respond();
      if (reused_ && !reader_->started()) return conclude(Outcome{Outcome::Next::retry, std::nullopt});
      if (!write_failure_.empty()) return fail(Kind::connect, write_failure_);
      if (progress.error == asio::error::eof) return fail(Kind::protocol, reader_->error_text());
      return fail(Kind::connect, "read: " + stream_->failure());
    }
    std::string_view bytes(reinterpret_cast<const char*>(buffer.span().data()), progress.bytes);
    switch (reader_->feed(bytes)) {
      case HttpResponseReader::Progress::more: break;
      case HttpResponseReader::Progress::failed: return fail(Kind::protocol, reader_->error_text());
      case HttpResponseReader::Progress::done:
        if (!bytes.empty()) write_failure_ = "bytes behind the response";  // not a connection to use again
        return respond();
    }
  }
}

void ClientConnection::respond() {
  OutgoingResponse response;
  response.status = reader_->status();
  response.headers = reader_->headers();
  response.body = reader_->take_body();
  const bool reusable =
      reader_->keep_alive() && response.status != 101 && queue_.empty() && write_failure_.empty() && !writing_;
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
  job_.reset();
  idle_.cancel();
  dial_.reset();
  queue_.clear();
  if (!stream_) return;
  if (stream_->open()) stream_->shutdown_send();
  stream_->close();
}

}  // namespace wharf::net
