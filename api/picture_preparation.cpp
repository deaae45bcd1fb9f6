#include "api/picture_preparation.h"

#include <fmt/format.h>

#include <memory>
#include <string>
#include <utility>

#include "media/image.h"

namespace wharf::api {

namespace {

using protocol::Bytes;
using protocol::Errc;
using protocol::Error;
using protocol::Result;
using sessions::SealedMedia;

constexpr unsigned max_at_once = 4;  // each holds a whole file and its pixels

/// One file on its way.
struct Picture : std::enable_shared_from_this<Picture> {
  Picture(ServicesPtr s, TakenFile f, std::function<void(std::variant<Bytes, Failure>)> d)
      : services(std::move(s)), file(std::move(f)), done(std::move(d)) {
    ++services->pictures;
  }
  Picture(const Picture&) = delete;
  Picture& operator=(const Picture&) = delete;
  ~Picture() {
    --services->pictures;
    if (sealed) services->ports.vault->drop(sealed->name());
  }

  void finish_file() {
    file.writer->finish([self = shared_from_this()](Result<SealedMedia> whole) {
      if (!whole) return self->done(writer_failure(whole.error(), self->file.field));
      self->sealed = std::move(*whole);
      self->load();
    });
  }
  void load() {
    services->ports.vault->load(sealed->reference(), sealed->kind, MediaPreparations::max_whole_bytes,
                                [self = shared_from_this()](Result<std::string> bytes) {
                                  if (!bytes) return self->done(writer_failure(bytes.error(), self->file.field));
                                  self->cut(std::move(*bytes));
                                });
  }
  void cut(std::string bytes) {
    const auto whole = std::make_shared<std::string>(std::move(bytes));
    const auto jpeg = std::make_shared<Result<Bytes>>(Error(Errc::internal, "the picture could not be read"));
    net::Workers& workers = services->ports.media_workers ? *services->ports.media_workers : services->ports.workers;
    const bool taken = workers.run([whole, jpeg] { *jpeg = media::square_picture(protocol::as_bytes(*whole)); },
                                   [self = shared_from_this(), jpeg] {
                                     if (!*jpeg) return self->fail(jpeg->error());
                                     self->done(std::move(**jpeg));
                                   });
    if (!taken) done(Failure(ErrorCode::unavailable, "too many files are being prepared; try again"));
  }
  void fail(const Error& why) {
    const auto code = why.code == Errc::too_large  ? ErrorCode::payload_too_large
                      : why.code == Errc::internal ? ErrorCode::internal
                                                   : ErrorCode::media_unusable;
    done(Failure(code, file.field + ": " + why.detail, {{file.field, why.detail}}));
  }

  ServicesPtr services;
  TakenFile file;
  std::function<void(std::variant<Bytes, Failure>)> done;
  std::optional<SealedMedia> sealed;
};

}  // namespace

void prepare_picture(const ServicesPtr& services, TakenFile file,
                     std::function<void(std::variant<Bytes, Failure>)> done) {
  if (file.length > MediaPreparations::max_whole_bytes) {
    const std::string what = fmt::format("must be at most {} bytes", MediaPreparations::max_whole_bytes);
    return done(Failure(ErrorCode::payload_too_large, file.field + ": " + what, {{file.field, what}}));
  }
  if (services->pictures >= max_at_once)
    return done(Failure(ErrorCode::unavailable, "too many pictures are being prepared; try again"));
  std::make_shared<Picture>(services, std::move(file), std::move(done))->finish_file();
}

}  // namespace wharf::api
