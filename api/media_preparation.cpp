#include "api/media_preparation.h"

#include <fmt/format.h>

#include <utility>

#include "api/media_copy.h"
#include "api/media_look.h"
#include "protocol/messages/media_location.h"

namespace wharf::api {

namespace {

using protocol::Errc;
using protocol::Error;
using protocol::MediaKind;
using protocol::MessageKind;
using protocol::Result;
using sessions::SealedMedia;

std::uint64_t most_of(MessageKind kind) {
  switch (kind) {
    case MessageKind::document: return UINT64_MAX;  // the vault's own limit
    case MessageKind::video:
    case MessageKind::gif:
    case MessageKind::video_note: return MediaPreparations::max_video_bytes;
    default: return MediaPreparations::max_whole_bytes;
  }
}

Failure unusable(const std::string& field, const Error& why) {
  const auto code = why.code == Errc::too_large   ? ErrorCode::payload_too_large
                    : why.code == Errc::timed_out ? ErrorCode::timed_out
                    : why.code == Errc::internal  ? ErrorCode::internal
                                                  : ErrorCode::media_unusable;
  return Failure(code, field + ": " + why.detail, {{field, why.detail}});
}

}  // namespace

protocol::Sidecar sidecar_of(MediaKind kind) {
  switch (kind) {
    case MediaKind::video:
    case MediaKind::gif:
    case MediaKind::ptv:
    case MediaKind::audio:
    case MediaKind::voice: return protocol::Sidecar::streaming;
    default: return protocol::Sidecar::none;
  }
}

struct MediaPreparations::State : std::enable_shared_from_this<State> {
  State(sessions::MediaVault& v, net::Workers& w, net::Clock& c, std::optional<media::Converter> conv)
      : vault(v), workers(w), clock(c), converter(std::move(conv)) {}

  /// One file and what is wanted of it.
  struct Job {
    TakenFile file;
    MediaWish wish;
    MediaKind kind = MediaKind::document;
    std::function<void(Preparation)> done;
    SealedMedia sealed;
    std::string source_hash;
    bool in_turn = false;
  };
  using JobPtr = std::shared_ptr<Job>;

  void finish_file(const JobPtr& job) {
    job->file.writer->finish([self = shared_from_this(), job](Result<SealedMedia> sealed) {
      if (!sealed) return job->done(writer_failure(sealed.error(), job->file.field));
      job->sealed = std::move(*sealed);
      job->source_hash = protocol::to_hex(job->sealed.digest.file_sha256);
      job->file.writer.reset();
      if (!wants_whole(job->wish, job->sealed.digest.file_length, self->converter.has_value()))
        return self->look(job, {});
      if (self->full())
        return self->fail(job, Failure(ErrorCode::unavailable, "too many files are being prepared; try again"));
      self->waiting.push_back(job);
      self->next();
    });
  }
  bool full() const { return waiting.size() >= max_waiting; }

  void next() {
    if (busy || waiting.empty()) return;
    busy = true;
    const JobPtr job = waiting.front();
    waiting.pop_front();
    job->in_turn = true;
    vault.load(job->sealed.reference(), job->sealed.kind, max_video_bytes,
               [self = shared_from_this(), job](Result<std::string> whole) {
                 if (!whole) return self->fail(job, writer_failure(whole.error(), job->file.field));
                 self->look(job, std::move(*whole));
               });
  }

  void look(const JobPtr& job, std::string whole) {
    const auto bytes = std::make_shared<std::string>(std::move(whole));
    const auto looked = std::make_shared<Result<LookedAt>>(Error(Errc::internal, "the file could not be looked at"));
    const bool taken = workers.run(
        [self = shared_from_this(), job, bytes, looked] {
          *looked = look_at(job->wish, job->file.file_name, job->file.content_type, job->file.head, std::move(*bytes),
                            self->converter);
        },
        [self = shared_from_this(), job, looked] {
          if (!*looked) return self->fail(job, unusable(job->file.field, looked->error()));
          self->put(job, std::move(**looked));
        });
    if (!taken) fail(job, Failure(ErrorCode::unavailable, "too many files are being prepared; try again"));
  }

