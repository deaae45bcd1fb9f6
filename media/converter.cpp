#include "media/converter.h"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "media/child_process.h"
#include "media/probe_json.h"

namespace wharf::media {

using protocol::Bytes;
using protocol::ByteView;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

// Demuxers that read one file and open no other: no playlists (hls, dash, concat), no numbered images, no devices.
constexpr const char* readable_formats =
    "aac,ac3,aiff,amr,amrnb,amrwb,ape,asf,au,avi,caf,eac3,flac,flv,gif,matroska,mov,mp3,mp4,mpeg,mpegts,ogg,tta,w64,"
    "wav,"
    "webm,wv";

constexpr std::size_t max_detail_bytes = 300;

bool is_program(const std::string& path) {
  std::error_code failed;
  return std::filesystem::is_regular_file(path, failed) && access(path.c_str(), X_OK) == 0;
}

/// The first ffmpeg of PATH; "" when there is none.
std::string look_in_path() {
  const char* path = std::getenv("PATH");
  std::string_view rest = path ? path : "";
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(':'), rest.size());
    const std::string candidate = std::string(rest.substr(0, end)) + "/ffmpeg";
    if (end > 0 && is_program(candidate)) return candidate;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

/// The addresses in "[mov @ 0x5581c0ffee00]" tell nothing and differ from run to run.
std::string without_addresses(std::string text) {
  for (std::size_t at = 0; (at = text.find(" @ 0x", at)) != std::string::npos;) {
    const std::size_t end = text.find_first_not_of("0123456789abcdef", at + 5);
    text.erase(at, end == std::string::npos ? end : end - at);
  }
  return text;
}

/// The end of what a program complained, as one line of printable ASCII.
std::string complaint(const std::string& standard_error) {
  std::string line;
  for (const char c : without_addresses(standard_error)) {
    const bool blank = c == ' ' || c == '\n' || c == '\r' || c == '\t';
    if (!blank) line += c > ' ' && c <= '~' ? c : '?';
    else if (!line.empty() && line.back() != ' ') line += ' ';
  }
  while (line.ends_with(' ')) line.pop_back();
  if (line.size() > max_detail_bytes) line = "..." + line.substr(line.size() - max_detail_bytes);
  return line;
}

/// What a run that did not end with 0 means: the file made it end so, and only the program knows why.
Error refusal(const char* program, const ChildOutput& output) {
  std::string detail = std::string(program) + " ended with " +
                       (output.signal != 0 ? "signal " + std::to_string(output.signal)
                                           : "exit code " + std::to_string(output.exit_code));
  if (const std::string words = complaint(output.standard_error); !words.empty()) detail += ": " + words;
  return Error(Errc::unsupported, detail);
}

Result<> check_size(ByteView file, std::size_t max_bytes) {
  if (file.empty()) return Error(Errc::unsupported, "the file is empty");
  if (file.size() > max_bytes)
    return Error(Errc::too_large, "more than " + std::to_string(max_bytes) + " bytes to read");
  return {};
}

ChildLimits limits_of(const ConverterSettings& settings, std::size_t output_bytes) {
  ChildLimits limits;
  limits.deadline = settings.deadline;
  limits.cpu_seconds = settings.cpu_seconds;
  limits.address_space_bytes = settings.address_space_bytes;
  limits.written_file_bytes = output_bytes;
  return limits;
}

}  // namespace

Converter::Converter(std::string ffmpeg, std::string ffprobe, const ConverterSettings& settings)
    : ffmpeg_(std::move(ffmpeg)), ffprobe_(std::move(ffprobe)), settings_(settings) {}

std::optional<Converter> Converter::find(const std::string& configured, const ConverterSettings& settings) {
  if (configured == "off") return std::nullopt;
  std::string ffmpeg = configured.empty() ? look_in_path() : configured;
  if (ffmpeg.empty() || !is_program(ffmpeg)) return std::nullopt;
  std::string ffprobe = (std::filesystem::path(ffmpeg).parent_path() / "ffprobe").string();
  if (!is_program(ffprobe)) return std::nullopt;
  return Converter(std::move(ffmpeg), std::move(ffprobe), settings);
}

