#include "sessions/media/media_folder.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <deque>
#include <limits>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "sessions/log_value.h"
#include "sessions/media/folder_files.h"

namespace wharf::sessions {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

constexpr std::uint64_t piece_bytes = 1u << 20;

/// The messages of one second may lie in two months by two clocks.
std::set<std::string> months_of(std::int64_t sent_ms) {
  constexpr std::int64_t day_ms = 86'400'000;
  return {folder_month(sent_ms - day_ms), folder_month(sent_ms), folder_month(sent_ms + day_ms)};
}

}  // namespace

struct MediaFolder::State : std::enable_shared_from_this<State> {
  State(FolderSettings s, MediaVault& v, net::Workers& w, protocol::Random& r)
      : settings(std::move(s)), vault(v), workers(w), random(r) {}

  /// The copy at hand.
  struct Running {
    FolderCopy copy;
    std::shared_ptr<MediaReader> reader;
    std::optional<FolderFile> file;  // a worker's
    std::uint64_t at = 0;
    std::vector<std::function<void()>> removals;  // asked for meanwhile, for when it is through
  };
  using RunningPtr = std::shared_ptr<Running>;

  template <class T>
  void run(std::function<Result<T>()> work, MediaDone<T> done) {
    const auto outcome = std::make_shared<Result<T>>(Error(Errc::internal, "the job did not end"));
    const bool taken = workers.run([outcome, work = std::move(work)] { *outcome = work(); },
                                   [outcome, done, self = shared_from_this()] {
                                     if (!self->ended) done(std::move(*outcome));
                                   });
    if (!taken) done(Error(Errc::rate_limited, "too many media files are being read and written"));
  }
  /// What is to be removed; where the workers refuse more it is left for the bounds of age and size.
  void remove(std::function<void()> work) {
    if (!workers.run(std::move(work), [] {})) spdlog::warn("media_folder_removal detail=\"too much work is waiting\"");
  }

  std::uint64_t most() const { return settings.max_bytes == 0 ? UINT64_MAX : settings.max_bytes; }
  std::int64_t oldest_ns(std::int64_t now_ms) const {
    if (settings.keep.count() == 0) return std::numeric_limits<std::int64_t>::min();
    return (now_ms - std::chrono::duration_cast<std::chrono::milliseconds>(settings.keep).count()) * 1'000'000;
  }

  void next() {
    if (running || trimming || !begun) return;
    if (wanted_trim) return trim(most(), *std::exchange(wanted_trim, std::nullopt), [this] { next(); });
    if (waiting.empty()) return;
    running = std::make_shared<Running>();
    running->copy = std::move(waiting.front());
    waiting.pop_front();
    const FolderCopy& copy = running->copy;
    vault.read(copy.reference, copy.kind,
               [self = shared_from_this(), job = running](Result<std::shared_ptr<MediaReader>> reader) {
                 if (self->ended) return;
                 if (!reader) return self->end(job, reader.error());
                 job->reader = std::move(*reader);
                 self->make_room(job);
               });
  }

  void make_room(const RunningPtr& job) {
    const std::uint64_t length = job->reader->length();
    if (length > most())
      return end(job, Error(Errc::too_large, "the file has more bytes than media.folder_max_bytes allows"));
    if (total + length <= most()) return read_piece(job);
    // More than is needed now: the next ones find room without a look at the whole folder.
    trim(std::min(most() - length, most() / 20 * 19), std::numeric_limits<std::int64_t>::min(),
         [this, job] { read_piece(job); });
  }

  void trim(std::uint64_t limit, std::int64_t before_ns, std::function<void()> then) {
    trimming = true;
    run<std::uint64_t>([folder = settings.directory, limit,
                        before_ns]() -> Result<std::uint64_t> { return trim_folder(folder, limit, before_ns); },
                       [this, then = std::move(then)](Result<std::uint64_t> left) {
                         trimming = false;
                         if (left) total = *left;
                         else spdlog::warn("media_folder_sweep detail={}", log_value(left.error().detail));
                         then();
                       });
  }

  void read_piece(const RunningPtr& job) {
    const std::uint64_t length = job->reader->length();
    const std::uint64_t end_at = std::min(length, job->at + piece_bytes);
    job->reader->read(job->at, end_at, [self = shared_from_this(), job, end_at](Result<std::string> piece) {
      if (self->ended) return;
      if (!piece) return self->end(job, piece.error());
      self->write_piece(job, std::move(*piece), end_at);
    });
  }

  void write_piece(const RunningPtr& job, std::string piece, std::uint64_t end_at) {
    const bool last = end_at == job->reader->length();
    run<void>(
        [job, last, piece = std::move(piece), folder = settings.directory, extension = settings.extension,
         writing = protocol::to_hex(random.bytes<16>())]() -> Result<void> {
          if (!job->file) {
            const std::string kind = folder_extension(extension ? extension(protocol::as_bytes(piece)) : "");
            auto file = FolderFile::create(folder, folder_name(job->copy.session), folder_month(job->copy.sent_ms),
                                           folder_name(job->copy.message_id) + kind, writing);
            if (!file) return file.error();
            job->file.emplace(std::move(*file));
          }
          if (auto written = job->file->append(protocol::as_bytes(piece)); !written) return written;
          return last ? job->file->finish() : Result<void>();
        },
        [this, job, last, end_at](Result<void> written) {
          if (!written) return end(job, written.error());
          job->at = end_at;
          if (!last) return read_piece(job);
          total += end_at;
          end(job, {});
        });
  }

