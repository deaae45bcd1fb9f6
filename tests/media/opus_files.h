#pragma once
// Opus in Ogg, made by libopus and the page writer of the tests.

#include <opus/opus.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <stdexcept>

#include "tests/media/ogg_writer.h"

namespace wharf::media::test {

/// The amplitude, -1 to 1, of a sample by its second and channel.
using Sound = std::function<double(double second, int channel)>;

inline double tone(double second) { return 0.5 * std::sin(2 * 3.14159265358979 * 440 * second); }

inline Bytes opus_head(int channels, std::uint16_t pre_skip, std::uint8_t version = 1, std::uint8_t family = 0) {
  Bytes head = protocol::to_bytes("OpusHead");
  head.push_back(version);
  head.push_back(static_cast<std::uint8_t>(channels));
  put_little_endian(head, pre_skip, 2);
  put_little_endian(head, 48'000, 4);
  put_little_endian(head, 0, 2);
  head.push_back(family);
  return head;
}

inline Bytes opus_tags() {
  Bytes tags = protocol::to_bytes("OpusTags");
  put_little_endian(tags, 0, 8);  // no vendor, no comments
  return tags;
}

struct OpusFileSettings {
  int channels = 1;
  std::uint32_t serial = 1;
  std::uint16_t said_pre_skip = 312;  // what libopus needs; another number is a lie
  std::int64_t first_position = 0;    // of a file that was cut from a longer one
  std::int64_t last_granule = -1;     // -1: the true one
};

constexpr int frame_samples = 960;  // 20 ms
constexpr std::size_t packets_per_page = 25;

/// Packets of 20 ms, enough for `seconds` behind the 312 samples of delay.
inline std::vector<Bytes> opus_packets(const Sound& sound, double seconds, int channels) {
  int failure = 0;
  OpusEncoder* encoder = opus_encoder_create(48'000, channels, OPUS_APPLICATION_AUDIO, &failure);
  if (!encoder) throw std::runtime_error("libopus");
  const auto total = std::lround(seconds * 48'000) + 312;
  std::vector<Bytes> packets;
  for (long at = 0; at < total; at += frame_samples) {
    std::vector<float> frame;
    for (long i = at; i < at + frame_samples; ++i)
      for (int channel = 0; channel < channels; ++channel)
        frame.push_back(static_cast<float>(sound(static_cast<double>(i) / 48'000, channel)));
    Bytes packet(4000);
    const auto length = opus_encode_float(encoder, frame.data(), frame_samples, packet.data(), 4000);
    if (length < 1) throw std::runtime_error("libopus");
    packet.resize(static_cast<std::size_t>(length));
    packets.push_back(packet);
  }
  opus_encoder_destroy(encoder);
  return packets;
}

/// An Ogg with pages of half a second, whose last position trims it to `seconds`.
inline Bytes opus_file(const Sound& sound, double seconds, const OpusFileSettings& settings = {}) {
  Bytes file;
  OggWriter ogg(file, settings.serial);
  ogg.page(begins, 0, {opus_head(settings.channels, settings.said_pre_skip)});
  ogg.page(plain_page, 0, {opus_tags()});
  const auto packets = opus_packets(sound, seconds, settings.channels);
  for (std::size_t at = 0; at < packets.size(); at += packets_per_page) {
    const std::size_t end = std::min(at + packets_per_page, packets.size());
    const bool last = end == packets.size();
    std::int64_t granule = static_cast<std::int64_t>(end) * frame_samples;
    if (last) granule = std::lround(seconds * 48'000) + 312;
    granule += settings.first_position;
    if (last && settings.last_granule >= 0) granule = settings.last_granule;
    ogg.page(last ? ends : plain_page, granule,
             std::vector<Bytes>(packets.begin() + static_cast<long>(at), packets.begin() + static_cast<long>(end)));
  }
  return file;
}

}  // namespace wharf::media::test
