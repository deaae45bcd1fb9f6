#pragma once
// Sound and video through the programs ffmpeg and ffprobe, where they are installed: they are what reads every format
// people send, and too large and too often broken by a file to be linked into the daemon. A file goes in and out
// through memory, never through a disk.
//
// The files come from strangers. Playlist formats, which make a program open other files and addresses, are kept out by
// a list of formats that may be read at all; of the protocols only `file` is left, for /dev/fd/3.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace wharf::media {

struct ConverterSettings {
  std::chrono::milliseconds deadline{30'000};  // for each run of a program
  std::uint32_t cpu_seconds = 60;              // likewise
  std::size_t address_space_bytes = std::size_t{1} << 30;
  std::size_t max_sound_bytes = 16 << 20;  // in and out
  std::size_t max_video_bytes = 64 << 20;  // in and out
};

/// What a file holds. Names of codecs are ffmpeg's ("h264", "opus"); "" where there is no such stream.
struct Probe {
  std::uint32_t seconds = 0;             // rounded down, at least 1; 0: the file does not say
  std::uint32_t width = 0, height = 0;   // as displayed, that is, turned; 0: no picture
  std::string video_codec, audio_codec;  // a cover picture of a sound file is no video
  bool has_audio = false;
};

/// The two programs, found once; a value to copy. Every call is blocking and may be made from any thread; what a run
/// costs is bounded by the settings, how many run at once by the caller.
///
/// Errors of every call: unsupported, ffmpeg cannot read the file, with its words; too_large, the file or the result;
/// timed_out; internal, the program could not be run or did something it never should.
class Converter {
 public:
  static constexpr std::size_t max_frame_bytes = 16 * 1024 - 1;
  static constexpr unsigned max_frame_edge = 1024;

  /// `configured`: "" looks in PATH, "off" is none, else the path of ffmpeg. ffprobe is beside it. nullopt when one of
  /// them is not a file that may be executed.
  static std::optional<Converter> find(const std::string& configured, const ConverterSettings& settings = {});

  /// Opus in Ogg, mono, 48 kHz, 32 kbit/s, without tags.
  protocol::Result<protocol::Bytes> to_voice_note(protocol::ByteView sound) const;
  /// H.264 in MP4, yuv420p, even edges, no sound, index in front. Only from a GIF.
  protocol::Result<protocol::Bytes> gif_to_mp4(protocol::ByteView gif) const;
  /// The first frame as JPEG of about quality 50, no edge longer than `max_edge` (1 to max_frame_edge), none enlarged.
  protocol::Result<protocol::Bytes> video_frame(protocol::ByteView video, unsigned max_edge) const;
  /// unsupported also when there is neither sound nor video in it.
  protocol::Result<Probe> probe(protocol::ByteView file) const;

  const std::string& ffmpeg() const { return ffmpeg_; }

 private:
  Converter(std::string ffmpeg, std::string ffprobe, const ConverterSettings& settings);
  /// A run of ffmpeg from `input` to at most `max_output_bytes`; the arguments say what becomes of it.
  protocol::Result<protocol::Bytes> convert(protocol::ByteView input, std::vector<std::string> input_arguments,
                                            const std::vector<std::string>& output_arguments,
                                            std::size_t max_output_bytes) const;

  std::string ffmpeg_, ffprobe_;
  ConverterSettings settings_;
};

}  // namespace wharf::media
