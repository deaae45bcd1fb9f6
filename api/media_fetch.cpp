#include "api/media_fetch.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <cctype>
#include <optional>
#include <utility>

#include "net/percent_encoding.h"
#include "protocol/text.h"
#include "web/header_parameters.h"

namespace wharf::api {
namespace {

using protocol::Result;
using Kind = net::OutgoingFailure::Kind;

constexpr std::size_t max_error_page_bytes = 4096;  // nobody reads it

bool is_redirect(unsigned status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

std::string_view header(const net::OutgoingResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return {};
}

/// 200, and the bytes are those of the file.
bool is_file(const net::OutgoingResponse& response) {
  const std::string_view encoding = web::trimmed(header(response, "content-encoding"));
  return response.status == 200 && (encoding.empty() || web::lower_case(encoding) == "identity");
}

std::string_view path_of(const net::Url& url) { return std::string_view(url.target).substr(0, url.target.find('?')); }

/// A server's word on what its file is called; one that cannot be read is none.
std::string file_name_of(const net::OutgoingResponse& response, const net::Url& url) {
  if (const auto disposition = web::parse_header_value(header(response, "content-disposition"))) {
    if (const std::string* extended = disposition->find("filename*")) {
      if (auto text = web::extended_text(*extended); text && !text->empty()) return std::move(*text);
    }
    if (const std::string* plain = disposition->find("filename"); plain && !plain->empty())
      return protocol::displayable(*plain);
  }
  const std::string_view path = path_of(url);
  const auto segment = net::percent_decode(path.substr(path.rfind('/') + 1), net::Plus::literal);
  return segment ? protocol::displayable(*segment) : std::string();
}

class Fetch : public std::enable_shared_from_this<Fetch> {
 public:
  Fetch(net::OutgoingHttp& http, net::Scheduler& scheduler, FetchSettings settings,
        std::shared_ptr<sessions::MediaWriter> writer, std::function<void(FetchOutcome)> done)
      : http_(http), settings_(std::move(settings)), done_(std::move(done)), deadline_(scheduler) {
    file_.field = settings_.field;
    file_.writer = std::move(writer);
  }

  void begin(const std::string& text) {
    deadline_.after(settings_.total_timeout, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self)
        self->end(self->not_fetched(fmt::format("it took longer than {} ms", self->settings_.total_timeout.count())));
    });
    auto url = net::parse_url(text);
    if (!url) return end(bad_url("is no URL that can be fetched: " + url.error()));
    ask(std::move(*url));
  }
  void cancel() {
    done_ = nullptr;
    release();
  }

 private:
  class Receiver final : public net::BodyReceiver {
   public:
    explicit Receiver(std::weak_ptr<Fetch> fetch) : fetch_(std::move(fetch)) {}
    void take(std::string bytes, std::function<void()> taken) override {
      if (const auto fetch = fetch_.lock()) fetch->write(std::move(bytes), std::move(taken));
    }

   private:
    std::weak_ptr<Fetch> fetch_;
  };

  Failure bad_url(const std::string& what) const {
    return Failure(ErrorCode::validation, fmt::format("{} {}", settings_.field, what), {{settings_.field, what}});
  }
  Failure not_fetched(const std::string& why) const {
    return Failure(ErrorCode::media_fetch_failed, "the file could not be fetched: " + why, {{settings_.field, why}});
  }

  void ask(net::Url url) {
    if (url.scheme != "http" && url.scheme != "https")
      return end(bad_url("must be http or https, not " + web::echo(url.scheme)));
    if (!url.userinfo.empty()) return end(bad_url("must not carry a user name or password"));
    url_ = std::move(url);
    net::OutgoingRequest request;
    request.method = "GET";
    request.url = url_;
    request.headers = {{"User-Agent", settings_.user_agent}, {"Accept", "*/*"}, {"Accept-Encoding", "identity"}};
    request.allow_private = settings_.allow_private;
    request.timeout = settings_.answer_timeout;
    request.max_response_bytes = max_error_page_bytes;
    request.max_streamed_bytes = settings_.max_bytes;
    request.receive_body = [weak = weak_from_this()](const net::OutgoingResponse& head) {
      const auto self = weak.lock();
      return self && is_file(head) ? std::make_unique<Receiver>(self) : std::unique_ptr<Receiver>();
    };
    request_ = http_.start(std::move(request), [weak = weak_from_this()](net::OutgoingResult result) {
      if (const auto self = weak.lock()) self->on_answer(std::move(result));
    });
  }

  void write(std::string bytes, std::function<void()> taken) {
    file_.length += bytes.size();
    file_.head += bytes.substr(0, TakenFile::max_head_bytes - file_.head.size());
    const auto writer = file_.writer;
    writer->append(std::move(bytes), [weak = weak_from_this(), taken = std::move(taken)](const Result<void>& written) {
      const auto self = weak.lock();
      if (!self || !self->done_) return;
      if (written) return taken();
      self->end(writer_failure(written.error(), self->settings_.field));
    });
  }

