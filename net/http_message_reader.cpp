#include "net/http_message_reader.h"

#include <algorithm>
#include <boost/beast/core/buffers_range.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/buffer_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <cctype>
#include <limits>
#include <optional>
#include <stdexcept>

namespace wharf::net {
namespace {

namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

constexpr int max_interim_responses = 8;
constexpr std::size_t header_room_bytes = 4u << 10;
constexpr std::size_t body_room_bytes = 64u << 10;

/// The parser asserts that a last chunk which was cut comes back to it with five bytes or more, as many as "0" and two
/// ends of line are: what may be the beginning of one waits until there are as many. (What is left of a whole chunked
/// body is never less.)
bool may_be_cut_last_chunk(std::string_view rest_of_body) {
  return rest_of_body.size() < 5 && rest_of_body.starts_with('0');
}

/// A body in a string that grows as bytes arrive (Beast's string_body reserves what the peer announces) and is cut at
/// `limit`.
struct CappedBody {
  struct value_type {
    std::string text;
    std::size_t limit = 0;
    bool cut = false;
    std::uint64_t bytes = 0;  // that have come
  };
  class reader {
   public:
    template <bool is_request, class Fields>
    reader(http::header<is_request, Fields>&, value_type& body) : body_(body) {}
    void init(const boost::optional<std::uint64_t>&, error_code& error) { error = {}; }
    template <class Buffers>
    std::size_t put(const Buffers& buffers, error_code& error) {
      error = {};
      for (const auto buffer : beast::buffers_range_ref(buffers)) {
        const std::size_t room = body_.limit - std::min(body_.limit, body_.text.size());
        if (buffer.size() > room) body_.cut = true;
        body_.text.append(static_cast<const char*>(buffer.data()), std::min(room, buffer.size()));
        body_.bytes += buffer.size();
      }
      return beast::buffer_bytes(buffers);
    }
    void finish(error_code& error) { error = {}; }

   private:
    value_type& body_;
  };
};

HttpHeaders copy_headers(const http::fields& fields) {
  HttpHeaders out;
  for (const auto& field : fields) {
    std::string name(field.name_string());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    out.emplace_back(std::move(name), std::string(field.value()));
  }
  return out;
}

beast::string_view as_beast(std::string_view text) { return {text.data(), text.size()}; }

/// The parser throws at a trailer field of more than 64 KiB, as it throws at such a field of ours.
template <class Parser>
std::size_t put_into(Parser& parser, boost::asio::const_buffer bytes, error_code& error) {
  try {
    return parser.put(bytes, error);
  } catch (const std::length_error&) {
    error = http::error::header_limit;
    return 0;
  }
}

using ResponseParser = http::response_parser<CappedBody>;

/// Feeds the parser from pieces of any size: what it could not use yet is kept and offered again with more.
class Feeder {
 public:
  explicit Feeder(std::size_t max_header_bytes) : max_header_bytes_(max_header_bytes) {}

  /// Stops at need_more (error clear), an error, the end of the header, or the end of the message.
  void feed(ResponseParser& parser, std::string_view& input, error_code& error) {
    const bool in_header = !parser.is_header_done();
    const std::size_t kept = kept_.size();
    if (kept != 0) kept_.append(input);
    const std::string_view all = kept != 0 ? std::string_view(kept_) : input;
    const std::size_t used = put(parser, all, error);
    if (in_header) header_bytes_ += used;
    if (error && error != http::error::need_more) return;
    error = {};
    const bool stopped = parser.is_done() || (in_header && parser.is_header_done());
    const std::size_t rest = all.size() - used;
    if (stopped) {
      // What stopped the parser came with the new piece, so the rest is a suffix of it.
      input.remove_prefix(input.size() - rest);
      std::string().swap(kept_);
    } else {
      input = {};
      if (kept != 0) kept_.erase(0, used);
      else kept_.assign(all.substr(used));
    }
    // The parser forgets what it took of a header, and has no limit for chunk extensions and trailers.
    if (header_bytes_ + kept_.size() > max_header_bytes_) error = http::error::header_limit;
    if (parser.is_header_done()) header_bytes_ = 0;
  }

 private:
  static std::size_t put(ResponseParser& parser, std::string_view all, error_code& error) {
    std::size_t used = 0;
    const bool in_header = !parser.is_header_done();
    const bool chunked = !in_header && parser.chunked();
    while (used < all.size() && !(chunked && may_be_cut_last_chunk(all.substr(used)))) {
      const std::size_t step = put_into(parser, boost::asio::const_buffer(all.data() + used, all.size() - used), error);
      used += step;
      if (error || parser.is_done() || (in_header && parser.is_header_done())) break;
      if (step == 0) break;
    }
    return used;
  }

