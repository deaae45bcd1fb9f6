#include "media/voice_note.h"

#include <catch2/catch.hpp>

#include <algorithm>

#include "media/ogg_pages.h"
#include "tests/media/opus_files.h"
#include "tests/support/printing.h"

using namespace wharf::media;
using namespace wharf::media::test;
using wharf::protocol::Errc;
using wharf::protocol::to_bytes;

namespace {

double steady(double second, int) { return tone(second); }
double silent(double, int) { return 0; }

VoiceNote note_of(const Bytes& file) {
  const auto note = read_voice_note(file);
  INFO((note ? "" : note.error().detail));
  REQUIRE(note);
  REQUIRE(note->waveform.size() == waveform_blocks);
  return *note;
}

Errc failure_of(ByteView file) {
  const auto note = read_voice_note(file);
  return note ? Errc::none : note.error().code;
}

int smallest(const Bytes& waveform, std::size_t begin, std::size_t end) {
  return *std::min_element(waveform.begin() + static_cast<long>(begin), waveform.begin() + static_cast<long>(end));
}
int largest(const Bytes& waveform, std::size_t begin, std::size_t end) {
  return *std::max_element(waveform.begin() + static_cast<long>(begin), waveform.begin() + static_cast<long>(end));
}

/// Two headers and pages as given.
Bytes file_of(const Bytes& head, const Bytes& tags, const std::vector<Bytes>& packets, std::int64_t granule) {
  Bytes file;
  OggWriter ogg(file);
  ogg.page(begins, 0, {head});
  ogg.page(plain_page, 0, {tags});
  ogg.page(ends, granule, packets);
  return file;
}

}  // namespace

TEST_CASE("a steady tone is a flat waveform and its seconds are rounded down") {
  const VoiceNote note = note_of(opus_file(steady, 3.9));
  CHECK(note.seconds == 3);
  CHECK(largest(note.waveform, 0, 64) == 100);
  CHECK(smallest(note.waveform, 1, 63) >= 90);
}

TEST_CASE("the seconds end with the last position, not with the last packet") {
  CHECK(note_of(opus_file(steady, 2.0)).seconds == 2);
  CHECK(note_of(opus_file(steady, 1.9999)).seconds == 1);  // as many packets, fewer samples
}

TEST_CASE("less than a second is one second") { CHECK(note_of(opus_file(steady, 0.1)).seconds == 1); }

TEST_CASE("the waveform shows when it is loud") {
  const Sound second_half = [](double second, int) { return second < 2 ? 0.0 : tone(second); };
  const Bytes waveform = note_of(opus_file(second_half, 4)).waveform;
  CHECK(largest(waveform, 0, 31) <= 2);
  CHECK(smallest(waveform, 33, 63) >= 90);

  const Sound half_as_loud = [](double second, int) { return tone(second) * (second < 2 ? 0.5 : 1); };
  const Bytes steps = note_of(opus_file(half_as_loud, 4)).waveform;
  CHECK(smallest(steps, 1, 31) >= 43);
  CHECK(largest(steps, 1, 31) <= 57);
}

TEST_CASE("the waveform is of the first channel") {
  OpusFileSettings stereo;
  stereo.channels = 2;
  const Sound halves = [](double second, int channel) { return (second < 2) == (channel == 0) ? tone(second) : 0.0; };
  const Bytes waveform = note_of(opus_file(halves, 4, stereo)).waveform;
  CHECK(smallest(waveform, 1, 31) >= 90);
  CHECK(largest(waveform, 33, 63) <= 10);
}

TEST_CASE("silence is all 0") {
  const VoiceNote note = note_of(opus_file(silent, 2));
  CHECK(note.seconds == 2);
  CHECK(note.waveform == Bytes(64, 0));
}

TEST_CASE("what no sample of 16 bits can tell from silence is not drawn loud") {
  const Sound hiss = [](double second, int) { return second > 1 && second < 1.5 ? 0.00005 * tone(second) : 0.0; };
  CHECK(note_of(opus_file(hiss, 2)).waveform == Bytes(64, 0));
}

