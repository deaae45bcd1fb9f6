#include "net/upgrade_answer.h"

#include <boost/asio/error.hpp>
#include <utility>

#include "net/loop_guard.h"
#include "net/read_buffer.h"

namespace wharf::net {
namespace {

constexpr HttpReadLimits limits{16u << 10, 0};

}  // namespace

// A refusal is known by its header: its body is nobody's.
UpgradeAnswer::UpgradeAnswer(Stream& stream) : stream_(stream), reader_(limits, HttpResponseReader::Expect::no_body) {}

void UpgradeAnswer::read(std::function<void(boost::system::error_code)> done) {
  done_ = std::move(done);
  wait();
}

void UpgradeAnswer::wait() {
  stream_.wait(Stream::Wait::read, [self = shared_from_this()](boost::system::error_code error) {
    if (!self->done_) return;
    guard(
        "WebSocket upgrade", [&] { error ? self->fail(error.message()) : self->on_readable(); },
        [&] { self->fail("an internal error"); });
  });
}

void UpgradeAnswer::on_readable() {
  ReadBuffer buffer;
  for (;;) {
    const Stream::Progress progress = stream_.read(buffer.span());
    if (progress.error) return fail("the connection ended before the upgrade: " + stream_.failure());
    // Waiting for writability to read needs a renegotiation, which is off.
    if (progress.wait != Stream::Wait::none) return wait();
    std::string_view bytes(reinterpret_cast<const char*>(buffer.span().data()), progress.bytes);
    switch (reader_.feed(bytes)) {
      case HttpResponseReader::Progress::more: break;
      case HttpResponseReader::Progress::failed: return fail("the upgrade: " + reader_.error_text());
      case HttpResponseReader::Progress::done: return judge(bytes);
    }
  }
}

void UpgradeAnswer::judge(std::string_view behind) {
  if (reader_.status() != 101)
    return fail("the server refused the WebSocket: HTTP " + std::to_string(reader_.status()), reader_.status());
  std::string needed = "HTTP/1.1 101 Switching Protocols\r\n";
  for (const auto& [name, value] : reader_.headers()) {
    if (name == "upgrade" || name == "connection" || name.starts_with("sec-websocket-"))
      needed += name + ": " + value + "\r\n";
  }
  needed += "\r\n";
  stream_.unread(needed.append(behind));
  finish({});
}

void UpgradeAnswer::fail(std::string why, unsigned http_status) {
  failure_ = std::move(why);
  http_status_ = http_status;
  finish(asio::error::connection_aborted);
}

void UpgradeAnswer::finish(boost::system::error_code error) {
  if (const auto done = std::exchange(done_, nullptr)) done(error);
}

}  // namespace wharf::net
