#include "sandbox/phone/downloads.h"

#include <algorithm>
#include <utility>

#include "sandbox/phone/media_messages.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

/// A long file for the second time: the first proved it, so that the status of the answer is true.
net::BodySource source_of(std::shared_ptr<FileReading> reading) {
  return [reading = std::move(reading)](std::function<void(net::BodyPiece)> give) {
    reading->next([give = std::move(give)](Result<FileReading::Piece> piece) {
      using End = net::BodyPiece::End;
      if (!piece) return give({{}, End::broken});
      give({std::string(protocol::as_text(piece->plain)), piece->last ? End::last : End::more});
    });
  };
}

}  // namespace

// --- by itself

void PhoneDownloads::load(const std::string& author, const std::string& id) {
  queue_.push_back({author, id});
  start_next();
}

void PhoneDownloads::pause() {
  if (reading_) reading_->cancel();
  reading_.reset();
  encrypted_ = {};
  queue_.clear();
}

void PhoneDownloads::resume() {
  for (const PhoneMessage& message : log_.messages()) {
    const bool sent_here = message.from_me && message.device == 0;
    if (message.media && message.media->state == "loading" && !sent_here)
      queue_.push_back({message.author, message.id});
  }
  start_next();
}

void PhoneDownloads::start_next() {
  while (c_.powered() && !reading_ && !queue_.empty()) {
    if (const auto started = start(queue_.front()); !started) settle(started.error());
  }
}

Result<void> PhoneDownloads::start(const Wanted& wanted) {
  const PhoneLog::Behind* behind = log_.behind(wanted.author, wanted.id);
  if (behind == nullptr) return Error(Errc::not_found, "forgotten meanwhile");
  const auto file = file_of(behind->encoded);
  if (!file) return file.error();
  if (file->file.direct_path.empty()) return Error(Errc::not_found, "the message does not say where its file is");
  const auto found = files_.download(file->file.direct_path);
  if (!found) return found.error();
  if (found->bytes > max_loaded_bytes) return Error(Errc::too_large, "files over 256 MiB are not loaded");
  const auto& hash = file->reference.hashes.file_enc_sha256;
  const bool keep = hash && !files_.keeps(*hash) && found->bytes <= PhoneFiles::max_kept_file_bytes;
  loaded_bytes_ = 0;
  encrypted_ = {};
  reading_ = std::make_shared<FileReading>(found->body, file->reference, file->kind);
  // `this` ends with pause(), which cancels the reading.
  const auto reading = reading_;
  reading->run(
      [this, keep](const FileReading::Piece& piece) {
        loaded_bytes_ += piece.plain.size();
        if (keep) protocol::append(encrypted_, protocol::as_bytes(piece.encrypted));
      },
      [this, keep, hash](const Result<void>& outcome) {
        if (outcome && keep) files_.keep(*hash, std::exchange(encrypted_, {}));
        settle(outcome);
        start_next();
      });
  return {};
}

/// The first of the queue ended.
void PhoneDownloads::settle(const Result<void>& outcome) {
  reading_.reset();
  encrypted_ = {};
  const Wanted wanted = std::move(queue_.front());
  queue_.pop_front();
  PhoneMessage* message = log_.find(wanted.author, wanted.id);
  if (message == nullptr || !message->media) return;
  if (outcome) {
    message->media->state = "ready";
    message->media->size = loaded_bytes_;
    // finish() compared it with what was decrypted.
    const auto file = file_of(log_.behind(wanted.author, wanted.id)->encoded);
    if (file) message->media->sha256 = protocol::to_hex(file->reference.hashes.file_sha256);
  } else {
    message->media->state = "failed";
    message->media->failure = outcome.error().detail;
  }
  log_.touch(wanted.author, wanted.id);
}

// --- for somebody

void PhoneDownloads::open(std::string_view id, const std::function<void(Result<OpenedMedia>)>& done) const {
  const auto& all = log_.messages();
  const auto shown = std::find_if(all.rbegin(), all.rend(), [id](const PhoneMessage& m) { return m.id == id; });
  if (shown == all.rend()) return done(Error(Errc::not_found, "this phone has no such message"));
  if (!shown->media) return done(Error(Errc::not_found, "the message has no file"));
  const auto file = file_of(log_.behind()[static_cast<std::size_t>(all.rend() - shown - 1)].encoded);
  if (!file) return done(file.error());
  if (file->file.direct_path.empty()) return done(Error(Errc::conflict, "the file is not on the media host yet"));
  const auto& hash = file->reference.hashes.file_enc_sha256;
  const auto find = [&files = files_, path = file->file.direct_path, hash] {
    return files.look_up(path, hash ? &*hash : nullptr);
  };
  const auto found = find();
  if (!found) return done(found.error());
  const auto again = find();  // the same open file would do; the body is read once
  struct Verified {
    std::uint64_t size = 0;
    Bytes bytes;
  };
  const auto verified = std::make_shared<Verified>();
  const auto second = std::make_shared<FileReading>(again->body, file->reference, file->kind);
  std::make_shared<FileReading>(found->body, file->reference, file->kind)
      ->run(
          [verified](const FileReading::Piece& piece) {
            verified->size += piece.plain.size();
            if (verified->size <= whole_bytes) protocol::append(verified->bytes, piece.plain);
          },
          [verified, second, done](const Result<void>& outcome) {
            if (!outcome) return done(outcome.error());
            OpenedMedia opened{verified->size, {}, {}};
            if (opened.size <= whole_bytes) opened.bytes = protocol::as_text(verified->bytes);
            else opened.more = source_of(second);
            done(std::move(opened));
          });
}

}  // namespace wharf::sandbox
