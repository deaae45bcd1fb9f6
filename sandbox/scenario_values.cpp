#include "sandbox/scenario_values.h"

#include <algorithm>
#include <boost/json.hpp>
#include <charconv>
#include <utility>

#include "web/envelope.h"

namespace wharf::sandbox {

namespace json = boost::json;

namespace {

constexpr std::size_t max_name = 64;

bool begins_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool in_name(char c) { return begins_name(c) || (c >= '0' && c <= '9') || c == '-'; }

std::size_t name_length(std::string_view text) {
  const auto* end = std::find_if_not(text.begin(), text.end(), in_name);
  return static_cast<std::size_t>(end - text.begin());
}

/// Of the reference that `text` begins with.
std::size_t reference_length(std::string_view text) {
  if (text.empty() || !begins_name(text.front())) return 0;
  std::size_t length = name_length(text);
  while (length < text.size() && text[length] == '.') {
    const std::size_t more = name_length(text.substr(length + 1));
    if (more == 0) break;
    length += 1 + more;
  }
  return length;
}

struct Piece {
  std::string text;
  bool reference = false;
};

/// nullopt: a "${" that is no reference.
std::optional<std::vector<Piece>> pieces_of(std::string_view text) {
  std::vector<Piece> pieces;
  std::string literal;
  const auto refer = [&](std::string_view reference) {
    if (!literal.empty()) pieces.push_back({std::exchange(literal, {}), false});
    pieces.push_back({std::string(reference), true});
  };
  for (std::size_t i = 0; i < text.size();) {
    const std::string_view rest = text.substr(i + 1);
    if (text[i] != '$' || rest.empty()) {
      literal += text[i++];
    } else if (rest.front() == '$') {
      literal += '$';
      i += 2;
    } else if (rest.front() == '{') {
      const std::size_t length = reference_length(rest.substr(1));
      if (length == 0 || rest.substr(1 + length, 1) != "}") return std::nullopt;
      refer(rest.substr(1, length));
      i += length + 3;
    } else if (const std::size_t length = reference_length(rest); length != 0) {
      refer(rest.substr(0, length));
      i += length + 1;
    } else {
      literal += text[i++];
    }
  }
  if (!literal.empty()) pieces.push_back({std::move(literal), false});
  return pieces;
}

class Filler {
 public:
  Filler(const std::string& path, Filling& filling) : path_(path), filling_(filling) {}

  json::value text(std::string_view given) {
    const auto pieces = pieces_of(given);
    if (!pieces) return refuse("has a ${ that is no reference such as ${hello.id}; $$ is a dollar");
    std::string made;
    for (const Piece& piece : *pieces) {
      if (!piece.reference) {
        made += piece.text;
        if (!spend(piece.text.size())) return nullptr;
        continue;
      }
      FoundValue found = filling_.find(piece.text);
      if (!found.problem.empty()) return refuse(std::move(found.problem));
      if (!found.value) {
        filling_.later.insert(path_);
        return json::value(json::string(given));
      }
      if (pieces->size() == 1) {
        if (!spend(json::serialize(*found.value).size())) return nullptr;
        return std::move(*found.value);
      }
      if (found.value->is_object() || found.value->is_array() || found.value->is_null())
        return refuse("$" + web::echo(piece.text) + " is no text and no number");
      const std::string value =
          found.value->is_string() ? std::string(found.value->get_string()) : json::serialize(*found.value);
      if (!spend(value.size())) return nullptr;
      made += value;
    }
    return json::value(made);
  }

 private:
  json::value refuse(std::string why) {
    if (filling_.problems.size() < web::most_problems) filling_.problems.push_back({path_, std::move(why)});
    return nullptr;
  }
  bool spend(std::size_t bytes) {
    if (bytes <= filling_.left) {
      filling_.left -= bytes;
      return true;
    }
    filling_.left = 0;
    refuse("is too long with the values in it");
    return false;
  }

  const std::string& path_;
  Filling& filling_;
};

}  // namespace

bool is_scenario_name(std::string_view text) {
  return !text.empty() && text.size() <= max_name && begins_name(text.front()) && name_length(text) == text.size();
}

json::value fill(const json::value& value, const std::string& path, Filling& filling) {
  if (const auto* text = value.if_string()) return Filler(path, filling).text(*text);
  if (const auto* items = value.if_array()) {
    json::array out;
    for (std::size_t i = 0; i < items->size(); ++i)
      out.push_back(fill((*items)[i], path + "[" + std::to_string(i) + "]", filling));
    return out;
  }
  if (const auto* members = value.if_object()) {
    json::object out;
    for (const auto& member : *members) {
      const std::string name(member.key());
      out[name] = fill(member.value(), path.empty() ? name : path + "." + name, filling);
    }
    return out;
  }
  return value;
}

const json::value* member_at(const json::value& value, std::string_view path) {
  const json::value* at = &value;
  while (at != nullptr && !path.empty()) {
    const std::string_view name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), name.size() + 1));
    if (const auto* members = at->if_object()) {
      at = members->if_contains(name);
    } else if (const auto* items = at->if_array()) {
      std::size_t place = 0;
      const auto [end, failed] = std::from_chars(name.data(), name.data() + name.size(), place);
      const bool whole = failed == std::errc() && end == name.data() + name.size();
      at = whole && place < items->size() ? &(*items)[place] : nullptr;
    } else {
      at = nullptr;
    }
  }
  return at;
}

}  // namespace wharf::sandbox
