#pragma once
// Takes the body of one upload while it comes: into the store, or nowhere when the answer is a refusal anyway.
// Internal to the media host. Loop thread only.

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "net/http_server.h"
#include "protocol/result.h"
#include "sandbox/media/media_faults.h"
#include "sandbox/media/media_request.h"
#include "sandbox/media/media_store.h"
#include "sandbox/network_ports.h"

namespace wharf::sandbox {

class MediaUploadReceiver final : public net::BodyReceiver {
 public:
  /// Of a request that was read as `request`; the store and the clock are asked only while `host` is there.
  MediaUploadReceiver(std::weak_ptr<void> host, MediaStore& store, NetworkClock& clock, MediaRequest request,
                      std::optional<MediaFault> fault);
  /// A client that went in the middle may go on later: what came is kept for a while.
  ~MediaUploadReceiver() override;

  void take(std::string bytes, std::function<void()> taken) override;
  bool gives_up() const override { return cut_; }

  const MediaRequest& request() const { return request_; }
  const std::optional<MediaFault>& fault() const { return fault_; }
  /// What stood against taking the body, if anything did.
  const std::optional<protocol::Error>& problem() const;
  /// The body is here, whole: whoever calls finishes or discards it. nullptr after a problem.
  MediaStore::Writing release();

 private:
  struct State {
    MediaStore::Writing writing;
    std::optional<protocol::Error> problem;
  };
  void begin(const MediaUpload& upload);
  /// What the fault leaves of a piece.
  std::string damaged(std::string bytes);
  std::function<void()> paced(std::size_t bytes, std::function<void()> taken);
  bool is(MediaFault::What what) const { return fault_ && fault_->what == what; }

  std::weak_ptr<void> host_;
  MediaStore& store_;
  NetworkClock& clock_;
  MediaRequest request_;
  std::optional<MediaFault> fault_;
  std::shared_ptr<State> state_ = std::make_shared<State>();  // pieces that are being written ask whether it is there
  std::uint64_t came_ = 0;
  bool cut_ = false;
  std::shared_ptr<void> pause_;
};

}  // namespace wharf::sandbox
