#pragma once
// Reading HTTP/1.1 messages from bytes, without I/O. Beast's parser behind a plain interface, so that one translation
// unit instantiates it; with the limits the parser does not keep by itself (the size of a whole header, of chunk
// headers and trailers, and no memory before the body's bytes arrive). Internal to net/.

#include <cstdint>
#include <memory>
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
};

class HttpRequestReader {
 public:
  explicit HttpRequestReader(HttpReadLimits limits);
  ~HttpRequestReader();

  /// header: more input wanted. header_done: stops once behind the header, call again. body: more input wanted.
  enum class Progress { header, header_done, body, done, failed };
  /// Takes what belongs to this request from the front of `input`; after done the rest is the next request's.
  Progress feed(std::string_view& input);
  bool started() const;  // a byte was taken

  // After failed:
  unsigned error_status() const;  // 400, 413, 431, 505
  const std::string& error_text() const;

  // After header_done:
  std::string method() const;
  std::string target() const;
  bool http_1_1() const;
  bool keep_alive() const;
  bool expects_continue() const;
  HttpHeaders headers() const;  // trailers are dropped
  // After done, once:
  std::string take_body();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

class HttpResponseReader {
 public:
  /// `no_body`: the answer to HEAD or CONNECT. A body longer than the limit is cut there and counts as done.
  enum class Expect { body, no_body };
  HttpResponseReader(HttpReadLimits limits, Expect expect);
  ~HttpResponseReader();

  enum class Progress { more, done, failed };
  /// Interim 1xx answers except 101 are skipped.
  Progress feed(std::string_view& input);
  /// The peer closed: done when the body was to end so, else failed.
  Progress end_of_input();
  bool started() const;
  const std::string& error_text() const;

  // After done:
  unsigned status() const;
  bool keep_alive() const;  // the connection can carry another request
  HttpHeaders headers() const;
  std::string take_body();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace wharf::net
