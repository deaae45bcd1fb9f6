// The HTTP/1.1 readers, request and response, in pieces of a size that the first byte chooses. However the bytes are
// cut, the same requests are accepted; a response is the same whether its body is collected or taken while it comes; a
// limit is kept; what a reader accepted can be asked for everything its header names.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

#include "net/http_message_reader.h"

using namespace wharf::net;

namespace {

constexpr HttpReadLimits limits{2048, 4096};

void check(bool invariant) {
  if (!invariant) std::abort();
}

struct Outcome {
  bool accepted = false;
  std::string text;
  std::size_t behind = 0;
  friend bool operator==(const Outcome&, const Outcome&) = default;
};

Outcome read_request(std::string_view all, std::size_t piece) {
  std::string_view bytes = all;
  HttpRequestReader reader(limits);
  auto progress = HttpRequestReader::Progress::need_input;
  Outcome outcome;
  std::string body;
  while (true) {
    progress = reader.next();
    if (progress == HttpRequestReader::Progress::header_done) {
      outcome.text = reader.method() + " " + reader.target() + (reader.http_1_1() ? " 1" : " 0") +
                     (reader.keep_alive() ? " keep" : "") + (reader.expects_continue() ? " 100" : "");
      for (const auto& [name, value] : reader.headers()) outcome.text += "\n" + name + ":" + value;
      continue;
    }
    body += std::exchange(reader.body(), {});  // in pieces, as they come
    if (progress != HttpRequestReader::Progress::need_input || bytes.empty()) break;
    const auto room = reader.room();
    const std::size_t came = std::min({piece, bytes.size(), room.size()});
    std::copy_n(bytes.begin(), came, room.begin());
    reader.commit(came);
    bytes.remove_prefix(came);
  }
  outcome.accepted = progress == HttpRequestReader::Progress::done;
  if (progress == HttpRequestReader::Progress::done) {
    check(body.size() <= limits.max_body_bytes);
    outcome.text += "\n\n" + body;
    // What is behind it is the next request's, whole.
    outcome.behind = reader.buffered() + bytes.size();
    const std::string behind = std::string(reader.take_buffered()) + std::string(bytes);
    check(behind.size() == outcome.behind && all.ends_with(behind));
    reader.restart();
    check(!reader.started() && reader.buffered() == 0);
  }
  if (progress == HttpRequestReader::Progress::failed) {
    check(reader.error_status() >= 400 && !reader.error_text().empty());
  }
  // An unfinished header that is wrong may be refused at once or when more of it comes: only what is accepted must
  // agree.
  if (progress != HttpRequestReader::Progress::done) return {};
  return outcome;
}

enum class Taking { collected, streamed };

/// What it was if it came whole; else nothing.
Outcome read_response(std::string_view bytes, std::size_t piece, HttpResponseReader::Expect expect, Taking taking,
                      std::uint64_t most) {
  HttpResponseReader reader(limits, expect);
  if (taking == Taking::streamed) reader.stop_behind_header();
  auto progress = HttpResponseReader::Progress::more;
  std::string pending, body;
  bool behind_header = false;
  while (progress == HttpResponseReader::Progress::more) {
    std::string_view input = pending;
    const std::size_t before = input.size();
    progress = reader.feed(input);
    const bool took = input.size() < before;
    pending.erase(0, before - input.size());
    if (progress == HttpResponseReader::Progress::more && reader.stopped_behind_header()) {
      check(taking == Taking::streamed && !std::exchange(behind_header, true));
      reader.status();
      reader.headers();
      if (!reader.stream_body(most)) {
        check(reader.too_large() && !reader.error_text().empty());
        return {};
      }
      continue;
    }
    if (behind_header && progress != HttpResponseReader::Progress::failed) {
      body += reader.take_body();
      check(body.size() <= most);
    }
    if (progress != HttpResponseReader::Progress::more || took) continue;
    if (bytes.empty()) {
      progress = reader.end_of_input();
      check(progress != HttpResponseReader::Progress::more);
      break;
    }
    pending += bytes.substr(0, piece);
    bytes.remove_prefix(std::min(piece, bytes.size()));
  }
  if (progress == HttpResponseReader::Progress::failed) {
    check(!reader.error_text().empty());
    return {};
  }
  check(taking == Taking::collected || behind_header);
  body += reader.take_body();
  if (taking == Taking::collected) check(body.size() <= limits.max_body_bytes);
  Outcome outcome;
  outcome.accepted = true;
  outcome.text = std::to_string(reader.status()) + (reader.keep_alive() ? " keep" : "");
  for (const auto& [name, value] : reader.headers()) outcome.text += "\n" + name + ":" + value;
  outcome.text += "\n\n" + body;
  outcome.behind = pending.size() + bytes.size();
  return outcome;
}

/// Collected or streamed, a body that is below every limit is the same.
void check_response(std::string_view bytes, std::size_t piece, HttpResponseReader::Expect expect) {
  const Outcome collected = read_response(bytes, piece, expect, Taking::collected, 0);
  read_response(bytes, piece, expect, Taking::streamed, 100);
  const Outcome streamed = read_response(bytes, piece, expect, Taking::streamed, 1u << 20);
  if (bytes.size() < limits.max_body_bytes) check(streamed == collected);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  const std::size_t piece = 1 + data[0] / 4u;
  if (data[0] % 2 == 0) {
    check_response(bytes, piece,
                   data[0] % 4 == 0 ? HttpResponseReader::Expect::body : HttpResponseReader::Expect::no_body);
    return 0;
  }
  const Outcome whole = read_request(bytes, bytes.size());
  check(read_request(bytes, piece) == whole);
  return 0;
}
