#pragma once
// Media written as text in a JSON string, decoded while it comes: a data URL (RFC 2397) or bare base64 (RFC 4648).
// Nothing is kept but the head of the URL and the bits of an unfinished group of digits.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace wharf::web {

/// Base64 in pieces. Both alphabets, also mixed; blanks and line ends between the digits as MIME has them; padding may
/// be left out, but what is there must be right. Bits of the last digit that belong to no byte are not looked at.
class Base64Decoder {
 public:
  /// Appends what `text` decodes to. `at` is where `text` stands in the whole, which is what an error counts from.
  /// malformed: something else than base64, and where.
  protocol::Result<> feed(std::string_view text, std::uint64_t at, std::string& bytes);
  /// truncated: a digit is left over, or padding is missing where some came.
  protocol::Result<> finish() const;

 private:
  protocol::Result<> take(char c, std::uint64_t at, std::string& bytes);

  std::uint32_t bits_ = 0;   // of the group at hand
  unsigned characters_ = 0;  // of the group at hand, 0 to 3, padding included
  bool padded_ = false;      // nothing but padding and blanks may follow
};

/// A data URL or bare base64, told apart by "data:" at the front, in any case and behind blanks. A data URL without
/// ";base64" is percent-encoded; one with it may be so too. A '#' must be encoded: it would begin a fragment.
class MediaTextDecoder {
 public:
  static constexpr std::size_t max_head_bytes = 1024;  // "data:" up to the comma

  /// Appends what is decoded. `bytes` is not bounded here: it grows by at most `text` and a few bytes.
  protocol::Result<> feed(std::string_view text, std::string& bytes);
  /// The text is over; a short one is decoded only now. No text at all is no bytes and no error.
  protocol::Result<> finish(std::string& bytes);
  /// What a data URL says its bytes are, as written and well formed: "audio/ogg; codecs=opus". "" when it names none,
  /// for bare base64, and until bytes come.
  const std::string& media_type() const { return media_type_; }

 private:
  enum class At { front, head, base64, percent };

  protocol::Result<> decode(std::string_view text, std::string& bytes);
  protocol::Result<> read_head(std::string_view& text);
  protocol::Result<> parse_head();
  protocol::Result<> take_literal(std::string_view text, std::uint64_t at, std::string& bytes);
  protocol::Result<> take_escape(char c, std::string& bytes);

  At at_ = At::front;
  bool url_ = false;    // '%' has a meaning
  std::string head_;    // while at front and head
  std::string escape_;  // "%", "%4"
  std::string media_type_;
  std::uint64_t position_ = 0;  // in the text, of the next byte to decode
  Base64Decoder base64_;
};

}  // namespace wharf::web
