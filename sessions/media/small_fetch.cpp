// A small file that nobody encrypted, whole in memory: place after place until one has it. Specification 02 section 10.
#include <utility>

#include "sessions/media/transfer_job.h"

namespace wharf::sessions {

namespace {

using protocol::Bytes;
using Why = TransferFailure::Why;

class SmallFetchJob final : public TransferOf<Bytes> {
 public:
  SmallFetchJob(const std::shared_ptr<MediaTransfers::State>& transfers, SmallFile file, Done done)
      : TransferOf(transfers, transfers->downloads, std::move(done)), file_(std::move(file)) {}

  void start() override { ask(); }

 private:
  void release() override { request_.cancel(); }

  void ask() {
    if (place_ >= file_.targets.size()) return end(last_);
    const protocol::DownloadTarget& target = file_.targets[place_];
    auto request = transfers_->request("GET", target.host, target.target);
    if (!request) return next({Why::refused, "no usable place"});
    request->timeout = file_.patience;
    request->max_response_bytes = file_.max_bytes + 1;  // one more tells that there is more
    request_ = transfers_->http.start(std::move(*request),
                                      still([this](net::OutgoingResult result) { on_answer(std::move(result)); }));
  }
  void next(TransferFailure why) {
    last_ = std::move(why);
    ++place_;
    ask();
  }
  void on_answer(net::OutgoingResult result) {
    const std::string& host = file_.targets[place_].host;
    if (!result) return next({Why::temporary, host + ": " + result.error().message});
    if (result->status != 200) return next({Why::gone, answered(host, result->status)});
    if (result->body.size() > file_.max_bytes) return end(TransferFailure{Why::too_large, "the file is too large"});
    end(Bytes(result->body.begin(), result->body.end()));
  }

  SmallFile file_;
  net::OutgoingHandle request_;
  std::size_t place_ = 0;
  TransferFailure last_{Why::refused, "no place is named"};
};

}  // namespace

std::shared_ptr<TransferJob> make_small_fetch(std::shared_ptr<MediaTransfers::State> transfers, SmallFile file,
                                              std::function<void(Transferred<Bytes>)> done) {
  return std::make_shared<SmallFetchJob>(transfers, std::move(file), std::move(done));
}

}  // namespace wharf::sessions
