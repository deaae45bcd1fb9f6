#include "sandbox/media/media_upload.h"

#include <algorithm>
#include <utility>

namespace wharf::sandbox {

using What = MediaFault::What;

MediaUploadReceiver::MediaUploadReceiver(std::weak_ptr<void> host, MediaStore& store, NetworkClock& clock,
                                         MediaRequest request, std::optional<MediaFault> fault)
    : host_(std::move(host)), store_(store), clock_(clock), request_(std::move(request)), fault_(std::move(fault)) {
  // A fault that answers by itself takes no body; one that cuts may do so before the first byte.
  if (is(What::status) || is(What::dead)) return;
  if (const auto* upload = std::get_if<MediaUpload>(&request_)) begin(*upload);
}

MediaUploadReceiver::~MediaUploadReceiver() {
  if (state_->writing && !host_.expired()) store_.pause(state_->writing);
}

void MediaUploadReceiver::begin(const MediaUpload& upload) {
  if (upload.offset + upload.length > store_.settings().max_total_bytes) {
    state_->problem = protocol::Error(protocol::Errc::storage_full, "no room for the file");
    return;
  }
  auto begun = upload.offset == 0 ? store_.begin(upload.kind, upload.hash)
                                  : store_.resume(upload.kind, upload.hash, upload.offset);
  if (begun) {
    state_->writing = std::move(*begun);
  } else {
    state_->problem = begun.error();
  }
}

const std::optional<protocol::Error>& MediaUploadReceiver::problem() const { return state_->problem; }

MediaStore::Writing MediaUploadReceiver::release() { return std::exchange(state_->writing, nullptr); }

std::string MediaUploadReceiver::damaged(std::string bytes) {
  const std::uint64_t before = std::exchange(came_, came_ + bytes.size());
  if (is(What::flip) && fault_->bytes >= before && fault_->bytes < came_) {
    char& byte = bytes[static_cast<std::size_t>(fault_->bytes - before)];
    byte = static_cast<char>(byte ^ 1);
  }
  if (is(What::cut) && came_ >= fault_->bytes) {
    cut_ = true;
    bytes.resize(static_cast<std::size_t>(fault_->bytes - before));
  }
  if (is(What::dead)) cut_ = true;
  return bytes;
}

std::function<void()> MediaUploadReceiver::paced(std::size_t bytes, std::function<void()> taken) {
  if (!is(What::slow)) return taken;
  const std::uint64_t pace = std::max<std::uint64_t>(fault_->bytes_per_second, 1);
  const auto wait = static_cast<std::int64_t>(std::uint64_t{bytes} * 1000 / pace);
  pause_ = clock_.after(wait, std::move(taken));
  return [] {};
}

void MediaUploadReceiver::take(std::string bytes, std::function<void()> taken) {
  if (host_.expired() || cut_) {
    cut_ = true;
    return taken();
  }
  const std::size_t size = bytes.size();
  bytes = damaged(std::move(bytes));
  if (!state_->writing || bytes.empty()) return paced(size, std::move(taken))();
  store_.append(state_->writing, std::move(bytes),
                [this, weak = std::weak_ptr(state_), size, taken = std::move(taken)](protocol::Result<void> appended) {
                  const auto state = weak.lock();
                  if (!state) return;  // and this is gone too
                  if (!appended) {
                    state->problem = appended.error();
                    store_.discard(std::exchange(state->writing, nullptr));
                  }
                  paced(size, taken)();
                });
}

}  // namespace wharf::sandbox
