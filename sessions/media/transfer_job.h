#pragma once
// What an upload and a download have in common: a place in the line of their kind, one HTTP request at a time, a moment
// by which it must be over. Internal to sessions/media.

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "sessions/media/media_transfers.h"

namespace wharf::sessions {

class TransferJob : public std::enable_shared_from_this<TransferJob> {
 public:
  virtual ~TransferJob() = default;
  virtual void begin() = 0;
  virtual void give_up() = 0;  // waiting or running: nothing of it is heard any more
  bool over() const { return over_; }

 protected:
  /// A callback that does nothing once the job is over or gone.
  template <class Then>
  auto still(Then then) {
    return [weak = weak_from_this(), then = std::move(then)](auto&&... arguments) {
      const auto self = weak.lock();
      if (self && !self->over_) then(std::forward<decltype(arguments)>(arguments)...);
    };
  }

  bool over_ = false;
};

/// So many jobs at a time, the others in order.
class TransferLine {
 public:
  explicit TransferLine(std::size_t most) : most_(most) {}
  void enter(std::shared_ptr<TransferJob> job);
  /// A job that had begun is over.
  void leave();

 private:
  void next();
  std::size_t most_, running_ = 0;
  std::deque<std::weak_ptr<TransferJob>> waiting_;  // a handle holds each
};

struct MediaTransfers::State {
  State(MediaVault& v, net::OutgoingHttp& h, net::Scheduler& s, TransferSettings settings_)
      : vault(v),
        http(h),
        scheduler(s),
        settings(settings_),
        uploads(settings_.max_uploads),
        downloads(settings_.max_downloads) {}
  MediaVault& vault;
  net::OutgoingHttp& http;
  net::Scheduler& scheduler;
  TransferSettings settings;
  TransferLine uploads, downloads;

  /// `target` of a media host. nullopt: no URL can be made of it.
  std::optional<net::OutgoingRequest> request(std::string method, const std::string& host,
                                              const std::string& target) const;
};

/// A transfer that ends with a T, once, or is given up.
template <class T>
class TransferOf : public TransferJob {
 public:
  using Done = std::function<void(Transferred<T>)>;

  void begin() final {
    begun_ = true;
    start();
  }
  void give_up() final {
    if (std::exchange(over_, true)) return;
    done_ = nullptr;
    let_go();
  }

 protected:
  TransferOf(std::shared_ptr<MediaTransfers::State> transfers, TransferLine& line, Done done)
      : transfers_(std::move(transfers)), line_(line), done_(std::move(done)) {}

  virtual void start() = 0;
  /// Timers, requests and files of it.
  virtual void release() = 0;

  void end(Transferred<T> result) {
    if (std::exchange(over_, true)) return;
    const auto done = std::exchange(done_, nullptr);
    const auto keep = shared_from_this();
    let_go();
    if (done) done(std::move(result));
  }

  std::shared_ptr<MediaTransfers::State> transfers_;

 private:
  void let_go() {
    release();
    if (std::exchange(begun_, false)) line_.leave();
  }

  TransferLine& line_;  // of `transfers_`
  Done done_;
  bool begun_ = false;
};

/// However slowly bytes come, a transfer of so many ends once.
std::chrono::milliseconds longest_transfer(std::uint64_t bytes);
/// "the media server mmg.whatsapp.net answered 503"
std::string answered(const std::string& host, unsigned status);

std::shared_ptr<TransferJob> make_upload(std::shared_ptr<MediaTransfers::State> transfers, MediaUpload upload,
                                         std::function<void(Transferred<protocol::UploadAnswer>)> done);
std::shared_ptr<TransferJob> make_download(std::shared_ptr<MediaTransfers::State> transfers, MediaDownload download,
                                           std::function<void(Transferred<void>)> done);
std::shared_ptr<TransferJob> make_small_fetch(std::shared_ptr<MediaTransfers::State> transfers, SmallFile file,
                                              std::function<void(Transferred<protocol::Bytes>)> done);

}  // namespace wharf::sessions
