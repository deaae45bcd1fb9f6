#include "sessions/media/media_transfers.h"

#include <fmt/format.h>

#include "sessions/media/transfer_job.h"

namespace wharf::sessions {

void TransferLine::enter(std::shared_ptr<TransferJob> job) {
  if (running_ < most_) {
    ++running_;
    return job->begin();
  }
  waiting_.push_back(job);
}

void TransferLine::leave() {
  --running_;
  next();
}

void TransferLine::next() {
  while (running_ < most_ && !waiting_.empty()) {
    const auto job = waiting_.front().lock();
    waiting_.pop_front();
    if (!job || job->over()) continue;
    ++running_;
    job->begin();
  }
}

std::optional<net::OutgoingRequest> MediaTransfers::State::request(std::string method, const std::string& host,
                                                                   const std::string& target) const {
  auto url = net::parse_url("https://" + host + target);
  if (!url || !url->userinfo.empty()) return std::nullopt;
  net::OutgoingRequest request;
  request.method = std::move(method);
  request.url = std::move(*url);
  request.headers = {{"Origin", "https://web.whatsapp.com"}, {"Referer", "https://web.whatsapp.com/"}};
  request.timeout = std::chrono::seconds(60);
  request.allow_private = settings.allow_private;
  return request;
}

std::chrono::milliseconds longest_transfer(std::uint64_t bytes) {
  constexpr std::uint64_t slowest = 32u << 10;  // bytes in a second
  return std::chrono::minutes(2) + std::chrono::seconds(static_cast<std::int64_t>(bytes / slowest));
}

std::string answered(const std::string& host, unsigned status) {
  return fmt::format("the media server {} answered {}", host, status);
}

MediaTransfers::MediaTransfers(MediaVault& vault, net::OutgoingHttp& http, net::Scheduler& scheduler,
                               TransferSettings settings)
    : state_(std::make_shared<State>(vault, http, scheduler, settings)) {}

MediaTransfers::~MediaTransfers() = default;

MediaVault& MediaTransfers::vault() { return state_->vault; }

TransferHandle MediaTransfers::upload(MediaUpload upload,
                                      std::function<void(Transferred<protocol::UploadAnswer>)> done) {
  auto job = make_upload(state_, std::move(upload), std::move(done));
  state_->scheduler.post([state = state_, weak = std::weak_ptr(job)] {
    if (auto waiting = weak.lock()) state->uploads.enter(std::move(waiting));
  });
  return TransferHandle([job] { job->give_up(); });
}

TransferHandle MediaTransfers::download(MediaDownload download, std::function<void(Transferred<void>)> done) {
  auto job = make_download(state_, std::move(download), std::move(done));
  state_->scheduler.post([state = state_, weak = std::weak_ptr(job)] {
    if (auto waiting = weak.lock()) state->downloads.enter(std::move(waiting));
  });
  return TransferHandle([job] { job->give_up(); });
}

TransferHandle MediaTransfers::fetch(SmallFile file, std::function<void(Transferred<protocol::Bytes>)> done) {
  auto job = make_small_fetch(state_, std::move(file), std::move(done));
  state_->scheduler.post([state = state_, weak = std::weak_ptr(job)] {
    if (auto waiting = weak.lock()) state->downloads.enter(std::move(waiting));
  });
  return TransferHandle([job] { job->give_up(); });
}

}  // namespace wharf::sessions
