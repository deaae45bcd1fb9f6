// Files on their way into the media store: in pieces, broken off and resumed, checked and taken over.

#include <algorithm>
#include <utility>

#include "sandbox/media/media_store.h"

namespace wharf::sandbox {

using protocol::Digest32;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

Result<MediaStore::Writing> MediaStore::begin(std::string kind, std::optional<Digest32> hash) {
  if (writing_.size() >= settings_.max_writing) return Error(Errc::rate_limited, "too many uploads at one time");
  auto writing = std::make_shared<MediaWriting>();
  writing->kind = std::move(kind);
  writing->hash = hash;
  writing->id = new_name();
  auto blob = disk_.create(writing->id);
  if (!blob) return blob.error();
  writing->blob = std::move(*blob);
  writing_.insert(writing);
  return writing;
}

void MediaStore::append(const Writing& writing, std::string bytes, Done<void> done) {
  if (bytes.size() > settings_.max_file_bytes - std::min(settings_.max_file_bytes, writing->bytes))
    return done(Error(Errc::too_large, "the file is too large"));
  if (!make_room(bytes.size())) return done(Error(Errc::storage_full, "no room for the file"));
  writing->bytes += bytes.size();
  total_bytes_ += bytes.size();
  writing->busy = true;
  disk_.append(writing->blob, std::move(bytes),
               alive<void>([this, writing, done](Result<void> result) { written(writing, std::move(result), done); }));
}

void MediaStore::written(const Writing& writing, Result<void> result, const Done<void>& done) {
  writing->busy = false;
  // Half a piece may be there: nothing could go on behind it.
  if (!result && writing->after == MediaWriting::After::keep) writing->after = MediaWriting::After::discard;
  settle(writing);
  done(std::move(result));
}

void MediaStore::discard(const Writing& writing) {
  writing->after = MediaWriting::After::discard;
  settle(writing);
}

void MediaStore::pause(const Writing& writing) {
  const bool useful = writing->hash && writing->bytes > 0 && writing->after == MediaWriting::After::go_on;
  writing->after = useful ? MediaWriting::After::keep : MediaWriting::After::discard;
  settle(writing);
}

void MediaStore::settle(const Writing& writing) {
  if (writing->busy || writing->after == MediaWriting::After::go_on) return;
  const bool known = writing_.erase(writing) > 0;
  if (writing->after == MediaWriting::After::discard) {
    if (!writing->blob) return;  // for the second time, or taken over by a file
    writing->blob.reset();
    total_bytes_ -= std::exchange(writing->bytes, 0);
    return disk_.remove(writing->id);
  }
  if (!known) return;
  writing->after = MediaWriting::After::go_on;
  const Hash hash{writing->kind, *writing->hash};
  if (const auto before = unfinished_.find(hash); before != unfinished_.end()) {
    discard(before->second.writing);
    unfinished_.erase(before);
  }
  if (unfinished_.size() >= settings_.max_unfinished) {
    const auto first = std::min_element(unfinished_.begin(), unfinished_.end(), [](const auto& a, const auto& b) {
      return a.second.until_ms < b.second.until_ms;
    });
    discard(first->second.writing);
    unfinished_.erase(first);
  }
  unfinished_[hash] = {writing, clock_.unix_ms() + settings_.unfinished_ms};
  arm();
}

std::uint64_t MediaStore::unfinished(std::string_view kind, const Digest32& hash) const {
  const auto found = unfinished_.find({std::string(kind), hash});
  return found == unfinished_.end() ? 0 : found->second.writing->bytes;
}

Result<MediaStore::Writing> MediaStore::resume(std::string_view kind, const Digest32& hash, std::uint64_t offset) {
  const auto found = unfinished_.find({std::string(kind), hash});
  if (found == unfinished_.end()) return Error(Errc::not_found, "nothing of this file was kept");
  const auto writing = found->second.writing;
  if (writing->bytes != offset) return Error(Errc::conflict, "the file goes on at " + std::to_string(writing->bytes));
  if (writing_.size() >= settings_.max_writing) return Error(Errc::rate_limited, "too many uploads at one time");
  unfinished_.erase(found);
  writing_.insert(writing);
  arm();
  return writing;
}

void MediaStore::finish(const Writing& writing, Done<MediaFile> done) {
  if (writing->bytes == 0) {
    discard(writing);
    return done(Error(Errc::malformed, "an empty file"));
  }
  writing->busy = true;
  disk_.seal(writing->blob,
             alive<Digest32>([this, writing, done](Result<Digest32> hash) { sealed(writing, std::move(hash), done); }));
}

void MediaStore::sealed(const Writing& writing, Result<Digest32> hash, const Done<MediaFile>& done) {
  writing->busy = false;
  if (!hash || (writing->hash && *writing->hash != *hash)) {
    discard(writing);
    if (!hash) return done(hash.error());
    return done(Error(Errc::malformed, "the body is not what the token says"));
  }
  auto file = keep(*writing, *hash);
  if (file.id == writing->id) {
    // What was counted as written is counted as a file now.
    total_bytes_ -= std::exchange(writing->bytes, 0);
    writing->blob.reset();
    writing_.erase(writing);
  } else {
    discard(writing);
  }
  done(std::move(file));
}

MediaFile MediaStore::keep(const MediaWriting& writing, const Digest32& hash) {
  const auto now = clock_.unix_ms();
  const auto expires = now + lifetime_of(writing.kind);
  if (const auto* same = find_hash(writing.kind, hash); same && same->signed_until_ms >= expires) {
    auto& file = files_.at(same->number);
    due_.erase({due_of(file), file.number});
    file.expires_ms = std::max(file.expires_ms, expires);
    due_.emplace(due_of(file), file.number);
    changed(file);
    return file;
  }
  while (files_.size() >= settings_.max_files) erase(files_.begin());
  MediaFile file;
  file.number = last_number_ + 1;
  file.id = writing.id;
  file.kind = writing.kind;
  file.bytes = writing.bytes;
  file.hash = hash;
  file.created_ms = now;
  file.expires_ms = expires;
  file.signed_until_ms = now + settings_.signature_ms;
  file.signature = protocol::to_hex(random_.bytes<16>());
  changes_.created(RowKind::media, {}, row_number(file.number, 8));
  insert(file);
  arm();
  return file;
}

}  // namespace wharf::sandbox
