#include "web/multipart_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "web/envelope.h"
#include "web/header_parameters.h"
#include "web/part_head.h"

namespace wharf::web {
namespace {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

bool blank(char c) { return c == ' ' || c == '\t'; }

// RFC 2046 section 5.1.1: bchars, of which the last is no space.
bool valid_boundary(std::string_view text) {
  constexpr std::string_view punctuation = "'()+_,-./:=? ";
  const auto allowed = [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           punctuation.find(c) != std::string_view::npos;
  };
  return !text.empty() && text.size() <= MultipartReader::max_boundary_bytes && text.back() != ' ' &&
         std::all_of(text.begin(), text.end(), allowed);
}

}  // namespace

bool MultipartReader::is_multipart(std::string_view content_type) {
  return lower_case(trimmed(content_type.substr(0, content_type.find(';')))) == "multipart/form-data";
}

Result<MultipartReader> MultipartReader::open(std::string_view content_type, MultipartSink& sink) {
  if (!is_multipart(content_type))
    return Error(Errc::unsupported, fmt::format("Content-Type {} is not multipart/form-data", echo(content_type)));
  const auto value = parse_header_value(content_type);
  if (!value) return Error(Errc::malformed, "the Content-Type of the request " + value.error().detail);
  const std::string* boundary = value->find("boundary");
  if (!boundary)
    return Error(Errc::malformed,
                 "Content-Type: multipart/form-data needs a boundary (leave the header to your HTTP library)");
  if (!valid_boundary(*boundary))
    return Error(Errc::malformed,
                 fmt::format("the boundary in Content-Type must be 1 to {} letters, digits and '()+_,-./:=? or spaces,"
                             " the last no space",
                             max_boundary_bytes));
  return MultipartReader(*boundary, sink);
}

MultipartReader::MultipartReader(std::string_view boundary, MultipartSink& sink)
    : delimiter_("\r\n--" + std::string(boundary)), sink_(&sink) {}

Result<> MultipartReader::feed(std::string_view piece) {
  while (!failed_ && !piece.empty())
    if (const auto read = step(piece); !read) failed_ = read.error();
  if (failed_) return *failed_;
  return {};
}

Result<> MultipartReader::finish() {
  if (failed_) return *failed_;
  switch (at_) {
    case At::closed_line:
    case At::closed_cr:
    case At::epilogue: return {};
    case At::preamble:
      failed_ = Error(Errc::truncated, parts_ == 0 && margin_bytes_ == 0 && matched_ == 2
                                           ? "the multipart body is empty"
                                           : "the boundary that Content-Type names is not in the body");
      break;
    default: failed_ = Error(Errc::truncated, "the multipart body is cut off: it ends before its closing boundary");
  }
  return *failed_;
}

Result<> MultipartReader::step(std::string_view& piece) {
  switch (at_) {
    case At::preamble:
    case At::body: return search(piece);
    case At::head: return read_head(piece);
    case At::epilogue: return count_margin(std::exchange(piece, {}).size());
    default: {
      const char c = piece.front();
      piece.remove_prefix(1);
      return read_boundary_line(c);
    }
  }
}

// The bytes so far end in the first `matched_` of the delimiter. When they turn out to be something else they are all
// passed on, since only a CR can begin anew: those of earlier pieces from the delimiter, the others from this piece.
Result<> MultipartReader::search(std::string_view& piece) {
  const std::size_t held = matched_;
  std::size_t at = 0;
  while (at < piece.size() && matched_ < delimiter_.size()) {
    if (matched_ == 0) {
      const void* cr = std::memchr(piece.data() + at, '\r', piece.size() - at);
      at = cr ? static_cast<std::size_t>(static_cast<const char*>(cr) - piece.data()) : piece.size();
      if (!cr) break;
    }
    const char c = piece[at++];
    if (c == delimiter_[matched_]) ++matched_;
    else matched_ = c == '\r' ? 1 : 0;
  }
  if (matched_ < held + at) {
    const std::size_t unreal = std::exchange(unreal_, 0);
    if (const auto passed = pass_on(std::string_view(delimiter_).substr(unreal, held - unreal)); !passed) return passed;
    if (const auto passed = pass_on(piece.substr(0, at - matched_)); !passed) return passed;
  }
  piece.remove_prefix(at);
  return matched_ == delimiter_.size() ? delimiter_found() : Result<>();
}

Result<> MultipartReader::pass_on(std::string_view bytes) {
  if (bytes.empty()) return {};
  return at_ == At::preamble ? count_margin(bytes.size()) : sink_->part_bytes(bytes);
}

Result<> MultipartReader::go_on(At at) {
  at_ = at;
  return {};
}

Result<> MultipartReader::delimiter_found() {
  const bool in_part = at_ == At::body;
  at_ = At::boundary_line;
  padding_bytes_ = 0;
  return in_part ? sink_->part_ends() : Result<>();
}

Result<> MultipartReader::read_boundary_line(char c) {
  const bool padding = blank(c) && ++padding_bytes_ <= max_padding_bytes;
  switch (at_) {
    case At::boundary_line:
      if (padding) return {};
      if (c == '\r') return go_on(At::boundary_cr);
      if (c == '-' && padding_bytes_ == 0) return go_on(At::boundary_dash);
      break;
    case At::boundary_dash:
      if (c == '-') return go_on(At::closed_line);
      break;
    case At::boundary_cr:
      if (c != '\n') break;
      if (parts_ == max_parts)
        return Error(Errc::too_large, fmt::format("a multipart body has at most {} parts", max_parts));
      ++parts_;
      head_.clear();
      line_start_ = 0;
      return go_on(At::head);
    case At::closed_line:
      if (padding) return {};
      if (c == '\r') return go_on(At::closed_cr);
      break;
    default:  // closed_cr
      if (c != '\n') break;
      margin_bytes_ = 0;
      return go_on(At::epilogue);
  }
  if (c == '\n') return Error(Errc::malformed, "a line of the multipart body ends in LF alone, not in CRLF");
  return Error(Errc::malformed, "a boundary in the multipart body is followed by something else than the line's end");
}

Result<> MultipartReader::read_head(std::string_view& piece) {
  while (!piece.empty()) {
    const char c = piece.front();
    piece.remove_prefix(1);
    const bool after_cr = head_.ends_with('\r');
    head_.push_back(c);
    if (head_.size() > max_head_bytes)
      return problem(Errc::too_large, fmt::format("has more than {} bytes of headers", max_head_bytes));
    if (after_cr != (c == '\n'))
      return problem(Errc::malformed, after_cr ? "has a CR without LF in its headers"
                                               : "has a header line that ends in LF alone, not in CRLF");
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
      return problem(Errc::malformed, "has a control character in its headers");
    if (c != '\n') continue;
    if (head_.size() - line_start_ == 2) return head_complete();
    line_start_ = head_.size();
  }
  return {};
}

Result<> MultipartReader::head_complete() {
  const auto head = parse_part_head(std::string_view(head_).substr(0, line_start_));
  if (!head) return problem(head.error().code, head.error().detail);
  at_ = At::body;
  matched_ = unreal_ = 2;
  return sink_->part_begins(*head);
}

Result<> MultipartReader::count_margin(std::size_t bytes) {
  margin_bytes_ += bytes;
  if (margin_bytes_ <= max_margin_bytes) return {};
  if (at_ == At::preamble)
    return Error(Errc::malformed, fmt::format("the boundary that Content-Type names is not in the first {} bytes of"
                                              " the body",
                                              max_margin_bytes));
  return Error(Errc::too_large,
               fmt::format("more than {} bytes follow the closing boundary of the body", max_margin_bytes));
}

Error MultipartReader::problem(Errc code, std::string_view what) const {
  return {code, fmt::format("part {} of the multipart body {}", parts_, what)};
}

}  // namespace wharf::web
