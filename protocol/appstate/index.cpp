#include "protocol/appstate/index.h"

#include <cstdint>
#include <optional>
#include <utility>

namespace wharf::protocol {

namespace {

constexpr std::size_t max_parts = 16;

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) return put(code);
  if (code < 0x800) {
    put(0xC0 | code >> 6);
  } else {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
  }
  put(0x80 | (code & 0x3F));
}

/// Reads one array; every step is nullopt or false where the text is not what it must be.
class IndexReader {
 public:
  explicit IndexReader(std::string_view text) : text_(text) {}

  std::vector<std::string> parts() {
    std::vector<std::string> out;
    if (!take('[')) return {};
    do {
      auto part = string();
      if (!part || out.size() == max_parts) return {};
      out.push_back(std::move(*part));
    } while (take(','));
    if (!take(']') || at_ != text_.size()) return {};
    return out;
  }

 private:
  bool take(char wanted) {
    skip_space();
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    skip_space();
    return true;
  }
  void skip_space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  std::optional<std::string> string() {
    if (at_ >= text_.size() || text_[at_] != '"') return std::nullopt;
    std::string out;
    for (++at_; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '"') {
        ++at_;
        skip_space();
        return out;
      }
      if (static_cast<unsigned char>(c) < 0x20) return std::nullopt;
      if (c != '\\') {
        out.push_back(c);
      } else if (!escape(out)) {
        return std::nullopt;
      }
    }
    return std::nullopt;
  }
  bool escape(std::string& out) {
    if (++at_ >= text_.size()) return false;
    switch (text_[at_]) {
      case '"':
      case '\\':
      case '/': out.push_back(text_[at_]); return true;
      case 'b': out.push_back('\b'); return true;
      case 'f': out.push_back('\f'); return true;
      case 'n': out.push_back('\n'); return true;
      case 'r': out.push_back('\r'); return true;
      case 't': out.push_back('\t'); return true;
      case 'u': break;
      default: return false;
    }
    std::uint32_t code = 0;
    for (int digit = 0; digit < 4; ++digit) {
      if (++at_ >= text_.size()) return false;
      const char c = text_[at_];
      code <<= 4;
      if (c >= '0' && c <= '9') code += static_cast<std::uint32_t>(c - '0');
      else if (c >= 'a' && c <= 'f') code += static_cast<std::uint32_t>(c - 'a' + 10);
      else if (c >= 'A' && c <= 'F') code += static_cast<std::uint32_t>(c - 'A' + 10);
      else return false;
    }
    // Nothing that is acted upon needs a surrogate: JIDs and ids are ASCII.
    append_utf8(out, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<std::string> index_parts(std::string_view index) { return IndexReader(index).parts(); }

std::string index_of(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) {
    out += out.empty() ? "[\"" : ",\"";
    for (const char c : part) {
      if (c == '"' || c == '\\') out.push_back('\\');
      out.push_back(c);
    }
    out.push_back('"');
  }
  return out + "]";
}

}  // namespace wharf::protocol