TEST_CASE("blocks are counted from the first sample that is played") {
  const Sound late = [](double second, int) { return second < 2 ? 0.0 : tone(second); };
  OpusFileSettings skipping;
  skipping.said_pre_skip = 48'000;  // of 4 seconds the last 3 are played, and of them 2 are loud
  const VoiceNote note = note_of(opus_file(late, 4, skipping));
  CHECK(note.seconds == 3);
  CHECK(largest(note.waveform, 0, 20) <= 2);
  CHECK(smallest(note.waveform, 23, 63) >= 90);
}

TEST_CASE("a file cut from a longer recording begins at its own first position") {
  OpusFileSettings cut;
  cut.first_position = std::int64_t{3600} * 48'000;
  CHECK(note_of(opus_file(steady, 2.5, cut)).seconds == 2);
  CHECK(note_of(opus_file(steady, 1.9999, cut)).seconds == 1);  // trimmed at its end as well
}

TEST_CASE("positions that lie do not change the seconds") {
  OpusFileSettings lie;
  lie.last_granule = GENERATE(std::int64_t{1} << 62, std::int64_t{0}, std::int64_t{1000}, INT64_MAX);
  CAPTURE(lie.last_granule);
  CHECK(note_of(opus_file(steady, 3.5, lie)).seconds == 3);
  OpusFileSettings far;
  far.first_position = std::int64_t{1} << 62;
  CHECK(note_of(opus_file(steady, 3.5, far)).seconds == 3);
  far.last_granule = 5;
  CHECK(note_of(opus_file(steady, 3.5, far)).seconds == 3);
}

TEST_CASE("a pre-skip longer than the sound leaves nothing to play") {
  OpusFileSettings lie;
  lie.said_pre_skip = 65'535;
  CHECK(failure_of(opus_file(steady, 1, lie)) == Errc::malformed);
  CHECK(note_of(opus_file(steady, 2.5, lie)).seconds == 1);
}

TEST_CASE("of two files in a chain the first is the voice note") {
  OpusFileSettings second;
  second.serial = 2;
  const Bytes chain = wharf::protocol::concat(opus_file(steady, 2.5), opus_file(steady, 5, second));
  CHECK(note_of(chain).seconds == 2);
}

TEST_CASE("an Opus file cut anywhere is refused, or shorter where a page ends") {
  const Bytes file = opus_file(steady, 3);
  std::size_t page_ends = 0;
  for (std::size_t length = 0; length < file.size(); length += 37) {
    CAPTURE(length);
    CHECK(failure_of(ByteView(file).first(length)) == Errc::truncated);
  }
  for (std::size_t at = 0; at < file.size();) {
    at += read_ogg_page(ByteView(file).subspan(at))->bytes;
    if (at == file.size()) break;
    const auto note = read_voice_note(ByteView(file).first(at));
    if (++page_ends <= 2) CHECK(!note);
    else CHECK((note && note->seconds <= 3));
  }
  CHECK(page_ends >= 6);
}

TEST_CASE("a wrong checksum refuses the file") {
  Bytes file = opus_file(steady, 1);
  file[file.size() - 100] ^= 1;
  CHECK(failure_of(file) == Errc::malformed);
}

