// A multipart body of arbitrary bytes, behind its Content-Type in the first line. Read whole and in pieces whose sizes
// the input chooses, it comes apart the same way; what a part is called is safe once made so.

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "protocol/text.h"
#include "web/file_name.h"
#include "web/multipart_reader.h"

using namespace wharf;

namespace {

void check(bool invariant) {
  if (!invariant) std::abort();
}

void check_name(const std::string& given) {
  const std::string safe = web::safe_file_name(given);
  check(!safe.empty() && safe.size() <= web::max_file_name_bytes && safe != "." && safe != "..");
  check(safe.find_first_of("/\\\r\n") == std::string::npos && protocol::displayable(safe) == safe);
  check(web::safe_file_name(safe) == safe);
  const std::string header = web::content_disposition(given, web::Disposition::saved);
  for (const char c : header) check(c >= 0x20 && c < 0x7f);
}

struct Recorder final : web::MultipartSink {
  protocol::Result<> part_begins(const web::PartHead& head) override {
    check(!in_part && !head.name.empty());
    in_part = true;
    check_name(head.filename.value_or(head.name));
    record += "<" + head.name + "|" + head.filename.value_or("-") + "|" + head.content_type + ">";
    return {};
  }
  protocol::Result<> part_bytes(std::string_view bytes) override {
    check(in_part && !bytes.empty());
    record += bytes;
    return {};
  }
  protocol::Result<> part_ends() override {
    check(in_part);
    in_part = false;
    record += "</>";
    return {};
  }
  std::string record;
  bool in_part = false;
};

/// What the sink was given, and the error. 0: in one piece.
std::string read(std::string_view content_type, std::string_view body, std::size_t piece_bytes) {
  Recorder sink;
  auto reader = web::MultipartReader::open(content_type, sink);
  if (!reader) return reader.error().detail;
  if (piece_bytes == 0) piece_bytes = body.size() + 1;
  bool fed = true;
  for (std::size_t at = 0; fed && at < body.size(); at += piece_bytes)
    fed = reader->feed(body.substr(at, piece_bytes)).has_value();
  const auto finished = reader->finish();
  check(fed || !finished);
  check(!finished || !sink.in_part);
  if (!finished) check(!finished.error().detail.empty());
  return sink.record + (finished ? "" : finished.error().detail);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view input(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::size_t line = input.find('\n');
  if (line == std::string_view::npos) return 0;
  const std::string_view content_type = input.substr(0, line), body = input.substr(line + 1);
  const std::string whole = read(content_type, body, 0);
  check(whole == read(content_type, body, 1));
  check(whole == read(content_type, body, data[0] % 97u + 2));
  return 0;
}
