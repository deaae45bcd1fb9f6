#pragma once
// Reading HTTP/1.1 messages from bytes, without I/O: Beast's parsers behind a plain interface, so that one translation
// unit instantiates them and a fuzzer can feed them. Ours beside them: the limits that the parsers do not keep by
// themselves (the size of a whole header, of chunk headers and trailers, no memory before the body's bytes arrive), and
// for requests the framings that Beast reads leniently and others read otherwise. Internal to net/.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace wharf::net {

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;  // names lower case

/// First value of a header, "" when absent.
std::string_view find_header(const HttpHeaders& headers, std::string_view lower_case_name);
/// Whether a comma-separated header (all its lines) holds `token`, without regard to case.
bool header_has_token(const HttpHeaders& headers, std::string_view lower_case_name, std::string_view token);
/// Safe to put on the wire: the name is a token, the value has no control characters.
bool valid_header(std::string_view name, std::string_view value);

struct HttpReadLimits {
  std::size_t max_header_bytes = 16u << 10;
  std::size_t max_body_bytes = 16u << 20;
  std::size_t max_streamed_bytes = 0;  // of a request whose body is taken while it comes: see allow_body()
};

/// Reads the requests of one connection, one after the other. Bytes of later requests stay in its buffer, which is
/// there only while it holds something.
class HttpRequestReader {
 public:
  explicit HttpRequestReader(HttpReadLimits limits);
  ~HttpRequestReader();

  /// Where the next bytes from the peer go; valid until any other call. Behind it commit() tells how many came.
  std::span<std::uint8_t> room();
  void commit(std::size_t bytes);
  /// Bytes not read yet; after done those behind the request.
  std::size_t buffered() const;
  std::string take_buffered();

  /// Reads on in the buffer. header_done: stops once behind the header, call again.
  enum class Progress { need_input, header_done, done, failed };
  Progress next();
  bool started() const;  // a byte of this request was seen
  /// After done: on to the next request.
  void restart();

  // After failed:
  unsigned error_status() const;  // 400, 413, 431
  const std::string& error_text() const;

  // After header_done:
  std::string method() const;
  std::string target() const;
  bool http_1_1() const;
  bool keep_alive() const;
  bool expects_continue() const;
  HttpHeaders& headers();  // without trailers; may be taken
  /// Up to `bytes` instead of max_body_bytes, but no more than max_streamed_bytes. False: more is announced (413).
  bool allow_body(std::size_t bytes);
  /// What has come of the body; may be taken at any time, the rest follows from the front.
  std::string& body();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Reads one response. Its body is collected, or taken while it comes.
class HttpResponseReader {
 public:
  /// `no_body`: the answer to HEAD or CONNECT. A collected body longer than the limit is cut there and counts as done.
  enum class Expect { body, no_body };
  HttpResponseReader(HttpReadLimits limits, Expect expect);
  ~HttpResponseReader();

  /// Before the first byte: feed() is to stop behind the header, once, also when there is no body; it returns more.
  void stop_behind_header();
  bool stopped_behind_header() const;  // the last feed() has

  enum class Progress { more, done, failed };
  /// Interim 1xx answers except 101 are skipped.
  Progress feed(std::string_view& input);
  /// The peer closed: done when the body was to end so, else failed.
  Progress end_of_input();
  bool started() const;
  const std::string& error_text() const;

  // Behind the header:
  unsigned status() const;
  HttpHeaders headers() const;

  // When it has stopped there:
  /// The body is taken while it comes: it is not cut, and feed() fails when it has more than `most` bytes. False: more
  /// is announced.
  bool stream_body(std::uint64_t most);
  bool too_large() const;  // why stream_body() or feed() said no

  // After done, of a streamed body after each feed():
  std::string take_body();  // what has come of it since the last call

  // After done:
  bool keep_alive() const;  // the connection can carry another request

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wharf::net