  std::size_t max_header_bytes_;
  std::size_t header_bytes_ = 0;
  std::string kept_;
};

}  // namespace

std::string_view find_header(const HttpHeaders& headers, std::string_view lower_case_name) {
  for (const auto& [name, value] : headers) {
    if (name == lower_case_name) return value;
  }
  return {};
}

bool header_has_token(const HttpHeaders& headers, std::string_view lower_case_name, std::string_view token) {
  return std::any_of(headers.begin(), headers.end(), [&](const auto& header) {
    return header.first == lower_case_name && http::token_list(as_beast(header.second)).exists(as_beast(token));
  });
}

bool valid_header(std::string_view name, std::string_view value) {
  static constexpr std::string_view token_marks = "!#$%&'*+-.^_`|~";
  const bool token = !name.empty() && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return std::isalnum(c) || token_marks.find(static_cast<char>(c)) != std::string_view::npos;
  });
  return token &&
         std::none_of(value.begin(), value.end(), [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; });
}

// ---- requests

struct HttpRequestReader::State {
  explicit State(HttpReadLimits l) : limits(l) {}

  using Parser = http::request_parser<http::buffer_body>;
  HttpReadLimits limits;
  beast::flat_buffer buffer;
  std::optional<Parser> parser;  // of the current request
  std::size_t header_bytes = 0;  // that the parser took
  std::size_t looked_at = 0;     // bytes at the front of the buffer that folded() has seen
  bool started = false;
  bool header_read = false;
  bool line_begins = false, empty_line = false;  // where the bytes looked at end
  HttpHeaders headers;                           // without trailers, which the parser puts among them later
  std::string body;
  std::size_t body_bytes = 0;  // that have come, taken or not
  std::size_t max_body_bytes = limits.max_body_bytes;
  unsigned status = 0;
  std::string error;

  void begin() {
    parser.emplace();
    parser->header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(limits.max_header_bytes, 1u << 30)));
    parser->body_limit(std::max(limits.max_body_bytes, limits.max_streamed_bytes));
  }

  std::size_t put(error_code& result) {
    const std::size_t used = put_into(*parser, buffer.cdata(), result);
    buffer.consume(used);
    return used;
  }

  // RFC 9112 5.2: a folded line is one field to some readers and two to others. The parser would join it silently.
  bool folded() {
    const std::string_view bytes(static_cast<const char*>(buffer.cdata().data()), buffer.size());
    for (; looked_at < bytes.size() && !empty_line; ++looked_at) {
      const char c = bytes[looked_at];
      if (line_begins && (c == ' ' || c == '\t')) return true;
      empty_line = line_begins && c == '\r';  // what follows is the body
      line_begins = c == '\n';
    }
    return false;
  }

  Progress fail(unsigned code, std::string text) {
    status = code;
    error = std::move(text);
    return Progress::failed;
  }
  Progress fail(const error_code& code) {
    if (code == http::error::body_limit) return fail(413, "the request body is larger than allowed");
    if (code == http::error::header_limit) return fail(431, "the request header is larger than allowed");
    if (code == http::error::bad_version) return fail(400, "the request line is malformed or not HTTP/1.0 or 1.1");
    return fail(400, "malformed request: " + code.message());
  }

  Progress read_header() {
    if (!started) {
      // RFC 9112 2.2: empty lines before a request are ignored.
      const auto* bytes = static_cast<const char*>(buffer.cdata().data());
      std::size_t empty = 0;
      while (empty < buffer.size() && (bytes[empty] == '\r' || bytes[empty] == '\n')) ++empty;
      buffer.consume(empty);
    }
    if (buffer.size() == 0) return Progress::need_input;
    started = true;
    if (folded()) return fail(400, "a header field is continued on the next line");
    error_code result;
    while (!parser->is_header_done() && buffer.size() != 0) {
      const std::size_t used = put(result);
      header_bytes += used;
      looked_at -= std::min(looked_at, used);
      if (result == http::error::need_more) break;
      if (result) return fail(result);
    }
    // The parser forgets what it took of a header.
    const std::size_t pending = parser->is_header_done() ? 0 : buffer.size();
    if (header_bytes + pending > limits.max_header_bytes) return fail(http::error::header_limit);
    return parser->is_header_done() ? check_header() : Progress::need_input;
  }

  Progress check_header() {
    const auto& message = parser->get();
    if (message.version() == 11 && message.count(http::field::host) != 1)
      return fail(400, "one Host header is required");
    // Two framings of one body are how requests are smuggled past a proxy (RFC 9112 6.1).
    if (message.count(http::field::transfer_encoding) > 0) {
      if (message.version() != 11) return fail(400, "Transfer-Encoding needs HTTP/1.1");
      if (message.count(http::field::content_length) > 0) return fail(400, "both Content-Length and Transfer-Encoding");
      // One coding, once: others read lists of them differently.
      if (message.count(http::field::transfer_encoding) != 1 ||
          !beast::iequals(message[http::field::transfer_encoding], "chunked") || !parser->chunked())
        return fail(400, "Transfer-Encoding other than chunked");
    }
    headers = copy_headers(message);
    header_read = true;
    return Progress::header_done;
  }

  bool waits_for_last_chunk() const {
    return parser->chunked() && may_be_cut_last_chunk({static_cast<const char*>(buffer.cdata().data()), buffer.size()});
  }

  Progress read_body() {
    if (parser->is_done() || buffer.size() == 0) return end_of_body();
    // Room for all of it once, not for each of the many chunks that it may hold; what was framing is given back.
    const std::size_t had = body.size();
    std::size_t have = had;
    body.resize(had + buffer.size());
    error_code result;
    while (!result && !parser->is_done() && buffer.size() != 0 && !waits_for_last_chunk()) {
      auto& piece = parser->get().body();
      piece.data = body.data() + have;
      piece.size = body.size() - have;
      put(result);
      have = body.size() - piece.size;
    }
    body.resize(have);
    body_bytes += have - had;
    if (body_bytes > max_body_bytes) return fail(http::error::body_limit);
    if (result == http::error::header_limit) return fail(400, "bad chunked encoding");
    if (result && result != http::error::need_more) return fail(result);
    return end_of_body();
  }

  Progress end_of_body() {
    if (parser->is_done()) return Progress::done;
    // The parser has no limit for chunk extensions and trailers.
    if (buffer.size() > limits.max_header_bytes) return fail(400, "bad chunked encoding");
    return Progress::need_input;
  }
};

