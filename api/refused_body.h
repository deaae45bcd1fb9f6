#pragma once
// The body of a request that is refused whatever it says: read to nowhere, so that nothing of it reaches the disk.

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "api/envelope.h"
#include "api/media_intake.h"
#include "api/rate_limit.h"

namespace wharf::api {

class RefusedBody final : public net::BodyReceiver {
 public:
  struct Why {
    std::optional<Failure> failure;  // nullopt: whoever sees the request whole refuses it again (net/web_guard.h)
    std::optional<RateLimit::Verdict> budget;  // that is used up
  };
  /// A client that waits for 100 Continue is answered at once, and spared its body.
  RefusedBody(const net::HttpRequest& head, Why said)
      : why(std::move(said)), left_(head.has_header("expect") ? 0 : MediaIntake::max_discarded_bytes) {}
  void take(std::string bytes, std::function<void()> taken) override {
    left_ -= std::min(left_, bytes.size());
    taken();
  }
  bool enough() const override { return left_ == 0; }

  const Why why;

 private:
  std::size_t left_;
};

}  // namespace wharf::api
