#include "media/ogg_pages.h"

#include <catch2/catch.hpp>

#include <numeric>
#include <string>

#include "tests/media/ogg_writer.h"
#include "tests/support/printing.h"

using namespace wharf::media;
using namespace wharf::media::test;
using wharf::protocol::Errc;
using wharf::protocol::to_bytes;

namespace {

Bytes pattern(std::size_t bytes) {
  Bytes out(bytes);
  std::iota(out.begin(), out.end(), std::uint8_t{0});
  return out;
}

struct ReadPacket {
  Bytes bytes;
  std::size_t length = 0;
  std::int64_t granule = -1;
};

struct Packets {
  std::vector<ReadPacket> packets;
  Errc failure = Errc::none;
};

Packets read_packets(ByteView file, std::uint32_t serial = 1) {
  Packets out;
  OggPacketReader reader(file, serial);
  for (;;) {
    const auto packet = reader.next();
    if (!packet) {
      out.failure = packet.error().code;
      return out;
    }
    if (!*packet) return out;
    out.packets.push_back({wharf::protocol::to_bytes((*packet)->bytes), (*packet)->length, (*packet)->granule});
  }
}

/// Three pages: a head, two packets and the begin of a third, its end.
Bytes three_pages() {
  Bytes file;
  OggWriter ogg(file);
  ogg.page(begins, 0, {to_bytes("head")});
  ogg.raw_page(plain_page, 20, {3, 0, 255}, pattern(258));
  ogg.raw_page(continued | ends, 40, {255, 7}, pattern(262));
  return file;
}

}  // namespace

TEST_CASE("the checksum of Ogg has the value of its polynomial") {
  // CRC-32/CKSUM of "123456789" is 765e7680; it is the same polynomial from 0, and inverts the end.
  CHECK(ogg_crc(wharf::protocol::as_bytes("123456789")) == (0x765e7680u ^ 0xffffffffu));
}

TEST_CASE("packets are put together over segments and pages") {
  const Packets read = read_packets(three_pages());
  const Bytes second = pattern(258);
  REQUIRE(read.failure == Errc::none);
  REQUIRE(read.packets.size() == 4);
  CHECK(read.packets[0].bytes == to_bytes("head"));
  CHECK(read.packets[1].bytes == pattern(3));
  CHECK(read.packets[1].granule == -1);
  CHECK(read.packets[2].bytes.empty());
  CHECK(read.packets[2].granule == 20);
  CHECK(read.packets[3].bytes == wharf::protocol::concat(ByteView(second).subspan(3), pattern(262)));
  CHECK(read.packets[3].length == 517);
  CHECK(read.packets[3].granule == 40);
}

TEST_CASE("a packet whose length is a multiple of 255 ends with an empty segment") {
  Bytes file;
  OggWriter ogg(file);
  ogg.page(begins, 0, {pattern(510)});
  ogg.raw_page(plain_page, -1, {255}, pattern(255));
  ogg.raw_page(plain_page, -1, {}, {});  // says nothing, ends nothing
  ogg.raw_page(continued | ends, 9, {0}, {});
  const Packets read = read_packets(file);
  REQUIRE(read.failure == Errc::none);
  REQUIRE(read.packets.size() == 2);
  CHECK(read.packets[0].bytes == pattern(510));
  CHECK(read.packets[1].bytes == pattern(255));
  CHECK(read.packets[1].granule == 9);
}

TEST_CASE("an Ogg cut anywhere is truncated, or ends with a whole packet") {
  const Bytes file = three_pages();
  const std::size_t first = 27 + 1 + 4;
  for (std::size_t length = 0; length < file.size(); ++length) {
    CAPTURE(length);
    const Packets read = read_packets(ByteView(file).first(length));
    CHECK(read.failure == (length == 0 || length == first ? Errc::none : Errc::truncated));
    CHECK(read.packets.size() <= 3);
  }
}

TEST_CASE("each changed bit of a page is noticed") {
  const Bytes file = three_pages();
  for (std::size_t bit = 0; bit < file.size() * 8; ++bit) {
    CAPTURE(bit);
    Bytes damaged = file;
    damaged[bit / 8] = static_cast<std::uint8_t>(damaged[bit / 8] ^ (1u << bit % 8));
    CHECK(read_packets(damaged).failure != Errc::none);
  }
}

