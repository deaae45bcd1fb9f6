#include "api/link_preview.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "media/image.h"
#include "media/page_preview.h"
#include "protocol/bytes.h"
#include "protocol/text.h"
#include "web/header_parameters.h"

namespace wharf::api {
namespace {

constexpr media::ThumbnailSize thumbnail_size{192, 60};

/// What ends an address wherever it stands: blanks, controls, and what no address holds unescaped.
bool ends_address(char c) {
  return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f || c == '<' || c == '>' || c == '"' || c == '`';
}

/// What an address that was written down does not end with: the sentence does.
std::string_view without_punctuation(std::string_view address) {
  constexpr std::string_view marks = ".,;:!?'*_~)]}", closing = ")]}", opening = "([{";
  std::array<std::ptrdiff_t, closing.size()> unopened{};
  for (const char c : address) {
    if (const std::size_t kind = closing.find(c); kind != std::string_view::npos) ++unopened.at(kind);
    if (const std::size_t kind = opening.find(c); kind != std::string_view::npos) --unopened.at(kind);
  }
  while (!address.empty() && marks.find(address.back()) != std::string_view::npos) {
    const std::size_t kind = closing.find(address.back());
    // A bracket that the address opens itself is its own: …/wiki/Hull_(ship)
    if (kind != std::string_view::npos && unopened.at(kind)-- <= 0) break;
    address.remove_suffix(1);
  }
  return address;
}

std::size_t scheme_length(std::string_view text) {
  for (const std::string_view scheme : {std::string_view("https://"), std::string_view("http://")})
    if (web::lower_case(text.substr(0, scheme.size())) == scheme) return scheme.size();
  return 0;
}

/// People write addresses as browsers show them. What may not stand in one is escaped, behind the host.
std::string escaped(std::string_view address) {
  constexpr std::string_view hex = "0123456789ABCDEF", not_allowed = " \\^{|}[]";
  const std::size_t scheme = scheme_length(address);
  const std::size_t begin = scheme == 0 ? 0 : address.find_first_of("/?#", scheme);
  std::string out(address.substr(0, begin));
  for (const char c : begin == std::string_view::npos ? std::string_view() : address.substr(begin)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80 && not_allowed.find(c) == std::string_view::npos) {
      out += c;
    } else {
      out += '%';
      out += hex[byte >> 4];
      out += hex[byte & 15];
    }
  }
  return out;
}

class PreviewFetch : public std::enable_shared_from_this<PreviewFetch> {
 public:
  PreviewFetch(net::OutgoingHttp& http, net::Scheduler& scheduler, net::Workers& workers, PreviewSettings settings,
               std::function<void(FetchedPreview)> done)
      : http_(http),
        scheduler_(scheduler),
        workers_(workers),
        settings_(std::move(settings)),
        done_(std::move(done)),
        deadline_(scheduler) {}

