#include "sandbox/media/media_store.h"

#include <algorithm>
#include <exception>

#include "sandbox/row_values.h"

namespace wharf::sandbox {

using protocol::Digest32;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace json = boost::json;

namespace {

constexpr std::string_view path_begin = "/v/t62/", path_end = ".enc";

bool is_name(std::string_view id) { return id.size() == 32 && protocol::from_hex(id).has_value(); }

std::string row_name(std::uint64_t number) { return row_number(number, 8); }

json::object to_json(const MediaFile& file) {
  return {{"id", file.id},
          {"kind", file.kind},
          {"bytes", file.bytes},
          {"hash", base64_value(file.hash)},
          {"created", file.created_ms},
          {"expires", file.expires_ms},
          {"signed", file.signed_until_ms},
          {"signature", file.signature},
          {"gone", file.gone}};
}

MediaFile read_file(ByteView row) {
  const auto saved = unpacked(row);
  MediaFile file;
  file.id = string_of(saved.at("id"));
  if (!is_name(file.id)) damaged("the name of a media file");
  file.kind = string_of(saved.at("kind"));
  file.bytes = number_of<std::uint64_t>(saved.at("bytes"));
  file.hash = array_of<32>(saved.at("hash"));
  file.created_ms = number_of<std::int64_t>(saved.at("created"));
  file.expires_ms = number_of<std::int64_t>(saved.at("expires"));
  file.signed_until_ms = number_of<std::int64_t>(saved.at("signed"));
  file.signature = string_of(saved.at("signature"));
  file.gone = saved.at("gone").as_bool();
  return file;
}

}  // namespace

MediaStore::MediaStore(MediaSettings settings, NetworkClock& clock, protocol::Random& random, net::Workers& workers,
                       Changes& changes)
    : settings_(std::move(settings)),
      clock_(clock),
      random_(random),
      changes_(changes),
      disk_(settings_.directory, workers) {}

MediaStore::~MediaStore() = default;

// --- what is there

const MediaFile* MediaStore::find(std::string_view direct_path) const {
  const auto path = direct_path.substr(0, direct_path.find('?'));
  if (!path.starts_with(path_begin) || !path.ends_with(path_end)) return nullptr;
  if (path.size() < path_begin.size() + path_end.size()) return nullptr;
  return find_id(path.substr(path_begin.size(), path.size() - path_begin.size() - path_end.size()));
}

const MediaFile* MediaStore::find_id(std::string_view id) const {
  const auto known = ids_.find(id);
  return known == ids_.end() ? nullptr : &files_.at(known->second);
}

const MediaFile* MediaStore::find_hash(std::string_view kind, const Digest32& hash) const {
  const auto known = hashes_.find({std::string(kind), hash});
  if (known == hashes_.end()) return nullptr;
  const auto& file = files_.at(known->second);
  return file.gone || clock_.unix_ms() >= file.expires_ms ? nullptr : &file;
}

std::vector<MediaFile> MediaStore::list(std::uint64_t after, std::size_t limit) const {
  std::vector<MediaFile> page;
  for (auto file = files_.upper_bound(after); file != files_.end() && page.size() < limit; ++file)
    page.push_back(file->second);
  return page;
}

void MediaStore::insert(MediaFile file) {
  ids_[file.id] = file.number;
  due_.emplace(due_of(file), file.number);
  if (!file.gone) {
    total_bytes_ += file.bytes;
    hashes_[{file.kind, file.hash}] = file.number;
  }
  last_number_ = std::max(last_number_, file.number);
  files_.emplace(file.number, std::move(file));
}

void MediaStore::erase(Files::iterator at) {
  auto& file = at->second;
  due_.erase({due_of(file), file.number});
  lose_bytes(file);
  ids_.erase(file.id);
  changed(file);
  files_.erase(at);
}

void MediaStore::lose_bytes(MediaFile& file) {
  if (file.gone) return;
  file.gone = true;
  total_bytes_ -= file.bytes;
  const auto known = hashes_.find({file.kind, file.hash});
  if (known != hashes_.end() && known->second == file.number) hashes_.erase(known);
  disk_.remove(file.id);
}

void MediaStore::changed(const MediaFile& file) { changes_.changed(RowKind::media, {}, row_name(file.number)); }

bool MediaStore::forget(std::string_view id) {
  const auto known = ids_.find(id);
  if (known == ids_.end()) return false;
  erase(files_.find(known->second));
  arm();
  return true;
}

bool MediaStore::expire(std::string_view id) {
  const auto known = ids_.find(id);
  if (known == ids_.end()) return false;
  auto& file = files_.at(known->second);
  if (file.gone) return true;
  due_.erase({due_of(file), file.number});
  file.expires_ms = std::min(file.expires_ms, clock_.unix_ms());
  lose_bytes(file);
  due_.emplace(due_of(file), file.number);
  changed(file);
  arm();
  return true;
}

// --- time and room

void MediaStore::sweep() {
  const auto now = clock_.unix_ms();
  while (!due_.empty() && due_.begin()->first <= now) {
    const auto at = files_.find(due_.begin()->second);
    if (at->second.gone || at->second.signed_until_ms <= now) {
      erase(at);
    } else {
      (void)expire(std::string(at->second.id));
    }
  }
  for (auto at = unfinished_.begin(); at != unfinished_.end();) {
    if (at->second.until_ms > now) {
      ++at;
      continue;
    }
    const auto late = at->second.writing;
    at = unfinished_.erase(at);
    discard(late);
  }
  arm();
}

void MediaStore::arm() {
  std::int64_t next = due_.empty() ? -1 : due_.begin()->first;
  for (const auto& [hash, waiting] : unfinished_) next = next < 0 ? waiting.until_ms : std::min(next, waiting.until_ms);
  if (next == armed_for_) return;
  armed_for_ = next;
  timer_.reset();
  if (next < 0) return;
  timer_ = clock_.after(std::max<std::int64_t>(next - clock_.unix_ms(), 0), [this] {
    armed_for_ = -1;
    sweep();
  });
}

bool MediaStore::make_room(std::uint64_t bytes) {
  if (bytes > settings_.max_total_bytes) return false;
  while (total_bytes_ > settings_.max_total_bytes - bytes) {
    if (!unfinished_.empty()) {
      const auto given_up = unfinished_.begin()->second.writing;
      unfinished_.erase(unfinished_.begin());
      discard(given_up);
      continue;
    }
    const auto oldest = std::find_if(files_.begin(), files_.end(), [](const auto& file) { return !file.second.gone; });
    if (oldest == files_.end()) return false;
    erase(oldest);
  }
  return true;
}

std::int64_t MediaStore::lifetime_of(std::string_view kind) const {
  return kind == "md-msg-hist" || kind == "md-app-state" ? settings_.history_lifetime_ms : settings_.lifetime_ms;
}

std::string MediaStore::new_name() { return protocol::to_hex(random_.bytes<16>()); }

// --- reading, and whole files

void MediaStore::read(const MediaFiles::Blob& blob, std::uint64_t offset, std::size_t bytes, Done<std::string> done) {
  disk_.read(blob, offset, bytes, alive<std::string>(std::move(done)));
}

void MediaStore::put(std::string kind, std::string bytes, Done<MediaFile> done) {
  auto begun = begin(std::move(kind), std::nullopt);
  if (!begun) return done(begun.error());
  append(*begun, std::move(bytes), [this, writing = *begun, done](Result<void> result) {
    if (result) return finish(writing, done);
    discard(writing);
    done(result.error());
  });
}

void MediaStore::fetch(std::string_view direct_path, std::uint64_t max_bytes, Done<std::string> done) {
  const auto* file = find(direct_path);
  if (!file || file->gone || clock_.unix_ms() >= file->expires_ms)
    return done(Error(Errc::not_found, "no such file on the media host"));
  if (file->bytes > max_bytes) return done(Error(Errc::too_large, "the file is too large"));
  read(open(*file), 0, static_cast<std::size_t>(file->bytes), std::move(done));
}

// --- rows

std::optional<Bytes> MediaStore::row(const RowKey& key) const {
  const auto file = files_.find(number_in_row(key.name));
  if (file == files_.end()) return std::nullopt;
  return packed(to_json(file->second));
}

Result<void> MediaStore::restore(const RowKey& key, ByteView row) {
  try {
    auto file = read_file(row);
    file.number = number_after(key.name, 0);
    insert(std::move(file));
  } catch (const std::exception& problem) {  // Boost.JSON's accessors report by exception
    return Error(Errc::malformed, "state of the media host: " + std::string(problem.what()));
  }
  return {};
}

Result<void> MediaStore::restored() {
  auto there = disk_.list();
  if (!there) return there.error();
  std::vector<std::uint64_t> lost;
  for (const auto& [number, file] : files_) {
    const auto found = there->find(file.id);
    const bool whole = found != there->end() && found->second == file.bytes;
    if (!file.gone && !whole) lost.push_back(number);
    if (!file.gone && whole) there->erase(found);
  }
  for (const auto number : lost) erase(files_.find(number));
  for (const auto& [name, bytes] : *there) {
    if (is_name(name)) disk_.remove(name);  // an upload that was never finished
  }
  sweep();
  return {};
}

}  // namespace wharf::sandbox
