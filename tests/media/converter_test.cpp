#include "media/converter.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <fstream>

#include "media/child_process.h"
#include "media/probe_json.h"
#include "media/voice_note.h"
#include "tests/media/process_traces.h"
#include "tests/support/printing.h"

using namespace wharf::media;
using namespace wharf::media::test;
using namespace std::chrono_literals;
using Catch::Contains;
using wharf::protocol::as_text;
using wharf::protocol::Bytes;
using wharf::protocol::ByteView;
using wharf::protocol::Errc;
using wharf::protocol::to_bytes;

namespace {

/// A directory with two scripts for the two programs.
class ScriptedPrograms {
 public:
  explicit ScriptedPrograms(const std::string& script) {
    for (const char* name : {"/ffmpeg", "/ffprobe"}) {
      std::ofstream(scratch_.path() + name) << "#!/bin/sh\n" << script << "\n";
      chmod((scratch_.path() + name).c_str(), 0700);
    }
  }
  std::string ffmpeg() const { return scratch_.path() + "/ffmpeg"; }
  Converter converter(const ConverterSettings& settings = {}) const {
    const auto found = Converter::find(ffmpeg(), settings);
    REQUIRE(found);
    return *found;
  }

 private:
  ScratchDirectory scratch_;
};

ConverterSettings hurried() {
  ConverterSettings settings;
  settings.deadline = 300ms;
  return settings;
}

const Bytes some_file = to_bytes("some file");

/// The installed programs; without them the case that asks says so and is over.
std::optional<Converter> installed() {
  auto converter = Converter::find("");
  if (!converter) WARN("skipped: ffmpeg and ffprobe are not installed");
  return converter;
}

/// A file that ffmpeg makes out of nothing: sources of its lavfi device, then what becomes of them.
Bytes made_by(const Converter& converter, std::vector<std::string> arguments, const std::string& format) {
  const auto to = new_memory_file();
  REQUIRE(to);
  arguments.insert(arguments.begin(), {"-nostdin", "-loglevel", "error", "-y"});
  arguments.insert(arguments.end(), {"-f", format, "/dev/fd/3"});
  ChildLimits limits;
  limits.written_file_bytes = 16 << 20;
  const std::array<int, 1> files{to->number()};
  const auto output = run_child(converter.ffmpeg(), arguments, files, limits);
  REQUIRE(output);
  INFO(output->standard_error);
  REQUIRE(output->exit_code == 0);
  return read_memory_file(*to, limits.written_file_bytes).value();
}

Bytes wav_of(const Converter& converter, const std::string& source) {
  return made_by(converter, {"-f", "lavfi", "-i", source}, "wav");
}

/// 2.5 seconds of a moving picture, with or without a tone.
Bytes mp4_of(const Converter& converter, const std::string& size, bool sound) {
  std::vector<std::string> arguments = {"-f", "lavfi", "-i", "testsrc=rate=10:duration=2.5:size=" + size};
  if (sound) arguments.insert(arguments.end(), {"-f", "lavfi", "-i", "sine=duration=2.5", "-c:a", "aac"});
  arguments.insert(arguments.end(), {"-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p"});
  return made_by(converter, arguments, "mp4");
}

/// Width and height of a baseline JPEG, from its frame header (SOF0).
std::array<int, 2> jpeg_size(const Bytes& jpeg) {
  for (std::size_t at = 2; at + 9 < jpeg.size();) {
    if (jpeg[at] == 0xff && jpeg[at + 1] == 0xc0)
      return {jpeg[at + 7] << 8 | jpeg[at + 8], jpeg[at + 5] << 8 | jpeg[at + 6]};
    at += 2u + (static_cast<std::size_t>(jpeg[at + 2]) << 8 | jpeg[at + 3]);
  }
  return {0, 0};
}

}  // namespace

