#include "api/preview_sending.h"

#include <spdlog/spdlog.h>

#include <utility>

#include "api/link_preview.h"
#include "storage/messages.h"
#include "web/base64_stream.h"

namespace wharf::api {
namespace {

namespace json = boost::json;
using sessions::SendMessage;

/// nullopt: answered.
std::optional<protocol::LinkPreview> preview_of(const CallPtr& call, const json::object& given,
                                                std::string_view content) {
  protocol::LinkPreview out;
  out.url = text_of(given, "url");
  out.title = text_of(given, "title");
  out.description = text_of(given, "description");
  if (content.find(out.url) == std::string_view::npos)
    return refuse_field(call, "preview.url", "must stand in content, as it is"), std::nullopt;
  if (const std::string_view picture = text_of(given, "thumbnail"); !picture.empty()) {
    std::string bytes;
    web::MediaTextDecoder decoder;
    auto decoded = decoder.feed(picture, bytes);
    if (decoded) decoded = decoder.finish(bytes);
    const bool jpeg = decoded && bytes.starts_with("\xff\xd8\xff") && bytes.ends_with("\xff\xd9");
    if (!jpeg || bytes.size() > protocol::LinkPreview::max_thumbnail_bytes)
      return refuse_field(call, "preview.thumbnail", "must be a JPEG of at most 64 KiB, as base64"), std::nullopt;
    out.thumbnail = protocol::to_bytes(protocol::as_bytes(bytes));
  }
  return out;
}

void put_preview(SendMessage& message, protocol::LinkPreview preview) {
  if (auto* edit = std::get_if<sessions::EditText>(&message.content)) edit->preview = std::move(preview);
  else message.content = protocol::PreviewedText{std::get<std::string>(std::move(message.content)), std::move(preview)};
}

/// Of what is stored: whether it is known is for the session to say.
bool edits_a_caption(const ServicesPtr& services, storage::SessionId session, const SendMessage& message) {
  const auto* edit = std::get_if<sessions::EditText>(&message.content);
  if (edit == nullptr) return false;
  const auto target = storage::find_message_by_id(services->ports.store.reader(), session, edit->message, true);
  return target && target->kind != protocol::name(protocol::MessageKind::text);
}

void note_no_preview(const CallPtr& call, const char* stage, std::string why) {
  // Of the address, which is a part of a text, nothing.
  spdlog::info("no_link_preview session={} request={} stage={}", call->param("sessionId"), call->request_id, stage);
  call->no_preview = std::move(why);
}

/// Sends it with what is shown of the first address in it; without, when there is none or it cannot be had.
void send_with_fetched_preview(const ServicesPtr& services, const CallPtr& call, const Schema& schema,
                               SendMessage message) {
  std::string address(first_address(sessions::shown_text(message.content)));
  const auto without = [&](const char* stage, const char* why) {
    note_no_preview(call, stage, why);
    send_message(services, call, schema, std::move(message));
  };
  if (address.empty()) return without("address", "the text has no http or https address");
  if (services->settings.preview_timeout.count() == 0)
    return without("off", "this server fetches no previews (media.preview_seconds)");
  if (services->previews.size() >= Services::max_previews || services->draining)
    return without("busy", "the server is too busy to fetch previews");
  PreviewSettings settings;
  settings.allow_private = services->settings.media_allow_private;
  settings.total_timeout = services->settings.preview_timeout;
  if (!services->settings.version.empty()) settings.user_agent = "Wharf/" + services->settings.version;
  net::Workers* workers = services->ports.media_workers;
  auto fetched = [weak = std::weak_ptr(services), call, &schema,
                  message = std::move(message)](FetchedPreview found) mutable {
    const auto still_here = weak.lock();
    if (!still_here) return;
    still_here->previews.erase(call);
    run_guarded(call, [&] {
      if (found.preview) put_preview(message, std::move(*found.preview));
      else note_no_preview(call, found.stage, std::move(found.missing));
      send_message(still_here, call, schema, std::move(message));
    });
  };
  services->previews[call] =
      fetch_preview(services->ports.preview_client, services->ports.scheduler,
                    workers ? *workers : services->ports.workers, std::move(address), settings, std::move(fetched));
}

}  // namespace

void send_previewed(const ServicesPtr& services, const CallPtr& call, const Schema& schema, SendMessage message) {
  const bool fetches = boolean_of(call->body, "linkPreview", false);
  if (const json::value* preview = call->body.if_contains("preview"); preview && preview->is_object()) {
    if (fetches) return refuse_field(call, "linkPreview", "must not stand beside preview");
    auto given = preview_of(call, preview->get_object(), sessions::shown_text(message.content));
    if (!given) return;
    put_preview(message, std::move(*given));
  }
  if (!fetches) return send_message(services, call, schema, std::move(message));
  const auto session = session_of(services, call);
  if (!session) return;
  if (session->jid.empty())  // before anything is fetched
    return call->failure(Failure(ErrorCode::session_not_ready, "the session is not linked to a WhatsApp account"));
  if (edits_a_caption(services, session->id, message))
    return refuse_field(call, "linkPreview", "is of a text: a caption has none");
  find_earlier(services, call, schema, {message}, {},
               [services, call, &schema, message] { send_with_fetched_preview(services, call, schema, message); });
}

}  // namespace wharf::api