Result<Bytes> Converter::convert(ByteView input, std::vector<std::string> input_arguments,
                                 const std::vector<std::string>& output_arguments, std::size_t max_output_bytes) const {
  const auto from = sealed_memory_file(input);
  if (!from) return from.error();
  const auto to = new_memory_file();
  if (!to) return to.error();
  std::vector<std::string> arguments = {"-nostdin", "-hide_banner", "-loglevel", "error", "-y"};
  arguments.insert(arguments.end(), {"-protocol_whitelist", "file", "-threads", "1"});
  arguments.insert(arguments.end(), input_arguments.begin(), input_arguments.end());
  arguments.insert(arguments.end(), {"-i", "/dev/fd/3"});
  // Of whatever the file says about itself nothing is passed on, nor the name of the encoder.
  arguments.insert(arguments.end(), {"-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact", "-flags",
                                     "+bitexact", "-sn", "-dn", "-threads", "1", "-filter_threads", "1"});
  arguments.insert(arguments.end(), output_arguments.begin(), output_arguments.end());
  arguments.push_back("/dev/fd/4");

  const std::array<int, 2> files{from->number(), to->number()};
  const auto output = run_child(ffmpeg_, arguments, files, limits_of(settings_, max_output_bytes));
  if (!output) return Error(output.error().code, "ffmpeg: " + output.error().detail);
  if (output->exit_code != 0) return refusal("ffmpeg", *output);
  auto bytes = read_memory_file(*to, max_output_bytes);
  if (bytes && bytes->empty()) return Error(Errc::unsupported, "ffmpeg found nothing to convert");
  return bytes;
}

Result<Bytes> Converter::to_voice_note(ByteView sound) const {
  if (const auto fits = check_size(sound, settings_.max_sound_bytes); !fits) return fits.error();
  return convert(sound, {"-format_whitelist", readable_formats},
                 {"-map", "0:a:0", "-vn", "-ac", "1", "-ar", "48000", "-c:a", "libopus", "-b:a", "32k", "-f", "ogg"},
                 settings_.max_sound_bytes);
}

Result<Bytes> Converter::gif_to_mp4(ByteView gif) const {
  if (const auto fits = check_size(gif, settings_.max_video_bytes); !fits) return fits.error();
  return convert(
      gif, {"-f", "gif"},
      {"-map", "0:v:0", "-an", "-vf", "scale=w='max(2,trunc(iw/2)*2)':h='max(2,trunc(ih/2)*2)'", "-fps_mode", "vfr",
       "-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-movflags", "+faststart", "-f", "mp4"},
      settings_.max_video_bytes);
}

Result<Bytes> Converter::video_frame(ByteView video, unsigned max_edge) const {
  if (max_edge < 1 || max_edge > max_frame_edge) return Error(Errc::internal, "no edge for a frame");
  if (const auto fits = check_size(video, settings_.max_video_bytes); !fits) return fits.error();
  const std::string edge = std::to_string(max_edge);
  const std::string scale =
      "scale=w='min(iw," + edge + ")':h='min(ih," + edge + ")':force_original_aspect_ratio=decrease";
  // ffmpeg's scale: 10 is near the tables that libjpeg makes for quality 50, 31 the coarsest there is.
  for (const char* coarseness : {"10", "20"}) {
    auto frame = convert(video, {"-format_whitelist", readable_formats},
                         {"-map", "0:V:0", "-an", "-frames:v", "1", "-vf", scale, "-c:v", "mjpeg", "-pix_fmt",
                          "yuvj420p", "-q:v", coarseness, "-f", "mjpeg"},
                         max_frame_bytes);
    if (frame || frame.error().code != Errc::too_large) return frame;
  }
  return Error(Errc::too_large,
               "a frame of " + edge + " pixels takes more than " + std::to_string(max_frame_bytes) + " bytes");
}

Result<Probe> Converter::probe(ByteView file) const {
  if (const auto fits = check_size(file, settings_.max_video_bytes); !fits) return fits.error();
  const auto from = sealed_memory_file(file);
  if (!from) return from.error();
  const std::array<int, 1> files{from->number()};
  const auto output =
      run_child(ffprobe_,
                {"-hide_banner", "-loglevel", "error", "-protocol_whitelist", "file", "-format_whitelist",
                 readable_formats, "-threads", "1", "-of", "json", "-show_entries", probe_entries, "/dev/fd/3"},
                files, limits_of(settings_, 0));
  if (!output) return Error(output.error().code, "ffprobe: " + output.error().detail);
  if (output->exit_code != 0) return refusal("ffprobe", *output);
  return read_probe(output->standard_output);
}

}  // namespace wharf::media
