#pragma once
// The server's answer to a client's upgrade request, read before Beast sees it: Beast would take a refusal whole, up to
// 8 MiB, before it judged it, and knows no interim answers. Internal to net/. Loop thread only.

#include <functional>
#include <memory>
#include <string>

#include "net/http_message_reader.h"
#include "net/stream.h"

namespace wharf::net {

class UpgradeAnswer : public std::enable_shared_from_this<UpgradeAnswer> {
 public:
  /// The stream outlives this, or stop() was called.
  explicit UpgradeAnswer(Stream& stream);

  /// `done` runs once, in a later turn of the loop. Without an error the answer is a 101, and what Beast needs of it
  /// stands before the stream's next bytes (Stream::unread()).
  void read(std::function<void(boost::system::error_code)> done);
  void stop() { done_ = nullptr; }

  // After an error:
  const std::string& failure() const { return failure_; }
  unsigned http_status() const { return http_status_; }  // of a refusal, else 0

 private:
  void wait();
  void on_readable();
  void judge(std::string_view behind);
  void fail(std::string why, unsigned http_status = 0);
  void finish(boost::system::error_code error);

  Stream& stream_;
  HttpResponseReader reader_;
  std::function<void(boost::system::error_code)> done_;
  std::string failure_;
  unsigned http_status_ = 0;
};

}  // namespace wharf::net
