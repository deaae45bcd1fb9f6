#include "sessions/media/uploads.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "protocol/media/encrypted_file.h"
#include "sessions/log_value.h"
#include "sessions/media/stored_media.h"

namespace wharf::sessions {

void Uploads::add(std::int64_t row, std::string message_id) {
  pending_[row].message_id = std::move(message_id);
  go_on();
}

void Uploads::forget(std::int64_t row) {
  const auto found = pending_.find(row);
  if (found == pending_.end()) return;
  Pending& pending = found->second;
  if (pending.at == Pending::At::asking || pending.at == Pending::At::sending) --active_;
  if (pending.transfer != 0) c_.cancel_transfer(pending.transfer);
  pauses_.clear(row);
  pending_.erase(found);
}

void Uploads::go_on() {
  if (!c_.link.online()) return;
  std::vector<std::int64_t> next;
  for (const auto& [row, pending] : pending_) {
    if (active_ + next.size() >= at_once) break;
    if (pending.at == Pending::At::waiting) next.push_back(row);
  }
  for (const std::int64_t row : next) {
    // One that failed at once has begun the next already.
    const auto found = pending_.find(row);
    if (found != pending_.end() && found->second.at == Pending::At::waiting && active_ < at_once)
      begin(row, found->second);
  }
}

void Uploads::on_due() {
  if (!c_.link.online()) return;
  while (const auto row = pauses_.take_due(c_.now.steady)) pending_.at(*row).at = Pending::At::waiting;
  go_on();
}

void Uploads::begin(std::int64_t row, Pending& pending) {
  pending.at = Pending::At::asking;
  ++active_;
  hosts_.get([this, row](const protocol::MediaConn* hosts) { send(row, hosts); });
}

void Uploads::send(std::int64_t row, const protocol::MediaConn* hosts) {
  const auto found = pending_.find(row);
  if (found == pending_.end() || found->second.at != Pending::At::asking) return;
  if (hosts == nullptr)
    return on_result(row, TransferFailure{TransferFailure::Why::temporary, "WhatsApp names no media servers"});
  const auto message = c_.records.find_message_by_id(found->second.message_id, true);
  if (!message) return fail(row, "the message was deleted before it was sent");
  if (message->content.empty()) return fail(row, "the message was deleted for everyone");
  const auto media = stored_media(message->content);
  if (!media || !media->reference.hashes.file_enc_sha256) return fail(row, "the stored message has lost its file");
  MediaUpload upload;
  upload.file = media_name(media->reference, media->kind);
  upload.kind = media->kind;
  upload.sent_sha256 = *media->reference.hashes.file_enc_sha256;
  upload.bytes = protocol::encrypted_length(media->file.length);
  upload.hosts = hosts->upload_hosts();
  upload.auth = hosts->auth;
  found->second.at = Pending::At::sending;
  found->second.transfer = c_.upload(std::move(upload), [this, row](Transferred<protocol::UploadAnswer> result) {
    on_result(row, std::move(result));
  });
}

void Uploads::on_result(std::int64_t row, Transferred<protocol::UploadAnswer> result) {
  const auto found = pending_.find(row);
  if (found == pending_.end()) return;
  Pending& pending = found->second;
  pending.transfer = 0;
  if (result) {
    --active_;
    pending_.erase(found);
    on_uploaded(row, *result);
    return go_on();
  }
  using Why = TransferFailure::Why;
  const TransferFailure& why = result.error();
  spdlog::warn("upload_failed session={} message={} attempt={} detail={}", c_.row.name, log_value(pending.message_id),
               pending.attempts + 1, log_value(why.detail));
  if (why.why == Why::refused || why.why == Why::local) return fail(row, why.detail);
  --active_;
  if (why.why == Why::not_allowed) hosts_.expire();
  if (why.why == Why::not_allowed && !std::exchange(pending.asked_anew, true)) {
    pending.at = Pending::At::waiting;
    return go_on();
  }
  // Without a connection nobody was asked.
  if (c_.link.online() && ++pending.attempts >= max_attempts) {
    ++active_;
    return fail(row, "the file could not be uploaded: " + why.detail);
  }
  pending.at = Pending::At::pausing;
  const unsigned step = std::min(pending.attempts, 9u);
  pauses_.set(row, in(c_, std::chrono::seconds(1u << step)));
  go_on();
}

void Uploads::fail(std::int64_t row, const std::string& why) {
  --active_;
  pending_.erase(row);
  on_failed(row, why);
  go_on();
}

}  // namespace wharf::sessions
