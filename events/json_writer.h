#pragma once
// Writes JSON text straight into one string: responses and events are the hottest text of the daemon, and none of them
// needs a tree. Commas are placed by looking at what was written last. The caller balances begin and end.
//
// The one writer of events and of answers (api/). What it writes is valid UTF-8 whatever it is given: names,
// ids and texts come from peers, and one broken byte would make the whole page or event unreadable.

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "protocol/text.h"

namespace wharf::events {

class JsonWriter {
 public:
  explicit JsonWriter(std::size_t reserve_bytes = 256) { out_.reserve(reserve_bytes); }

  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }

  JsonWriter& key(std::string_view name) {
    separate();
    quote(name);
    out_.push_back(':');
    return *this;
  }
  JsonWriter& text(std::string_view value) {
    separate();
    quote(value);
    return *this;
  }
  JsonWriter& number(std::int64_t value) {
    separate();
    char digits[24];
    out_.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
    return *this;
  }
  JsonWriter& boolean(bool value) { return raw(value ? "true" : "false"); }
  JsonWriter& null() { return raw("null"); }
  /// `json` is one complete JSON value.
  JsonWriter& raw(std::string_view json) {
    separate();
    out_ += json;
    return *this;
  }

  JsonWriter& text(std::string_view name, std::string_view value) { return key(name).text(value); }
  JsonWriter& text_if(std::string_view name, std::string_view value) {
    return value.empty() ? *this : key(name).text(value);
  }
  JsonWriter& number(std::string_view name, std::int64_t value) { return key(name).number(value); }
  JsonWriter& boolean(std::string_view name, bool value) { return key(name).boolean(value); }
  JsonWriter& raw(std::string_view name, std::string_view json) { return key(name).raw(json); }
  JsonWriter& null(std::string_view name) { return key(name).null(); }

  const std::string& view() const { return out_; }
  std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char bracket) {
    separate();
    out_.push_back(bracket);
    return *this;
  }
  JsonWriter& close(char bracket) {
    out_.push_back(bracket);
    return *this;
  }
  void separate() {
    if (out_.empty()) return;
    const char last = out_.back();
    if (last != '{' && last != '[' && last != ':') out_.push_back(',');
  }
  void quote(std::string_view value) {
    out_.push_back('"');
    std::size_t from = 0;
    for (std::size_t at = 0; at < value.size();) {
      const auto c = static_cast<unsigned char>(value[at]);
      const int length = c < 0x80 ? 1 : protocol::utf8_sequence_length(value.substr(at));
      const auto size = static_cast<std::size_t>(length < 0 ? -length : length);
      if (length < 0 || c < 0x20 || c == '"' || c == '\\') {
        out_.append(value, from, at - from);
        from = at + size;
        if (length < 0) out_ += "\xEF\xBF\xBD";  // U+FFFD
        else escape(c);
      }
      at += size;
    }
    out_.append(value, from);
    out_.push_back('"');
  }
  void escape(unsigned char c) {
    constexpr char digits[] = "0123456789abcdef";
    switch (c) {
      case '"': out_ += "\\\""; break;
      case '\\': out_ += "\\\\"; break;
      case '\n': out_ += "\\n"; break;
      case '\r': out_ += "\\r"; break;
      case '\t': out_ += "\\t"; break;
      default:
        out_ += "\\u00";
        out_.push_back(digits[c >> 4]);
        out_.push_back(digits[c & 15]);
    }
  }

  std::string out_;
};

}  // namespace wharf::events
