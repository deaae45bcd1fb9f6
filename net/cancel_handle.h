#pragma once

#include <functional>
#include <utility>

namespace wharf::net {

/// Something under way: the end of its handle, or cancel(), ends it. What that means, and what is still called then, is
/// said by whoever hands it out.
class CancelHandle {
 public:
  CancelHandle() = default;
  explicit CancelHandle(std::function<void()> cancel) : cancel_(std::move(cancel)) {}
  ~CancelHandle() { cancel(); }
  CancelHandle(CancelHandle&& other) noexcept : cancel_(std::exchange(other.cancel_, nullptr)) {}
  CancelHandle& operator=(CancelHandle&& other) noexcept {
    if (this != &other) {
      cancel();
      cancel_ = std::exchange(other.cancel_, nullptr);
    }
    return *this;
  }
  void cancel() {
    if (const auto run = std::exchange(cancel_, nullptr)) run();
  }

 private:
  std::function<void()> cancel_;
};

}  // namespace wharf::net
