// A voice note from anybody. The first byte of the input chooses: bytes as they are, pages whose checksums were made to
// fit (else no change would come further than the first page), or the packets of an Opus file, cut from the input and
// laced into pages, so that the decoder gets them.

#include <algorithm>
#include <cstdlib>

#include "media/ogg_pages.h"
#include "media/voice_note.h"

using namespace wharf::media;
using wharf::protocol::Bytes;
using wharf::protocol::ByteView;
using wharf::protocol::Errc;

namespace {

constexpr std::uint32_t max_seconds = 60;  // a few thousand bytes can be an hour, which takes seconds to decode
constexpr std::size_t checksum_offset = 22;

void check(bool invariant) {
  if (!invariant) std::abort();
}

void little_endian(std::uint8_t* at, std::uint32_t value) {
  for (int i = 0; i < 4; ++i) at[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

/// Makes the checksums of all pages fit that lie one behind the other from the front.
void fix_checksums(Bytes& file) {
  for (std::size_t at = 0; at + OggPage::header_bytes <= file.size();) {
    std::size_t bytes = OggPage::header_bytes + file[at + 26];
    if (at + bytes > file.size()) return;
    for (std::size_t i = at + OggPage::header_bytes, end = at + bytes; i < end; ++i) bytes += file[i];
    if (at + bytes > file.size()) return;
    little_endian(&file[at + checksum_offset], 0);
    little_endian(&file[at + checksum_offset], ogg_crc(ByteView(file).subspan(at, bytes)));
    at += bytes;
  }
}

void add_page(Bytes& file, std::uint8_t flags, std::uint32_t sequence, std::uint64_t granule, ByteView packet) {
  Bytes header = {'O', 'g', 'g', 'S', 0, flags};
  for (int i = 0; i < 8; ++i) header.push_back(static_cast<std::uint8_t>(granule >> (8 * i)));
  header.resize(OggPage::header_bytes);
  header[14] = 1;
  little_endian(&header[18], sequence);
  header.insert(header.end(), packet.size() / 255, 255);
  header.push_back(static_cast<std::uint8_t>(packet.size() % 255));
  header[26] = static_cast<std::uint8_t>(header.size() - OggPage::header_bytes);
  wharf::protocol::append(file, header);
  wharf::protocol::append(file, packet);
}

/// A head of which the input says channels and pre-skip; then packets, each behind a byte with its length.
Bytes opus_file(ByteView input) {
  Bytes file, head = wharf::protocol::to_bytes("OpusHead");
  const std::uint8_t choice = input.empty() ? 0 : input[0];
  head.insert(head.end(), {1, static_cast<std::uint8_t>(1 + (choice & 1)), choice, 0, 0x80, 0xbb, 0, 0, 0, 0, 0});
  add_page(file, 2, 0, 0, head);
  add_page(file, 0, 1, 0, wharf::protocol::as_bytes("OpusTags"));
  std::uint32_t sequence = 2;
  for (ByteView rest = input.subspan(std::min<std::size_t>(1, input.size())); !rest.empty();) {
    const std::size_t length = std::min<std::size_t>(rest[0], rest.size() - 1);
    // Positions as of packets of 20 ms: true for some, a lie for others.
    add_page(file, 0, sequence, (sequence - 1) * 960ull, rest.subspan(1, length));
    rest = rest.subspan(1 + length);
    ++sequence;
  }
  fix_checksums(file);
  return file;
}

void read_all_packets(ByteView file) {
  const auto streams = read_ogg_streams(file);
  if (!streams) return;
  check(!streams->empty());
  for (const OggStream& stream : *streams) {
    OggPacketReader reader(file, stream.serial);
    std::size_t total = 0;
    for (;;) {
      const auto packet = reader.next();
      if (!packet || !*packet) break;
      check((*packet)->bytes.size() == std::min((*packet)->length, OggPacketReader::max_kept_bytes));
      total += (*packet)->length;
    }
    check(total <= file.size());
  }
}

void read(ByteView file) {
  read_all_packets(file);
  const auto note = read_voice_note(file, max_seconds);
  if (!note) {
    const Errc code = note.error().code;
    check(code == Errc::malformed || code == Errc::truncated || code == Errc::unsupported || code == Errc::too_large);
    return;
  }
  check(note->seconds >= 1 && note->seconds <= max_seconds && note->waveform.size() == waveform_blocks);
  const auto largest = *std::max_element(note->waveform.begin(), note->waveform.end());
  check(largest == 100 || largest == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const ByteView input(data + 1, size - 1);
  switch (data[0] % 3) {
    case 0: read(input); break;
    case 1: {
      Bytes file = wharf::protocol::to_bytes(input);
      fix_checksums(file);
      read(file);
      break;
    }
    default: read(opus_file(input)); break;
  }
  return 0;
}
