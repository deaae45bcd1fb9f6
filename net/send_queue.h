#pragma once
// Bytes on their way to a Stream: small pieces are gathered into one chunk (one write, one TLS record for a burst of
// messages), large ones are kept as they came. Ours, because Asio's writes take no more while one is under way.
// Internal to net/.

#include <boost/system/error_code.hpp>
#include <cstdint>
#include <list>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "net/stream.h"

namespace wharf::net {

class SendQueue {
 public:
  /// Up to one TLS record is gathered.
  static constexpr std::size_t chunk_bytes = 16u << 10;

  void append(std::span<const std::uint8_t> bytes);  // copies
  void append(std::string_view bytes);
  void append(std::vector<std::uint8_t>&& bytes);  // copies when small
  void append(std::string&& bytes);

  std::size_t bytes() const { return bytes_; }
  bool empty() const { return bytes_ == 0; }
  void clear();

  enum class Outcome { sent, blocked, failed };
  /// Writes until the queue is empty, the stream blocks (wait for `wait`) or fails (`error`).
  Outcome flush(Stream& stream);
  Stream::Wait wait() const { return wait_; }
  const boost::system::error_code& error() const { return error_; }

 private:
  using Chunk = std::variant<std::vector<std::uint8_t>, std::string>;
  static std::span<const std::uint8_t> view(const Chunk& chunk);
  void drop_front(std::size_t bytes);

  std::list<Chunk> chunks_;  // a list: an empty one costs nothing per connection
  std::size_t front_offset_ = 0;
  std::size_t bytes_ = 0;
  Stream::Wait wait_ = Stream::Wait::none;
  boost::system::error_code error_;
};

}  // namespace wharf::net
