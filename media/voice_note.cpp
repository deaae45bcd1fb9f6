#include "media/voice_note.h"

#include <opus/opus.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <string>

#include "media/ogg_pages.h"

namespace wharf::media {

using protocol::as_text;
using protocol::Bytes;
using protocol::ByteView;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

// Positions count at 48 kHz whatever the input was. A third of that is enough to draw, and faster to decode.
constexpr std::uint64_t position_hz = 48'000;
constexpr std::uint64_t decoded_hz = 16'000;
constexpr std::uint64_t positions_per_sample = position_hz / decoded_hz;
constexpr std::size_t max_packet_samples = decoded_hz * 120 / 1000;  // 120 ms, RFC 6716 section 3.2.5

/// OpusHead, RFC 7845 section 5.1. The output gain is left out: it is the same for every block.
struct OpusHead {
  std::uint32_t serial = 0;
  int channels = 1;
  std::uint64_t pre_skip = 0;  // positions at the front that are decoded but not played
};

/// What is played, in positions from the first decoded sample.
struct Span {
  std::uint64_t begin = 0, end = 0;
  std::uint64_t length() const { return end - begin; }
};

struct KnownCodec {
  std::string_view magic;
  const char* name;
};
using namespace std::string_view_literals;
constexpr KnownCodec video_codecs[] = {
    {"\x80theora"sv, "Theora video"}, {"\x01video"sv, "video"}, {"BBCD"sv, "Dirac video"}, {"OVP80"sv, "VP8 video"}};
constexpr KnownCodec sound_codecs[] = {{"\x01vorbis"sv, "Vorbis"},
                                       {"Speex   "sv, "Speex"},
                                       {"\x7f"
                                        "FLAC"sv,
                                        "FLAC"},
                                       {"fLaC"sv, "FLAC"}};

template <std::size_t N>
const char* codec_of(const std::vector<OggStream>& streams, const KnownCodec (&codecs)[N]) {
  for (const OggStream& stream : streams)
    for (const KnownCodec& codec : codecs)
      if (as_text(stream.head).starts_with(codec.magic)) return codec.name;
  return nullptr;
}

Result<OpusHead> read_opus_head(const OggStream& stream) {
  const ByteView head = stream.head;
  if (head.size() < 19) return Error(Errc::malformed, "OpusHead is too short");
  if (head[8] > 15) return Error(Errc::unsupported, "Opus in Ogg of version " + std::to_string(head[8]));
  OpusHead out;
  out.serial = stream.serial;
  out.channels = head[9];
  out.pre_skip = head[10] | static_cast<std::uint64_t>(head[11]) << 8;
  if (out.channels == 0) return Error(Errc::malformed, "OpusHead without a channel");
  if (head[18] != 0 || out.channels > 2)
    return Error(Errc::unsupported, "Opus with " + std::to_string(out.channels) + " channels of mapping family " +
                                        std::to_string(head[18]));
  return out;
}

Result<OpusHead> find_opus(ByteView ogg) {
  const auto streams = read_ogg_streams(ogg);
  if (!streams) return streams.error();
  if (const char* video = codec_of(*streams, video_codecs))
    return Error(Errc::unsupported, std::string("the Ogg holds ") + video + ", not a voice note");
  for (const OggStream& stream : *streams)
    if (as_text(stream.head).starts_with("OpusHead")) return read_opus_head(stream);
  const char* sound = codec_of(*streams, sound_codecs);
  return Error(Errc::unsupported, std::string("the Ogg holds ") + (sound ? sound : "an unknown codec") + ", not Opus");
}

/// A reader that stands behind the two headers.
Result<OggPacketReader> audio_packets(ByteView ogg, const OpusHead& head) {
  OggPacketReader packets(ogg, head.serial);
  for (const char* magic : {"OpusHead", "OpusTags"}) {
    const auto packet = packets.next();
    if (!packet) return packet.error();
    if (!*packet || !as_text((*packet)->bytes).starts_with(magic))
      return Error(Errc::malformed, std::string("a packet ") + magic + " is missing");
  }
  return packets;
}

/// Positions a packet lasts; 0 for one that is no Opus. Looks through the whole frame structure, decodes nothing.
std::uint64_t packet_positions(const OggPacketReader::Packet& packet) {
  if (packet.bytes.empty() || packet.length != packet.bytes.size()) return 0;
  std::array<const unsigned char*, 48> frames{};
  std::array<opus_int16, 48> sizes{};
  const auto length = static_cast<opus_int32>(packet.bytes.size());
  const int count = opus_packet_parse(packet.bytes.data(), length, nullptr, frames.data(), sizes.data(), nullptr);
  if (count <= 0) return 0;
  const int samples = opus_packet_get_nb_samples(packet.bytes.data(), length, position_hz);
  return samples <= 0 ? 0 : static_cast<std::uint64_t>(samples);
}

/// The first pass: how long the packets last, and what the position numbers trim off the end.
Result<Span> measure(ByteView ogg, const OpusHead& head, std::uint32_t max_seconds) {
  auto packets = audio_packets(ogg, head);
  if (!packets) return packets.error();
  const std::uint64_t max_positions = max_seconds * position_hz + head.pre_skip;
  std::uint64_t total = 0, page = 0, last_page = 0;
  std::int64_t first_position = -1;  // a cut from a broadcast does not begin at 0
  for (;;) {
    const auto packet = packets->next();
    if (!packet) return packet.error();
    if (!*packet) break;
    const std::uint64_t positions = packet_positions(**packet);
    if (positions == 0) return Error(Errc::malformed, "a packet of the Ogg is no Opus");
    total += positions;
    page += positions;
    if (total > max_positions)
      return Error(Errc::too_large, "the sound is longer than " + std::to_string(max_seconds) + " seconds");
    const std::int64_t granule = (*packet)->granule;
    if (granule < 0) continue;
    if (first_position < 0) first_position = std::max<std::int64_t>(granule - static_cast<std::int64_t>(total), 0);
    last_page = std::exchange(page, 0);
  }
  if (page > 0) last_page = page;
  Span played{head.pre_skip, total};
  if (first_position >= 0 && packets->last_granule() >= first_position) {
    const auto end = static_cast<std::uint64_t>(packets->last_granule() - first_position);
    if (end < total && total - end <= last_page) played.end = end;
  }
  if (played.end <= played.begin) return Error(Errc::malformed, "the Opus has no sound to play");
  return played;
}

/// Sums of absolute amplitudes in equal blocks of what is played.
class Waveform {
 public:
  explicit Waveform(Span played) : played_(played) {}

