#include "tests/simulation/folder_checkers.h"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>

#include "sessions/media/folder_files.h"
#include "sessions/media/media_disk.h"
#include "storage/search_index.h"
#include "tests/simulation/contents.h"

namespace wharf::simulation {

namespace fs = std::filesystem;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

/// Below the folder: "session/out-3EB0…" and where that is.
std::map<std::string, fs::path> plain_files(const World& world) {
  std::map<std::string, fs::path> found;
  std::error_code failed;
  const fs::path folder = world.folder_directory();
  for (fs::recursive_directory_iterator entry(folder, failed), end; !failed && entry != end; entry.increment(failed)) {
    const fs::path place = entry->path().lexically_relative(folder);
    if (!entry->is_regular_file() || place.filename() == ".wharf") continue;
    found.emplace(place.begin()->string() + "/" + place.stem().string(), entry->path());
  }
  return found;
}

std::string bytes_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Folder {
 public:
  Folder(World& world, Ledger& ledger) : world_(world), ledger_(ledger), files_(plain_files(world)) {
    for (std::size_t i = 0; i < ledger.gateways.size(); ++i)
      sessions_[sessions::folder_name(ledger.gateways[i].session)] = i;
    for (std::size_t i = 0; i < ledger.texts.size(); ++i) {
      if (!ledger.texts[i].id.empty()) by_id_.emplace(ledger.texts[i].id, i);
    }
  }

  void check(const std::set<std::pair<std::size_t, std::size_t>>& fetched) {
    std::uint64_t total = 0;
    for (const auto& [place, path] : files_) total += check_file(place, path);
    const FileTerms& terms = world_.daemon.file_terms();
    if (total > terms.folder_bytes) ledger_.violate(fmt::format("the folder has {} bytes", total));
    // What found no room is gone again, or never was there.
    if (terms.folder_bytes < 10ull << 30) return;
    for (const auto& [gateway, number] : fetched) {
      const Gateway& session = ledger_.gateways[gateway];
      const Text& text = ledger_.texts[number];
      const bool own = text.from == session.person;
      const std::string place = sessions::folder_name(session.session) + "/" + (own ? "out-" : "in-") + text.id;
      if (!files_.contains(place))
        ledger_.violate(
            fmt::format("{} ({}) was fetched by {} and is not in the folder", text.body, text.id, session.session));
    }
  }

 private:
  std::uint64_t check_file(const std::string& place, const fs::path& path) {
    const std::size_t slash = place.find('/'), side = place.find('-', slash);
    const auto session = sessions_.find(place.substr(0, slash));
    const auto text = side == std::string::npos ? by_id_.end() : by_id_.find(place.substr(side + 1));
    if (session == sessions_.end() || text == by_id_.end()) {
      ledger_.violate("the folder has a file of nobody: " + path.string());
      return 0;
    }
    const Gateway& gateway = ledger_.gateways[session->second];
    const Text& said = ledger_.texts[text->second];
    const auto copy = said.copies.find(session->second);
    const std::string bytes = bytes_of(path);
    if (gateway.deleted) ledger_.violate(gateway.session + " was deleted, and the folder has a file of it");
    if (copy != said.copies.end() && copy->second.deleted && !copy->second.forgotten(ledger_.persons[said.from]))
      ledger_.violate(
          fmt::format("{} ({}) was deleted in {} and is in the folder", said.body, said.id, gateway.session));
    if ((place[slash + 1] == 'o') != (said.from == gateway.person) || bytes != file_of(said))
      ledger_.violate(fmt::format("{} ({}) of {} is another file in the folder", said.body, said.id, gateway.session));
    ++ledger_.counts.plain;
    return bytes.size();
  }

  World& world_;
  Ledger& ledger_;
  std::map<std::string, fs::path> files_;
  std::map<std::string, std::size_t> sessions_, by_id_;
};

// --- a day

/// What was used, or written, before then.
std::string older_than(const std::string& directory, std::int64_t unix_ms) {
  std::error_code failed;
  for (fs::recursive_directory_iterator entry(directory, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (!entry->is_regular_file() || entry->path().filename() == ".wharf") continue;
    const auto file = sessions::look_at_file(entry->path().string());
    if (file && file->used_at / 1'000'000 < unix_ms) return entry->path().string();
  }
  return "";
}

void set_clock(World& world, Users& users, milliseconds by) {
  world.daemon.clock_error += by;
  users.see_clock();
}

void run_for(World& world, Micros time) { world.time.run_until(world.time.now() + time); }

/// The daemon is started again; now and then it dies while it begins.
void start_again(World& world) {
  constexpr seconds to_sweep(60);
  auto& random = world.files;
  for (unsigned deaths = random.below(3); deaths > 0; --deaths) {
    world.daemon.kill_for(milliseconds(1));
    run_for(world, milliseconds(2 + random.below(120)));
  }
  if (random.below(2) == 0 && world.daemon.running()) world.daemon.restart(milliseconds(1));
  else world.daemon.kill_for(milliseconds(1));
  run_for(world, to_sweep);
}

}  // namespace

void check_folder(World& world, Ledger& ledger, const Users& users) {
  if (world.daemon.file_terms().has_folder) Folder(world, ledger).check(users.fetched());
}

void pass_a_day(World& world, Ledger& ledger, Users& users) {
  constexpr hours half(13), keep(24);  // both halves are more than a day
  const FileTerms& terms = world.daemon.file_terms();
  const bool plain = terms.has_folder && terms.folder_keep.count() != 0;
  if (terms.vault_keep.count() == 0 && !plain) return;
  set_clock(world, users, half);
  start_again(world);
  users.fetch_again();
  const Micros asked_at = world.time.now();
  while (!users.all_fetched() && world.time.now() < asked_at + std::chrono::minutes(10)) run_for(world, seconds(5));
  set_clock(world, users, half);
  const std::int64_t oldest = world.daemon.unix_ms() - milliseconds(keep).count();
  start_again(world);
  const std::string cache = world.vault_directory() + "/cache";
  if (terms.vault_keep.count() != 0) {
    if (const auto old = older_than(cache, oldest); !old.empty()) ledger.violate("was not used for a day: " + old);
  }
  if (plain) {
    if (const auto old = older_than(world.folder_directory(), oldest); !old.empty())
      ledger.violate("was written more than a day ago: " + old);
  }
  if (storage::sweep_waits(world.daemon.store().reader(), world.daemon.unix_ms()))
    ledger.violate("the index of words was not swept");
  ++ledger.counts.days;
}

}  // namespace wharf::simulation