  /// The file as it is sent: the one that came, another in its place, or the same under the keys of its kind.
  void put(const JobPtr& job, LookedAt looked) {
    const bool same_keys = protocol::media_key_info(job->sealed.kind) == protocol::media_key_info(job->kind);
    if (!looked.other && same_keys) return end(job, std::move(looked), std::nullopt);
    const auto writer = vault.write(job->kind, sidecar_of(job->kind));
    const auto kept = std::make_shared<LookedAt>(std::move(looked));
    auto written = [self = shared_from_this(), job, kept, writer](Result<void> result) {
      if (!result) return self->fail(job, writer_failure(result.error(), job->file.field));
      writer->finish([self, job, kept](Result<SealedMedia> sealed) {
        if (!sealed) return self->fail(job, writer_failure(sealed.error(), job->file.field));
        self->end(job, std::move(*kept), std::move(*sealed));
      });
    };
    if (kept->other) {
      const auto source = std::make_shared<std::string>(std::move(*kept->other));
      return copy_media(
          [source](std::uint64_t begin, std::uint64_t end, const sessions::MediaDone<std::string>& give) {
            give(source->substr(begin, end - begin));
          },
          source->size(), writer, written);
    }
    vault.read(job->sealed.reference(), job->sealed.kind,
               [writer, written](const Result<std::shared_ptr<sessions::MediaReader>>& reader) {
                 if (!reader) return written(reader.error());
                 copy_media(pieces_of(*reader), (*reader)->length(), writer, written);
               });
  }

  void end(const JobPtr& job, LookedAt looked, std::optional<SealedMedia> other) {
    if (other) {
      vault.drop(job->sealed.name());
      job->sealed = std::move(*other);
    }
    const SealedMedia& sealed = job->sealed;
    PreparedMedia out;
    out.source_hash = job->source_hash;
    protocol::MediaContent& content = out.message.content;
    content.kind = looked.kind;
    content.caption = job->wish.caption;
    content.file = std::move(looked.file);
    content.file.length = sealed.digest.file_length;
    content.file.sha256 = protocol::to_bytes(sealed.digest.file_sha256);
    content.file.enc_sha256 = protocol::to_bytes(sealed.digest.file_enc_sha256);
    content.file.key = protocol::to_bytes(sealed.key);
    content.file.key_at = clock.unix_ms() / 1000;
    content.file.sidecar = sealed.digest.sidecar;
    out.message.upload = sealed.name();
    out.message.view_once = job->wish.view_once;
    release(job);
    job->done(std::move(out));
  }

  void fail(const JobPtr& job, Failure why) {
    vault.drop(job->sealed.name());
    release(job);
    job->done(std::move(why));
  }

  void release(const JobPtr& job) {
    if (!std::exchange(job->in_turn, false)) return;
    busy = false;
    next();
  }

  sessions::MediaVault& vault;
  net::Workers& workers;
  net::Clock& clock;
  std::optional<media::Converter> converter;
  std::deque<JobPtr> waiting;
  bool busy = false;  // one file is seen at a time
};

MediaPreparations::MediaPreparations(sessions::MediaVault& vault, net::Workers& workers, net::Clock& clock,
                                     std::optional<media::Converter> converter)
    : state_(std::make_shared<State>(vault, workers, clock, std::move(converter))) {}

MediaPreparations::~MediaPreparations() = default;

void MediaPreparations::prepare(TakenFile file, MediaWish wish, std::function<void(Preparation)> done) {
  if (const std::uint64_t most = most_of(wish.kind); file.length > most) {
    const std::string what =
        fmt::format("must be at most {} bytes as {}: send it as a file instead", most, protocol::name(wish.kind));
    return done(Failure(ErrorCode::payload_too_large, file.field + ": " + what, {{file.field, what}}));
  }
  const auto job = std::make_shared<State::Job>();
  job->file = std::move(file);
  job->kind = protocol::media_kind(wish.kind).value_or(MediaKind::document);
  job->wish = std::move(wish);
  job->done = std::move(done);
  state_->finish_file(job);
}

}  // namespace wharf::api
