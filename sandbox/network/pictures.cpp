#include "sandbox/network/pictures.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace wharf::sandbox::pictures {

namespace {

constexpr std::string_view folder = "/pps/", ending = ".jpg";

}  // namespace

bool acceptable(protocol::ByteView bytes) {
  return bytes.size() > 4 && bytes.size() <= max_bytes && bytes[0] == 0xff && bytes[1] == 0xd8 && bytes[2] == 0xff;
}

std::uint64_t next_id(std::uint64_t previous, std::uint64_t unix_seconds) {
  return std::max(previous + 1, unix_seconds);
}

std::string direct_path(std::string_view owner, std::uint64_t id) {
  std::string path(folder);
  path.append(owner).append("_").append(std::to_string(id)).append(ending).append("?ccb=11-4");
  return path;
}

std::string url(std::string_view media_host, std::string_view path) {
  return std::string("https://").append(media_host).append(path);
}

std::optional<Place> place_of(std::string_view path) {
  path = path.substr(0, path.find('?'));
  const auto middle = path.find('_');
  if (!path.starts_with(folder) || !path.ends_with(ending) || middle == std::string_view::npos) return std::nullopt;
  Place place;
  place.owner = path.substr(folder.size(), middle - folder.size());
  const auto number = path.substr(middle + 1, path.size() - ending.size() - middle - 1);
  const auto [end, failure] = std::from_chars(number.data(), number.data() + number.size(), place.id);
  if (failure != std::errc() || end != number.data() + number.size() || place.id == 0) return std::nullopt;
  return place;
}

}  // namespace wharf::sandbox::pictures
