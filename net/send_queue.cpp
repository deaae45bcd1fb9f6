#include "net/send_queue.h"

#include <array>
#include <utility>

namespace wharf::net {
namespace {

constexpr std::size_t gather_limit = 4096;  // larger payloads are not worth a copy
constexpr std::size_t max_pieces = 16;      // of one gathering write

}  // namespace

std::span<const std::uint8_t> SendQueue::view(const Chunk& chunk) {
  if (const auto* text = std::get_if<std::string>(&chunk)) {
    return {reinterpret_cast<const std::uint8_t*>(text->data()), text->size()};
  }
  return std::get<std::vector<std::uint8_t>>(chunk);
}

// Appending to a chunk that is being sent is fine: TLS demands the same bytes first on a retry, not the same length.
void SendQueue::append(std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) return;
  std::vector<std::uint8_t>* tail = chunks_.empty() ? nullptr : std::get_if<std::vector<std::uint8_t>>(&chunks_.back());
  if (tail == nullptr || tail->size() + bytes.size() > chunk_bytes) {
    tail = &std::get<std::vector<std::uint8_t>>(chunks_.emplace_back(std::vector<std::uint8_t>()));
  }
  tail->insert(tail->end(), bytes.begin(), bytes.end());
  bytes_ += bytes.size();
}

void SendQueue::append(std::string_view bytes) {
  append(std::span(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()));
}

void SendQueue::append(std::vector<std::uint8_t>&& bytes) {
  if (bytes.size() <= gather_limit) return append(std::span<const std::uint8_t>(bytes));
  bytes_ += bytes.size();
  chunks_.emplace_back(std::move(bytes));
}

void SendQueue::append(std::string&& bytes) {
  if (bytes.size() <= gather_limit) return append(std::string_view(bytes));
  bytes_ += bytes.size();
  chunks_.emplace_back(std::move(bytes));
}

void SendQueue::clear() {
  chunks_.clear();
  front_offset_ = 0;
  bytes_ = 0;
}

void SendQueue::drop_front(std::size_t bytes) {
  bytes_ -= bytes;
  while (bytes > 0) {
    const std::size_t left = view(chunks_.front()).size() - front_offset_;
    if (bytes < left) {
      front_offset_ += bytes;
      return;
    }
    bytes -= left;
    front_offset_ = 0;
    chunks_.pop_front();
  }
}

SendQueue::Outcome SendQueue::flush(Stream& stream) {
  while (!empty()) {
    std::array<asio::const_buffer, max_pieces> pieces;
    std::size_t count = 0;
    for (const Chunk& chunk : chunks_) {
      if (count == max_pieces) break;
      const auto bytes = view(chunk).subspan(count == 0 ? front_offset_ : 0);
      pieces[count++] = asio::const_buffer(bytes.data(), bytes.size());
    }
    const Stream::Progress progress = stream.write(std::span(pieces).first(count));
    if (progress.error) {
      error_ = progress.error;
      return Outcome::failed;
    }
    if (progress.wait != Stream::Wait::none) {
      wait_ = progress.wait;
      return Outcome::blocked;
    }
    drop_front(progress.bytes);
  }
  return Outcome::sent;
}

}  // namespace wharf::net