TEST_CASE("pages of the stream may not be missing, repeated or out of place") {
  Bytes file;
  OggWriter ogg(file);
  SECTION("missing") {
    ogg.page(begins, 0, {to_bytes("head")});
    ogg.skip_sequence_number();
    ogg.page(ends, 1, {to_bytes("a")});
  }
  SECTION("a begin in the middle") {
    ogg.page(begins, 0, {to_bytes("head")});
    ogg.page(begins, 1, {to_bytes("a")});
  }
  SECTION("no begin") { ogg.page(plain_page, 0, {to_bytes("head")}); }
  SECTION("a continuation of nothing") {
    ogg.page(begins, 0, {to_bytes("head")});
    ogg.page(continued, 1, {to_bytes("a")});
  }
  SECTION("a packet that is not continued") {
    ogg.page(begins, 0, {to_bytes("head")});
    ogg.raw_page(plain_page, -1, {255}, pattern(255));
    ogg.page(ends, 1, {to_bytes("a")});
  }
  CHECK(read_packets(file).failure == Errc::malformed);
}

TEST_CASE("a packet that never ends is read in bounded memory and is truncated") {
  Bytes file;
  OggWriter ogg(file);
  ogg.page(begins, 0, {to_bytes("head")});
  const Bytes lacing(255, 255), payload(255 * 255, 1);
  ogg.raw_page(plain_page, -1, lacing, payload);
  for (int i = 0; i < 9; ++i) ogg.raw_page(continued, -1, lacing, payload);
  SECTION("without end") { CHECK(read_packets(file).failure == Errc::truncated); }
  SECTION("with an end, the rest is counted and not kept") {
    ogg.raw_page(continued | ends, 1, {3, 2}, pattern(5));
    const Packets read = read_packets(file);
    REQUIRE(read.failure == Errc::none);
    REQUIRE(read.packets.size() == 3);
    CHECK(read.packets[1].bytes.size() == OggPacketReader::max_kept_bytes);
    CHECK(read.packets[1].length == 10 * payload.size() + 3);
    CHECK(read.packets[2].bytes == Bytes{3, 4});
  }
}

TEST_CASE("streams side by side are told apart, and each is read alone") {
  Bytes file;
  OggWriter one(file, 1), two(file, 2);
  one.page(begins, 0, {to_bytes("first")});
  two.page(begins, 0, {to_bytes("second")});
  one.page(plain_page, 1, {to_bytes("a")});
  two.page(ends, 1, {to_bytes("b")});
  one.page(ends, 2, {to_bytes("c")});
  const auto streams = read_ogg_streams(file);
  REQUIRE(streams);
  REQUIRE(streams->size() == 2);
  CHECK(wharf::protocol::as_text((*streams)[1].head) == "second");
  CHECK((*streams)[1].serial == 2);
  CHECK(read_packets(file, 1).packets.size() == 3);
  CHECK(read_packets(file, 2).packets.size() == 2);
}

TEST_CASE("what follows the last page of a stream is not read") {
  Bytes file = three_pages();
  wharf::protocol::append(file, wharf::protocol::as_bytes("ID3 and more"));
  CHECK(read_packets(file).failure == Errc::none);
}

TEST_CASE("a file with too many streams, one serial twice or no begin has none") {
  Bytes file;
  SECTION("too many") {
    for (std::uint32_t serial = 0; serial < 17; ++serial) OggWriter(file, serial).page(begins, 0, {to_bytes("x")});
  }
  SECTION("twice") {
    for (int i = 0; i < 2; ++i) OggWriter(file, 5).page(begins, 0, {to_bytes("x")});
  }
  SECTION("no begin") { OggWriter(file).page(plain_page, 0, {to_bytes("x")}); }
  SECTION("no Ogg") { file = to_bytes("RIFF, which is something else"); }
  const auto streams = read_ogg_streams(file);
  REQUIRE(!streams);
  CHECK(streams.error().code == Errc::malformed);
}

TEST_CASE("an empty file has no streams") {
  const auto streams = read_ogg_streams({});
  REQUIRE(!streams);
  CHECK(streams.error().code == Errc::truncated);
}
