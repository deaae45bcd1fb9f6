#include "sandbox/phone/files.h"

#include <algorithm>
#include <optional>
#include <utility>

namespace wharf::sandbox {

using protocol::Bytes;
using protocol::Digest32;
using protocol::Errc;
using protocol::Error;
using protocol::MediaKind;
using protocol::Result;
using What = MediaFault::What;

namespace {

// Clients differ in where they upload a voice note, a gif or a round video.
constexpr std::string_view kinds[] = {"image", "video", "audio", "document", "sticker", "gif", "ptt", "ptv"};

std::string upload_address(MediaKind kind) { return std::string(protocol::upload_path(kind)) + "/"; }

Error no_host(Errc code) { return Error(code, "this network has no media host"); }

/// A fault that is the whole answer.
std::optional<Error> broken(const std::optional<MediaFault>& fault) {
  if (!fault) return std::nullopt;
  if (fault->what == What::status)
    return Error(Errc::storage, "the media host answered " + std::to_string(fault->status));
  if (fault->what == What::dead) return Error(Errc::storage, "the media host did not answer");
  return std::nullopt;
}

/// Reads a stored file. When too many others are being read it waits instead of giving up.
class PatientReader : public std::enable_shared_from_this<PatientReader> {
 public:
  PatientReader(std::weak_ptr<MediaHost> host, MediaFiles::Blob blob)
      : host_(std::move(host)), blob_(std::move(blob)) {}

  using Done = std::function<void(Result<std::string>)>;
  void read(std::uint64_t offset, std::size_t bytes, Done done) {
    const auto host = host_.lock();
    if (!host) return done(no_host(Errc::closed));
    host->store().read(blob_, offset, bytes,
                       [self = shared_from_this(), offset, bytes, done = std::move(done)](Result<std::string> read) {
                         const bool busy = !read && read.error().code == Errc::rate_limited;
                         if (!busy) return done(std::move(read));
                         self->wait_and_read(offset, bytes, done);
                       });
  }

 private:
  static constexpr std::int64_t busy_pause_ms = 100;
  void wait_and_read(std::uint64_t offset, std::size_t bytes, const Done& done) {
    const auto host = host_.lock();
    if (!host) return done(no_host(Errc::closed));
    pause_ = host->clock().after(busy_pause_ms, [weak = weak_from_this(), offset, bytes, done] {
      if (const auto self = weak.lock()) self->read(offset, bytes, done);
    });
  }

  std::weak_ptr<MediaHost> host_;
  MediaFiles::Blob blob_;
  std::shared_ptr<void> pause_;
};

}  // namespace

// --- up

void PhoneFiles::upload(MediaKind kind, const Bytes& file, Placed done) {
  const auto host = host_.lock();
  if (!host) return done(no_host(Errc::storage));
  const std::string address = upload_address(kind), name(upload_kind(address));
  const auto fault = host->faults().take({MediaWay::upload, MediaDoor::phones, name, address});
  if (const auto failed = broken(fault)) return done(*failed);
  if (fault && fault->what != What::slow) return done(Error(Errc::storage, "the upload broke off"));
  put(name, std::make_shared<const Bytes>(file), 1, done);
}

void PhoneFiles::put(const std::string& kind, std::shared_ptr<const Bytes> file, unsigned tries, const Placed& done) {
  const auto host = host_.lock();
  if (!host) return done(no_host(Errc::storage));
  const auto stored = [files = weak_from_this(), weak = host_, kind, file, tries, done](Result<MediaFile> result) {
    const auto self = files.lock();
    const auto there = weak.lock();
    if (!self || !there) return;
    if (result) {
      self->keep(result->hash, *file);
      return done(Place{there->url_of(*result), result->direct_path()});
    }
    if (result.error().code != Errc::rate_limited || tries == max_tries) return done(result.error());
    const auto pause = ++self->last_pause_;
    self->pauses_[pause] = there->clock().after(busy_pause_ms, [files, kind, file, tries, done, pause] {
      const auto later = files.lock();
      if (!later) return;
      const auto over = later->pauses_.extract(pause);
      later->put(kind, file, tries + 1, done);
    });
  };
  host->store().put(kind, std::string(protocol::as_text(*file)), stored);
}

void PhoneFiles::upload_again(MediaKind kind, const Digest32& hash, Placed done) {
  const auto host = host_.lock();
  if (!host) return done(no_host(Errc::storage));
  if (const auto kept = kept_.find(hash); kept != kept_.end())
    return upload(kind, Bytes(kept->second), std::move(done));
  if (const MediaFile* copy = copy_of(*host, hash)) return done(Place{host->url_of(*copy), copy->direct_path()});
  done(Error(Errc::not_found, "nothing is left of the file"));
}

// --- down

const MediaFile* PhoneFiles::copy_of(MediaHost& host, const Digest32& hash) {
  for (const auto kind : kinds) {
    if (const MediaFile* found = host.store().find_hash(kind, hash)) return found;
  }
  return nullptr;
}

PhoneFiles::Found PhoneFiles::reading(MediaHost& host, const MediaFile& file, std::optional<MediaFault> fault) const {
  auto read = [reader = std::make_shared<PatientReader>(host_, host.store().open(file))](
                  std::uint64_t offset, std::size_t bytes, PatientReader::Done done) {
    reader->read(offset, bytes, std::move(done));
  };
  auto body = std::make_shared<MediaDownloadBody>(std::move(read), 0, file.bytes, host.clock(), std::move(fault));
  return {std::move(body), file.bytes};
}

Result<PhoneFiles::Found> PhoneFiles::download(std::string_view direct_path) {
  const auto host = host_.lock();
  if (!host) return no_host(Errc::storage);
  const auto mark = std::min(direct_path.find('?'), direct_path.size());
  const auto path = direct_path.substr(0, mark), query = direct_path.substr(std::min(mark + 1, direct_path.size()));
  const MediaFile* file = host->store().find(path);
  auto fault = host->faults().take({MediaWay::download, MediaDoor::phones, file ? file->kind : "", path});
  if (const auto failed = broken(fault)) return *failed;
  switch (judge_download(file, query, host->clock().unix_ms())) {
    case 200: return reading(*host, *file, std::move(fault));
    case 403: return Error(Errc::refused, "the media host answered 403: the signature of the path is wrong or over");
    case 410: return Error(Errc::not_found, "the media host answered 410: the file has expired");
    default: return Error(Errc::not_found, "the media host answered 404: it has no such file");
  }
}

Result<PhoneFiles::Found> PhoneFiles::look_up(std::string_view direct_path, const Digest32* hash) const {
  const auto host = host_.lock();
  if (!host) return no_host(Errc::closed);
  const MediaFile* file = host->store().find(direct_path);
  if (file && (file->gone || host->clock().unix_ms() >= file->expires_ms)) file = nullptr;
  if (!file && hash) file = copy_of(*host, *hash);
  if (!file) return Error(Errc::not_found, "the media host has this file no longer");
  return reading(*host, *file, std::nullopt);
}

// --- kept

void PhoneFiles::keep(const Digest32& hash, Bytes file) {
  if (file.size() > max_kept_file_bytes || keeps(hash)) return;
  kept_bytes_ += file.size();
  kept_.emplace(hash, std::move(file));
  order_.push_back(hash);
  while (kept_bytes_ > max_kept_bytes) {
    const auto oldest = kept_.find(order_.front());
    order_.pop_front();
    kept_bytes_ -= oldest->second.size();
    kept_.erase(oldest);
  }
}

}  // namespace wharf::sandbox
