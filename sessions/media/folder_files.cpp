#include "sessions/media/folder_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <map>
#include <optional>
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

constexpr const char* mark_name = "/.wharf";
constexpr std::size_t longest_mark = 64;

Error trouble(const std::string& path, const char* what, int reason) {
  const bool full = reason == ENOSPC || reason == EDQUOT;
  return Error(full ? Errc::storage_full : Errc::storage, path + ": " + what + ": " + std::strerror(reason));
}

/// nullopt: nothing is there. What could not be looked at may well be.
Result<std::optional<struct stat>> status_of(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) return std::optional(status);
  if (errno == ENOENT || errno == ENOTDIR) return std::optional<struct stat>();
  return trouble(path, "cannot be looked at", errno);
}

/// A directory itself, and no link to one.
bool is_directory(const std::string& path) {
  const auto status = status_of(path);
  return status && *status && S_ISDIR((*status)->st_mode);
}

/// Of a session's directory.
Result<bool> is_ours(const std::string& path) {
  const auto own = status_of(path);
  if (!own) return own.error();
  if (!*own || !S_ISDIR((*own)->st_mode)) return false;
  const auto mark = status_of(path + mark_name);
  if (!mark) return mark.error();
  return *mark && S_ISREG((*mark)->st_mode);
}

/// Nothing is in it; or a mark that was not written to its end.
Result<bool> is_empty(const std::string& path) {
  std::error_code error;
  for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
    if (entry->path().filename() != mark_name + 1) return false;
    const auto mark = look_at_file(path + mark_name);
    if (!mark || mark->bytes != 0) return false;
  }
  if (error) return Error(Errc::storage, path + ": cannot be read: " + error.message());
  return true;
}

/// What its mark says, without the blanks behind it: an operator may have written it. nullopt: it has none.
Result<std::optional<std::string>> mark_of(const std::string& path) {
  const auto status = status_of(path + mark_name);
  if (!status) return status.error();
  if (!*status || !S_ISREG((*status)->st_mode)) return std::optional<std::string>();
  std::string text(std::min<std::size_t>(static_cast<std::size_t>((*status)->st_size), longest_mark), '\0');
  const auto file = DiskFile::open(path + mark_name);
  if (!file) return file.error();
  if (auto read = file->read(0, {reinterpret_cast<std::uint8_t*>(text.data()), text.size()}); !read)
    return read.error();
  text.erase(text.find_last_not_of(" \t\r\n") + 1);
  return std::optional(std::move(text));
}

Result<void> put_mark(const std::string& path, const std::string& text) {
  remove_file(path + mark_name);  // one that was not finished
  auto made = DiskFile::create(path + mark_name);
  if (!made) return made.error();
  if (auto written = made->append(protocol::as_bytes(text)); !written) return written;
  if (auto synced = made->sync(); !synced) return synced;
  return sync_directory(path);
}

/// True: it was made here, 0700, and its name is durable. False: there was something of this name.
Result<bool> make_new(const std::string& parent, const std::string& name) {
  const std::string path = parent + "/" + name;
  if (::mkdir(path.c_str(), 0700) != 0) {
    if (errno == EEXIST) return false;
    return trouble(path, "cannot be made", errno);
  }
  if (auto synced = sync_directory(parent); !synced) return synced.error();
  return true;
}

/// A directory inside one of ours.
Result<void> make_below(const std::string& parent, const std::string& name) {
  const auto made = make_new(parent, name);
  if (!made) return made.error();
  if (!*made && !is_directory(parent + "/" + name))
    return Error(Errc::storage, parent + "/" + name + " is not a directory");
  return {};
}

/// That of a session, marked.
Result<void> make_session(const std::string& folder, const std::string& session) {
  const std::string own = folder + "/" + session;
  const auto made = make_new(folder, session);
  if (!made) return made.error();
  if (*made) return put_mark(own, "");
  if (!is_directory(own)) return Error(Errc::storage, own + " is not a directory");
  const auto ours = is_ours(own);
  if (!ours) return ours.error();
  if (*ours) return {};
  const auto empty = is_empty(own);
  if (!empty) return empty.error();
  if (!*empty) return Error(Errc::storage, own + " was not made by Wharf: nothing is written into it");
  return put_mark(own, "");
}

