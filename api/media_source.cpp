#include "api/media_source.h"

#include <fmt/format.h>

#include <utility>

#include "api/chat_id.h"
#include "api/media_fetch.h"
#include "protocol/messages/media_location.h"
#include "storage/messages.h"

namespace wharf::api {

namespace {

using protocol::Errc;
using protocol::Result;
using sessions::StoredMedia;

constexpr std::size_t piece_bytes = 1u << 20;

Failure bad_field(const std::string& field, const std::string& what) {
  return Failure(ErrorCode::validation, field + ": " + what, {{field, what}});
}

std::shared_ptr<sessions::MediaWriter> new_writer(const ServicesPtr& services, protocol::MessageKind kind) {
  const auto media = protocol::media_kind(kind).value_or(protocol::MediaKind::document);
  return services->ports.vault->write(media, sidecar_of(media));
}

void fetch_url(const ServicesPtr& services, const CallPtr& call, protocol::MessageKind kind, std::string url,
               std::function<void(MediaSource)> done) {
  FetchSettings settings;
  settings.allow_private = services->settings.media_allow_private;
  settings.max_bytes = services->settings.max_media_bytes;
  if (!services->settings.version.empty()) settings.user_agent = "Wharf/" + services->settings.version;
  if (services->fetches.size() >= Services::max_fetches)
    return done(Failure(ErrorCode::unavailable, "too many files are being fetched from their url; try again"));
  auto fetched = [weak = std::weak_ptr(services), call, done = std::move(done)](FetchOutcome outcome) {
    run_guarded(call, [&] { std::visit([&](auto& one) { done(std::move(one)); }, outcome); });
    if (const auto still_here = weak.lock()) still_here->fetches.erase(call);
  };
  services->fetches[call] = fetch_media(services->ports.http_client, services->ports.scheduler, std::move(url),
                                        settings, new_writer(services, kind), std::move(fetched));
}

/// A file of the vault as one that has just come: it is encrypted anew.
class Copy : public std::enable_shared_from_this<Copy> {
 public:
  Copy(std::shared_ptr<sessions::MediaReader> from, TakenFile file, std::function<void(MediaSource)> done)
      : from_(std::move(from)), file_(std::move(file)), done_(std::move(done)) {}
  void go_on() {
    if (at_ == from_->length()) {
      file_.length = at_;
      return std::exchange(done_, nullptr)(std::move(file_));
    }
    const std::uint64_t end = std::min<std::uint64_t>(from_->length(), at_ + piece_bytes);
    from_->read(at_, end, [self = shared_from_this()](Result<std::string> piece) {
      if (!piece) return self->fail(piece.error());
      TakenFile& file = self->file_;
      self->at_ += piece->size();
      if (file.head.size() < TakenFile::max_head_bytes)
        file.head.append(*piece, 0, TakenFile::max_head_bytes - file.head.size());
      file.writer->append(std::move(*piece), [self](Result<void> taken) {
        if (!taken) return self->fail(taken.error());
        self->go_on();
      });
    });
  }

 private:
  void fail(const protocol::Error& why) { std::exchange(done_, nullptr)(writer_failure(why, file_.field)); }

  std::shared_ptr<sessions::MediaReader> from_;
  TakenFile file_;
  std::function<void(MediaSource)> done_;
  std::uint64_t at_ = 0;
};

void take_stored(const ServicesPtr& services, const CallPtr& call, protocol::MessageKind kind, const std::string& id,
                 std::function<void(MediaSource)> done) {
  const std::string field = "mediaMessageId";
  const auto session = services->ports.supervisor.find(call->param("sessionId"));
  if (!session) return done(session_not_found(call->param("sessionId")));
  storage::Database& db = services->ports.store.reader();
  auto row = storage::find_message_by_id(db, session->id, id, true);
  if (!row) row = storage::find_message_by_id(db, session->id, id, false);
  if (!row)
    return done(Failure(ErrorCode::message_not_found, fmt::format("{}: no message {} is stored", field, echo(id)),
                        {{field, "must be a stored message with a file"}}));
  auto media = sessions::stored_media(row->content);
  if (!media) return done(bad_field(field, media.error().detail));
  if (media->message_kind == kind && sessions::on_servers(media->file, services->ports.scheduler.unix_ms()))
    return done(std::move(*media));
  TakenFile file;
  file.field = field;
  file.file_name = media->file.file_name;
  file.content_type = media->file.mimetype;
  file.writer = new_writer(services, kind);
  open_media(services, call, id, *media, [file = std::move(file), done = std::move(done)](auto opened) mutable {
    if (auto* failed = std::get_if<Failure>(&opened)) return done(std::move(*failed));
    std::make_shared<Copy>(std::move(std::get<0>(opened)), std::move(file), std::move(done))->go_on();
  });
}

}  // namespace

void find_source(const ServicesPtr& services, const CallPtr& call, protocol::MessageKind kind,
                 std::function<void(MediaSource)> done) {
  const std::string_view url = text_of(call->body, "url"), message = text_of(call->body, "mediaMessageId");
  const std::size_t named = call->files.size() + (url.empty() ? 0 : 1) + (message.empty() ? 0 : 1);
  if (call->files.size() > 1)
    return done(Failure(ErrorCode::not_implemented, "several files in one request are not implemented yet",
                        {{call->files[1].field, "must not stand beside another file"}}));
  if (named == 0)
    return done(bad_field("data", "is required: a data URL or base64, a file in a form, or url, or mediaMessageId"));
  if (named > 1)
    return done(bad_field(url.empty() ? "mediaMessageId" : "url", "must not stand beside another source of the file"));
  if (!call->files.empty()) return done(std::move(call->files.front()));
  if (!url.empty()) return fetch_url(services, call, kind, std::string(url), std::move(done));
  take_stored(services, call, kind, *parse_message_id(message), std::move(done));
}

namespace {

using Opened = std::function<void(std::variant<std::shared_ptr<sessions::MediaReader>, Failure>)>;

/// `fetches`: how often it may be fetched. What has come can be gone again for want of room before it is opened.
void open_or_fetch(const ServicesPtr& services, const CallPtr& call, const std::string& message,
                   const StoredMedia& media, unsigned fetches, const Opened& done) {
  services->ports.vault->read(media.reference, media.kind, [=](Result<std::shared_ptr<sessions::MediaReader>> here) {
    run_guarded(call, [&] {
      if (here) return done(std::move(*here));
      if (here.error().code != Errc::not_found || fetches == 0) return done(failure_of(here.error()));
      ask(services, call, sessions::FetchMedia{message}, [=](const sessions::Outcome<>& fetched) {
        if (!fetched) return done(failure_of(call, fetched.error()));
        open_or_fetch(services, call, message, media, fetches - 1, done);
      });
    });
  });
}

}  // namespace

void open_media(const ServicesPtr& services, const CallPtr& call, const std::string& message, const StoredMedia& media,
                Opened done) {
  constexpr unsigned fetches = 2;
  open_or_fetch(services, call, message, media, fetches, done);
}

}  // namespace wharf::api