  void on_answer(net::OutgoingResult result) {
    if (!result) return end(explain(result.error()));
    if (is_redirect(result->status)) return on_redirect(header(*result, "location"));
    if (result->status >= 500) return end(not_fetched(fmt::format("its server answers {}", result->status)));
    if (result->status != 200)
      return end(bad_url(fmt::format("is answered with the status {}, not 200", result->status)));
    if (!is_file(*result))
      return end(not_fetched("its server insists on the encoding " + web::echo(header(*result, "content-encoding"))));
    if (file_.length == 0) return end(bad_url("is answered with an empty file"));
    file_.content_type = protocol::displayable(header(*result, "content-type"));
    file_.file_name = file_name_of(*result, url_);
    end(std::move(file_));
  }

  void on_redirect(std::string_view location) {
    if (location.empty()) return end(not_fetched("its server answers with a redirect to nowhere"));
    if (redirects_++ == settings_.max_redirects)
      return end(bad_url(fmt::format("leads through more than {} redirects", settings_.max_redirects)));
    auto next = follow(url_, location);
    if (!next) return end(bad_url("redirects to what cannot be fetched: " + next.error()));
    if (url_.secure() && !next->secure()) return end(bad_url("redirects from https to http"));
    ask(std::move(*next));
  }

  Failure explain(const net::OutgoingFailure& failure) const {
    if (failure.kind == Kind::bad_address) return bad_url("cannot be asked: " + failure.message);
    if (failure.kind == Kind::too_large)
      return writer_failure({protocol::Errc::too_large,
                             fmt::format("the file is larger than the limit of {} bytes", settings_.max_bytes)},
                            settings_.field);
    return not_fetched(failure.message);
  }

  void end(FetchOutcome outcome) {
    const auto done = std::exchange(done_, nullptr);
    if (!done) return;
    const auto self = shared_from_this();  // `done` may let go of the handle
    release();
    done(std::move(outcome));
  }
  void release() {
    deadline_.cancel();
    request_.cancel();
    file_.writer.reset();
  }

  net::OutgoingHttp& http_;
  FetchSettings settings_;
  std::function<void(FetchOutcome)> done_;  // empty: over
  net::Timer deadline_;
  net::OutgoingHandle request_;
  net::Url url_;  // of the hop at hand
  unsigned redirects_ = 0;
  TakenFile file_;
};

/// "https:" at the front, as any other scheme.
bool has_scheme(std::string_view reference) {
  const auto end = std::find_if(reference.begin(), reference.end(),
                                [](unsigned char c) { return !std::isalnum(c) && c != '+' && c != '-' && c != '.'; });
  return end != reference.begin() && end != reference.end() && *end == ':' &&
         std::isalpha(static_cast<unsigned char>(reference.front())) != 0;
}

}  // namespace

boost::system::result<net::Url, std::string> follow(const net::Url& from, std::string_view location) {
  using Followed = boost::system::result<net::Url, std::string>;
  if (has_scheme(location)) return net::parse_url(location);
  if (location.starts_with("//")) return net::parse_url(from.scheme + ":" + std::string(location));
  // The host is not in play, and only parse_url() reads hosts as we do.
  const std::string from_text = "http://h" + from.target;
  const auto base = boost::urls::parse_uri(from_text);
  const auto reference = boost::urls::parse_relative_ref(boost::urls::string_view(location.data(), location.size()));
  boost::urls::url resolved;
  if (!base || !reference || !boost::urls::resolve(*base, *reference, resolved))
    return Followed(boost::system::in_place_error, "the Location " + web::echo(location) + " is malformed");
  std::string target(resolved.encoded_target());
  while (target.starts_with("/../")) target.erase(0, 3);  // above the root is the root; Boost.URL keeps it
  return net::parse_url(from.scheme + "://" + from.authority() + (target.starts_with('/') ? "" : "/") + target);
}

net::OutgoingHandle fetch_media(net::OutgoingHttp& http, net::Scheduler& scheduler, std::string url,
                                FetchSettings settings, std::shared_ptr<sessions::MediaWriter> writer,
                                std::function<void(FetchOutcome)> done) {
  const auto fetch = std::make_shared<Fetch>(http, scheduler, std::move(settings), std::move(writer), std::move(done));
  scheduler.post([weak = std::weak_ptr<Fetch>(fetch), url = std::move(url)] {
    if (const auto self = weak.lock()) self->begin(url);
  });
  return net::OutgoingHandle([fetch] { fetch->cancel(); });  // the one owner
}

}  // namespace wharf::api