  void begin(std::string address) {
    preview_.url = std::move(address);
    deadline_.after(settings_.total_timeout, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self) return;
      if (!self->preview_.title.empty()) return self->finish();  // the picture was too slow
      self->miss("timeout", fmt::format("it took longer than {} ms", self->settings_.total_timeout.count()));
    });
    WebReader page;
    page.answered = [this](const WebAnswer& answer) { on_page_head(answer); };
    page.take = [this](const std::string& bytes, const std::function<void()>& taken) {
      body_.append(bytes, 0, media::max_page_bytes - body_.size());
      if (body_.size() < media::max_page_bytes) return taken();
      fetch_.cancel();  // the beginning says it
      read_page();
    };
    page.done = [this](const std::optional<WebFailure>& failure) {
      if (failure) return miss("page", explain(*failure));
      read_page();
    };
    fetch_ = fetch_web(http_, scheduler_, escaped(preview_.url), web_settings(UINT64_MAX), std::move(page));
  }
  void cancel() {
    done_ = nullptr;
    deadline_.cancel();
    fetch_.cancel();
  }

 private:
  WebFetchSettings web_settings(std::uint64_t max_bytes) const {
    WebFetchSettings out;
    out.allow_private = settings_.allow_private;
    out.user_agent = settings_.user_agent;
    out.max_bytes = max_bytes;
    out.total_timeout = out.answer_timeout = settings_.total_timeout;
    return out;
  }

  static std::string explain(const WebFailure& failure) {
    if (failure.kind == WebFailure::Kind::address) return "the address " + failure.what;
    return "the page could not be fetched: " + failure.what;
  }

  void on_page_head(const WebAnswer& answer) {
    page_url_ = answer.url;
    const auto type = web::parse_header_value(answer.header("content-type"));
    const std::string name = type ? type->kind : std::string();
    if (name != "text/html" && name != "application/xhtml+xml") return miss("type", "the address leads to no web page");
    if (const std::string* charset = type->find("charset")) charset_ = *charset;
  }

  void read_page() {
    const auto html = std::make_shared<const std::string>(std::exchange(body_, {}));
    const auto page = std::make_shared<media::PagePreview>();
    const bool taken = workers_.run([html, page, charset = charset_] { *page = media::read_page(*html, charset); },
                                    [weak = weak_from_this(), page] {
                                      const auto self = weak.lock();
                                      if (self && self->done_) self->on_page(std::move(*page));
                                    });
    if (!taken) miss("busy", "the server is too busy to look into the page");
  }

  void on_page(media::PagePreview page) {
    if (page.title.empty()) return miss("title", "the page has no title");
    preview_.title = std::move(page.title);
    preview_.description = std::move(page.description);
    if (page.image.empty()) return finish();
    const auto picture = follow(page_url_, escaped(page.image));
    if (!picture || (page_url_.secure() && !picture->secure())) return finish();
    WebReader reader;
    reader.answered = [](const WebAnswer&) {};
    reader.take = [this](const std::string& bytes, const std::function<void()>& taken) {
      body_ += bytes;
      taken();
    };
    reader.done = [this](const std::optional<WebFailure>& failure) {
      if (failure) return finish();
      make_thumbnail();
    };
    const std::string address = picture->scheme + "://" + picture->authority() + picture->target;
    fetch_ = fetch_web(http_, scheduler_, address, web_settings(max_preview_picture_bytes), std::move(reader));
  }

  void make_thumbnail() {
    const auto picture = std::make_shared<const std::string>(std::exchange(body_, {}));
    const auto small = std::make_shared<protocol::Bytes>();
    const bool taken = workers_.run(
        [picture, small] {
          auto made = media::jpeg_thumbnail(protocol::as_bytes(*picture), thumbnail_size);
          if (made) *small = std::move(*made);
        },
        [weak = weak_from_this(), small] {
          const auto self = weak.lock();
          if (!self || !self->done_) return;
          if (small->size() <= protocol::LinkPreview::max_thumbnail_bytes) self->preview_.thumbnail = std::move(*small);
          self->finish();
        });
    if (!taken) finish();
  }

  void finish() {
    FetchedPreview out;
    out.preview = std::move(preview_);
    end(std::move(out));
  }
  void miss(const char* stage, const std::string& why) {
    FetchedPreview out;
    out.missing = why;
    out.stage = stage;
    end(std::move(out));
  }
  void end(FetchedPreview fetched) {
    const auto done = std::exchange(done_, nullptr);
    if (!done) return;
    const auto self = shared_from_this();  // `done` may let go of the handle
    cancel();
    done(std::move(fetched));
  }

  net::OutgoingHttp& http_;
  net::Scheduler& scheduler_;
  net::Workers& workers_;
  PreviewSettings settings_;
  std::function<void(FetchedPreview)> done_;  // empty: over
  net::Timer deadline_;
  net::OutgoingHandle fetch_;  // of the page, then of its picture
  std::string body_, charset_;
  net::Url page_url_;
  protocol::LinkPreview preview_;
};

}  // namespace

std::string_view first_address(std::string_view text) {
  for (std::size_t at = text.find("://"); at != std::string_view::npos; at = text.find("://", at + 3)) {
    const bool secure = at >= 5 && scheme_length(text.substr(at - 5)) == 8;
    const std::size_t letters = secure ? 5 : 4;
    if (!secure && (at < 4 || scheme_length(text.substr(at - 4)) != 7)) continue;
    // One more than is allowed shows that it is too long.
    const std::string_view rest = text.substr(at - letters, max_address_bytes + 1);
    const auto end = std::find_if(rest.begin(), rest.end(), ends_address);
    const std::string_view written = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
    if (written.size() > max_address_bytes) {  // nor does what stands in it begin one: each is looked at once
      at = static_cast<std::size_t>(std::find_if(rest.data(), text.data() + text.size(), ends_address) - text.data());
      at -= std::min<std::size_t>(at, 3);
      continue;
    }
    const std::string_view address = without_punctuation(written);
    if (address.size() > letters + 3) return address;
  }
  return {};
}

net::OutgoingHandle fetch_preview(net::OutgoingHttp& http, net::Scheduler& scheduler, net::Workers& workers,
                                  std::string address, PreviewSettings settings,
                                  std::function<void(FetchedPreview)> done) {
  const auto fetch = std::make_shared<PreviewFetch>(http, scheduler, workers, std::move(settings), std::move(done));
  fetch->begin(std::move(address));
  return net::OutgoingHandle([fetch] { fetch->cancel(); });  // the one owner
}

}  // namespace wharf::api
