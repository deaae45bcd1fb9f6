#include "protocol/bytes.h"

#include <sodium.h>
#include <algorithm>

namespace wharf::protocol {

namespace {

constexpr char hex_digits[] = "0123456789abcdef";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::string encode_base64(ByteView bytes, int variant) {
  std::string out(sodium_base64_encoded_len(bytes.size(), variant), '\0');  // counts the terminator
  sodium_bin2base64(out.data(), out.size(), bytes.data(), bytes.size(), variant);
  out.pop_back();
  return out;
}

}  // namespace

Bytes big_endian(std::uint32_t value, std::size_t width) {
  Bytes out(width);
  for (std::size_t i = width; i > 0; --i) {
    out[i - 1] = static_cast<std::uint8_t>(value);
    value >>= 8;
  }
  return out;
}

std::uint64_t from_big_endian(ByteView bytes) {
  std::uint64_t value = 0;
  for (std::uint8_t b : bytes.first(std::min<std::size_t>(bytes.size(), 8))) value = value << 8 | b;
  return value;
}

std::string to_hex(ByteView bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (std::uint8_t b : bytes) {
    out.push_back(hex_digits[b >> 4]);
    out.push_back(hex_digits[b & 15]);
  }
  return out;
}

std::optional<Bytes> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  Bytes out(text.size() / 2);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    out[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return out;
}

std::string to_base64(ByteView bytes) { return encode_base64(bytes, sodium_base64_VARIANT_ORIGINAL); }

std::string to_base64url(ByteView bytes) { return encode_base64(bytes, sodium_base64_VARIANT_URLSAFE_NO_PADDING); }

std::optional<Bytes> from_base64(std::string_view text) {
  // libsodium takes bytes over 0x7f for letters of the alphabet where char is signed.
  if (std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) > 0x7f; }))
    return std::nullopt;
  Bytes out(text.size() / 4 * 3 + 3);
  std::size_t length = 0;
  const char* end = nullptr;
  if (sodium_base642bin(out.data(), out.size(), text.data(), text.size(), nullptr, &length, &end,
                        sodium_base64_VARIANT_ORIGINAL) != 0 ||
      end != text.data() + text.size())
    return std::nullopt;
  out.resize(length);
  return out;
}

std::optional<std::uint8_t> ByteReader::u8() {
  if (rest_.empty()) return std::nullopt;
  const std::uint8_t value = rest_[0];
  rest_ = rest_.subspan(1);
  return value;
}

std::optional<std::uint32_t> ByteReader::big_endian(std::size_t width) {
  const auto bytes = take(width);
  if (!bytes) return std::nullopt;
  return static_cast<std::uint32_t>(from_big_endian(*bytes));
}

std::optional<std::uint64_t> ByteReader::u64() {
  const auto bytes = take(8);
  if (!bytes) return std::nullopt;
  return from_big_endian(*bytes);
}

std::optional<ByteView> ByteReader::take(std::size_t length) {
  if (length > rest_.size()) return std::nullopt;
  const ByteView out = rest_.first(length);
  rest_ = rest_.subspan(length);
  return out;
}

}  // namespace wharf::protocol
