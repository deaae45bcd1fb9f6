#include "media/probe_json.h"

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

namespace wharf::media {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

namespace json = boost::json;

const json::value* member(const json::value* value, std::string_view name) {
  const auto* object = value ? value->if_object() : nullptr;
  return object ? object->if_contains(name) : nullptr;
}

std::string text(const json::value* value) {
  const auto* string = value ? value->if_string() : nullptr;
  return string ? std::string(*string) : std::string();
}

/// A number, which ffprobe prints bare or as a string, depending on which it is.
double number(const json::value* value) {
  double out = 0;
  if (value && value->is_number()) return value->to_number<double>();
  const std::string digits = text(value);
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), out);
  return read.ec == std::errc() && std::isfinite(out) ? out : 0;
}

std::uint32_t edge(const json::value* value) {
  const double pixels = number(value);
  return pixels >= 1 && pixels <= 65'535 ? static_cast<std::uint32_t>(pixels) : 0;
}

/// Degrees in the tags of old files, or in the display matrix; either may be missing.
double rotation(const json::value& stream) {
  if (const auto* list = member(&stream, "side_data_list"); list && list->is_array())
    for (const json::value& entry : list->get_array())
      if (const auto* turned = member(&entry, "rotation")) return number(turned);
  return number(member(member(&stream, "tags"), "rotate"));
}

bool is_on_its_side(double degrees) { return std::lround(std::abs(std::fmod(degrees, 180)) / 90) == 1; }

void read_stream(const json::value& stream, Probe& probe, double& seconds) {
  const std::string type = text(member(&stream, "codec_type")), codec = text(member(&stream, "codec_name"));
  if (codec.empty()) return;
  const bool cover = number(member(member(&stream, "disposition"), "attached_pic")) != 0;
  if (type == "audio" && probe.audio_codec.empty()) {
    probe.audio_codec = codec;
    probe.has_audio = true;
  } else if (type == "video" && !cover && probe.video_codec.empty()) {
    probe.video_codec = codec;
    probe.width = edge(member(&stream, "width"));
    probe.height = edge(member(&stream, "height"));
    if (is_on_its_side(rotation(stream))) std::swap(probe.width, probe.height);
  } else {
    return;
  }
  seconds = std::max(seconds, number(member(&stream, "duration")));
}

}  // namespace

Result<Probe> read_probe(std::string_view printed) {
  boost::system::error_code failed;
  const json::value root = json::parse(json::string_view(printed.data(), printed.size()), failed);
  const auto* streams = member(&root, "streams");
  if (failed || !streams || !streams->is_array())
    return Error(Errc::internal, "ffprobe printed something else than JSON");
  Probe probe;
  double of_streams = 0;
  for (const json::value& stream : streams->get_array()) read_stream(stream, probe, of_streams);
  if (probe.video_codec.empty() && !probe.has_audio)
    return Error(Errc::unsupported, "the file holds neither sound nor video");
  double seconds = number(member(member(&root, "format"), "duration"));
  if (seconds <= 0) seconds = of_streams;
  if (seconds > 0 && seconds <= max_probe_seconds) probe.seconds = std::max(1u, static_cast<std::uint32_t>(seconds));
  return probe;
}

}  // namespace wharf::media