TEST_CASE("programs that are turned off or missing are not found") {
  CHECK_FALSE(Converter::find("off"));
  CHECK_FALSE(Converter::find("/nonexistent"));
  CHECK_FALSE(Converter::find("/tmp"));
  const ScriptedPrograms programs("exit 0");
  CHECK(Converter::find(programs.ffmpeg()));
  chmod(programs.ffmpeg().c_str(), 0600);
  CHECK_FALSE(Converter::find(programs.ffmpeg()));
  chmod(programs.ffmpeg().c_str(), 0700);
  std::filesystem::remove(std::filesystem::path(programs.ffmpeg()).parent_path() / "ffprobe");
  CHECK_FALSE(Converter::find(programs.ffmpeg()));
}

TEST_CASE("what the program writes is the result, from the bytes that were given") {
  const NoTraces check;
  const ScriptedPrograms programs("cat /dev/fd/3 /dev/fd/3 > /dev/fd/4");
  const auto result = programs.converter().to_voice_note(some_file);
  REQUIRE(result);
  CHECK(as_text(*result) == "some filesome file");
}

TEST_CASE("a program that hangs is given up in every call") {
  const NoTraces check;
  const ScriptedPrograms programs("sleep 1000");
  const Converter converter = programs.converter(hurried());
  CHECK(converter.to_voice_note(some_file).error().code == Errc::timed_out);
  CHECK(converter.gif_to_mp4(some_file).error().code == Errc::timed_out);
  CHECK(converter.video_frame(some_file, 100).error().code == Errc::timed_out);
  CHECK(converter.probe(some_file).error().code == Errc::timed_out);
}

TEST_CASE("a program that floods is stopped") {
  const NoTraces check;
  const ScriptedPrograms out("while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done");
  CHECK(out.converter().to_voice_note(some_file).error().code == Errc::too_large);
  CHECK(out.converter().probe(some_file).error().code == Errc::too_large);
  const ScriptedPrograms err("while :; do echo aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa >&2; done");
  CHECK(err.converter(hurried()).to_voice_note(some_file).error().code == Errc::timed_out);
  const ScriptedPrograms file("exec cat /dev/zero > /dev/fd/4");
  CHECK(file.converter().to_voice_note(some_file).error().code == Errc::too_large);
  CHECK(file.converter().video_frame(some_file, 100).error().code == Errc::too_large);
}

TEST_CASE("a program that refuses the file is quoted in one printable line") {
  const NoTraces check;
  const ScriptedPrograms programs(
      "printf '[mov @ 0x55d0ab] moov\\tatom\\n\\033[31mnot \\303\\251 found\\n\\n' >&2; exit 3");
  for (const auto& error :
       {programs.converter().to_voice_note(some_file).error(), programs.converter().probe(some_file).error()}) {
    CHECK(error.code == Errc::unsupported);
    CHECK_THAT(error.detail, Contains("ended with exit code 3: [mov] moov atom ?[31mnot ?? found"));
  }
  const ScriptedPrograms talkative("head -c 9000 /dev/zero | tr '\\0' x >&2; exit 3");
  CHECK(talkative.converter().to_voice_note(some_file).error().detail.size() < 400);
}

TEST_CASE("a program that writes nothing has found nothing") {
  const ScriptedPrograms programs("exit 0");
  CHECK(programs.converter().to_voice_note(some_file).error().code == Errc::unsupported);
  CHECK(programs.converter().probe(some_file).error().code == Errc::internal);
}

TEST_CASE("files over their bound and empty ones are refused before a program runs") {
  const ScriptedPrograms programs("cat /dev/fd/3 > /dev/fd/4");
  ConverterSettings settings;
  settings.max_sound_bytes = settings.max_video_bytes = some_file.size() - 1;
  const Converter converter = programs.converter(settings);
  CHECK(converter.to_voice_note(some_file).error().code == Errc::too_large);
  CHECK(converter.gif_to_mp4(some_file).error().code == Errc::too_large);
  CHECK(converter.video_frame(some_file, 100).error().code == Errc::too_large);
  CHECK(converter.probe(some_file).error().code == Errc::too_large);
  CHECK(converter.to_voice_note({}).error().code == Errc::unsupported);
}

