#pragma once
// The loop thread's one big read buffer, lent for the length of a callback. Connections read into it and keep only
// what is incomplete, so a silent connection owns no buffer. Internal to net/.

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

namespace wharf::net {

class ReadBuffer {
 public:
  static constexpr std::size_t size = 64u << 10;

  ReadBuffer() : bytes_(std::exchange(spare(), nullptr)) {
    // A nested borrower (a loop that is run inside a callback) gets its own.
    if (!bytes_) bytes_ = std::make_unique_for_overwrite<std::uint8_t[]>(size);
  }
  ~ReadBuffer() { spare() = std::move(bytes_); }
  ReadBuffer(const ReadBuffer&) = delete;
  ReadBuffer& operator=(const ReadBuffer&) = delete;

  std::span<std::uint8_t> span() { return {bytes_.get(), size}; }

 private:
  static std::unique_ptr<std::uint8_t[]>& spare() {
    thread_local std::unique_ptr<std::uint8_t[]> buffer;
    return buffer;
  }
  std::unique_ptr<std::uint8_t[]> bytes_;
};

}  // namespace wharf::net
