#pragma once
// The media host: files come by POST and go by GET, as the CDN's clients know it, on the network's listeners. The
// decisions are in media_request.h, the files in media_store.h, what goes wrong on purpose in media_faults.h; this is
// the wiring. Bodies stream both ways. Loop thread only. Specification 06 section 15.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/http_server.h"
#include "protocol/bytes.h"
#include "sandbox/media/media_faults.h"
#include "sandbox/media/media_request.h"
#include "sandbox/media/media_store.h"
#include "sandbox/network_ports.h"

namespace wharf::sandbox {

class MediaUploadReceiver;

/// Requests under way hold it weakly: what they wait for after its end ends their connections.
class MediaHost : public std::enable_shared_from_this<MediaHost> {
 public:
  struct Ports {
    MediaStore& store;
    NetworkClock& clock;
    std::function<AuthState(std::string_view)> check_auth;
    /// Files that the network keeps in memory (snapshots of app state), by direct path; nullptr when there is none.
    std::function<const protocol::Bytes*(std::string_view)> resident;
    /// What an answer says is durable.
    std::function<void(std::function<void()>)> after_commit;
  };
  explicit MediaHost(Ports ports) : ports_(std::move(ports)) {}

  /// "host:port" each; "" when there is no fallback. The primary is the host of the URLs that are given out.
  void set_hosts(std::string primary, std::string fallback);
  MediaFaults& faults() { return faults_; }
  MediaStore& store() { return ports_.store; }
  NetworkClock& clock() { return ports_.clock; }
  /// Of a file, at the primary host.
  std::string url_of(const MediaFile& file) const { return "https://" + primary_ + file.direct_path(); }

  /// For HttpServerSettings::receive_body: null for what is no upload.
  std::unique_ptr<net::BodyReceiver> receive(const net::HttpRequest& head);
  void handle(net::HttpRequest request, net::Responder responder);

 private:
  friend class MediaUploadReceiver;
  MediaDoor door_of(const net::HttpRequest& head) const;
  /// The answer of a fault that is one: a status, or none at all.
  net::HttpResponse failed(const MediaFault& fault, const net::HttpRequest& head) const;

  void finish_upload(MediaUploadReceiver& receiver, const net::HttpRequest& request, const net::Responder& responder);
  void answer_probe(const MediaProbe& probe, const net::Responder& responder);
  void answer_deletion(const MediaDeletion& deletion, const net::Responder& responder);
  void answer_download(const MediaDownload& wanted, const net::HttpRequest& request, net::Responder responder);
  void answer(const net::Responder& responder, net::HttpResponse response);

  Ports ports_;
  MediaFaults faults_;
  std::string primary_, fallback_;
};

}  // namespace wharf::sandbox
