#pragma once
// A form with files, read while it comes (RFC 7578 over RFC 2046 section 5.1). Bytes in, parts out; nothing of a file
// is kept.
//
//   --boundary CRLF
//   Content-Disposition: form-data; name="image"; filename="a.png" CRLF
//   CRLF
//   bytes CRLF
//   --boundary-- CRLF
//
// A part ends where CRLF "--" boundary stands. A CR is nowhere in that text but at its beginning, so a search that has
// failed goes on with the byte it failed at: one look at each byte whatever they are, and the bytes held back at the
// end of a piece are a beginning of the delimiter itself, which need not be stored.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/result.h"

namespace wharf::web {

/// What a part says about itself: valid UTF-8, and no more than its sender's word. See safe_file_name().
struct PartHead {
  std::string name;                     // never empty
  std::optional<std::string> filename;  // filename* before filename; "" from a browser whose user chose no file
  std::string content_type;             // "image/png; a=b" as sent; "" for none
};

/// Takes the parts, in order: part_begins, part_bytes any number of times, part_ends. An error from it stops the reader
/// and is what feed() returns.
class MultipartSink {
 public:
  virtual ~MultipartSink() = default;
  virtual protocol::Result<> part_begins(const PartHead& head) = 0;
  virtual protocol::Result<> part_bytes(std::string_view bytes) = 0;  // never empty; valid during the call
  virtual protocol::Result<> part_ends() = 0;
};

/// After a failure of any call every later one returns the same error. Errors: malformed, truncated (by finish()),
/// too_large (a bound below), unsupported; details are for the one who made the request.
class MultipartReader {
 public:
  static constexpr std::size_t max_parts = 64;
  static constexpr std::size_t max_head_bytes = 4096;       // of one part, with its empty line
  static constexpr std::size_t max_margin_bytes = 4096;     // before the first boundary; behind the last
  static constexpr std::size_t max_padding_bytes = 64;      // blanks between a boundary and the end of its line
  static constexpr std::size_t max_boundary_bytes = 70;     // RFC 2046
  static bool is_multipart(std::string_view content_type);  // multipart/form-data, whatever its boundary

  /// `content_type` is the header of the request. `sink` outlives the reader.
  static protocol::Result<MultipartReader> open(std::string_view content_type, MultipartSink& sink);
  protocol::Result<> feed(std::string_view piece);
  /// The body is over. truncated when its closing boundary has not come.
  protocol::Result<> finish();

 private:
  // Names what the next byte is part of.
  enum class At { preamble, boundary_line, boundary_dash, boundary_cr, head, body, closed_line, closed_cr, epilogue };

  MultipartReader(std::string_view boundary, MultipartSink& sink);
  protocol::Result<> step(std::string_view& piece);
  protocol::Result<> search(std::string_view& piece);
  protocol::Result<> pass_on(std::string_view bytes);
  protocol::Result<> go_on(At at);
  protocol::Result<> delimiter_found();
  protocol::Result<> read_boundary_line(char c);
  protocol::Result<> read_head(std::string_view& piece);
  protocol::Result<> head_complete();
  protocol::Result<> count_margin(std::size_t bytes);
  protocol::Error problem(protocol::Errc code, std::string_view what) const;

  std::string delimiter_;  // CRLF "--" boundary
  MultipartSink* sink_;
  At at_ = At::preamble;
  // The search: how much of the delimiter the bytes so far end in, and how much of that was not in the body. The line
  // end before the first boundary is only thought, and the one before an empty body was the head's.
  std::size_t matched_ = 2, unreal_ = 2;
  std::size_t margin_bytes_ = 0, padding_bytes_ = 0, parts_ = 0;
  std::string head_;            // of the part at hand
  std::size_t line_start_ = 0;  // in head_
  std::optional<protocol::Error> failed_;
};

}  // namespace wharf::web
