#include "tests/simulation/file_record.h"

#include <fmt/format.h>

#include <utility>
#include <variant>

#include "sessions/commands.h"
#include "sessions/media/folder_files.h"
#include "sessions/media/stored_media.h"
#include "storage/folder_removals.h"
#include "storage/messages.h"

namespace wharf::simulation {

namespace {

bool is_over(std::int64_t age_ms, std::chrono::hours keep) {
  return keep.count() != 0 && age_ms > std::chrono::duration_cast<std::chrono::milliseconds>(keep).count();
}

}  // namespace

void FileRecord::configure(const FileTerms& terms, std::string vault, std::string folder) {
  terms_ = terms;
  cache_ = std::move(vault) + "/cache/";
  folder_ = std::move(folder) + "/";
}

void FileRecord::note(storage::Database& db, const storage::Change& change) {
  if (const auto* removal = std::get_if<storage::PutFolderRemoval>(&change)) {
    const storage::FolderRemoval& asked = removal->removal;
    if (!asked.message_id.empty())
      asked_.emplace(sessions::folder_name(asked.session), (asked.from_me ? "out-" : "in-") + asked.message_id);
  }
  const auto* removed = std::get_if<storage::RemoveMessage>(&change);
  if (removed == nullptr) return;
  const auto row = storage::find_message_by_id(db, removed->session, removed->id, removed->from_me);
  const auto media = row ? sessions::stored_media(row->content) : sessions::no_session("");
  if (media) deleted_.insert(protocol::to_hex(sessions::media_name(media->reference, media->kind)));
}

void FileRecord::note_removal(const std::string& path, std::int64_t used_ms, std::int64_t now_ms) {
  if (path.starts_with(cache_)) return note_cached(path.substr(cache_.size()), now_ms - used_ms);
  if (path.starts_with(folder_)) note_plain(path.substr(folder_.size()), now_ms - used_ms);
}

void FileRecord::note_cached(const std::string& name, std::int64_t age_ms) {
  const auto bytes = protocol::from_hex(name);
  const auto exact = bytes ? protocol::exactly<32>(*bytes) : std::nullopt;
  if (exact) gone_.insert(*exact);
  if (is_over(age_ms, terms_.vault_keep)) ++aged_;
  else if (!deleted_.contains(name))
    wrong(fmt::format("{} was removed from the vault {} s after it was used", name, age_ms / 1'000));
}

// "session/2026-01/out-3EB0.bin", or on its way: ".writing/…", and marks.
void FileRecord::note_plain(const std::string& place, std::int64_t age_ms) {
  const std::size_t month = place.find('/'), file = place.rfind('/');
  if (place.front() == '.' || month == std::string::npos || month == file) return;
  const std::string name = place.substr(file + 1, place.rfind('.') - file - 1);
  if (asked_.contains({place.substr(0, month), name})) return;
  if (is_over(age_ms, terms_.folder_keep)) ++aged_;
  else if (terms_.folder_bytes >= 10ull << 30)
    wrong(fmt::format("{} was removed from the folder {} s after it was written", place, age_ms / 1'000));
}

void FileRecord::wrong(std::string what) {
  constexpr std::size_t most = 20;
  if (wrongs_.size() < most) wrongs_.push_back(std::move(what));
}

}  // namespace wharf::simulation
