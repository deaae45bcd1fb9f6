#pragma once
#include <cstdint>

namespace wharf::sessions {

/// How what is stored of a collection of the app state stands to what the server has spoken of. none: it was never
/// read, and nothing says that there is anything to read. on_its_way: more of it is asked for, or will be by itself.
/// unreadable: there is more of it, and it cannot be read now: a key is missing, or it is not as it must be.
enum class CollectionStanding : std::uint8_t { none, current, on_its_way, unreadable };

}  // namespace wharf::sessions
