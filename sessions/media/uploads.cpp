#include "sessions/media/uploads.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "protocol/media/encrypted_file.h"
#include "protocol/messages/media_location.h"
#include "sessions/log_value.h"
#include "sessions/media/stored_media.h"

namespace wharf::sessions {

void Uploads::add(std::int64_t row, std::string message_id) {
  pending_[row].message_id = std::move(message_id);
  unseen_.insert(row);
  go_on();
}

void Uploads::wait(std::int64_t row, Pending& pending) {
  pending.at = Pending::At::waiting;
  waiting_.insert(row);
}

void Uploads::look_again(const std::set<std::int64_t>& rows) {
  for (const std::int64_t row : rows) pending_.at(row).at = Pending::At::unseen;
  unseen_.insert(rows.begin(), rows.end());
}

void Uploads::forget(std::int64_t row) {
  const auto found = pending_.find(row);
  if (found == pending_.end()) return;
  Pending& pending = found->second;
  if (pending.at == Pending::At::asking || pending.at == Pending::At::sending) --active_;
  if (pending.transfer != 0) c_.cancel_transfer(pending.transfer);
  pauses_.clear(row);
  unseen_.erase(row);
  waiting_.erase(row);
  const auto followers = leave(row, pending);
  pending_.erase(found);
  look_again(followers);  // begun when they fall due: whoever forgets one may forget the next as well
}

std::optional<net::SteadyTime> Uploads::due() const {
  if (!c_.link.online()) return std::nullopt;
  if (!unseen_.empty() || (!waiting_.empty() && active_ < at_once)) return c_.now.steady;
  return pauses_.earliest();
}

void Uploads::go_on() {
  if (!c_.link.online() || going_on_) return;  // whoever does it goes on
  going_on_ = true;
  const auto first_of = [](std::set<std::int64_t>& rows) { return rows.extract(rows.begin()).value(); };
  for (std::size_t looked = 0; looked < looked_at_once && !unseen_.empty(); ++looked) {
    const std::int64_t row = first_of(unseen_);
    look(row, pending_.at(row));
  }
  while (active_ < at_once && !waiting_.empty()) {
    const std::int64_t row = first_of(waiting_);
    begin(row, pending_.at(row));
  }
  going_on_ = false;
}

void Uploads::on_due() {
  if (!c_.link.online()) return;
  while (const auto row = pauses_.take_due(c_.now.steady)) wait(*row, pending_.at(*row));
  go_on();
}

void Uploads::look(std::int64_t row, Pending& pending) {
  if (!c_.settings.deduplicate_media) return wait(row, pending);
  const auto message = c_.records.find_message_by_id(pending.message_id, true);
  // What channels have is not encrypted: nobody else can announce it, nor a channel what others have.
  if (message && message->chat.is_channel()) return wait(row, pending);
  const auto media = stored_media(message ? ByteView(message->content) : ByteView());
  // What can be seen once has an upload of its own. What is wrong with a message, send() says.
  if (!media || media->view_once) return wait(row, pending);
  const storage::UploadKey file{media->reference.hashes.file_sha256, media->kind};
  if (auto content = known_upload(*message, file)) {
    pending_.erase(row);
    return on_known(row, std::move(*content));
  }
  pending.file = file;
  if (leads(row, pending)) return wait(row, pending);
  pending.at = Pending::At::following;
}

void Uploads::begin(std::int64_t row, Pending& pending) {
  pending.at = Pending::At::asking;
  ++active_;
  hosts_.get([this, row](const protocol::MediaConn* hosts) { send(row, hosts); });
}

std::optional<Bytes> Uploads::known_upload(const storage::MessageRow& message, const storage::UploadKey& file) const {
  const auto id = c_.records.find_upload(file);
  if (!id || *id == message.id) return std::nullopt;
  const auto other = c_.records.find_message_by_id(*id, true);
  const auto media = stored_media(other ? ByteView(other->content) : ByteView());
  if (!media || media->kind != file.kind || media->view_once ||
      media->reference.hashes.file_sha256 != file.file_sha256 || !on_servers(other->chat, media->file, c_.now.unix_ms))
    return std::nullopt;
  auto content = protocol::with_upload_of(message.content, other->content);
  const auto announced = stored_media(content);
  // Nothing may leave that announces what was not uploaded.
  if (!announced || announced->file.key != media->file.key || announced->file.direct_path != media->file.direct_path)
    return std::nullopt;
  return content;
}

bool Uploads::leads(std::int64_t row, const Pending& pending) {
  Shared& shared = shared_.try_emplace(*pending.file, Shared{row, {}}).first->second;
  if (shared.leader != row) shared.followers.insert(row);
  return shared.leader == row;
}

std::set<std::int64_t> Uploads::leave(std::int64_t row, const Pending& pending) {
  const auto shared = pending.file ? shared_.find(*pending.file) : shared_.end();
  if (shared == shared_.end()) return {};
  if (shared->second.leader != row) {
    shared->second.followers.erase(row);
    return {};
  }
  return std::move(shared_.extract(shared).mapped().followers);
}

void Uploads::send(std::int64_t row, const protocol::MediaConn* hosts) {
  const auto found = pending_.find(row);
  if (found == pending_.end() || found->second.at != Pending::At::asking) return;
  if (hosts == nullptr)
    return on_result(row, TransferFailure{TransferFailure::Why::temporary, "WhatsApp names no media servers"});
  const auto message = c_.records.find_message_by_id(found->second.message_id, true);
  if (!message) return fail(row, "the message was deleted before it was sent");
  if (message->content.empty()) return fail(row, "the message was deleted for everyone");
  const auto media = stored_media(*message);
  if (!media || !media->reference.hashes.file_enc_sha256) return fail(row, "the stored message has lost its file");
  MediaUpload upload;
  upload.file = media_name(media->reference, media->kind);
  upload.kind = media->kind;
  upload.sent_sha256 = *media->reference.hashes.file_enc_sha256;
  upload.bytes = protocol::encrypted_length(media->file.length);
  if (message->chat.is_channel()) {
    if (!protocol::newsletter_upload_path(media->kind)) return fail(row, "channels take no files of this kind");
    upload.plain = media->reference;
    upload.sent_sha256 = media->reference.hashes.file_sha256;
    upload.bytes = media->file.length;
  }
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
    if (pending.file) c_.records.add(storage::PutUpload{c_.id(), *pending.file, pending.message_id, c_.now.unix_ms});
    const auto followers = leave(row, pending);
    pending_.erase(found);
    look_again(followers);
    on_uploaded(row, *result);
    return go_on();
  }
  using Why = TransferFailure::Why;
  const TransferFailure& why = result.error();
  spdlog::warn("upload_failed session={} message={} attempt={} detail={}", c_.row.name, log_value(pending.message_id),
               pending.attempts + 1, log_value(why.detail));
  if (why.why == Why::too_large) return fail_with_followers(row, why.detail);
  if (why.why == Why::refused || why.why == Why::local) return fail(row, why.detail);
  --active_;
  if (why.why == Why::not_allowed) hosts_.expire();
  if (why.why == Why::not_allowed && !std::exchange(pending.asked_anew, true)) {
    wait(row, pending);
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
  const auto followers = leave(row, pending_.at(row));
  pending_.erase(row);
  look_again(followers);
  on_failed(row, why);
  go_on();
}

// The same length to the same servers: nobody waits for the same answer once more, but those that are too many for one
// turn.
void Uploads::fail_with_followers(std::int64_t row, const std::string& why) {
  const Pending& leader = pending_.at(row);
  std::vector<std::int64_t> failing;
  if (const auto shared = leader.file ? shared_.find(*leader.file) : shared_.end(); shared != shared_.end()) {
    std::set<std::int64_t>& followers = shared->second.followers;
    while (!followers.empty() && failing.size() < looked_at_once)
      failing.push_back(followers.extract(followers.begin()).value());
  }
  for (const std::int64_t follower : failing) pending_.erase(follower);
  for (const std::int64_t follower : failing) on_failed(follower, why);
  fail(row, why);
}

}  // namespace wharf::sessions
