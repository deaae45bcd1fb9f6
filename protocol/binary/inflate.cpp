#include "protocol/binary/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <stdexcept>

namespace wharf::protocol {

namespace {

// The window of an inflater is 40 KB; one per thread is kept instead of allocated per frame.
struct Inflater {
  Inflater() {
    if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  z_stream stream{};
};

}  // namespace

Result<Bytes> inflate_zlib(ByteView compressed, std::size_t max_bytes) {
  if (compressed.size() > std::numeric_limits<uInt>::max()) return Error(Errc::too_large, "zlib: input over 4 GiB");
  thread_local Inflater inflater;
  z_stream& stream = inflater.stream;
  inflateReset(&stream);
  stream.next_in = const_cast<Bytef*>(compressed.data());
  stream.avail_in = static_cast<uInt>(compressed.size());

  Bytes out(std::min(max_bytes, std::max<std::size_t>(1024, compressed.size() * 4)));
  std::size_t written = 0;
  for (;;) {
    const std::size_t room = std::min<std::size_t>(out.size() - written, std::numeric_limits<uInt>::max());
    stream.next_out = out.data() + written;
    stream.avail_out = static_cast<uInt>(room);
    const int status = inflate(&stream, Z_NO_FLUSH);
    written += room - stream.avail_out;
    if (status == Z_STREAM_END) break;
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    if (status != Z_OK && status != Z_BUF_ERROR) return Error(Errc::malformed, "zlib: invalid stream");
    if (stream.avail_out > 0) return Error(Errc::truncated, "zlib: stream ends early");
    if (written == out.size()) {
      // One byte over the bound tells a stream that fits exactly from one that goes on.
      if (written > max_bytes) return Error(Errc::too_large, "zlib: inflates over the limit");
      out.resize(std::min(max_bytes + 1, written * 2 + 64));
    }
  }
  if (written > max_bytes) return Error(Errc::too_large, "zlib: inflates over the limit");
  if (stream.avail_in != 0) return Error(Errc::malformed, "zlib: trailing data");
  out.resize(written);
  return out;
}

}  // namespace wharf::protocol
