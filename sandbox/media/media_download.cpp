#include "sandbox/media/media_download.h"

#include <algorithm>
#include <utility>

namespace wharf::sandbox {

using net::BodyPiece;

namespace {

constexpr std::uint64_t slow_pieces_per_second = 4;

}  // namespace

MediaDownloadBody::MediaDownloadBody(Read read, std::uint64_t first, std::uint64_t end, NetworkClock& clock,
                                     std::optional<MediaFault> fault)
    : read_(std::move(read)), first_(first), at_(first), end_(end), clock_(clock), fault_(std::move(fault)) {
  if (is(MediaFault::What::cut) || is(MediaFault::What::truncate))
    end_ = std::min(end_, first_ + std::min(fault_->bytes, end_ - first_));
  if (!is(MediaFault::What::slow)) return;
  const std::uint64_t pace = std::max<std::uint64_t>(fault_->bytes_per_second, 1);
  piece_ = static_cast<std::size_t>(std::clamp<std::uint64_t>(pace / slow_pieces_per_second, 1, piece_bytes));
  pause_ms_ = static_cast<std::int64_t>(piece_ * 1000 / pace);
}

bool MediaDownloadBody::short_enough() const {
  return end_ - at_ <= piece_bytes && !is(MediaFault::What::cut) && !is(MediaFault::What::slow);
}

net::BodySource MediaDownloadBody::source() {
  return [self = shared_from_this()](std::function<void(BodyPiece)> give) { self->next(std::move(give)); };
}

void MediaDownloadBody::next(std::function<void(BodyPiece)> give) {
  if (pause_ms_ <= 0) return read_piece(std::move(give));
  pause_ = clock_.after(pause_ms_, [weak = weak_from_this(), give = std::move(give)] {
    if (const auto self = weak.lock()) self->read_piece(give);
  });
}

void MediaDownloadBody::read_piece(std::function<void(BodyPiece)> give) {
  const auto bytes = static_cast<std::size_t>(std::min<std::uint64_t>(piece_, end_ - at_));
  if (bytes == 0) return give_piece(std::string(), give);
  read_(at_, bytes, [self = shared_from_this(), give = std::move(give)](protocol::Result<std::string> read) {
    self->give_piece(std::move(read), give);
  });
}

void MediaDownloadBody::give_piece(protocol::Result<std::string> bytes, const std::function<void(BodyPiece)>& give) {
  if (!bytes) return give({{}, BodyPiece::End::broken});
  BodyPiece piece{std::move(*bytes), BodyPiece::End::more};
  if (is(MediaFault::What::flip)) {
    const std::uint64_t wrong = first_ + fault_->bytes;
    if (wrong >= at_ && wrong - at_ < piece.bytes.size()) {
      char& byte = piece.bytes[static_cast<std::size_t>(wrong - at_)];
      byte = static_cast<char>(byte ^ 1);
    }
  }
  at_ += piece.bytes.size();
  if (at_ == end_) {
    if (!is(MediaFault::What::cut)) {
      piece.end = BodyPiece::End::last;
    } else if (piece.bytes.empty()) {
      piece.end = BodyPiece::End::broken;  // after what went before was sent
    }
  }
  give(std::move(piece));
}

}  // namespace wharf::sandbox
