#include "media/probe_json.h"

#include <catch2/catch.hpp>

#include <string>

#include "tests/support/printing.h"

using namespace wharf::media;
using wharf::protocol::Errc;

namespace {

std::string video(const std::string& more) {
  return R"({"streams":[{"codec_type":"video","codec_name":"hevc","width":1920,"height":1080)" + more +
         R"(}],"format":{"duration":"12.999000"}})";
}

}  // namespace

TEST_CASE("edges are as displayed when the picture is turned") {
  const auto width_of = [](const std::string& more) {
    const auto probe = read_probe(video(more));
    REQUIRE(probe);
    CHECK(probe->width + probe->height == 3000);
    return probe->width;
  };
  CHECK(width_of("") == 1920);
  CHECK(width_of(R"(,"tags":{"rotate":"90"})") == 1080);
  CHECK(width_of(R"(,"tags":{"rotate":"270"})") == 1080);
  CHECK(width_of(R"(,"tags":{"rotate":"180"})") == 1920);
  CHECK(width_of(R"(,"side_data_list":[{},{"rotation":-90}])") == 1080);
  CHECK(width_of(R"(,"side_data_list":[{"rotation":180}])") == 1920);
  CHECK(width_of(R"(,"side_data_list":[{"rotation":-1e300}],"tags":{"rotate":"nan"})") > 0);
}

TEST_CASE("seconds are of the file, else of its longest stream, and at least 1") {
  CHECK(read_probe(video(""))->seconds == 12);
  const std::string streams = R"({"streams":[{"codec_type":"audio","codec_name":"opus","duration":)";
  CHECK(read_probe(streams + R"("7.5"}]})")->seconds == 7);
  CHECK(read_probe(streams + R"("0.2"}],"format":{"duration":"N/A"}})")->seconds == 1);
  CHECK(read_probe(streams + R"("7.5"}],"format":{"duration":"1e18"}})")->seconds == 0);
  CHECK(read_probe(streams + R"("-7"}]})")->seconds == 0);
  CHECK(read_probe(streams + R"([]}],"format":3})")->seconds == 0);
}

TEST_CASE("a cover picture is no video, and the first stream of a kind counts") {
  const auto probe = read_probe(
      R"({"streams":[{"codec_type":"video","codec_name":"mjpeg","width":500,"height":500,"disposition":{"attached_pic":1}},
          {"codec_type":"audio","codec_name":"mp3"},{"codec_type":"audio","codec_name":"aac"},{"codec_type":"data"}]})");
  REQUIRE(probe);
  CHECK(probe->video_codec.empty());
  CHECK(probe->width == 0);
  CHECK(probe->audio_codec == "mp3");
  CHECK(probe->has_audio);
}

TEST_CASE("edges that cannot be are not said") {
  const auto probe =
      read_probe(R"({"streams":[{"codec_type":"video","codec_name":"h264","width":-5,"height":70000}]})");
  REQUIRE(probe);
  CHECK(probe->width == 0);
  CHECK(probe->height == 0);
}

TEST_CASE("no stream is unsupported, and no JSON an internal error") {
  CHECK(read_probe(R"({"streams":[]})").error().code == Errc::unsupported);
  CHECK(read_probe(R"({"streams":[{"codec_type":"subtitle","codec_name":"srt"}, 7]})").error().code ==
        Errc::unsupported);
  for (const char* printed : {"", "{", "{}", "[]", R"({"streams":{}})"})
    CHECK(read_probe(printed).error().code == Errc::internal);
}
