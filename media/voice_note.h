#pragma once
// What a voice note tells about itself, taken from its Opus in Ogg (RFC 7845): the seconds and the waveform that phones
// draw (AudioMessage.seconds and .waveform; docs of the protocol: 04 section 5).
//
// The waveform is 64 equal blocks of all samples, so their number must be known before the first is filed. It is read
// from the packets' first bytes, which tell durations without decoding; a second pass decodes and sums into 64 numbers.
// Memory is the same for a second and for hours, and a file that claims more than it may is refused before any of it
// is decoded. The position numbers of the Ogg are only believed where the packets leave them room: they can take from
// the last page what the encoder filled up, and no more.

#include <cstddef>
#include <cstdint>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace wharf::media {

struct VoiceNote {
  std::uint32_t seconds = 0;  // of what is played, rounded down, at least 1
  protocol::Bytes waveform;   // waveform_blocks numbers 0..100, the loudest block 100; silence is all 0
};

constexpr std::size_t waveform_blocks = 64;

/// Reads a voice note: Opus, mono or stereo (the left channel is drawn), the first link of a chained file.
/// unsupported: an Ogg with something else in it, which the detail names; too_large: longer than `max_seconds`;
/// malformed, truncated: no Ogg, damaged, nothing to hear. Decodes everything: about 3 ms per second of sound.
protocol::Result<VoiceNote> read_voice_note(protocol::ByteView ogg, std::uint32_t max_seconds = 4 * 3600);

}  // namespace wharf::media
