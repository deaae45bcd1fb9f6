#pragma once
// What ffprobe prints about a file (-of json), read.

#include <string_view>

#include "media/converter.h"
#include "protocol/result.h"

namespace wharf::media {

/// The arguments that make ffprobe print what read_probe reads.
inline constexpr const char* probe_entries =
    "stream=codec_type,codec_name,width,height,duration:stream_disposition=attached_pic:stream_tags=rotate:"
    "stream_side_data=rotation:format=duration";

/// unsupported: no stream of sound or video; internal: not what ffprobe prints. Numbers in it come from the file, so
/// each is bounded: an edge over 65,535 or a time over `max_probe_seconds` counts as not said.
protocol::Result<Probe> read_probe(std::string_view json);

inline constexpr double max_probe_seconds = 1'000'000;

}  // namespace wharf::media