TEST_CASE("a sine becomes a voice note with a flat waveform") {
  const auto converter = installed();
  if (!converter) return;
  const NoTraces check;
  const auto ogg = converter->to_voice_note(wav_of(*converter, "sine=frequency=440:duration=3.2"));
  REQUIRE(ogg);
  const auto note = read_voice_note(*ogg);
  REQUIRE(note);
  CHECK(note->seconds == 3);
  CHECK(*std::min_element(note->waveform.begin() + 1, note->waveform.end() - 1) >= 85);
  // 32 kbit/s are 12,800 bytes; and no word about who made it.
  CHECK(ogg->size() < 20'000);
  CHECK(as_text(*ogg).find("Lavc59") == std::string_view::npos);
}

TEST_CASE("silence and noise of ffmpeg have the waveform they should") {
  const auto converter = installed();
  if (!converter) return;
  const NoTraces check;
  const auto silence = converter->to_voice_note(wav_of(*converter, "anullsrc=duration=2"));
  REQUIRE(silence);
  CHECK(read_voice_note(*silence)->waveform == Bytes(64, 0));
  const auto noise = converter->to_voice_note(wav_of(*converter, "aevalsrc='if(gt(t,1.5),random(0)-0.5,0)':d=3"));
  REQUIRE(noise);
  const Bytes waveform = read_voice_note(*noise)->waveform;
  CHECK(*std::max_element(waveform.begin(), waveform.begin() + 31) <= 3);
  CHECK(*std::min_element(waveform.begin() + 33, waveform.end() - 1) >= 60);
}

TEST_CASE("the sound of a video becomes a voice note, tags left behind") {
  const auto converter = installed();
  if (!converter) return;
  const Bytes video = mp4_of(*converter, "64x64", true);
  const auto ogg = converter->to_voice_note(video);
  REQUIRE(ogg);
  CHECK(read_voice_note(*ogg)->seconds == 2);
  const Bytes tagged =
      made_by(*converter, {"-f", "lavfi", "-i", "sine=duration=1", "-metadata", "title=secret place"}, "flac");
  REQUIRE(as_text(tagged).find("secret place") != std::string_view::npos);
  const auto clean = converter->to_voice_note(tagged);
  REQUIRE(clean);
  CHECK(as_text(*clean).find("secret") == std::string_view::npos);
  CHECK(converter->to_voice_note(mp4_of(*converter, "64x64", false)).error().code == Errc::unsupported);
}

TEST_CASE("a video is probed") {
  const auto converter = installed();
  if (!converter) return;
  const NoTraces check;
  const auto probe = converter->probe(mp4_of(*converter, "320x180", true));
  REQUIRE(probe);
  CHECK(probe->seconds == 2);
  CHECK(probe->width == 320);
  CHECK(probe->height == 180);
  CHECK(probe->video_codec == "h264");
  CHECK(probe->audio_codec == "aac");
  CHECK(probe->has_audio);
  const auto sound = converter->probe(wav_of(*converter, "sine=duration=1.5"));
  REQUIRE(sound);
  CHECK(sound->width == 0);
  CHECK(sound->video_codec.empty());
  CHECK(sound->audio_codec == "pcm_s16le");
  CHECK(sound->seconds == 1);
}

TEST_CASE("what is no sound or video is refused with the words of ffmpeg") {
  const auto converter = installed();
  if (!converter) return;
  const NoTraces check;
  const auto probe = converter->probe(to_bytes("this is a letter, not a video"));
  REQUIRE(!probe);
  CHECK(probe.error().code == Errc::unsupported);
  CHECK_THAT(probe.error().detail, Contains("/dev/fd/3"));
  Bytes cut = mp4_of(*converter, "64x64", true);
  cut.resize(cut.size() / 2);  // its index is behind the pictures
  CHECK(converter->probe(cut).error().code == Errc::unsupported);
  CHECK(converter->to_voice_note(cut).error().code == Errc::unsupported);
  CHECK(converter->gif_to_mp4(to_bytes("GIF89a")).error().code == Errc::unsupported);
}

TEST_CASE("a file that is a playlist opens no other file") {
  const auto converter = installed();
  if (!converter) return;
  const ScratchDirectory scratch;
  // Of a kind and name that ffmpeg would follow: without the list of formats the first playlist is 2 seconds of it.
  const Bytes secret = made_by(*converter, {"-f", "lavfi", "-i", "sine=duration=2"}, "mpegts");
  const std::string path = scratch.path() + "/secret.ts";
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(secret.data()), static_cast<std::streamsize>(secret.size()));
  for (const std::string& playlist :
       {"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nfile://" + path + "\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '" + path + "'\n"}) {
    const auto probe = converter->probe(to_bytes(playlist));
    REQUIRE(!probe);
    CHECK(probe.error().code == Errc::unsupported);
    CHECK(!converter->to_voice_note(to_bytes(playlist)));
  }
}

