#include "api/web_fetch.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/url/parse.hpp>
#include <boost/url/url.hpp>
#include <cctype>
#include <memory>

#include "web/envelope.h"
#include "web/header_parameters.h"

namespace wharf::api {
namespace {

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

/// 200, and the bytes are those of what was asked for.
bool is_content(const net::OutgoingResponse& response) {
  const std::string_view encoding = web::trimmed(header(response, "content-encoding"));
  return response.status == 200 && (encoding.empty() || web::lower_case(encoding) == "identity");
}

class Fetch : public std::enable_shared_from_this<Fetch> {
 public:
  Fetch(net::OutgoingHttp& http, net::Scheduler& scheduler, WebFetchSettings settings, WebReader reader)
      : http_(http), settings_(std::move(settings)), reader_(std::move(reader)), deadline_(scheduler) {}

  void begin(const std::string& text) {
    deadline_.after(settings_.total_timeout, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (self) self->fail(fmt::format("it took longer than {} ms", self->settings_.total_timeout.count()));
    });
    auto url = net::parse_url(text);
    if (!url) return refuse("is no URL that can be fetched: " + url.error());
    ask(std::move(*url));
  }
  void cancel() {
    over_ = true;
    deadline_.cancel();
    request_.cancel();
  }

 private:
  class Receiver final : public net::BodyReceiver {
   public:
    explicit Receiver(std::weak_ptr<Fetch> fetch) : fetch_(std::move(fetch)) {}
    void take(std::string bytes, std::function<void()> taken) override {
      const auto fetch = fetch_.lock();
      if (fetch && !fetch->over_) fetch->reader_.take(std::move(bytes), std::move(taken));
    }

   private:
    std::weak_ptr<Fetch> fetch_;
  };

  void ask(net::Url url) {
    if (url.scheme != "http" && url.scheme != "https")
      return refuse("must be http or https, not " + web::echo(url.scheme));
    if (!url.userinfo.empty()) return refuse("must not carry a user name or password");
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
      if (!self || !is_content(head)) return std::unique_ptr<Receiver>();
      self->tell_answered(head);
      return std::make_unique<Receiver>(self);
    };
    request_ = http_.start(std::move(request), [weak = weak_from_this()](net::OutgoingResult result) {
      if (const auto self = weak.lock()) self->on_answer(std::move(result));
    });
  }

  void tell_answered(const net::OutgoingResponse& head) {
    if (over_ || std::exchange(answered_, true)) return;
    reader_.answered({url_, head.headers});
  }

  void on_answer(net::OutgoingResult result) {
    if (!result) return end(explain(result.error()));
    if (is_redirect(result->status)) return on_redirect(header(*result, "location"));
    if (result->status >= 500) return fail(fmt::format("its server answers {}", result->status));
    if (result->status != 200) return refuse(fmt::format("is answered with the status {}, not 200", result->status));
    if (!is_content(*result))
      return fail("its server insists on the encoding " + web::echo(header(*result, "content-encoding")));
    tell_answered(*result);
    end(std::nullopt);
  }

  void on_redirect(std::string_view location) {
    if (location.empty()) return fail("its server answers with a redirect to nowhere");
    if (redirects_++ == settings_.max_redirects)
      return refuse(fmt::format("leads through more than {} redirects", settings_.max_redirects));
    auto next = follow(url_, location);
    if (!next) return refuse("redirects to what cannot be fetched: " + next.error());
    if (url_.secure() && !next->secure()) return refuse("redirects from https to http");
    ask(std::move(*next));
  }

  WebFailure explain(const net::OutgoingFailure& failure) const {
    if (failure.kind == Kind::bad_address) return {WebFailure::Kind::address, "cannot be asked: " + failure.message};
    if (failure.kind == Kind::too_large)
      return {WebFailure::Kind::too_large, fmt::format("it is larger than the limit of {} bytes", settings_.max_bytes)};
    return {WebFailure::Kind::network, failure.message};
  }

  void refuse(std::string what) { end(WebFailure{WebFailure::Kind::address, std::move(what)}); }
  void fail(std::string why) { end(WebFailure{WebFailure::Kind::network, std::move(why)}); }
  void end(std::optional<WebFailure> failure) {
    if (over_) return;
    const auto self = shared_from_this();  // `done` may let go of the handle
    cancel();
    reader_.done(std::move(failure));
  }

  net::OutgoingHttp& http_;
  WebFetchSettings settings_;
  WebReader reader_;
  net::Timer deadline_;
  net::OutgoingHandle request_;
  net::Url url_;  // of the hop at hand
  unsigned redirects_ = 0;
  bool answered_ = false, over_ = false;
};

/// "https:" at the front, as any other scheme.
bool has_scheme(std::string_view reference) {
  const auto end = std::find_if(reference.begin(), reference.end(),
                                [](unsigned char c) { return !std::isalnum(c) && c != '+' && c != '-' && c != '.'; });
  return end != reference.begin() && end != reference.end() && *end == ':' &&
         std::isalpha(static_cast<unsigned char>(reference.front())) != 0;
}

}  // namespace

std::string_view WebAnswer::header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

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

net::OutgoingHandle fetch_web(net::OutgoingHttp& http, net::Scheduler& scheduler, std::string url,
                              WebFetchSettings settings, WebReader reader) {
  const auto fetch = std::make_shared<Fetch>(http, scheduler, std::move(settings), std::move(reader));
  scheduler.post([weak = std::weak_ptr<Fetch>(fetch), url = std::move(url)] {
    if (const auto self = weak.lock()) self->begin(url);
  });
  return net::OutgoingHandle([fetch] { fetch->cancel(); });  // the one owner
}

}  // namespace wharf::api