HttpRequestReader::HttpRequestReader(HttpReadLimits limits) : state_(std::make_unique<State>(limits)) {}
HttpRequestReader::~HttpRequestReader() = default;

std::span<std::uint8_t> HttpRequestReader::room() {
  const auto space = state_->buffer.prepare(state_->header_read ? body_room_bytes : header_room_bytes);
  return {static_cast<std::uint8_t*>(space.data()), space.size()};
}

void HttpRequestReader::commit(std::size_t bytes) {
  state_->buffer.commit(bytes);
  if (state_->buffer.size() == 0) state_->buffer = beast::flat_buffer();
}

std::size_t HttpRequestReader::buffered() const { return state_->buffer.size(); }

std::string HttpRequestReader::take_buffered() {
  std::string out(static_cast<const char*>(state_->buffer.cdata().data()), state_->buffer.size());
  state_->buffer = beast::flat_buffer();
  return out;
}

HttpRequestReader::Progress HttpRequestReader::next() {
  if (!state_->parser) state_->begin();
  const Progress progress = state_->header_read ? state_->read_body() : state_->read_header();
  // A connection that is silent now may be so for long.
  if (state_->buffer.size() == 0) state_->buffer = beast::flat_buffer();
  return progress;
}

void HttpRequestReader::restart() {
  auto fresh = std::make_unique<State>(state_->limits);  // a parser serves one message
  fresh->buffer = std::move(state_->buffer);
  state_ = std::move(fresh);
}

bool HttpRequestReader::started() const { return state_->started; }
unsigned HttpRequestReader::error_status() const { return state_->status; }
const std::string& HttpRequestReader::error_text() const { return state_->error; }
std::string HttpRequestReader::method() const { return std::string(state_->parser->get().method_string()); }
std::string HttpRequestReader::target() const { return std::string(state_->parser->get().target()); }
bool HttpRequestReader::http_1_1() const { return state_->parser->get().version() == 11; }
bool HttpRequestReader::keep_alive() const { return state_->parser->get().keep_alive(); }
HttpHeaders& HttpRequestReader::headers() { return state_->headers; }
bool HttpRequestReader::allow_body(std::size_t bytes) {
  state_->max_body_bytes = bytes;
  const auto announced = state_->parser->content_length();
  if (!announced || *announced <= bytes) return true;
  state_->fail(http::error::body_limit);
  return false;
}

