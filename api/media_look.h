#pragma once
// What preparation (media_preparation.h) does away from the loop: looks into one file. Pure but for the programs of the
// converter; blocking.

#include <optional>
#include <string>

#include "api/media_preparation.h"

namespace wharf::api {

struct LookedAt {
  protocol::MessageKind kind = protocol::MessageKind::document;
  protocol::MediaFile file;          // type, name, dimensions, seconds, waveform, thumbnail
  std::optional<std::string> other;  // bytes to send instead
};

/// Must all of a file of so many bytes be seen, or does its head do?
bool wants_whole(const MediaWish& wish, std::uint64_t length, bool converts);
/// `whole`: "" when the head does. Errors: unsupported, malformed, too_large, timed_out, internal; details are for the
/// one who sent the file.
protocol::Result<LookedAt> look_at(const MediaWish& wish, const std::string& name, const std::string& said_type,
                                   const std::string& head, std::string whole,
                                   const std::optional<media::Converter>& converter);

}  // namespace wharf::api
