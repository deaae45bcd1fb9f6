#include "web/part_head.h"

#include <fmt/format.h>

#include <utility>

#include "protocol/text.h"
#include "web/envelope.h"
#include "web/header_parameters.h"

namespace wharf::web {
namespace {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

// The header lines that count; null when absent.
struct Lines {
  std::optional<std::string_view> disposition, type, encoding;
};

Result<Lines> split(std::string_view block) {
  Lines out;
  while (!block.empty()) {
    const std::size_t end = block.find("\r\n");
    const std::string_view line = block.substr(0, end);
    block = end == std::string_view::npos ? std::string_view() : block.substr(end + 2);
    if (line.starts_with(' ') || line.starts_with('\t'))
      return Error(Errc::malformed, "has a header that goes on in the next line");
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
      return Error(Errc::malformed, "has a header line that is not name: value");
    const std::string name = lower_case(line.substr(0, colon));
    std::optional<std::string_view>* kept = name == "content-disposition"         ? &out.disposition
                                            : name == "content-type"              ? &out.type
                                            : name == "content-transfer-encoding" ? &out.encoding
                                                                                  : nullptr;
    if (!kept) continue;
    if (*kept) return Error(Errc::malformed, fmt::format("has the header {} twice", name));
    *kept = trimmed(line.substr(colon + 1));
  }
  return out;
}

bool valid_utf8(std::string_view text) { return protocol::displayable(text) == text; }

// Browsers write a quote as %22 and a percent sign as it is (HTML, "multipart/form-data encoding algorithm"). The line
// ends that they write as %0D and %0A stay so: nobody wants them back.
std::string with_quotes(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool quote = text.substr(at, 3) == "%22";
    out.push_back(quote ? '"' : text[at]);
    if (quote) at += 2;
  }
  return out;
}

Result<void> read_disposition(std::string_view text, PartHead& head) {
  const auto value = parse_header_value(text);
  if (!value) return Error(value.error().code, "has a Content-Disposition that " + value.error().detail);
  if (value->kind != "form-data")
    return Error(Errc::malformed, fmt::format("has the Content-Disposition {}, not form-data", echo(value->kind)));
  const std::string* name = value->find("name");
  if (!name || name->empty()) return Error(Errc::malformed, "has no name in its Content-Disposition");
  if (!valid_utf8(*name)) return Error(Errc::malformed, "has a name that is not UTF-8");
  head.name = with_quotes(*name);
  if (const std::string* plain = value->find("filename")) {
    if (!valid_utf8(*plain)) return Error(Errc::malformed, "has a filename that is not UTF-8");
    head.filename = with_quotes(*plain);
  }
  if (const std::string* extended = value->find("filename*")) {
    Result<std::string> decoded = extended_text(*extended);
    if (!decoded) return Error(decoded.error().code, "has a filename* that " + decoded.error().detail);
    head.filename = std::move(*decoded);
  }
  return {};
}

Result<void> read_type(std::string_view text, PartHead& head) {
  if (text.empty()) return {};
  const auto value = parse_header_value(text);
  if (!value || !is_media_type(value->kind)) return Error(Errc::malformed, "has a Content-Type that is no media type");
  if (value->kind.starts_with("multipart/"))
    return Error(Errc::unsupported, "is itself multipart; send each file as a part of its own");
  if (!valid_utf8(text)) return Error(Errc::malformed, "has a Content-Type that is not UTF-8");
  head.content_type = text;
  return {};
}

}  // namespace

Result<PartHead> parse_part_head(std::string_view block) {
  const auto lines = split(block);
  if (!lines) return lines.error();
  if (!lines->disposition) return Error(Errc::malformed, "has no Content-Disposition header");
  PartHead head;
  if (const auto read = read_disposition(*lines->disposition, head); !read) return read.error();
  if (const auto read = read_type(lines->type.value_or(""), head); !read) return read.error();
  const std::string encoding = lower_case(lines->encoding.value_or("binary"));
  if (encoding != "7bit" && encoding != "8bit" && encoding != "binary")
    return Error(Errc::unsupported,
                 fmt::format("has the Content-Transfer-Encoding {}; send the bytes as they are", echo(encoding)));
  return head;
}

}  // namespace wharf::web