TEST_CASE("packets that are no Opus refuse the file") {
  const Bytes head = opus_head(1, 312), good = opus_packets(steady, 0.1, 1).at(0);
  CHECK(failure_of(file_of(head, opus_tags(), {good, {}}, 1920)) == Errc::malformed);
  CHECK(failure_of(file_of(head, opus_tags(), {good, {0x03}}, 1920)) == Errc::malformed);        // a count is missing
  CHECK(failure_of(file_of(head, opus_tags(), {good, {0x1b, 0x3f}}, 1920)) == Errc::malformed);  // 63 frames of 60 ms
  CHECK(failure_of(file_of(head, opus_tags(), {good, Bytes(70'000, 0x08)}, 1920)) == Errc::malformed);
  CHECK(failure_of(file_of(head, opus_tags(), {}, 0)) == Errc::malformed);
  CHECK(failure_of(file_of(head, opus_tags(), {good}, 960)) == Errc::none);
}

TEST_CASE("headers are checked, and tags of any size are passed over") {
  const auto packets = opus_packets(steady, 0.1, 1);
  CHECK(failure_of(file_of(opus_head(1, 312, 16), opus_tags(), packets, 4800)) == Errc::unsupported);
  CHECK(failure_of(file_of(opus_head(1, 312, 2), opus_tags(), packets, 4800)) == Errc::none);
  CHECK(failure_of(file_of(opus_head(6, 312, 1, 1), opus_tags(), packets, 4800)) == Errc::unsupported);
  CHECK(failure_of(file_of(opus_head(3, 312), opus_tags(), packets, 4800)) == Errc::unsupported);
  CHECK(failure_of(file_of(opus_head(0, 312), opus_tags(), packets, 4800)) == Errc::malformed);
  CHECK(failure_of(file_of(to_bytes("OpusHead"), opus_tags(), packets, 4800)) == Errc::malformed);
  CHECK(failure_of(file_of(opus_head(1, 312), to_bytes("OpusTogs"), packets, 4800)) == Errc::malformed);

  Bytes file;
  OggWriter ogg(file);
  ogg.page(begins, 0, {opus_head(1, 312)});
  Bytes picture = opus_tags();
  picture.resize(255 * 255, 7);
  ogg.raw_page(plain_page, -1, Bytes(255, 255), picture);
  ogg.raw_page(continued, -1, Bytes(255, 255), picture);
  ogg.raw_page(continued, 0, {1}, {7});
  ogg.page(ends, 4800, packets);
  CHECK(failure_of(file) == Errc::none);
}

TEST_CASE("an Ogg of something else says what it is") {
  const auto detail_of = [](const std::vector<std::string>& heads) {
    Bytes file;
    std::uint32_t serial = 0;
    for (const std::string& head : heads) OggWriter(file, ++serial).page(begins, 0, {to_bytes(head)});
    const auto note = read_voice_note(file);
    REQUIRE(!note);
    CHECK(note.error().code == Errc::unsupported);
    return note.error().detail;
  };
  using Catch::Contains;
  CHECK_THAT(detail_of({"\x01vorbis........"}), Contains("Vorbis"));
  CHECK_THAT(detail_of({"Speex   1.2"}), Contains("Speex"));
  CHECK_THAT(detail_of({"\x7f"
                        "FLAC\x01"}),
             Contains("FLAC"));
  CHECK_THAT(detail_of({"\x80theora", "OpusHead..........."}), Contains("video"));
  CHECK_THAT(detail_of({"PCM     "}), Contains("unknown"));
  CHECK(failure_of(to_bytes("RIFF....WAVEfmt ............")) == Errc::malformed);
  CHECK(failure_of({}) == Errc::truncated);
}

TEST_CASE("hours of nothing in a small file are refused before they are decoded") {
  // Two frames of 60 ms without a byte in them: 120 ms in one byte.
  const Bytes packet = {0x19};
  Bytes file;
  OggWriter ogg(file);
  ogg.page(begins, 0, {opus_head(1, 0)});
  ogg.page(plain_page, 0, {opus_tags()});
  const std::vector<Bytes> page(250, packet);  // 30 seconds
  for (int i = 0; i < 2 * 60 * 4 + 1; ++i) ogg.page(plain_page, (i + 1) * 30 * 48'000, page);
  CHECK(failure_of(file) == Errc::too_large);
  const auto note = read_voice_note(ByteView(file), 100);
  REQUIRE(!note);
  CHECK(note.error().code == Errc::too_large);
}
