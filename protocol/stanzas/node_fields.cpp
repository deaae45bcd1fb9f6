#include "protocol/stanzas/node_fields.h"

#include <algorithm>
#include <charconv>

#include "protocol/text.h"

namespace wharf::protocol {

namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

}  // namespace

std::optional<Jid> user_attr(const Node& node, std::string_view key) {
  auto jid = node.jid(key);
  if (!jid || jid->user.empty()) return std::nullopt;
  return jid;
}

std::optional<Jid> phone_attr(const Node& node, std::string_view key) {
  const auto jid = user_attr(node, key);
  if (!jid) return std::nullopt;
  Jid account = jid->user_jid();
  return account.is_phone_number() ? std::optional(std::move(account)) : std::nullopt;
}

std::optional<Jid> lid_attr(const Node& node, std::string_view key) {
  const auto jid = user_attr(node, key);
  return jid && jid->is_lid() ? std::optional(jid->user_jid()) : std::nullopt;
}

std::string line_attr(const Node& node, std::string_view key, std::size_t max_bytes) {
  return display_line(node.attr(key), max_bytes);
}

std::string token_attr(const Node& node, std::string_view key) {
  std::string value = node.attr(key);
  return acceptable_id(value) ? value : std::string();
}

std::string paragraph(std::string_view text, std::size_t max_bytes) {
  std::size_t end = std::min(text.size(), max_bytes);
  while (end > 0 && end < text.size() && continues_character(text[end])) --end;
  std::string out = displayable(text.substr(0, end));
  // A broken byte grows to three.
  if (out.size() > max_bytes) {
    end = max_bytes;
    while (end > 0 && continues_character(out[end])) --end;
    out.resize(end);
  }
  return out;
}

std::string child_line(const Node& node, std::string_view tag, std::size_t max_bytes) {
  const Node* child = node.child(tag);
  return child != nullptr ? display_line(child->text(), max_bytes) : std::string();
}

std::string whole_line(std::string_view text, std::size_t max_bytes) {
  if (text.size() > max_bytes) return {};
  std::string line = display_line(text, text.size() * 3);  // three bytes for a broken one
  return line.size() > max_bytes ? std::string() : line;
}

std::optional<std::uint64_t> decimal(std::string_view digits) {
  std::uint64_t out = 0;
  const char* end = digits.data() + digits.size();
  const auto [stop, failure] = std::from_chars(digits.data(), end, out);
  if (digits.empty() || failure != std::errc() || stop != end || out > INT64_MAX) return std::nullopt;
  return out;
}

std::optional<std::uint32_t> expiration_attr(const Node& node, std::string_view key) {
  const auto seconds = node.number(key);
  if (!seconds || *seconds > max_expiration) return std::nullopt;
  return static_cast<std::uint32_t>(*seconds);
}

std::uint64_t believable(std::uint64_t unix_seconds, std::uint64_t now) {
  return unix_seconds > now && unix_seconds - now > day_seconds ? now : unix_seconds;
}

std::optional<std::uint64_t> time_attr(const Node& node, std::string_view key, std::uint64_t now) {
  const auto seconds = node.number(key);
  if (!seconds) return std::nullopt;
  return believable(*seconds, now);
}

bool deeper_than(const Node& node, std::size_t levels) {
  if (node.children().empty()) return false;
  if (levels == 0) return true;
  return std::any_of(node.children().begin(), node.children().end(),
                     [&](const Node& child) { return deeper_than(child, levels - 1); });
}

Node& put(Node& node, std::string_view key, std::string_view value) {
  return value.empty() ? node : node.set(key, value);
}

Node& put(Node& node, std::string_view key, const std::optional<Jid>& value) {
  return value ? node.set(key, *value) : node;
}

Node& put(Node& node, std::string_view key, const std::optional<std::uint64_t>& value) {
  return value ? node.set(key, *value) : node;
}

}  // namespace wharf::protocol
