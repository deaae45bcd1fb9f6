#pragma once
// Internal to media/: what stickers ask about a WebP beyond image_formats.h. Source: WebP Container Specification.

#include <cstdint>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace wharf::media {

/// Offset just behind the first ANMF chunk of an animated WebP, its padding byte included. malformed when there is none
/// within the file.
protocol::Result<std::uint32_t> webp_first_frame_length(protocol::ByteView image);

}  // namespace wharf::media