std::string& HttpRequestReader::body() { return state_->body; }

bool HttpRequestReader::expects_continue() const {
  return http_1_1() && beast::iequals(state_->parser->get()[http::field::expect], "100-continue");
}

// ---- responses

struct HttpResponseReader::State {
  State(HttpReadLimits l, Expect e) : limits(l), expect(e) { restart(); }

  void restart() {
    parser.emplace();
    feeder.emplace(limits.max_header_bytes);
    parser->header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(limits.max_header_bytes, 1u << 30)));
    parser->body_limit(boost::none);
    parser->get().body().limit = limits.max_body_bytes;
    parser->skip(expect == Expect::no_body);
    parser->eager(false);  // the header alone: bytes of the body behind it would count towards its limit
  }
  bool cut() const { return parser->get().body().cut; }
  bool final_status() const { return parser->get().result_int() >= 200 || parser->get().result_int() == 101; }
  Progress fail(std::string text) {
    error = std::move(text);
    return Progress::failed;
  }
  bool beyond(std::uint64_t bytes) {
    too_large = max_streamed_bytes && bytes > *max_streamed_bytes;
    if (too_large) error = "the answer is larger than " + std::to_string(*max_streamed_bytes) + " bytes";
    return too_large;
  }

  HttpReadLimits limits;
  Expect expect;
  std::optional<ResponseParser> parser;
  std::optional<Feeder> feeder;
  std::optional<std::uint64_t> max_streamed_bytes;    // set: the body is taken while it comes
  bool stops_behind_header = false, stopped = false;  // it is still to do so; the last feed() did
  bool started = false;
  bool complete = false;
  bool too_large = false;
  int interim = 0;
  std::string error;
};

HttpResponseReader::HttpResponseReader(HttpReadLimits limits, Expect expect)
    : state_(std::make_unique<State>(limits, expect)) {}
HttpResponseReader::~HttpResponseReader() = default;

void HttpResponseReader::stop_behind_header() { state_->stops_behind_header = true; }
bool HttpResponseReader::stopped_behind_header() const { return state_->stopped; }

HttpResponseReader::Progress HttpResponseReader::feed(std::string_view& input) {
  State& s = *state_;
  s.stopped = false;
  if (s.complete) return Progress::done;  // the header was all
  while (!input.empty()) {
    s.started = true;
    error_code error;
    s.feeder->feed(*s.parser, input, error);
    if (error) return s.fail("malformed response: " + error.message());
    if (s.beyond(s.parser->get().body().bytes)) return Progress::failed;
    if (s.cut()) return Progress::done;
    if (!s.parser->is_header_done()) continue;
    s.parser->eager(true);
    if (!s.final_status()) {
      if (++s.interim > max_interim_responses) return s.fail("too many interim responses");
      s.restart();  // it has no body
      continue;
    }
    s.complete = s.parser->is_done();
    s.stopped = std::exchange(s.stops_behind_header, false);
    if (s.stopped) return Progress::more;
    if (s.complete) return Progress::done;
  }
  return Progress::more;
}

HttpResponseReader::Progress HttpResponseReader::end_of_input() {
  State& s = *state_;
  error_code error = http::error::end_of_stream;
  if (s.parser->is_header_done()) s.parser->put_eof(error);
  if (!error && s.parser->is_done()) return Progress::done;  // s.complete stays false: the connection is gone
  s.error = s.started ? "the response was cut off" : "the connection was closed without a response";
  return Progress::failed;
}

bool HttpResponseReader::started() const { return state_->started; }
const std::string& HttpResponseReader::error_text() const { return state_->error; }
unsigned HttpResponseReader::status() const { return state_->parser->get().result_int(); }
bool HttpResponseReader::keep_alive() const { return state_->complete && state_->parser->get().keep_alive(); }
HttpHeaders HttpResponseReader::headers() const { return copy_headers(state_->parser->get()); }
std::string HttpResponseReader::take_body() { return std::exchange(state_->parser->get().body().text, {}); }
bool HttpResponseReader::too_large() const { return state_->too_large; }

bool HttpResponseReader::stream_body(std::uint64_t most) {
  State& s = *state_;
  s.max_streamed_bytes = most;
  s.parser->get().body().limit = std::numeric_limits<std::size_t>::max();
  const auto announced = s.parser->content_length();
  return s.complete || !announced || !s.beyond(*announced);  // complete: what is announced does not come (HEAD, 304)
}

}  // namespace wharf::net
