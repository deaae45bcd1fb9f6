#include "api/media_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/chat_id.h"
#include "api/iso_time.h"
#include "api/media_copy.h"
#include "api/media_fetch.h"
#include "protocol/messages/media_location.h"
#include "storage/messages.h"

namespace wharf::api {

namespace {

namespace json = boost::json;
using protocol::Errc;
using protocol::Result;
using sessions::StoredMedia;

Failure bad_field(const std::string& field, const std::string& what) {
  return Failure(ErrorCode::validation, field + ": " + what, {{field, what}});
}

std::shared_ptr<sessions::MediaWriter> new_writer(const ServicesPtr& services, protocol::MessageKind kind) {
  const auto media = protocol::media_kind(kind).value_or(protocol::MediaKind::document);
  return services->ports.vault->write(media, sidecar_of(media));
}

void fetch_url(const ServicesPtr& services, const CallPtr& call, protocol::MessageKind kind, const std::string& field,
               std::string url, std::function<void(MediaSource)> done) {
  FetchSettings settings;
  settings.field = field;
  settings.allow_private = services->settings.media_allow_private;
  settings.max_bytes = services->settings.max_media_bytes;
  if (!services->settings.version.empty()) settings.user_agent = "Wharf/" + services->settings.version;
  if (services->draining) return done(Failure(ErrorCode::unavailable, "the server is shutting down"));
  if (services->fetches.size() >= Services::max_fetches)
    return done(Failure(ErrorCode::unavailable, "too many files are being fetched from their url; try again"));
  auto fetched = [weak = std::weak_ptr(services), call, done = std::move(done)](FetchOutcome outcome) {
    if (const auto still_here = weak.lock()) still_here->fetches.erase(call);  // first: `done` may fetch the next one
    run_guarded(call, [&] { std::visit([&](auto& one) { done(std::move(one)); }, outcome); });
  };
  services->fetches[call] = fetch_media(services->ports.http_client, services->ports.scheduler, std::move(url),
                                        settings, new_writer(services, kind), std::move(fetched));
}

/// The plain bytes of a stored message as a file that has just come: it is encrypted anew.
void copy_anew(std::shared_ptr<sessions::MediaReader> reader, TakenFile file, std::function<void(MediaSource)> done) {
  const auto taken = std::make_shared<TakenFile>(std::move(file));
  taken->length = reader->length();
  auto pieces = [from = pieces_of(reader), taken](std::uint64_t begin, std::uint64_t end,
                                                  sessions::MediaDone<std::string> give) {
    from(begin, end, [taken, give = std::move(give)](Result<std::string> piece) {
      if (piece && taken->head.size() < TakenFile::max_head_bytes)
        taken->head.append(*piece, 0, TakenFile::max_head_bytes - taken->head.size());
      give(std::move(piece));
    });
  };
  copy_media(std::move(pieces), reader->length(), taken->writer, [taken, done = std::move(done)](Result<void> copied) {
    if (!copied) return done(writer_failure(copied.error(), taken->field));
    done(std::move(*taken));
  });
}

void take_stored(const ServicesPtr& services, const CallPtr& call, protocol::MessageKind kind, const std::string& field,
                 const std::string& id, std::function<void(MediaSource)> done) {
  const auto session = services->ports.supervisor.find(call->param("sessionId"));
  if (!session) return done(session_not_found(call->param("sessionId")));
  const auto read = read_message_id(services, call, field, id);
  if (const auto* failed = std::get_if<Failure>(&read)) return done(*failed);
  const NamedMessage& named = std::get<NamedMessage>(read);
  const auto row = find_named(services->ports.store.reader(), session->id, named);
  if (!row)
    return done(Failure(ErrorCode::message_not_found, fmt::format("{}: no message {} is stored", field, echo(id)),
                        {{field, "must be a stored message with a file"}}));
  auto media = sessions::stored_media(*row);
  if (!media) return done(bad_field(field, media.error().detail));
  const storage::UnixMs sent_at =
      std::max(services->ports.scheduler.unix_ms(), parse_iso(text_of(call->body, "sendAt")).value_or(0));
  // Channels have files of their own, which are not encrypted: what is to be shown there is uploaded anew.
  const auto chat = parse_chat_id(text_of(call->body, "chatId"));
  const bool posted = chat && chat->is_channel();
  if (media->message_kind == kind && !posted && sessions::on_servers(row->chat, media->file, sent_at))
    return done(std::move(*media));
  TakenFile file;
  file.field = field;
  file.file_name = media->file.file_name;
  file.content_type = media->file.mimetype;
  file.writer = new_writer(services, kind);
  open_media(services, call, named, *media, [file = std::move(file), done = std::move(done)](auto opened) mutable {
    if (auto* failed = std::get_if<Failure>(&opened)) return done(std::move(*failed));
    copy_anew(std::move(std::get<0>(opened)), std::move(file), std::move(done));
  });
}

/// What is said of one file: the body, or a member of its `files`. `taken`: what came as its bytes.
std::variant<WantedFile, Failure> one_file(const json::object& said, const std::string& at,
                                           std::optional<TakenFile> taken) {
  const std::string_view url = text_of(said, "url"), message = text_of(said, "mediaMessageId");
  const int named = (taken ? 1 : 0) + (url.empty() ? 0 : 1) + (message.empty() ? 0 : 1);
  if (named == 0) return bad_field(at + "data", "is required: a data URL or base64; or url, or mediaMessageId");
  if (named > 1)
    return bad_field(at + (url.empty() ? "mediaMessageId" : "url"), "must not stand beside another source of the file");
  WantedFile out;
  out.at = at;
  out.said = &said;
  if (taken) {
    out.field = taken->field;
    out.source = std::move(*taken);
  } else if (!url.empty()) {
    out.field = at + "url";
    out.source = FileAddress{std::string(url)};
  } else {
    out.field = at + "mediaMessageId";
    out.source = FileOfMessage{std::string(message)};
  }
  return out;
}

/// What is said of a single file does not say of which it is among several.
std::optional<Failure> of_one_file(const json::object& body) {
  for (const char* name : {"filename", "mimetype"})
    if (!text_of(body, name).empty())
      return bad_field(name, "must not stand beside several files: say it of each in files");
  return std::nullopt;
}

std::variant<std::vector<WantedFile>, Failure> listed_files(const CallPtr& call, const json::array& list) {
  std::vector<WantedFile> out;
  if (list.empty()) return bad_field("files", "must have at least one item");
  for (const char* source : {"url", "mediaMessageId"})
    if (!text_of(call->body, source).empty()) return bad_field(source, "must not stand beside files");
  if (auto misplaced = of_one_file(call->body)) return std::move(*misplaced);
  for (std::size_t i = 0; i < list.size(); ++i) {
    const std::string at = fmt::format("files[{}].", i);
    std::optional<TakenFile> taken;
    for (TakenFile& file : call->files)
      if (file.writer && file.field == at + "data") taken = std::move(file);
    // The schemas of messages have said so; no other route may bring the process down.
    if (!list[i].is_object()) return bad_field(fmt::format("files[{}]", i), "must be an object");
    const json::object& said = list[i].get_object();
    if (!taken && !text_of(said, "data").empty())
      return bad_field(at + "data", "is not read in a form: attach the file as a part, without files");
    auto file = one_file(said, at, std::move(taken));
    if (auto* failed = std::get_if<Failure>(&file)) return std::move(*failed);
    out.push_back(std::move(std::get<WantedFile>(file)));
  }
  for (const TakenFile& file : call->files)
    if (file.writer) return bad_field(file.field, "must not stand beside files");
  return out;
}

}  // namespace

std::variant<std::vector<WantedFile>, Failure> wanted_files(const CallPtr& call) {
  if (const json::value* list = call->body.if_contains("files"); list && list->is_array())
    return listed_files(call, list->get_array());
  std::vector<std::optional<TakenFile>> taken;
  for (TakenFile& file : std::exchange(call->files, {})) taken.emplace_back(std::move(file));
  if (taken.empty()) taken.emplace_back();
  if (taken.size() > 1) {
    if (auto misplaced = of_one_file(call->body)) return std::move(*misplaced);
  }
  std::vector<WantedFile> out;
  for (auto& one : taken) {
    auto file = one_file(call->body, "", std::move(one));
    if (auto* failed = std::get_if<Failure>(&file)) return std::move(*failed);
    out.push_back(std::move(std::get<WantedFile>(file)));
  }
  return out;
}

void open_source(const ServicesPtr& services, const CallPtr& call, protocol::MessageKind kind, WantedFile file,
                 std::function<void(MediaSource)> done) {
  if (auto* taken = std::get_if<TakenFile>(&file.source)) return done(std::move(*taken));
  if (auto* address = std::get_if<FileAddress>(&file.source))
    return fetch_url(services, call, kind, file.field, std::move(address->url), std::move(done));
  take_stored(services, call, kind, file.field, std::get<FileOfMessage>(file.source).id, std::move(done));
}

namespace {

/// `fetches`: how often it may be fetched, by asking `wanted`. What has come can be gone again for want of room before
/// it is opened.
template <class Fetch>
void open_or_fetch(const ServicesPtr& services, const CallPtr& call, const Fetch& wanted, const StoredMedia& media,
                   unsigned fetches, const MediaOpened& done) {
  services->ports.vault->read(media.reference, media.kind, [=](Result<std::shared_ptr<sessions::MediaReader>> here) {
    run_guarded(call, [&] {
      if (here) return done(std::move(*here));
      if (here.error().code != Errc::not_found || fetches == 0) return done(failure_of(here.error()));
      ask(services, call, wanted, [=](const sessions::Outcome<>& fetched) {
        if (!fetched) return done(failure_of(call, fetched.error()));
        open_or_fetch(services, call, wanted, media, fetches - 1, done);
      });
    });
  });
}
constexpr unsigned most_fetches = 2;

}  // namespace

void open_media(const ServicesPtr& services, const CallPtr& call, const NamedMessage& message, const StoredMedia& media,
                MediaOpened done) {
  open_or_fetch(services, call, sessions::FetchMedia{message.id, message.chat}, media, most_fetches, done);
}

void open_media(const ServicesPtr& services, const CallPtr& call, const sessions::FetchPostFile& post,
                const StoredMedia& media, MediaOpened done) {
  open_or_fetch(services, call, post, media, most_fetches, done);
}

}  // namespace wharf::api
