#include "sessions/media/folder_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <map>
#include <system_error>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "protocol/crypto/hash.h"

namespace wharf::sessions {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace fs = std::filesystem;

namespace {

constexpr std::size_t longest_name = 64, longest_extension = 15;

bool lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool in_name(char c) { return lower_or_digit(c) || (c >= 'A' && c <= 'Z') || c == '_' || c == '-' || c == '.'; }

bool is_month(const std::string& name) {
  constexpr std::string_view form = "0000-00";
  if (name.size() != form.size()) return false;
  for (std::size_t i = 0; i < form.size(); ++i)
    if (form[i] == '-' ? name[i] != '-' : (name[i] < '0' || name[i] > '9')) return false;
  return true;
}

/// Those of a directory that are directories themselves, and no links. What cannot be read has none.
std::vector<std::string> directories(const std::string& path) {
  std::vector<std::string> out;
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    struct stat status {};
    if (::lstat(entry->path().c_str(), &status) == 0 && S_ISDIR(status.st_mode))
      out.push_back(entry->path().filename().string());
  }
  return out;
}

Result<void> mark(const std::string& path) {
  if (look_at_file(path + "/.wharf")) return {};
  const auto made = DiskFile::create(path + "/.wharf");
  if (!made) return made.error();
  return {};
}

/// A directory inside one of ours; its name is durable.
Result<void> make_below(const std::string& parent, const std::string& name) {
  struct stat status {};
  const bool there = ::lstat((parent + "/" + name).c_str(), &status) == 0;
  if (auto made = make_private_directory(parent + "/" + name); !made || there) return made;
  return sync_directory(parent);
}

}  // namespace

std::string folder_name(std::string_view text) {
  const bool plain = !text.empty() && text.size() <= longest_name && text.front() != '.' &&
                     std::all_of(text.begin(), text.end(), in_name);
  if (plain) return std::string(text);
  return "~" + protocol::to_hex(protocol::sha256(protocol::as_bytes(text))).substr(0, 32);
}

std::string folder_month(std::int64_t unix_ms) {
  using namespace std::chrono;
  constexpr std::int64_t last_ms = 253'402'300'799'000;
  const milliseconds since(std::clamp<std::int64_t>(unix_ms, 0, last_ms));
  const year_month_day day{floor<days>(sys_time<milliseconds>(since))};
  return fmt::format("{:04}-{:02}", static_cast<int>(day.year()), static_cast<unsigned>(day.month()));
}

std::string folder_extension(std::string_view extension) {
  const bool good = extension.size() >= 2 && extension.size() <= 1 + longest_extension && extension.front() == '.' &&
                    std::all_of(extension.begin() + 1, extension.end(), lower_or_digit);
  return good ? std::string(extension) : ".bin";
}

Result<FolderFile> FolderFile::create(const std::string& folder, const std::string& session, const std::string& month,
                                      const std::string& name, const std::string& writing) {
  const std::string own = folder + "/" + session;
  if (auto made = make_below(folder, session); !made) return made.error();
  if (auto marked = mark(own); !marked) return marked.error();
  if (auto made = make_below(own, month); !made) return made.error();
  std::string path = own + "/" + month + "/" + name;
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) return Error(Errc::conflict, "it is there already");
  std::string at = folder + "/.writing/" + writing;
  auto file = DiskFile::create(at);
  if (!file) return file.error();
  return FolderFile(std::move(*file), std::move(at), std::move(path));
}

FolderFile::~FolderFile() {
  if (file_.is_open() && !writing_.empty()) remove_file(writing_);
}

Result<void> FolderFile::finish() {
  if (auto synced = file_.sync(); !synced) return synced;
  if (auto moved = move_durably(writing_, path_); !moved) return moved;
  writing_.clear();
  return {};
}

Result<void> open_folder(const std::string& folder) {
  if (auto made = make_private_directory(folder); !made) return made;
  if (auto made = make_private_directory(folder + "/.writing"); !made) return made;
  std::error_code ignored;
  std::vector<fs::path> left;
  for (fs::directory_iterator entry(folder + "/.writing", ignored), end; !ignored && entry != end;
       entry.increment(ignored))
    left.push_back(entry->path());
  for (const fs::path& path : left) fs::remove_all(path, ignored);
  return {};
}

void remove_from_folder(const std::string& folder, const std::string& session, const std::string& month,
                        const std::string& name) {
  const std::string below = folder + "/" + session + "/" + month;
  const auto files = list_files(below);
  if (!files) return;
  for (auto file = files->lower_bound(name + "."); file != files->end() && file->first.starts_with(name + "."); ++file)
    if (file->first.find('.', name.size() + 1) == std::string::npos) remove_file(below + "/" + file->first);
}

void remove_session_folder(const std::string& folder, const std::string& session, const std::string& aside) {
  const std::string own = folder + "/" + session;
  if (!look_at_file(own + "/.wharf")) return;
  // Out of the way first: whoever takes the name anew begins with nothing, and a start removes what is left.
  const std::string going = folder + "/.writing/" + aside;
  std::error_code ignored;
  fs::rename(own, going, ignored);
  if (!ignored) fs::remove_all(going, ignored);
}

std::set<std::string> session_folders(const std::string& folder) {
  std::set<std::string> out;
  for (std::string& name : directories(folder))
    if (!name.starts_with('.') && look_at_file(folder + "/" + name + "/.wharf")) out.insert(std::move(name));
  return out;
}

std::uint64_t trim_folder(const std::string& folder, std::uint64_t most, std::int64_t before_ns) {
  std::map<std::string, std::vector<std::string>> months;  // the directories of each, in order
  std::uint64_t total = 0;
  for (const std::string& session : session_folders(folder)) {
    const std::string own = folder + "/" + session + "/";
    for (const std::string& month : directories(own)) {
      if (!is_month(month)) continue;
      std::uint64_t left = 0;
      const auto files = list_files(own + month);
      if (!files) continue;
      for (const auto& [name, file] : *files) {
        if (file.used_at < before_ns) remove_file(own + month + "/" + name);
        else left += file.bytes;
      }
      total += left;
      if (::rmdir((own + month).c_str()) != 0) months[month].push_back(own + month);  // of an empty one nothing stays
    }
  }
  for (auto month = months.begin(); month != months.end() && total > most; ++month) {
    std::vector<std::pair<std::int64_t, std::pair<std::string, std::uint64_t>>> by_age;
    for (const std::string& directory : month->second) {
      const auto files = list_files(directory);
      if (!files) continue;
      for (const auto& [name, file] : *files) by_age.push_back({file.used_at, {directory + "/" + name, file.bytes}});
    }
    std::sort(by_age.begin(), by_age.end());
    for (const auto& [at, file] : by_age) {
      if (total <= most) break;
      remove_file(file.first);
      total -= std::min(total, file.second);
    }
    for (const std::string& directory : month->second) ::rmdir(directory.c_str());
  }
  return total;
}

}  // namespace wharf::sessions
