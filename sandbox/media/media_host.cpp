#include "sandbox/media/media_host.h"

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <cctype>
#include <utility>

#include "sandbox/media/media_download.h"
#include "sandbox/media/media_upload.h"

namespace wharf::sandbox {

namespace json = boost::json;

using net::HttpResponse;
using protocol::Errc;
using protocol::Result;

namespace {

HttpResponse text(unsigned status, std::string why) {
  return HttpResponse(status, "text/plain", std::move(why) + "\n");
}
HttpResponse document(const json::object& object) {
  return HttpResponse(200, "application/json", json::serialize(object));
}

/// What the status of an error on the way of an upload is for clients: 507 and 5xx may be tried again.
unsigned status_of(Errc code) {
  switch (code) {
    case Errc::malformed:
    case Errc::not_found:  // nothing to resume
    case Errc::conflict: return 400;
    case Errc::too_large: return 413;
    case Errc::storage_full: return 507;
    case Errc::rate_limited: return 503;
    default: return 500;
  }
}

std::string_view explain_download(unsigned status) {
  if (status == 403) return "the signature of the URL is wrong or has expired";
  return status == 410 ? "the file has expired" : "not found";
}

bool same_text(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

}  // namespace

void MediaHost::set_hosts(std::string primary, std::string fallback) {
  primary_ = std::move(primary);
  fallback_ = std::move(fallback);
}

MediaDoor MediaHost::door_of(const net::HttpRequest& head) const {
  return !fallback_.empty() && same_text(head.header("host"), fallback_) ? MediaDoor::fallback : MediaDoor::primary;
}

void MediaHost::answer(const net::Responder& responder, HttpResponse response) {
  ports_.after_commit([to = responder, response = std::move(response)]() mutable { to.send(std::move(response)); });
}

HttpResponse MediaHost::failed(const MediaFault& fault, const net::HttpRequest& head) const {
  if (fault.what == MediaFault::What::dead) return HttpResponse(0, {}, {});  // the connection is reset
  HttpResponse response = text(fault.status, "a fault was asked for");
  if (fault.retry_after_seconds > 0)
    response.headers.emplace_back("Retry-After", std::to_string(fault.retry_after_seconds));
  if (fault.status >= 300 && fault.status < 400)
    response.headers.emplace_back("Location", "https://" + (fallback_.empty() ? primary_ : fallback_) + head.target);
  return response;
}

// --- uploads

std::unique_ptr<net::BodyReceiver> MediaHost::receive(const net::HttpRequest& head) {
  if (!is_upload_target(head.target) || head.method != "POST") return nullptr;
  auto request = read_media_request(head, ports_.store.settings().max_file_bytes, ports_.check_auth);
  const std::string_view target = head.target;
  auto fault = faults_.take({MediaWay::upload, door_of(head), upload_kind(target), target.substr(0, target.find('?'))});
  return std::make_unique<MediaUploadReceiver>(weak_from_this(), ports_.store, ports_.clock, std::move(request),
                                               std::move(fault));
}

void MediaHost::finish_upload(MediaUploadReceiver& receiver, const net::HttpRequest& request,
                              const net::Responder& responder) {
  const auto writing = receiver.release();
  const auto& fault = receiver.fault();
  if (fault && (fault->what == MediaFault::What::status || fault->what == MediaFault::What::dead)) {
    if (writing) ports_.store.discard(writing);
    return answer(responder, failed(*fault, request));
  }
  if (const auto* refusal = std::get_if<MediaRefusal>(&receiver.request()))
    return answer(responder, text(refusal->status, refusal->why));
  if (const auto* probe = std::get_if<MediaProbe>(&receiver.request())) return answer_probe(*probe, responder);
  if (receiver.problem())
    return answer(responder, text(status_of(receiver.problem()->code), receiver.problem()->detail));
  if (!writing) return answer(responder, text(500, "the upload got lost"));
  ports_.store.finish(writing, [weak = weak_from_this(), responder](Result<MediaFile> kept) {
    const auto self = weak.lock();
    if (!self) return;
    if (!kept) return self->answer(responder, text(status_of(kept.error().code), kept.error().detail));
    self->answer(responder,
                 document({{"url", self->url_of(*kept)}, {"direct_path", kept->direct_path()}, {"handle", kept->id}}));
  });
}

void MediaHost::answer_probe(const MediaProbe& probe, const net::Responder& responder) {
  if (const auto* file = ports_.store.find_hash(probe.kind, probe.hash)) {
    return answer(responder, document({{"resume", "complete"},
                                       {"url", url_of(*file)},
                                       {"direct_path", file->direct_path()},
                                       {"handle", file->id}}));
  }
  answer(responder, document({{"resume", std::to_string(ports_.store.unfinished(probe.kind, probe.hash))}}));
}

void MediaHost::answer_deletion(const MediaDeletion& deletion, const net::Responder& responder) {
  const auto* file = ports_.store.find_hash(deletion.kind, deletion.hash);
  if (!file) return answer(responder, text(404, "not found"));
  (void)ports_.store.forget(std::string(file->id));
  answer(responder, document({}));
}

// --- downloads

void MediaHost::answer_download(const MediaDownload& wanted, const net::HttpRequest& request,
                                net::Responder responder) {
  const auto* resident = ports_.resident ? ports_.resident(wanted.path) : nullptr;
  const auto* file = resident ? nullptr : ports_.store.find(wanted.path);
  const std::string kind = resident ? "md-app-state" : file ? file->kind : "";
  const auto fault = faults_.take({MediaWay::download, door_of(request), kind, wanted.path});
  if (fault && (fault->what == MediaFault::What::status || fault->what == MediaFault::What::dead))
    return answer(responder, failed(*fault, request));
  const unsigned status = resident ? 200 : judge_download(file, wanted.query, ports_.clock.unix_ms());
  if (status != 200) return answer(responder, text(status, std::string(explain_download(status))));

  const std::uint64_t size = resident ? resident->size() : file->bytes;
  if (size == 0) return answer(responder, HttpResponse(200, "application/octet-stream", {}));
  const RangeAnswer range = answer_range(request.header("range"), size);
  HttpResponse response(range.status, "application/octet-stream", {});
  response.headers.emplace_back("Accept-Ranges", "bytes");
  if (range.status == 416) {
    response.headers.emplace_back("Content-Range", "bytes */" + std::to_string(size));
    return answer(responder, std::move(response));
  }
  if (range.status == 206) {
    response.headers.emplace_back("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                                       std::to_string(range.last) + "/" + std::to_string(size));
  }
  MediaDownloadBody::Read read;
  if (resident) {
    const auto copy = std::make_shared<const std::string>(protocol::as_text(*resident));  // its owner may replace it
    read = [copy](std::uint64_t offset, std::size_t bytes, const std::function<void(Result<std::string>)>& done) {
      done(copy->substr(static_cast<std::size_t>(offset), bytes));
    };
  } else {
    read = [weak = weak_from_this(), blob = ports_.store.open(*file)](std::uint64_t offset, std::size_t bytes,
                                                                      std::function<void(Result<std::string>)> done) {
      const auto self = weak.lock();
      if (!self) return done(protocol::Error(Errc::closed, "the media host has ended"));
      self->ports_.store.read(blob, offset, bytes, std::move(done));
    };
  }
  const auto body =
      std::make_shared<MediaDownloadBody>(std::move(read), range.first, range.last + 1, ports_.clock, fault);
  if (!body->short_enough()) {
    response.more = body->source();
    return answer(responder, std::move(response));
  }
  const auto head = std::make_shared<HttpResponse>(std::move(response));
  body->next([weak = weak_from_this(), head, responder](net::BodyPiece piece) {
    const auto self = weak.lock();
    if (!self) return;
    if (piece.end == net::BodyPiece::End::broken) return self->answer(responder, text(500, "the file cannot be read"));
    head->body = std::move(piece.bytes);
    self->answer(responder, std::move(*head));
  });
}

void MediaHost::handle(net::HttpRequest request, net::Responder responder) {
  if (auto* receiver = dynamic_cast<MediaUploadReceiver*>(request.received.get()))
    return finish_upload(*receiver, request, responder);
  const auto wanted = read_media_request(request, ports_.store.settings().max_file_bytes, ports_.check_auth);
  if (const auto* refusal = std::get_if<MediaRefusal>(&wanted))
    return answer(responder, text(refusal->status, refusal->why));
  if (const auto* deletion = std::get_if<MediaDeletion>(&wanted)) return answer_deletion(*deletion, responder);
  if (const auto* download = std::get_if<MediaDownload>(&wanted))
    return answer_download(*download, request, std::move(responder));
  answer(responder, text(400, "a body is expected"));  // a POST that came to a server without receive_body
}

}  // namespace wharf::sandbox
