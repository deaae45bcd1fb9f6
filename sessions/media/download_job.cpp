// One download: place after place until one has the announced file. Specification 04 sections 4.1 to 4.3.
#include <spdlog/spdlog.h>

#include <charconv>
#include <utility>

#include "protocol/media/encrypted_file.h"
#include "sessions/log_value.h"
#include "sessions/media/transfer_job.h"

namespace wharf::sessions {

namespace {

using protocol::Errc;
using protocol::Error;
using protocol::Result;
using Why = TransferFailure::Why;

constexpr unsigned tries_of_a_host = 3;
constexpr std::chrono::seconds longest_wait{30};

/// Into the vault while it comes; holds the server back meanwhile. After an error nothing more is taken.
class IntoVault final : public net::BodyReceiver {
 public:
  IntoVault(std::shared_ptr<MediaReceiver> file, std::function<void(const Error&)> failed)
      : file_(std::move(file)), failed_(std::move(failed)) {}
  void take(std::string bytes, std::function<void()> taken) override {
    file_->append(std::move(bytes), [taken = std::move(taken), failed = failed_](const Result<void>& result) {
      if (!result) return failed(result.error());
      taken();
    });
  }

 private:
  std::shared_ptr<MediaReceiver> file_;
  std::function<void(const Error&)> failed_;
};

/// What a sender announces may be wrong (04 section 4.2 step 2), but not without end.
std::uint64_t most_of(std::uint64_t announced) {
  constexpr std::uint64_t slack = 1u << 20;
  if (announced == 0) return protocol::encrypted_length(protocol::max_media_length);
  return 2 * protocol::encrypted_length(std::min(announced, protocol::max_media_length)) + slack;
}

std::chrono::milliseconds wait_of(const net::OutgoingResponse& answer, unsigned tries) {
  for (const auto& [name, value] : answer.headers) {
    unsigned seconds = 0;
    if (name == "retry-after" && std::from_chars(value.data(), value.data() + value.size(), seconds).ec == std::errc())
      return std::min<std::chrono::milliseconds>(std::chrono::seconds(seconds), longest_wait);
  }
  return std::chrono::seconds(tries);
}

class DownloadJob final : public TransferOf<void> {
 public:
  DownloadJob(const std::shared_ptr<MediaTransfers::State>& transfers, MediaDownload download, Done done)
      : TransferOf(transfers, transfers->downloads, std::move(done)),
        download_(std::move(download)),
        deadline_(transfers_->scheduler),
        pause_(transfers_->scheduler) {}

  void start() override {
    const std::uint64_t bytes = std::min(download_.length, std::uint64_t{4} << 30);
    deadline_.after(longest_transfer(bytes), [this] {
      end(TransferFailure{Why::temporary, "the media server sent the file too slowly"});
    });
    fetch();
  }

 private:
  void release() override {
    deadline_.cancel();
    pause_.cancel();
    request_.cancel();
    file_.reset();
  }

  const protocol::DownloadTarget& place() const { return download_.targets[place_]; }

  void next_place(TransferFailure why) {
    last_ = std::move(why);
    tries_ = 0;
    ++place_;
    fetch();
  }

  void try_again(std::string why, std::chrono::milliseconds wait) {
    if (++tries_ >= tries_of_a_host) return next_place({Why::temporary, std::move(why)});
    last_ = {Why::temporary, std::move(why)};
    pause_.after(wait, [this] { fetch(); });
  }

  void fetch() {
    if (place_ >= download_.targets.size()) return end(last_);
    auto request = transfers_->request("GET", place().host, place().target);
    if (!request) return next_place({Why::refused, "the message names no usable place of its file"});
    // A new file for each try: a second body that is shorter leaves no tail.
    MediaVault& vault = transfers_->vault;
    file_ = download_.plain ? vault.receive_plain(download_.reference, download_.kind)
                            : vault.receive(download_.reference, download_.kind);
    request->max_streamed_bytes = most_of(download_.length);
    request->receive_body = [file = file_, failed = std::function<void(const Error&)>(
                                               still([this](const Error& error) { on_kept(error); }))](
                                const net::OutgoingResponse& head) -> std::unique_ptr<net::BodyReceiver> {
      if (head.status != 200) return nullptr;
      return std::make_unique<IntoVault>(file, failed);
    };
    request_ = transfers_->http.start(std::move(*request),
                                      still([this](net::OutgoingResult result) { on_answer(std::move(result)); }));
  }

  void on_answer(net::OutgoingResult result) {
    if (!result) {
      if (result.error().kind == net::OutgoingFailure::Kind::too_large)
        return end(TransferFailure{Why::refused, "the file is much larger than its sender announced"});
      return try_again(place().host + ": " + result.error().message, std::chrono::seconds(tries_ + 1));
    }
    const unsigned status = result->status;
    if (status == 200 && result->received)
      return file_->finish(still([this](Result<void> kept) { on_kept(std::move(kept)); }));
    const std::string said = answered(place().host, status);
    if (status == 401 || status == 403 || status == 404 || status == 410) return end(TransferFailure{Why::gone, said});
    if (status == 408 || status == 429 || status >= 500) return try_again(said, wait_of(*result, tries_ + 1));
    next_place({Why::refused, said});
  }

  void on_kept(Result<void> kept) {
    if (kept) return end({});
    const Error& error = kept.error();
    switch (error.code) {
      case Errc::truncated:
      case Errc::bad_mac: return next_place({Why::damaged, place().host + ": " + error.detail});
      case Errc::malformed: return end(TransferFailure{Why::damaged, error.detail});
      case Errc::too_large: return end(TransferFailure{Why::refused, error.detail});
      case Errc::rate_limited: return end(TransferFailure{Why::temporary, error.detail});
      default:
        spdlog::warn("media_file code={} detail={}", protocol::name(error.code), log_value(error.detail));
        return end(TransferFailure{Why::local, "the file could not be kept here"});
    }
  }

  MediaDownload download_;
  std::shared_ptr<MediaReceiver> file_;
  net::OutgoingHandle request_;
  net::Timer deadline_, pause_;
  std::size_t place_ = 0;
  unsigned tries_ = 0;
  TransferFailure last_{Why::refused, "the message names no place of its file"};
};

}  // namespace

std::shared_ptr<TransferJob> make_download(std::shared_ptr<MediaTransfers::State> transfers, MediaDownload download,
                                           std::function<void(Transferred<void>)> done) {
  return std::make_shared<DownloadJob>(transfers, std::move(download), std::move(done));
}

}  // namespace wharf::sessions