  void add(std::uint64_t position, int amplitude) {
    if (position < played_.begin || position >= played_.end) return;
    Block& block = blocks_[(position - played_.begin) * waveform_blocks / played_.length()];
    block.sum += static_cast<std::uint64_t>(std::abs(amplitude));
    ++block.samples;
  }

  Bytes draw() const {
    std::array<double, waveform_blocks> means{};
    for (std::size_t i = 0; i < means.size(); ++i)
      if (blocks_[i].samples > 0)
        means[i] = static_cast<double>(blocks_[i].sum) / static_cast<double>(blocks_[i].samples);
    const double largest = *std::max_element(means.begin(), means.end());
    Bytes out(waveform_blocks, 0);
    if (largest < silence) return out;
    for (std::size_t i = 0; i < means.size(); ++i) out[i] = static_cast<std::uint8_t>(means[i] / largest * 100);
    return out;
  }

 private:
  // Of 32,768: what an encoder makes of digital silence must not be drawn as if it were loud.
  static constexpr double silence = 1.0;

  struct Block {
    std::uint64_t sum = 0, samples = 0;
  };
  Span played_;
  std::array<Block, waveform_blocks> blocks_{};
};

struct DecoderDeleter {
  void operator()(OpusDecoder* decoder) const { opus_decoder_destroy(decoder); }
};

/// The second pass.
Result<Bytes> draw_waveform(ByteView ogg, const OpusHead& head, Span played) {
  auto packets = audio_packets(ogg, head);
  if (!packets) return packets.error();
  int failure = OPUS_OK;
  const std::unique_ptr<OpusDecoder, DecoderDeleter> decoder(opus_decoder_create(decoded_hz, head.channels, &failure));
  if (!decoder) return Error(Errc::internal, std::string("libopus: ") + opus_strerror(failure));

  const auto channels = static_cast<std::size_t>(head.channels);
  std::array<opus_int16, max_packet_samples * 2> samples{};
  Waveform waveform(played);
  std::uint64_t decoded = 0;
  for (;;) {
    const auto packet = packets->next();
    if (!packet) return packet.error();
    if (!*packet) break;
    const ByteView bytes = (*packet)->bytes;
    const int count = opus_decode(decoder.get(), bytes.data(), static_cast<opus_int32>(bytes.size()), samples.data(),
                                  static_cast<int>(max_packet_samples), 0);
    if (count < 0) return Error(Errc::malformed, std::string("libopus: ") + opus_strerror(count));
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i, ++decoded)
      waveform.add(decoded * positions_per_sample, samples[i * channels]);
  }
  return waveform.draw();
}

}  // namespace

Result<VoiceNote> read_voice_note(ByteView ogg, std::uint32_t max_seconds) {
  const auto head = find_opus(ogg);
  if (!head) return head.error();
  const auto played = measure(ogg, *head, max_seconds);
  if (!played) return played.error();
  auto waveform = draw_waveform(ogg, *head, *played);
  if (!waveform) return waveform.error();
  const std::uint64_t seconds = played->length() / position_hz;
  return VoiceNote{static_cast<std::uint32_t>(std::max<std::uint64_t>(seconds, 1)), std::move(*waveform)};
}

}  // namespace wharf::media
