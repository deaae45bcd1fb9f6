#pragma once
// From the bytes of an image that somebody sent to the picture of a group or an account: the square in its middle as a
// JPEG (media/image.h). Specification 05 sections 2.6 and 13.

#include <functional>
#include <variant>

#include "api/media_intake.h"
#include "api/services.h"

namespace wharf::api {

/// The file has come whole; `done` runs once, and nothing of the file stays in the vault. Failures name the field:
/// media_unusable (no picture, or one that cannot be read), payload_too_large, unavailable (too much is being
/// prepared), and those of the vault. Loop thread only.
void prepare_picture(const ServicesPtr& services, TakenFile file,
                     std::function<void(std::variant<protocol::Bytes, Failure>)> done);

}  // namespace wharf::api
