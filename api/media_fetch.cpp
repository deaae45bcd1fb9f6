#include "api/media_fetch.h"

#include <fmt/format.h>

#include <utility>

#include "net/percent_encoding.h"
#include "protocol/text.h"
#include "web/header_parameters.h"

namespace wharf::api {
namespace {

using protocol::Result;

std::string_view path_of(const net::Url& url) { return std::string_view(url.target).substr(0, url.target.find('?')); }

/// A server's word on what its file is called; one that cannot be read is none.
std::string file_name_of(const WebAnswer& answer) {
  if (const auto disposition = web::parse_header_value(answer.header("content-disposition"))) {
    if (const std::string* extended = disposition->find("filename*")) {
      if (auto text = web::extended_text(*extended); text && !text->empty()) return std::move(*text);
    }
    if (const std::string* plain = disposition->find("filename"); plain && !plain->empty())
      return protocol::displayable(*plain);
  }
  const std::string_view path = path_of(answer.url);
  const auto segment = net::percent_decode(path.substr(path.rfind('/') + 1), net::Plus::literal);
  return segment ? protocol::displayable(*segment) : std::string();
}

class FileFetch : public std::enable_shared_from_this<FileFetch> {
 public:
  FileFetch(FetchSettings settings, std::shared_ptr<sessions::MediaWriter> writer,
            std::function<void(FetchOutcome)> done)
      : settings_(std::move(settings)), done_(std::move(done)) {
    file_.field = settings_.field;
    file_.writer = std::move(writer);
  }

  void begin(net::OutgoingHttp& http, net::Scheduler& scheduler, std::string url) {
    WebReader reader;
    reader.answered = [this](const WebAnswer& answer) {  // the handle ends with this object
      file_.content_type = protocol::displayable(answer.header("content-type"));
      file_.file_name = file_name_of(answer);
    };
    reader.take = [this](std::string bytes, std::function<void()> taken) { write(std::move(bytes), std::move(taken)); };
    reader.done = [this](const std::optional<WebFailure>& failure) { on_end(failure); };
    const WebFetchSettings& of_the_web = settings_;
    request_ = fetch_web(http, scheduler, std::move(url), of_the_web, std::move(reader));
  }
  void cancel() {
    done_ = nullptr;
    release();
  }

 private:
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

  void on_end(const std::optional<WebFailure>& failure) {
    if (failure) return end(explain(*failure));
    if (file_.length == 0) return end(bad_url("is answered with an empty file"));
    end(std::move(file_));
  }

  Failure bad_url(const std::string& what) const {
    return Failure(ErrorCode::validation, fmt::format("{} {}", settings_.field, what), {{settings_.field, what}});
  }
  Failure explain(const WebFailure& failure) const {
    if (failure.kind == WebFailure::Kind::address) return bad_url(failure.what);
    if (failure.kind == WebFailure::Kind::too_large)
      return writer_failure({protocol::Errc::too_large, failure.what}, settings_.field);
    return Failure(ErrorCode::media_fetch_failed, "the file could not be fetched: " + failure.what,
                   {{settings_.field, failure.what}});
  }

  void end(FetchOutcome outcome) {
    const auto done = std::exchange(done_, nullptr);
    if (!done) return;
    const auto self = shared_from_this();  // `done` may let go of the handle
    release();
    done(std::move(outcome));
  }
  void release() {
    request_.cancel();
    file_.writer.reset();
  }

  FetchSettings settings_;
  std::function<void(FetchOutcome)> done_;  // empty: over
  net::OutgoingHandle request_;
  TakenFile file_;
};

}  // namespace

net::OutgoingHandle fetch_media(net::OutgoingHttp& http, net::Scheduler& scheduler, std::string url,
                                FetchSettings settings, std::shared_ptr<sessions::MediaWriter> writer,
                                std::function<void(FetchOutcome)> done) {
  const auto fetch = std::make_shared<FileFetch>(std::move(settings), std::move(writer), std::move(done));
  fetch->begin(http, scheduler, std::move(url));
  return net::OutgoingHandle([fetch] { fetch->cancel(); });  // the one owner
}

}  // namespace wharf::api