/// A folder that was used before: a new one in its place would lie below the volume that is not mounted.
Result<void> check_there(const std::string& path, const std::string& installation) {
  const auto mark = mark_of(path);
  if (!mark) return mark.error();
  if (*mark && !(*mark)->empty()) return {};
  return Error(Errc::conflict, path + (is_directory(path) ? " has no .wharf any more" : " is not there any more") +
                                   ", and Wharf has files in it: is its volume mounted? To begin with an empty one," +
                                   " make the directory with a file .wharf in it that says " + installation);
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
  if (auto made = make_session(folder, session); !made) return made.error();
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

std::string whole_path(const std::string& folder) {
  std::error_code error;
  const fs::path absolute = fs::absolute(folder, error);
  const fs::path whole = (error ? fs::path(folder) : absolute).lexically_normal();
  return (whole.has_filename() ? whole : whole.parent_path()).string();
}

Result<bool> open_folder(const std::string& folder, const std::string& installation, FolderBefore before) {
  std::string path = folder;
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  if (before == FolderBefore::ours)
    if (auto there = check_there(path, installation); !there) return there.error();
  const fs::path whole(path);
  std::error_code error;
  const std::string parent = whole.has_parent_path() ? whole.parent_path().string() : ".";
  fs::create_directories(parent, error);
  const auto made = make_new(parent, whole.filename().string());
  if (!made) return made.error();
  bool is_new = *made;
  if (!is_new) {
    if (!is_directory(path)) return Error(Errc::storage, path + " is not a directory (a link to one is none)");
    const auto mark = mark_of(path);
    if (!mark) return mark.error();
    const auto empty = is_empty(path);
    if (!empty) return empty.error();
    if (!*empty && !*mark)
      return Error(Errc::conflict, path + " holds files and was not made by Wharf: name a directory that is empty");
    if (!*empty && **mark != installation)
      return Error(Errc::conflict, path + " belongs to another database of Wharf (its .wharf names " + **mark +
                                       ", this one is " + installation + "): name another directory");
    is_new = *empty;
  }
  if (is_new)
    if (auto marked = put_mark(path, installation); !marked) return marked.error();
  if (auto below = make_below(path, ".writing"); !below) return below.error();
  std::vector<fs::path> left;
  for (fs::directory_iterator entry(path + "/.writing", error), end; !error && entry != end; entry.increment(error))
    left.push_back(entry->path());
  for (const fs::path& each : left) fs::remove_all(each, error);
  return is_new;
}

Result<bool> is_folder_of(const std::string& folder, const std::string& installation) {
  const auto mark = mark_of(folder);
  if (!mark) return mark.error();
  return *mark == installation;
}

Result<void> remove_from_folder(const std::string& folder, const std::string& session, const std::string& month,
                                const std::string& file) {
  const std::string own = folder + "/" + session;
  const auto ours = is_ours(own);
  if (!ours) return ours.error();
  if (!*ours) return {};
  const std::string path = own + "/" + month + "/" + file;
  if (::unlink(path.c_str()) == 0 || errno == ENOENT || errno == ENOTDIR) return {};
  return trouble(path, "cannot be removed", errno);
}

Result<void> remove_session_folder(const std::string& folder, const std::string& session, const std::string& aside) {
  const std::string own = folder + "/" + session;
  const auto ours = is_ours(own);
  if (!ours) return ours.error();
  if (!*ours) return {};
  // Out of the way first: whoever takes the name anew begins with nothing, and a start removes what is left.
  const std::string going = folder + "/.writing/" + aside;
  if (::rename(own.c_str(), going.c_str()) != 0) return trouble(own, "cannot be removed", errno);
  std::error_code error;
  fs::remove_all(going, error);
  if (error) return Error(Errc::storage, going + ": cannot be removed: " + error.message());
  return {};
}

std::set<std::string> session_folders(const std::string& folder) {
  std::set<std::string> out;
  for (std::string& name : directories(folder))
    if (!name.starts_with('.') && look_at_file(folder + "/" + name + mark_name)) out.insert(std::move(name));
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
