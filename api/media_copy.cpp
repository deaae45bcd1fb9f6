#include "api/media_copy.h"

#include <algorithm>
#include <utility>

namespace wharf::api {
namespace {

using protocol::Result;

constexpr std::uint64_t piece_bytes = 1u << 20;

/// Shared by the pending calls of its two sides.
struct Copy : std::enable_shared_from_this<Copy> {
  void go_on() {
    if (at == length) return std::exchange(done, nullptr)({});
    const std::uint64_t end = std::min(length, at + piece_bytes);
    from(at, end, [self = shared_from_this(), end](Result<std::string> piece) {
      if (!piece) return std::exchange(self->done, nullptr)(piece.error());
      self->to->append(std::move(*piece), [self, end](Result<void> taken) {
        if (!taken) return std::exchange(self->done, nullptr)(taken.error());
        self->at = end;
        self->go_on();
      });
    });
  }

  MediaPieces from;
  std::uint64_t length = 0, at = 0;
  std::shared_ptr<sessions::MediaWriter> to;
  sessions::MediaDone<void> done;
};

}  // namespace

MediaPieces pieces_of(std::shared_ptr<sessions::MediaReader> reader) {
  return [reader = std::move(reader)](std::uint64_t begin, std::uint64_t end, sessions::MediaDone<std::string> give) {
    reader->read(begin, end, std::move(give));
  };
}

void copy_media(MediaPieces from, std::uint64_t length, std::shared_ptr<sessions::MediaWriter> to,
                sessions::MediaDone<void> done) {
  const auto copy = std::make_shared<Copy>();
  copy->from = std::move(from);
  copy->length = length;
  copy->to = std::move(to);
  copy->done = std::move(done);
  copy->go_on();
}

}  // namespace wharf::api
