#include "web/header_parameters.h"

#include <fmt/format.h>

#include <algorithm>

#include "net/percent_encoding.h"
#include "protocol/text.h"
#include "web/envelope.h"

namespace wharf::web {
namespace {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

constexpr std::size_t max_parameters = 16;

Error malformed(std::string detail) { return {Errc::malformed, std::move(detail)}; }

bool control(char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }

// `text` begins behind the opening quote; what is left of it begins behind the closing one.
Result<std::string> take_quoted(std::string_view& text) {
  std::string value;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') {
      text.remove_prefix(i + 1);
      return value;
    }
    if (text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '"' || text[i + 1] == '\\')) ++i;
    if (control(text[i])) return malformed("has a control character in a quoted value");
    value.push_back(text[i]);
  }
  return malformed("has a quoted value without its closing quote");
}

Result<std::string> take_unquoted(std::string_view& text, std::string_view name) {
  const auto ends = [](char c) { return c == ';' || c == ' ' || c == '\t'; };
  const auto size = static_cast<std::size_t>(std::find_if(text.begin(), text.end(), ends) - text.begin());
  const std::string value(text.substr(0, size));
  if (value.empty()) return malformed(fmt::format("has the parameter {} without a value", echo(name)));
  if (std::any_of(value.begin(), value.end(), [](char c) { return control(c) || c == '"'; }))
    return malformed(fmt::format("has a parameter {} that is badly quoted", echo(name)));
  text.remove_prefix(size);
  return value;
}

}  // namespace

const std::string* HeaderValue::find(std::string_view lower_case_name) const {
  for (const auto& [name, value] : parameters)
    if (name == lower_case_name) return &value;
  return nullptr;
}

Result<HeaderValue> parse_header_value(std::string_view text) {
  HeaderValue out;
  const std::size_t first = text.find(';');
  out.kind = lower_case(trimmed(text.substr(0, first)));
  if (!is_token(out.kind) && !is_media_type(out.kind)) return malformed("does not begin with a type");
  text = first == std::string_view::npos ? std::string_view() : trimmed(text.substr(first + 1));
  while (!text.empty()) {
    const std::size_t equals = text.find('=');
    const std::string name = lower_case(text.substr(0, equals));
    if (equals == std::string_view::npos || !is_token(name))
      return malformed("has something other than name=value behind a semicolon");
    if (out.find(name)) return malformed(fmt::format("has the parameter {} twice", echo(name)));
    if (out.parameters.size() == max_parameters)
      return malformed(fmt::format("has more than {} parameters", max_parameters));
    text.remove_prefix(equals + 1);
    const bool quoted = text.starts_with('"');
    if (quoted) text.remove_prefix(1);
    Result<std::string> value = quoted ? take_quoted(text) : take_unquoted(text, name);
    if (!value) return value.error();
    out.parameters.emplace_back(name, std::move(*value));
    text = trimmed(text);
    if (text.empty()) break;
    if (text.front() != ';') return malformed(fmt::format("has something behind the value of {}", echo(name)));
    text = trimmed(text.substr(1));
  }
  return out;
}

Result<std::string> extended_text(std::string_view value) {
  const std::size_t first = value.find('\'');
  const std::size_t second = first == std::string_view::npos ? first : value.find('\'', first + 1);
  if (second == std::string_view::npos) return malformed("is not UTF-8''percent-encoded");
  if (lower_case(value.substr(0, first)) != "utf-8") return Error(Errc::unsupported, "is not in UTF-8");
  auto text = net::percent_decode(value.substr(second + 1), net::Plus::literal);
  if (!text) return malformed("has broken percent-encoding");
  if (protocol::displayable(*text) != *text) return malformed("is not UTF-8");
  return std::move(*text);
}

bool is_token(std::string_view text) {
  constexpr std::string_view punctuation = "!#$%&'*+-.^_`|~";
  const auto allowed = [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           punctuation.find(c) != std::string_view::npos;
  };
  return !text.empty() && std::all_of(text.begin(), text.end(), allowed);
}

bool is_media_type(std::string_view text) {
  const std::size_t slash = text.find('/');
  return slash != std::string_view::npos && is_token(text.substr(0, slash)) && is_token(text.substr(slash + 1));
}

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace wharf::web
