#pragma once
// What pictures of people and of groups have in common: which are taken, how they are numbered, and where the media
// host shows them. Specification 05 sections 2.6 and 13 (item 3), 06 section 5.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/bytes.h"

namespace wharf::sandbox::pictures {

inline constexpr std::size_t max_bytes = 1u << 20;

/// A JPEG by how it begins, of at most max_bytes. Another one is refused with 406.
bool acceptable(protocol::ByteView bytes);
/// The id of the picture after `previous` (0: there was none): the time, but no number twice.
std::uint64_t next_id(std::uint64_t previous, std::uint64_t unix_seconds);

/// Where picture `id` of `owner` (digits: a group's id, a LID, a number) is shown. It has a query: some clients append
/// more to it.
std::string direct_path(std::string_view owner, std::uint64_t id);
/// Of `path` on the host that media_conn names first.
std::string url(std::string_view media_host, std::string_view path);

struct Place {
  std::string_view owner;  // of the path it was read from
  std::uint64_t id = 0;
};
/// What a direct path, query or not, is the address of; nullopt: of no picture.
std::optional<Place> place_of(std::string_view path);

}  // namespace wharf::sandbox::pictures
