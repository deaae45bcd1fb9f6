// What a file is found to be, kind by kind: by its bytes, with and without the programs of the converter.
#include "api/media_look.h"

#include <png.h>

#include <array>
#include <catch2/catch.hpp>
#include <fstream>
#include <iterator>

#include "media/child_process.h"
#include "media/file_type.h"
#include "media/image.h"
#include "media/sticker.h"
#include "media/voice_note.h"
#include "tests/support/printing.h"

using namespace wharf;
using namespace wharf::api;
using Catch::Contains;
using protocol::as_bytes;
using protocol::as_text;
using protocol::Bytes;
using protocol::Errc;
using protocol::MessageKind;
using protocol::Result;
using namespace std::string_literals;

namespace {

/// Stripes, so that there is something to see.
std::string png(std::uint32_t width, std::uint32_t height) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = width;
  image.height = height;
  image.format = PNG_FORMAT_RGB;
  std::vector<std::uint8_t> pixels(std::size_t{3} * width * height);
  for (std::size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<std::uint8_t>(i / 3 % width * 255 / width);
  png_alloc_size_t length = 0;
  REQUIRE(png_image_write_to_memory(&image, nullptr, &length, 0, pixels.data(), 0, nullptr));
  std::string out(length, '\0');
  REQUIRE(png_image_write_to_memory(&image, out.data(), &length, 0, pixels.data(), 0, nullptr));
  return out.substr(0, length);
}
std::string text_of(const Result<Bytes>& bytes) { return std::string(as_text(bytes.value())); }
std::string jpeg(std::uint32_t width, std::uint32_t height) {
  return text_of(media::jpeg_thumbnail(as_bytes(png(width, height)), {512, 90}));
}
std::string sticker_file() { return text_of(media::make_sticker(as_bytes(png(200, 100))).value().webp); }

const std::string plain_text = "Hello, these are a few words.\n";
const std::string one_pixel_gif =
    "GIF89a\1\0\1\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\4\0\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;"s;
const std::string mp4_head =
    "\0\0\0\x18"
    "ftypisom\0\0\2\0isomiso2\0\0\0\x08"
    "free"s;
const std::string pdf = "%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n";
const std::string empty_zip = "PK\5\6"s + std::string(18, '\0');
const std::string no_format = "\x01\x99\xfe\x07\xc3\xb7\x00\x13"s;

/// Two seconds of Opus in Ogg.
std::string voice_file() {
  std::ifstream file(WHARF_VECTORS "/../e2e/files/voice.ogg", std::ios::binary);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

MediaWish as(MessageKind kind) {
  MediaWish wish;
  wish.kind = kind;
  return wish;
}

/// As preparation calls it.
Result<LookedAt> look(const MediaWish& wish, const std::string& bytes, const std::string& name = {},
                      const std::string& said_type = {}, const std::optional<media::Converter>& converter = {}) {
  const bool whole = wants_whole(wish, bytes.size(), converter.has_value());
  return look_at(wish, name, said_type, bytes.substr(0, media::sniffed_bytes), whole ? bytes : std::string(),
                 converter);
}

media::ImageInfo info_of(const Bytes& picture) { return media::inspect_image(picture).value(); }

}  // namespace

TEST_CASE("only what has to be looked through is wanted whole") {
  const std::uint64_t longest = media::ConverterSettings().max_video_bytes;
  for (const auto kind : {MessageKind::image, MessageKind::sticker, MessageKind::audio, MessageKind::voice}) {
    CHECK(wants_whole(as(kind), longest + 1, false));
    CHECK(wants_whole(as(kind), 1, true));
  }
  for (const auto kind : {MessageKind::video, MessageKind::gif, MessageKind::video_note}) {
    CHECK_FALSE(wants_whole(as(kind), 1, false));
    CHECK(wants_whole(as(kind), longest, true));
    CHECK_FALSE(wants_whole(as(kind), longest + 1, true));
  }
  CHECK_FALSE(wants_whole(as(MessageKind::document), 1, true));
}

TEST_CASE("a picture has the type of its bytes, its size and a small JPEG of itself") {
  const auto [bytes, type, width, height] = GENERATE(table<std::string, std::string, std::uint32_t, std::uint32_t>({
      {png(300, 200), "image/png", 300, 200},
      {jpeg(300, 200), "image/jpeg", 300, 200},
      {sticker_file(), "image/webp", 512, 512},
      {png(7, 9), "image/png", 7, 9},
  }));
  // Whatever its sender says.
  const auto looked = look(as(MessageKind::image), bytes, "picture.gif", "image/bmp");
  REQUIRE(looked.has_value());
  CHECK(looked->kind == MessageKind::image);
  CHECK(looked->file.mimetype == type);
  CHECK(looked->file.width == width);
  CHECK(looked->file.height == height);
  CHECK(looked->file.seconds == 0);
  CHECK_FALSE(looked->other);
  const auto small = info_of(looked->file.thumbnail);
  CHECK(small.format == media::ImageFormat::jpeg);
  CHECK(std::max(small.width, small.height) == std::min<std::uint32_t>(100, std::max(width, height)));
}

TEST_CASE("a picture whose pixels are broken is not sent") {
  const std::string whole = png(300, 200);
  const auto looked = look(as(MessageKind::image), whole.substr(0, whole.size() / 2));
  REQUIRE_FALSE(looked.has_value());
  CHECK(looked.error().code == Errc::malformed);
}

TEST_CASE("a sticker is made, unless it is one") {
  SECTION("made") {
    const auto looked = look(as(MessageKind::sticker), GENERATE(png(300, 200), jpeg(20, 300)));
    REQUIRE(looked.has_value());
    REQUIRE(looked->other);
    const auto info = media::inspect_image(as_bytes(*looked->other)).value();
    CHECK((info == media::ImageInfo{media::ImageFormat::webp, 512, 512, false}));
    CHECK(looked->file.mimetype == "image/webp");
    CHECK(looked->file.width == 512);
    CHECK(looked->file.height == 512);
    CHECK_FALSE(looked->file.animated);
  }
  SECTION("taken as it is") {
    const auto looked = look(as(MessageKind::sticker), sticker_file());
    REQUIRE(looked.has_value());
    CHECK_FALSE(looked->other);
    CHECK(looked->file.mimetype == "image/webp");
    CHECK(looked->file.width == 512);
  }
}

TEST_CASE("without a converter a video is what its head says, and no more is known") {
  const auto kind = GENERATE(MessageKind::video, MessageKind::gif, MessageKind::video_note);
  const auto looked = look(as(kind), mp4_head, "clip.avi", "video/x-msvideo");
  REQUIRE(looked.has_value());
  CHECK(looked->kind == kind);
  CHECK(looked->file.mimetype == "video/mp4");
  CHECK(looked->file.width == 0);
  CHECK(looked->file.seconds == 0);
  CHECK(looked->file.thumbnail.empty());
  CHECK_FALSE(looked->other);
}

TEST_CASE("Opus in Ogg tells its seconds, and as a voice note its waveform") {
  const std::string bytes = voice_file();
  const auto kind = GENERATE(MessageKind::audio, MessageKind::voice);
  const auto looked = look(as(kind), bytes, "sound.mp3", "audio/mpeg");
  REQUIRE(looked.has_value());
  CHECK(looked->file.mimetype == "audio/ogg; codecs=opus");
  CHECK(looked->file.seconds == 2);
  CHECK(looked->file.waveform.size() == (kind == MessageKind::voice ? media::waveform_blocks : 0));
  CHECK_FALSE(looked->other);
}

TEST_CASE("sound that is broken is sent as a file of sound, but not as a voice note") {
  const std::string bytes = voice_file().substr(0, 60);
  const auto audio = look(as(MessageKind::audio), bytes);
  REQUIRE(audio.has_value());
  CHECK(audio->file.seconds == 0);
  const auto voice = look(as(MessageKind::voice), bytes);
  REQUIRE_FALSE(voice.has_value());
  CHECK((voice.error().code == Errc::malformed || voice.error().code == Errc::truncated));
}

TEST_CASE("what cannot be sent as the kind is refused with what is wanted and what it is") {
  using Row = std::tuple<MessageKind, std::string, std::string>;
  const auto [kind, bytes, detail] = GENERATE(values<Row>({
      {MessageKind::image, plain_text, "must be a JPEG, PNG or WebP image; these bytes are text/plain"},
      {MessageKind::image, one_pixel_gif, "must be a JPEG, PNG or WebP image; these bytes are image/gif"},
      {MessageKind::image, "", "must be a JPEG, PNG or WebP image; these bytes are application/octet-stream"},
      {MessageKind::sticker, mp4_head, "must be a WebP, PNG or JPEG image; these bytes are video/mp4"},
      {MessageKind::video, png(3, 3), "must be a video; these bytes are image/png"},
      {MessageKind::video, one_pixel_gif, "must be a video; these bytes are image/gif"},
      {MessageKind::video_note, plain_text, "must be a video; these bytes are text/plain"},
      {MessageKind::gif, plain_text, "must be a GIF image or a video; these bytes are text/plain"},
      {MessageKind::gif, one_pixel_gif,
       "a GIF is sent as a silent video, which takes the program ffmpeg, and this server has none (media.ffmpeg)"},
      {MessageKind::audio, png(3, 3), "must be sound; these bytes are image/png"},
      {MessageKind::audio, mp4_head, "must be sound; these bytes are video/mp4"},
      {MessageKind::voice, png(3, 3), "must be sound; these bytes are image/png"},
      {MessageKind::voice, mp4_head,
       "a voice note is Opus in Ogg: video/mp4 must be converted, which takes the program ffmpeg, and this server has "
       "none (media.ffmpeg)"},
  }));
  const auto looked = look(as(kind), bytes, "said.jpg", "image/jpeg");
  REQUIRE_FALSE(looked.has_value());
  CHECK(looked.error().code == Errc::unsupported);
  CHECK(looked.error().detail == detail);
}

TEST_CASE("a sticker of an image that nobody reads says so") {
  const auto looked = look(as(MessageKind::sticker), one_pixel_gif);
  REQUIRE_FALSE(looked.has_value());
  CHECK(looked.error().code == Errc::unsupported);
}

TEST_CASE("the name of a file is one that can be shown and saved") {
  const auto [wished, given, expected] = GENERATE(table<std::string, std::string, std::string>({
      {"", "a b.pdf", "a b.pdf"},
      {"wished.pdf", "given.pdf", "wished.pdf"},
      {"", "../../etc/passwd", "passwd"},
      {"../up.pdf", "", "up.pdf"},
      {"", "C:\\fakepath\\a.pdf", "a.pdf"},
      {"", "invoice\u202efdp.exe", "invoicefdp.exe"},
      {"", "a\u200f\u2066b.pdf", "ab.pdf"},
      {"", "two\r\nlines.pdf", "twolines.pdf"},
      {"", "con.pdf", "_con.pdf"},
      {"", "..", "file"},
  }));
  for (const auto& [kind, bytes] :
       {std::pair(MessageKind::document, pdf), {MessageKind::video, mp4_head}, {MessageKind::image, png(3, 3)}}) {
    MediaWish wish = as(kind);
    wish.file_name = wished;
    const auto looked = look(wish, bytes, given);
    REQUIRE(looked.has_value());
    CHECK(looked->file.file_name == expected);
  }
}

TEST_CASE("a document has a name, other kinds need none") {
  CHECK(look(as(MessageKind::document), pdf)->file.file_name == "file.pdf");
  CHECK(look(as(MessageKind::document), png(3, 3))->file.file_name == "file.png");
  CHECK_THAT(look(as(MessageKind::document), no_format)->file.file_name, Catch::StartsWith("file"));
  CHECK(look(as(MessageKind::image), png(3, 3))->file.file_name.empty());
}

TEST_CASE("the type of a document: the wished one, then its bytes, its name, what was said") {
  const std::string picture = png(3, 3), zip = empty_zip;
  using Row = std::tuple<std::string, std::string, std::string, std::string, std::string>;
  const auto [wished, bytes, name, said, expected] = GENERATE_COPY(values<Row>({
      {"Application/X-Thing", picture, "a.txt", "text/html", "application/x-thing"},
      {"no type", picture, "a.txt", "text/html", "image/png"},
      {"", picture, "a.txt", "text/html", "image/png"},
      {"", pdf, "a.zip", "text/html", "application/pdf"},
      {"", plain_text, "a.CSV", "text/html", "text/csv"},
      {"", plain_text, "a", "Text/HTML", "text/html"},
      {"", plain_text, "a.unheardof", "text/html", "text/html"},
      {"", plain_text, "a", "application/octet-stream", "text/plain"},
      {"", plain_text, "a", "Application/Octet-Stream", "text/plain"},
      {"", plain_text, "a", "nonsense", "text/plain"},
      {"", plain_text, "", "", "text/plain"},
      {"", no_format, "a.pdf", "text/html", "application/pdf"},
      {"", no_format, "a", "text/html", "text/html"},
      {"", no_format, "a", "Application/Octet-Stream", "application/octet-stream"},
      {"", no_format, "", "", "application/octet-stream"},
      {"", "", "", "", "application/octet-stream"},
      {"", zip, "a.docx", "text/html", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
      {"", zip, "a", "application/epub+zip", "application/epub+zip"},
      {"", zip, "a", "", "application/zip"},
  }));
  MediaWish wish = as(MessageKind::document);
  wish.mimetype = wished;
  const auto looked = look(wish, bytes, name, said);
  REQUIRE(looked.has_value());
  INFO(name << ", said to be " << said);
  CHECK(looked->file.mimetype == expected);
  CHECK_FALSE(looked->other);
  CHECK(looked->file.thumbnail.empty());
}

TEST_CASE("the name that counts for the type of a document is the one it is sent under") {
  MediaWish wish = as(MessageKind::document);
  wish.file_name = "b.csv";
  CHECK(look(wish, plain_text, "a.html")->file.mimetype == "text/csv");
}

namespace {

/// The installed programs; without them the case that asks says so and is over.
std::optional<media::Converter> installed() {
  auto converter = media::Converter::find("");
  if (!converter) WARN("skipped: ffmpeg and ffprobe are not installed");
  return converter;
}

/// What ffmpeg makes of a source of its lavfi device.
std::string made_by(const media::Converter& converter, const std::string& source, const std::string& format) {
  const auto to = media::new_memory_file();
  REQUIRE(to.has_value());
  media::ChildLimits limits;
  limits.written_file_bytes = 16 << 20;
  std::vector<std::string> arguments = {"-nostdin", "-loglevel", "error", "-y", "-f", "lavfi", "-i", source};
  if (format == "mp4") arguments.insert(arguments.end(), {"-c:v", "libx264", "-pix_fmt", "yuv420p"});
  arguments.insert(arguments.end(), {"-f", format, "/dev/fd/3"});
  const std::array<int, 1> files{to->number()};
  const auto output = media::run_child(converter.ffmpeg(), arguments, files, limits);
  REQUIRE(output.has_value());
  INFO(output->standard_error);
  REQUIRE(output->exit_code == 0);
  return text_of(media::read_memory_file(*to, limits.written_file_bytes));
}

}  // namespace

TEST_CASE("with a converter sound of any kind becomes a voice note") {
  const auto converter = installed();
  if (!converter) return;
  const std::string mp3 = made_by(*converter, "sine=frequency=440:duration=3.5", "mp3");
  SECTION("as one") {
    const auto looked = look(as(MessageKind::voice), mp3, "", "", converter);
    REQUIRE(looked.has_value());
    CHECK(looked->file.mimetype == "audio/ogg; codecs=opus");
    CHECK(looked->file.seconds == 3);
    REQUIRE(looked->other);
    const auto note = media::read_voice_note(as_bytes(*looked->other));
    REQUIRE(note.has_value());
    CHECK(note->seconds == 3);
    CHECK((looked->file.waveform == note->waveform));
    CHECK(looked->file.waveform.size() == media::waveform_blocks);
  }
  SECTION("unless it is one already") {
    const auto looked = look(as(MessageKind::voice), voice_file(), "", "", converter);
    REQUIRE(looked.has_value());
    CHECK_FALSE(looked->other);
  }
  SECTION("and stays what it is as a file of sound") {
    const auto looked = look(as(MessageKind::audio), mp3, "", "", converter);
    REQUIRE(looked.has_value());
    CHECK(looked->file.mimetype == "audio/mpeg");
    CHECK(looked->file.seconds == 3);
    CHECK_FALSE(looked->other);
  }
  SECTION("but not what only begins like sound") {
    const auto looked = look(as(MessageKind::voice), "RIFF\x24\0\0\0WAVEfmt "s, "", "", converter);
    REQUIRE_FALSE(looked.has_value());
    CHECK(looked.error().code == Errc::unsupported);
  }
}

TEST_CASE("with a converter a video tells its size and length and has a preview") {
  const auto converter = installed();
  if (!converter) return;
  const std::string mp4 = made_by(*converter, "testsrc=rate=10:duration=2.5:size=320x180", "mp4");
  SECTION("as it is") {
    const auto looked = look(as(MessageKind::video), mp4, "", "", converter);
    REQUIRE(looked.has_value());
    CHECK(looked->file.mimetype == "video/mp4");
    CHECK(looked->file.width == 320);
    CHECK(looked->file.height == 180);
    CHECK(looked->file.seconds == 2);
    CHECK_FALSE(looked->other);
    const auto small = info_of(looked->file.thumbnail);
    CHECK(small.format == media::ImageFormat::jpeg);
    CHECK(small.width == 100);
  }
  SECTION("made from a GIF") {
    const std::string gif = made_by(*converter, "testsrc=rate=5:duration=2:size=64x48", "gif");
    const auto looked = look(as(MessageKind::gif), gif, "", "", converter);
    REQUIRE(looked.has_value());
    REQUIRE(looked->other);
    CHECK(media::sniff_type(as_bytes(*looked->other)) == "video/mp4");
    CHECK(looked->file.mimetype == "video/mp4");
    CHECK(looked->file.width == 64);
    CHECK(looked->file.height == 48);
    CHECK(looked->file.seconds == 2);
    CHECK_FALSE(looked->file.thumbnail.empty());
  }
  SECTION("and goes without them when nobody can read it") {
    const auto looked = look(as(MessageKind::video), mp4_head, "", "", converter);
    REQUIRE(looked.has_value());
    CHECK(looked->file.width == 0);
    CHECK(looked->file.thumbnail.empty());
  }
}
