#include "web/base64_stream.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "web/envelope.h"
#include "web/header_parameters.h"

namespace wharf::web {
namespace {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

constexpr std::uint8_t padding = 64, blank = 65, foreign = 66;

// The value of a digit, or one of the above.
constexpr std::array<std::uint8_t, 256> make_digits() {
  std::array<std::uint8_t, 256> out{};
  out.fill(foreign);
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    out[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  out['-'] = 62;
  out['_'] = 63;
  out['='] = padding;
  for (const char c : {' ', '\t', '\r', '\n', '\f'}) out[static_cast<unsigned char>(c)] = blank;
  return out;
}
constexpr std::array<std::uint8_t, 256> digits = make_digits();

std::uint8_t digit(char c) { return digits[static_cast<unsigned char>(c)]; }

char byte_of(std::uint32_t bits, unsigned shift) { return static_cast<char>((bits >> shift) & 0xff); }

// How many characters at the front are whole groups of digits: decoded three bytes at a time, a block at once.
std::size_t decode_groups(std::string_view text, std::string& bytes) {
  std::array<char, 3072> block;
  std::size_t read = 0, written = 0;
  for (; text.size() - read >= 4; read += 4) {
    const std::uint32_t a = digit(text[read]), b = digit(text[read + 1]), c = digit(text[read + 2]),
                        d = digit(text[read + 3]);
    if ((a | b | c | d) >= 64) break;
    const std::uint32_t bits = a << 18 | b << 12 | c << 6 | d;
    block[written++] = byte_of(bits, 16);
    block[written++] = byte_of(bits, 8);
    block[written++] = byte_of(bits, 0);
    if (written < block.size()) continue;
    bytes.append(block.data(), written);
    written = 0;
  }
  bytes.append(block.data(), written);
  return read;
}

std::string shown(char c) {
  return c > 0x20 && c < 0x7f ? fmt::format("'{}'", c) : fmt::format("byte 0x{:02x}", static_cast<unsigned char>(c));
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<> Base64Decoder::feed(std::string_view text, std::uint64_t at, std::string& bytes) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (characters_ == 0 && !padded_) i += decode_groups(text.substr(i), bytes);
    if (i == text.size()) break;
    if (const auto taken = take(text[i], at + i, bytes); !taken) return taken;
  }
  return {};
}

// A byte is written as soon as its bits are there, so that nothing is left for the end.
Result<> Base64Decoder::take(char c, std::uint64_t at, std::string& bytes) {
  const std::uint8_t value = digit(c);
  if (value == blank) return {};
  const bool may_pad = characters_ >= 2;  // of four characters, the last two
  if (value == foreign || (value == padding && !may_pad) || (value != padding && padded_))
    return Error(Errc::malformed, fmt::format("is not base64: {} at offset {}{}", shown(c), at,
                                              value == foreign ? "" : " is out of place"));
  padded_ = padded_ || value == padding;
  if (!padded_) {
    bits_ = bits_ << 6 | value;
    if (characters_ == 1) bytes.push_back(byte_of(bits_, 4));
    if (characters_ == 2) bytes.push_back(byte_of(bits_, 2));
    if (characters_ == 3) bytes.push_back(byte_of(bits_, 0));
  }
  characters_ = (characters_ + 1) % 4;
  return {};
}

Result<> Base64Decoder::finish() const {
  if (characters_ == 1) return Error(Errc::truncated, "is cut off: its base64 ends in a single digit of a group");
  if (padded_ && characters_ != 0) return Error(Errc::truncated, "is cut off: its base64 padding is incomplete");
  return {};
}

Result<> MediaTextDecoder::feed(std::string_view text, std::string& bytes) {
  if (at_ == At::front || at_ == At::head) {
    if (const auto read = read_head(text); !read) return read;
    if (at_ == At::front || at_ == At::head) return {};
    if (!url_) {
      const std::string front = std::move(head_);
      head_.clear();
      if (const auto decoded = decode(front, bytes); !decoded) return decoded;
    }
  }
  return decode(text, bytes);
}

Result<> MediaTextDecoder::finish(std::string& bytes) {
  if (at_ == At::head) return Error(Errc::truncated, "is a data URL without a comma");
  if (at_ == At::front) {
    at_ = At::base64;
    if (const auto decoded = decode(head_, bytes); !decoded) return decoded;
  }
  if (!escape_.empty()) return Error(Errc::truncated, "is cut off in a percent-encoded byte");
  return base64_.finish();
}

// Takes from `text` what belongs to the head. Behind it at_ says how the rest is written; for bare base64 head_ holds
// what was looked at.
Result<> MediaTextDecoder::read_head(std::string_view& text) {
  constexpr std::string_view scheme = "data:";
  while (!text.empty() && at_ == At::front) {
    const char c = text.front();
    if (head_.empty() && digit(c) == blank) {
      ++position_;
      text.remove_prefix(1);
      continue;
    }
    if (lower_case({&c, 1}).front() != scheme[head_.size()]) {
      at_ = At::base64;
      return {};
    }
    head_.push_back(c);
    text.remove_prefix(1);
    if (head_.size() == scheme.size()) at_ = At::head;
  }
  if (at_ == At::front) return {};
  const std::size_t comma = text.find(',');
  const std::string_view more = text.substr(0, comma);
  if (head_.size() + more.size() > max_head_bytes)
    return Error(Errc::too_large, fmt::format("is a data URL without a comma in its first {} bytes", max_head_bytes));
  head_ += more;
  if (comma == std::string_view::npos) return {};
  text.remove_prefix(comma + 1);
  position_ += head_.size() + 1;
  return parse_head();
}

// "data:image/png;a=b;base64": a type that is not given is text by the RFC, and most likely forgotten.
Result<> MediaTextDecoder::parse_head() {
  std::string_view type = std::string_view(head_).substr(5);
  const std::size_t last = type.rfind(';');
  const bool base64 = last != std::string_view::npos && lower_case(trimmed(type.substr(last + 1))) == "base64";
  if (base64) type = type.substr(0, last);
  type = trimmed(type);
  if (!type.empty()) {
    media_type_ = type.front() == ';' ? "text/plain" + std::string(type) : std::string(type);
    const auto value = parse_header_value(media_type_);
    const bool ascii = std::all_of(type.begin(), type.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
    if (!value || !is_media_type(value->kind) || !ascii)
      return Error(Errc::malformed,
                   fmt::format("is a data URL that begins with {}, not with data:<type>;base64,", echo(head_)));
  }
  at_ = base64 ? At::base64 : At::percent;
  url_ = true;
  return {};
}

Result<> MediaTextDecoder::decode(std::string_view text, std::string& bytes) {
  while (!text.empty()) {
    const bool escape = url_ && (!escape_.empty() || text.front() == '%');
    const std::size_t size = escape ? 1 : url_ ? std::min(text.find('%'), text.size()) : text.size();
    const auto taken = escape ? take_escape(text.front(), bytes) : take_literal(text.substr(0, size), position_, bytes);
    if (!taken) return taken;
    position_ += size;
    text.remove_prefix(size);
  }
  return {};
}

Result<> MediaTextDecoder::take_literal(std::string_view text, std::uint64_t at, std::string& bytes) {
  if (at_ == At::base64) return base64_.feed(text, at, bytes);
  if (const std::size_t mark = text.find('#'); mark != std::string_view::npos)
    return Error(Errc::malformed,
                 fmt::format("has a '#' at offset {}: in a data URL it must be written %23", at + mark));
  bytes += text;
  return {};
}

Result<> MediaTextDecoder::take_escape(char c, std::string& bytes) {
  if (!escape_.empty() && hex_digit(c) < 0)
    return Error(Errc::malformed, fmt::format("has broken percent-encoding at offset {}", position_));
  escape_.push_back(c);
  if (escape_.size() < 3) return {};
  const char decoded = static_cast<char>(hex_digit(escape_[1]) * 16 + hex_digit(escape_[2]));
  escape_.clear();
  if (at_ == At::base64) return base64_.feed({&decoded, 1}, position_ - 2, bytes);
  bytes.push_back(decoded);
  return {};
}

}  // namespace wharf::web