TEST_CASE("the first frame is a small JPEG") {
  const auto converter = installed();
  if (!converter) return;
  const NoTraces check;
  const auto frame = converter->video_frame(mp4_of(*converter, "640x360", false), 100);
  REQUIRE(frame);
  CHECK(frame->size() < 10'000);
  CHECK(jpeg_size(*frame) == std::array<int, 2>{100, 56});
  CHECK(jpeg_size(*converter->video_frame(mp4_of(*converter, "360x640", true), 100)) == std::array<int, 2>{56, 100});
  CHECK(jpeg_size(*converter->video_frame(mp4_of(*converter, "64x32", true), 100)) == std::array<int, 2>{64, 32});
  CHECK(jpeg_size(*converter->video_frame(mp4_of(*converter, "1000x20", true), 100)) == std::array<int, 2>{100, 2});
  CHECK(converter->video_frame(wav_of(*converter, "sine=duration=1"), 100).error().code == Errc::unsupported);
  CHECK(converter->video_frame(some_file, 0).error().code == Errc::internal);
}

TEST_CASE("a frame that does not become small enough is too large") {
  const auto converter = installed();
  if (!converter) return;
  const Bytes noise = made_by(*converter,
                              {"-f", "lavfi", "-i", "nullsrc=s=1024x1024:d=0.1,geq=random(1)*255:128:128", "-c:v",
                               "mjpeg", "-q:v", "3", "-frames:v", "1"},
                              "avi");
  CHECK(converter->video_frame(noise, 1024).error().code == Errc::too_large);
  CHECK(converter->video_frame(noise, 100));
}

TEST_CASE("a GIF becomes an MP4 of even size that begins with its index") {
  const auto converter = installed();
  if (!converter) return;
  const NoTraces check;
  const Bytes gif = made_by(*converter, {"-f", "lavfi", "-i", "testsrc=rate=10:duration=1.5:size=75x51"}, "gif");
  const auto mp4 = converter->gif_to_mp4(gif);
  REQUIRE(mp4);
  const auto probe = converter->probe(*mp4);
  REQUIRE(probe);
  CHECK(probe->width == 74);
  CHECK(probe->height == 50);
  CHECK(probe->video_codec == "h264");
  CHECK_FALSE(probe->has_audio);
  CHECK(as_text(*mp4).find("moov") < as_text(*mp4).find("mdat"));
  const Bytes dot =
      wharf::protocol::from_hex("47494638396101000100800000ff00000000002c00000000010001000002024401003b").value();
  const auto small = converter->gif_to_mp4(dot);
  REQUIRE(small);
  CHECK(converter->probe(*small)->width == 2);
  CHECK(converter->gif_to_mp4(*mp4).error().code == Errc::unsupported);
}
