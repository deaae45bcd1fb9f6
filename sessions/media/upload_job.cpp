// One upload: host after host until one has the whole file. Specification 04 sections 3.1 to 3.3.
#include <spdlog/spdlog.h>
#include <boost/json/parse.hpp>
#include <utility>

#include "sessions/log_value.h"
#include "sessions/media/transfer_job.h"

namespace wharf::sessions {

namespace {

using protocol::UploadAnswer;
using Why = TransferFailure::Why;

/// From here on it is worth asking what a server has already (04 section 3.2).
constexpr std::uint64_t worth_resuming = 5u << 20;
constexpr std::size_t piece_bytes = 256u << 10;

/// What is not there, or no text, stays empty: check_upload() judges.
UploadAnswer read_answer(std::string_view body) {
  boost::system::error_code error;
  const boost::json::value parsed = boost::json::parse(body, error);
  UploadAnswer out;
  if (error || !parsed.is_object()) return out;
  const auto text = [&](std::string_view name) {
    const auto* value = parsed.get_object().if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
  };
  out.url = text("url");
  out.direct_path = text("direct_path");
  out.handle = text("handle");
  out.metadata_url = text("metadata_url");
  out.resume = text("resume");
  return out;
}

/// A file that is not there never comes back; for anything else there may be room, descriptors or a disk later.
TransferFailure local_failure(const protocol::Error& error) {
  if (error.code == protocol::Errc::not_found) return {Why::local, "the file is not there any more"};
  spdlog::warn("media_file code={} detail={}", protocol::name(error.code), log_value(error.detail));
  return {Why::temporary, "the file could not be read here"};
}

bool success(unsigned status) { return status >= 200 && status < 300; }

/// "": channels do not know the kind.
std::string target_of(const MediaUpload& upload) {
  if (!upload.plain) return protocol::upload_target(upload.kind, upload.sent_sha256, upload.auth);
  return protocol::newsletter_upload_target(upload.kind, upload.sent_sha256, upload.auth).value_or("");
}

class UploadJob final : public TransferOf<UploadAnswer> {
 public:
  UploadJob(const std::shared_ptr<MediaTransfers::State>& transfers, MediaUpload upload, Done done)
      : TransferOf(transfers, transfers->uploads, std::move(done)),
        upload_(std::move(upload)),
        target_(target_of(upload_)),
        deadline_(transfers_->scheduler) {}

  void start() override {
    deadline_.after(longest_transfer(upload_.bytes), [this] {
      end(TransferFailure{Why::temporary, "the media servers took the file too slowly"});
    });
    if (target_.empty()) return end(TransferFailure{Why::refused, "channels take no files of this kind"});
    const auto opened = [this](auto& held) {
      return still([this, &held](auto file) {
        if (!file) return end(local_failure(file.error()));
        held = std::move(*file);
        try_host();
      });
    };
    if (upload_.plain) transfers_->vault.read(*upload_.plain, upload_.kind, opened(plain_));
    else transfers_->vault.open_encrypted(upload_.file, opened(file_));
  }

 private:
  void release() override {
    deadline_.cancel();
    request_.cancel();
    file_.reset();
    plain_.reset();
  }

  void next_host(std::string why) {
    last_ = std::move(why);
    ++host_;
    try_host();
  }

  /// A post cannot be sent without the handle of its file. A host that knows the file already may not name it: it is
  /// sent once more then, and one that names none for a file that it took is no use.
  protocol::Result<void> check(const UploadAnswer& answer) const {
    auto usable = protocol::check_upload(answer);
    if (usable && upload_.plain && answer.handle.empty())
      return protocol::Error(protocol::Errc::malformed, "upload answer without a handle");
    return usable;
  }

  void try_host() {
    if (host_ >= upload_.hosts.size())
      return end(TransferFailure{Why::temporary, last_.empty() ? "there is no media server to upload to" : last_});
    if (upload_.bytes < worth_resuming) return send_from(0);
    auto request = transfers_->request("POST", host(), protocol::resume_query_target(target_));
    if (!request) return next_host("a media server has no usable name");
    request_ = transfers_->http.start(std::move(*request), still([this](net::OutgoingResult result) {
                                        if (!result || !success(result->status)) return send_from(0);
                                        const UploadAnswer answer = read_answer(result->body);
                                        const std::uint64_t offset = protocol::resume_offset(answer, upload_.bytes);
                                        if (offset == upload_.bytes && check(answer)) return end(answer);
                                        send_from(offset < upload_.bytes ? offset : 0);
                                      }));
  }

  void send_from(std::uint64_t offset) {
    auto request =
        transfers_->request("POST", host(), offset == 0 ? target_ : protocol::resume_target(target_, offset));
    if (!request) return next_host("a media server has no usable name");
    request->headers.emplace_back("Content-Type", "application/octet-stream");
    request->body_bytes = upload_.bytes - offset;
    // Each request has its own: a piece of one that broke off may still be on its way from the disk.
    const auto at = std::make_shared<std::uint64_t>(offset);
    request->body_source = [this, weak = weak_from_this(), at](std::function<void(net::BodyPiece)> give) {
      if (weak.lock()) next_piece(at, std::move(give));
    };
    request_ = transfers_->http.start(std::move(*request),
                                      still([this](net::OutgoingResult result) { on_answer(std::move(result)); }));
  }

  void next_piece(const std::shared_ptr<std::uint64_t>& at, std::function<void(net::BodyPiece)> give) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(piece_bytes, upload_.bytes - *at));
    auto taken = still([this, at, give = std::move(give)](protocol::Result<std::string> bytes) {
      if (!bytes) return give({{}, net::BodyPiece::End::broken});
      *at += bytes->size();
      give({std::move(*bytes), *at == upload_.bytes ? net::BodyPiece::End::last : net::BodyPiece::End::more});
    });
    if (plain_) plain_->read(*at, *at + count, std::move(taken));
    else transfers_->vault.read_encrypted(file_, *at, count, std::move(taken));
  }

  void on_answer(net::OutgoingResult result) {
    if (!result) {
      if (result.error().kind == net::OutgoingFailure::Kind::broken_body)
        return end(TransferFailure{Why::temporary, "the file could not be read here"});
      return next_host(host() + ": " + result.error().message);
    }
    const unsigned status = result->status;
    if (status == 401 || status == 403) return end(TransferFailure{Why::not_allowed, answered(host(), status)});
    if (success(status)) {
      UploadAnswer answer = read_answer(result->body);
      if (const auto usable = check(answer); !usable) return next_host(host() + ": " + usable.error().detail);
      return end(std::move(answer));
    }
    const bool temporary = status == 408 || status == 429 || status >= 500 || status < 400;
    if (temporary) return next_host(answered(host(), status));
    end(TransferFailure{status == 413 ? Why::too_large : Why::refused, answered(host(), status)});
  }

  const std::string& host() const { return upload_.hosts[host_]; }

  MediaUpload upload_;
  std::string target_;  // secret
  std::shared_ptr<MediaVault::Encrypted> file_;
  std::shared_ptr<MediaReader> plain_;  // instead of it, of a file for a channel
  net::OutgoingHandle request_;
  net::Timer deadline_;
  std::size_t host_ = 0;
  std::string last_;  // why the host before failed
};

}  // namespace

std::shared_ptr<TransferJob> make_upload(std::shared_ptr<MediaTransfers::State> transfers, MediaUpload upload,
                                         std::function<void(Transferred<UploadAnswer>)> done) {
  return std::make_shared<UploadJob>(transfers, std::move(upload), std::move(done));
}

}  // namespace wharf::sessions
