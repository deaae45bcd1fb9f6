// The handlers of the files of stored messages, and of posts of channels.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "api/channel_request.h"
#include "api/chat_id.h"
#include "api/handlers.h"
#include "api/media_source.h"
#include "api/sending.h"
#include "media/file_type.h"
#include "storage/messages.h"
#include "web/byte_range.h"
#include "web/file_name.h"
#include "web/header_parameters.h"

namespace wharf::api {
namespace {

using protocol::Result;

/// What a browser may show where it stands. Everything else is saved: it comes from strangers, and a page or a drawing
/// with scripts would run as one of this server.
bool shown_in_place(std::string_view type) {
  return type == "image/jpeg" || type == "image/png" || type == "image/webp" || type == "image/gif" ||
         type.starts_with("audio/") || type.starts_with("video/");
}

std::string type_of(const protocol::MediaFile& file) {
  const auto parsed = web::parse_header_value(file.mimetype);
  if (!parsed || !web::is_media_type(parsed->kind)) return "application/octet-stream";
  return parsed->kind == "text/html" || parsed->kind == "image/svg+xml" ? "application/octet-stream" : file.mimetype;
}

std::string name_of(const std::string& message, const protocol::MediaFile& file) {
  if (!file.file_name.empty()) return file.file_name;
  return message + std::string(media::extension_for_type(file.mimetype));
}

/// The bytes from `at` to `end`, read while they are sent.
net::BodySource source_of(std::shared_ptr<sessions::MediaReader> reader, std::uint64_t at, std::uint64_t end) {
  constexpr std::uint64_t piece_bytes = 256u << 10;
  const auto position = std::make_shared<std::uint64_t>(at);
  return [reader, position, end](const std::function<void(net::BodyPiece)>& give) {
    const std::uint64_t until = std::min(end, *position + piece_bytes);
    reader->read(*position, until, [position, until, end, give](Result<std::string> bytes) {
      if (!bytes) return give({{}, net::BodyPiece::End::broken});
      *position = until;
      give({std::move(*bytes), until == end ? net::BodyPiece::End::last : net::BodyPiece::End::more});
    });
  };
}

void answer_with(const CallPtr& call, const std::string& message, const sessions::StoredMedia& media,
                 std::shared_ptr<sessions::MediaReader> reader) {
  const std::string etag = fmt::format("\"{}\"", protocol::to_hex(media.reference.hashes.file_sha256));
  const std::uint64_t size = reader->length();
  const std::string type = type_of(media.file);
  const bool saved = call->query.text("download") == "true" || !shown_in_place(type);
  net::HttpResponse response(200, type, "");
  if (size > 0) {
    const web::RangeAnswer range = web::answer_file(call->request, etag, size);
    response.status = range.status;
    web::add_range_headers(response, range, etag, size);
    if (range.length() > 0) {
      response.more = source_of(std::move(reader), range.first, range.last + 1);
      response.more_bytes = range.length();
    }
  }
  response.headers.emplace_back("Content-Disposition",
                                web::content_disposition(name_of(message, media.file),
                                                         saved ? web::Disposition::saved : web::Disposition::shown));
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  response.headers.emplace_back("Content-Security-Policy", "sandbox; default-src 'none'");
  response.headers.emplace_back("Cache-Control", "private, no-cache");
  call->send(std::move(response));
}

Failure no_file(const sessions::Refusal& why) {
  const bool none = why.code == protocol::Errc::not_found;
  return Failure(none ? ErrorCode::media_not_found : ErrorCode::media_gone, why.detail);
}

/// One that is stored lies in the vault as its row tells, which of an own one has a key of its own.
void give_post_file(const ServicesPtr& services, const CallPtr& call, const protocol::Jid& channel,
                    const protocol::ChannelPost& post) {
  const auto view = session_of(services, call);
  if (!view) return;
  const protocol::Bytes content = post.message.value_or(protocol::Bytes());
  const NamedMessage named{post.id, channel};
  const auto row = post.id.empty() ? std::nullopt : find_named(services->ports.store.reader(), view->id, named);
  const bool stored = row && !row->content.empty() && !content.empty();
  const auto media = stored ? sessions::stored_media(*row) : sessions::posted_media(channel, content);
  if (!media) return call->failure(no_file(media.error()));
  const std::string name = post.id.empty() ? std::to_string(post.counts.server_id) : post.id;
  auto give = [call, name, media = *media](auto opened) {
    if (auto* failed = std::get_if<Failure>(&opened)) return call->failure(*failed);
    answer_with(call, name, media, std::move(std::get<0>(opened)));
  };
  if (stored) return open_media(services, call, named, *media, std::move(give));
  open_media(services, call, sessions::FetchPostFile{channel, post.counts.server_id, content}, *media, std::move(give));
}

}  // namespace

void get_media(const ServicesPtr& services, const CallPtr& call) {
  const auto view = session_of(services, call);
  if (!view) return;
  if (!services->ports.vault) return call->failure(Failure(ErrorCode::not_implemented, "this server keeps no files"));
  const auto named = message_of_path(services, call);
  if (!named) return;
  const std::string& id = named->id;
  const auto row = find_named(services->ports.store.reader(), view->id, *named);
  if (!row)
    return call->failure(Failure(ErrorCode::message_not_found,
                                 fmt::format("no message with ID '{}' is stored", echo(id)),
                                 {{"messageId", "must be that of a stored message"}}));
  auto media = sessions::stored_media(*row);
  if (media && row->from_me && events::has_failed(row->ack) && media->file.direct_path.empty())
    return call->failure(
        Failure(ErrorCode::media_gone, fmt::format("the file was not uploaded ({}), and is not kept", row->error)));
  if (!media) return call->failure(no_file(media.error()));
  open_media(services, call, *named, *media, [call, id, media = *media](auto opened) {
    if (auto* failed = std::get_if<Failure>(&opened)) return call->failure(*failed);
    answer_with(call, id, media, std::move(std::get<0>(opened)));
  });
}

// A page says what the post holds, and where its file is by now.
void get_post_media(const ServicesPtr& services, const CallPtr& call) {
  const auto server_id = server_id_of(call, "serverId", call->param("serverId"));
  if (!server_id) return;
  with_channel(services, call, [services, call, server_id = *server_id](const protocol::Jid& channel) {
    if (!services->ports.vault) return call->failure(Failure(ErrorCode::not_implemented, "this server keeps no files"));
    protocol::ChannelPage page;
    page.channel = channel;
    page.count = 1;
    page.before = server_id + 1;  // the newest of those
    ask_session(
        services, call, sessions::ReadPosts{std::move(page)}, [services, call, channel, server_id](const auto& posts) {
          const auto post = std::find_if(posts.begin(), posts.end(),
                                         [server_id](const auto& one) { return one.counts.server_id == server_id; });
          if (post == posts.end())
            return call->failure(Failure(ErrorCode::message_not_found, "the channel has no such post",
                                         {{"serverId", "must be that of a post"}}));
          give_post_file(services, call, channel, *post);
        });
  });
}

}  // namespace wharf::api
