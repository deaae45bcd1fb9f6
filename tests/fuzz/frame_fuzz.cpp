// The frame reader and the prologue reader under any cutting of the stream. The first byte of the input chooses the
// size of the pieces; the result must be the one of the stream fed whole.

#include <algorithm>
#include <cstdlib>

#include "protocol/noise/frame.h"

using namespace wharf::protocol;

namespace {

struct Outcome {
  std::vector<Bytes> frames;
  bool failed = false;
  bool operator==(const Outcome&) const = default;
};

Outcome read(ByteView stream, std::size_t piece) {
  constexpr std::size_t limit = 1 << 16;
  Outcome out;
  PrologueReader prologue;
  FrameReader reader(limit);
  bool open = false;
  for (std::size_t at = 0; at < stream.size(); at += piece) {
    ByteView data = stream.subspan(at, std::min(piece, stream.size() - at));
    if (!open) {
      const Result<bool> fed = prologue.feed(data);
      if (!fed) return {{}, true};
      open = *fed;
      if (!open && !data.empty()) std::abort();  // bytes left unread without being complete
    }
    if (open) reader.feed(data);
    for (;;) {
      Result<std::optional<Bytes>> frame = reader.next();
      if (!frame) {
        out.failed = true;
        return out;
      }
      if (!*frame) break;
      out.frames.push_back(std::move(**frame));
    }
    if (reader.buffered() > limit + piece + 3) std::abort();
  }
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const ByteView stream{data + 1, size - 1};
  const Outcome whole = read(stream, stream.size());
  if (read(stream, std::size_t{data[0]} % 16 + 1) != whole) std::abort();
  return 0;
}