  void end(const RunningPtr& job, const Result<void>& outcome) {
    if (outcome) {
      ++counts.written;
    } else if (outcome.error().code == Errc::conflict) {
      ++counts.there;
    } else {
      ++counts.failed;
      spdlog::warn("media_folder_copy session={} message={} failed={} code={} detail={}", job->copy.session,
                   log_value(job->copy.message_id), counts.failed, protocol::name(outcome.error().code),
                   log_value(outcome.error().detail));
    }
    running.reset();
    for (std::function<void()>& removal : job->removals) remove(std::move(removal));
    // What is not finished is removed by a worker, as it was written.
    if (!outcome) (void)workers.run([job] { job->file.reset(); }, [] {});
    release(job->copy);
    next();
  }

  /// A copy less needs this file of the vault.
  void release(const FolderCopy& copy) {
    const auto user = users.find(media_name(copy.reference, copy.kind));
    if (user == users.end() || --user->second.copies > 0) return;
    const auto thens = std::move(user->second.thens);
    users.erase(user);
    for (const auto& then : thens) then();
  }

  template <class Gone>
  void forget(const Gone& gone, const std::function<void()>& removal) {
    std::vector<FolderCopy> dropped;
    std::deque<FolderCopy> kept;
    for (FolderCopy& copy : waiting) (gone(copy) ? dropped.emplace_back() : kept.emplace_back()) = std::move(copy);
    waiting = std::move(kept);
    for (const FolderCopy& copy : dropped) release(copy);
    if (running && gone(running->copy)) running->removals.push_back(removal);
    else remove(removal);
  }

  FolderSettings settings;
  MediaVault& vault;
  net::Workers& workers;
  protocol::Random& random;
  std::deque<FolderCopy> waiting;
  RunningPtr running;
  struct Users {
    std::size_t copies = 0;
    std::vector<std::function<void()>> thens;
  };
  std::map<MediaName, Users> users;  // of files of the vault
  std::uint64_t total = 0;           // bytes of the folder, since begin()
  std::optional<std::int64_t> wanted_trim;
  bool begun = false, trimming = false, ended = false;
  Counts counts;
};

MediaFolder::MediaFolder(FolderSettings settings, MediaVault& vault, net::Workers& workers, protocol::Random& random)
    : state_(std::make_shared<State>(std::move(settings), vault, workers, random)) {}

MediaFolder::~MediaFolder() { state_->ended = true; }

Result<void> MediaFolder::open() { return open_folder(state_->settings.directory); }

void MediaFolder::begin(std::set<std::string> sessions, std::int64_t now_ms) {
  std::set<std::string> kept;
  for (const std::string& session : sessions) kept.insert(folder_name(session));
  state_->run<void>(
      [kept = std::move(kept), folder = state_->settings.directory,
       aside = protocol::to_hex(state_->random.bytes<16>())]() -> Result<void> {
        std::size_t number = 0;
        for (const std::string& session : session_folders(folder))
          if (!kept.contains(session)) remove_session_folder(folder, session, aside + std::to_string(++number));
        return {};
      },
      [state = state_.get(), now_ms](const Result<void>&) {
        state->begun = true;
        state->wanted_trim = state->oldest_ns(now_ms);
        state->next();
      });
}

void MediaFolder::copy(FolderCopy copy) {
  State& state = *state_;
  if (state.waiting.size() >= max_waiting) {
    ++state.counts.failed;
    spdlog::warn("media_folder_copy session={} message={} failed={} detail=\"too many files wait to be written\"",
                 copy.session, log_value(copy.message_id), state.counts.failed);
    return;
  }
  ++state.users[media_name(copy.reference, copy.kind)].copies;
  state.waiting.push_back(std::move(copy));
  state.next();
}

void MediaFolder::after_copies(const MediaName& file, std::function<void()> then) {
  const auto user = state_->users.find(file);
  if (user == state_->users.end()) return then();
  user->second.thens.push_back(std::move(then));
}

void MediaFolder::remove(const FolderRemoval& removal) {
  const auto gone = [&](const FolderCopy& copy) {
    return copy.session == removal.session && copy.message_id == removal.message_id;
  };
  state_->forget(gone, [folder = state_->settings.directory, removal] {
    for (const std::string& month : months_of(removal.sent_ms))
      remove_from_folder(folder, folder_name(removal.session), month, folder_name(removal.message_id));
  });
}

void MediaFolder::remove_session(const std::string& session) {
  const auto gone = [&](const FolderCopy& copy) { return copy.session == session; };
  state_->forget(gone,
                 [folder = state_->settings.directory, session, aside = protocol::to_hex(state_->random.bytes<16>())] {
                   remove_session_folder(folder, folder_name(session), aside);
                 });
}

void MediaFolder::sweep(std::int64_t now_ms) {
  state_->wanted_trim = state_->oldest_ns(now_ms);
  state_->next();
}

MediaFolder::Counts MediaFolder::counts() const { return state_->counts; }
bool MediaFolder::busy() const { return state_->running || state_->trimming || !state_->waiting.empty(); }

}  // namespace wharf::sessions
