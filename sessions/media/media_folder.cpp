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
#include "sessions/media/media_job.h"
#include "storage/changes.h"
#include "storage/store.h"

namespace wharf::sessions {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

constexpr std::uint64_t piece_bytes = 1u << 20;
constexpr unsigned most_doublings = 5;  // of a pause

/// The messages of one second may lie in two months by two clocks; and a message of this client has the time of its
/// composing until the server says another.
std::set<std::string> months_of(const storage::FolderRemoval& removal) {
  constexpr std::int64_t day_ms = 86'400'000;
  std::set<std::string> months;
  for (const std::int64_t at : {removal.sent_at, removal.created_at})
    for (const std::int64_t about : {at - day_ms, at, at + day_ms}) months.insert(folder_month(about));
  return months;
}

/// Two sides may have given one id. Both are told: an own id may begin with the other's word.
std::string file_of(const std::string& message_id, bool from_me) {
  return (from_me ? "out-" : "in-") + folder_name(message_id);
}

/// What a job of removals came to.
struct Removed {
  std::vector<std::int64_t> ended;    // these rows are done
  std::int64_t left = 0;              // up to this one, those that are not wait for another occasion
  std::vector<std::string> troubles;  // for operators
};

Error not_ours(const std::string& directory) {
  return Error(Errc::storage, directory + " is not there, or not ours any more");
}

/// What was ours at the start may be another volume by now. On a worker.
Result<void> still_ours(const std::string& directory, const std::string& installation) {
  const auto ours = is_folder_of(directory, installation);
  if (!ours) return ours.error();
  if (!*ours) return not_ours(directory);
  return {};
}

/// On a worker. Errors: storage* (nobody could look whose the folder is: nothing was done).
Result<Removed> remove_files(const FolderSettings& settings, const std::string& installation,
                             const std::vector<storage::NumberedRemoval>& rows, const std::string& aside) {
  Removed out;
  const auto ours = is_folder_of(settings.directory, installation);
  if (!ours) return ours.error();
  if (!*ours) {
    out.left = rows.back().number;
    out.troubles.push_back(not_ours(settings.directory).detail);
    return out;
  }
  for (const storage::NumberedRemoval& row : rows) {
    const storage::FolderRemoval& removal = row.removal;
    const std::string session = folder_name(removal.session);
    Result<void> gone;
    if (removal.message_id.empty()) {
      gone = remove_session_folder(settings.directory, session, aside + std::to_string(row.number));
    } else {
      const std::string name = file_of(removal.message_id, removal.from_me);
      std::set<std::string> extensions{".bin"};
      for (const std::string& each : settings.extensions) extensions.insert(folder_extension(each));
      for (const std::string& month : months_of(removal))
        for (const std::string& extension : extensions)
          if (auto done = remove_from_folder(settings.directory, session, month, name + extension); !done) gone = done;
    }
    if (gone) {
      out.ended.push_back(row.number);
    } else {
      out.left = row.number;
      out.troubles.push_back(gone.error().detail);
    }
  }
  return out;
}

/// A flag is up for as long as this lives.
class Raised {
 public:
  explicit Raised(bool& flag) : flag_(flag) { flag_ = true; }
  ~Raised() { flag_ = false; }
  Raised(const Raised&) = delete;
  Raised& operator=(const Raised&) = delete;

 private:
  bool& flag_;
};

}  // namespace

struct MediaFolder::State : std::enable_shared_from_this<State> {
  State(FolderSettings s, const Ports& ports)
      : settings(std::move(s)),
        vault(ports.vault),
        workers(ports.workers),
        random(ports.random),
        store(ports.store),
        pausing(ports.scheduler) {}

  /// The copy at hand.
  struct Running {
    FolderCopy copy;
    std::shared_ptr<MediaReader> reader;
    std::optional<FolderFile> file;  // a worker's
    std::uint64_t at = 0;
    bool unwanted = false;  // removed meanwhile: its file goes when it is through
  };
  using RunningPtr = std::shared_ptr<Running>;

  template <class T>
  void run(std::function<Result<T>()> work, MediaDone<T> done) {
    run_media_job<T>(shared_from_this(), std::move(work), std::move(done));
  }
  std::uint64_t most() const { return settings.max_bytes == 0 ? UINT64_MAX : settings.max_bytes; }
  std::int64_t oldest_ns(std::int64_t now_ms) const {
    if (settings.keep.count() == 0) return std::numeric_limits<std::int64_t>::min();
    return (now_ms - std::chrono::duration_cast<std::chrono::milliseconds>(settings.keep).count()) * 1'000'000;
  }

  /// Begins what comes next, unless something runs. What ends at once is followed in a loop.
  void next() {
    if (looking) return;
    const Raised now(looking);
    try {
      while (!busy && begun && usable && !resting && begin_one()) {
      }
    } catch (const storage::ReadFailure& unreadable) {
      spdlog::warn("media_folder_read detail={}", log_value(unreadable.what()));
      while (reads_failed > most_doublings && !waiting.empty()) refuse(unreadable.error);  // the vault waits for them
      rest_longer(reads_failed);
    }
  }

  /// What comes next is begun, or known to need nothing; false: there is nothing. Throws storage::ReadFailure.
  bool begin_one() {
    if (removals_wait) {
      auto rows = storage::load_folder_removals(store.reader(), left_removals, removals_at_once);
      reads_failed = 0;
      removals_wait = rows.size() == removals_at_once;
      if (!rows.empty()) remove(std::move(rows));
      return true;
    }
    if (wanted_trim) {
      busy = true;
      trim(most(), *wanted_trim, [this](const Result<void>& done) {
        busy = false;
        if (!done && done.error().code == Errc::rate_limited) return rest();
        wanted_trim.reset();
        next();
      });
      return true;
    }
    if (waiting.empty()) return false;
    if (name_is_free()) begin_copy();
    return true;
  }

  /// Of the next copy: what is still to be removed under its name would one day take its file along, so it goes first.
  /// False: something was begun for that, or the copy was given up. Throws storage::ReadFailure.
  bool name_is_free() {
    Waiting& first = waiting.front();
    const FolderCopy& copy = first.copy;
    auto rows =
        storage::load_folder_removals_of(store.reader(), copy.session, copy.message_id, copy.from_me, removals_at_once);
    reads_failed = 0;
    if (rows.empty()) return true;
    if (rows.back().number > left_removals) {
      removals_wait = true;  // it has just been recorded
    } else if (rows.front().number > std::max(first.tried, kept_removals)) {
      first.tried = rows.back().number;
      remove(std::move(rows));
    } else {
      refuse(Error(Errc::storage, "what had its name is still to be removed"));
    }
    return false;
  }

  /// Gives up the next copy.
  void refuse(const Error& why) {
    const FolderCopy copy = std::move(waiting.front().copy);
    waiting.pop_front();
    count(copy, why);
    release(copy);
  }

  /// What could not be done is begun again later.
  void rest(std::chrono::seconds how_long = pause) {
    resting = true;
    pausing.after(how_long, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || self->ended) return;
      self->resting = false;
      self->next();
    });
  }
  /// Each time in a row twice as long.
  void rest_longer(unsigned& failed) { rest(pause * (1 << std::min(failed++, most_doublings))); }

  void remove(std::vector<storage::NumberedRemoval> rows) {
    busy = true;
    const std::int64_t last = rows.back().number;
    run<Removed>(
        [rows = std::move(rows), this_settings = settings, id = installation,
         aside = protocol::to_hex(random.bytes<16>())]() -> Result<Removed> {
          return remove_files(this_settings, id, rows, aside);
        },
        [this, last](Result<Removed> removed) {
          if (!removed) return removals_failed(removed.error(), last);
          for (const std::string& why : removed->troubles)
            spdlog::warn("media_folder_removal detail={}", log_value(why));
          left_removals = std::max(left_removals, removed->left);
          end_removals(removed->ended, last);
        });
  }

  /// Nothing else is begun before that is known: what is done twice could find a newer file of the same name.
  void end_removals(const std::vector<std::int64_t>& numbers, std::int64_t last) {
    storage::Changes changes;
    for (const std::int64_t number : numbers) changes.add(storage::EndFolderRemoval{number});
    store.commit(std::move(changes), [self = shared_from_this(), last](const Result<void>& done) {
      if (self->ended) return;
      if (!done) return self->removals_failed(done.error(), last);
      self->jobs_failed = 0;
      self->busy = false;
      self->next();
    });
  }

  /// Of rows up to `last`; whether their files are gone is not known, or not written down.
  void removals_failed(const Error& why, std::int64_t last) {
    busy = false;
    if (why.code == Errc::rate_limited) {  // no worker took it
      removals_wait = true;
      if (!waiting.empty()) waiting.front().tried = 0;
      return rest();
    }
    spdlog::warn("media_folder_removal detail={}", log_value(why.detail));
    // Those that were left before are tried for the sake of one copy, which then fails as its own file would.
    if (last > left_removals && jobs_failed <= most_doublings) {
      removals_wait = true;
      return rest_longer(jobs_failed);
    }
    left_removals = std::max(left_removals, last);
    next();
  }

  void begin_copy() {
    busy = true;
    running = std::make_shared<Running>();
    running->copy = std::move(waiting.front().copy);
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
         [this, job](const Result<void>& done) {
           if (!done && done.error().code == Errc::rate_limited) return end(job, done);
           read_piece(job);
         });
  }

  void trim(std::uint64_t limit, std::int64_t before_ns, std::function<void(const Result<void>&)> then) {
    run<std::uint64_t>(
        [folder = settings.directory, id = installation, limit, before_ns]() -> Result<std::uint64_t> {
          if (auto ours = still_ours(folder, id); !ours) return ours.error();
          return trim_folder(folder, limit, before_ns);
        },
        [this, then = std::move(then)](Result<std::uint64_t> left) {
          if (left) {
            total = *left;
            return then({});
          }
          spdlog::warn("media_folder_sweep detail={}", log_value(left.error().detail));
          then(left.error());
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
        [job, last, piece = std::move(piece), folder = settings.directory, id = installation,
         extension = settings.extension, writing = protocol::to_hex(random.bytes<16>())]() -> Result<void> {
          if (!job->file) {
            if (auto ours = still_ours(folder, id); !ours) return ours;
            const std::string kind = folder_extension(extension ? extension(protocol::as_bytes(piece)) : "");
            auto file = FolderFile::create(folder, folder_name(job->copy.session), folder_month(job->copy.sent_ms),
                                           file_of(job->copy.message_id, job->copy.from_me) + kind, writing);
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
    busy = false;
    running.reset();
    // What is not finished is removed by a worker, as it was written.
    if (!outcome) (void)workers.run([job] { job->file.reset(); }, [] {});
    if (!outcome && outcome.error().code == Errc::rate_limited) {
      if (!job->unwanted) waiting.push_front({job->copy});
      else release(job->copy);
      return rest();
    }
    count(job->copy, outcome);
    release(job->copy);
    next();
  }

  void count(const FolderCopy& copy, const Result<void>& outcome) {
    if (outcome) {
      ++counts.written;
    } else if (outcome.error().code == Errc::conflict) {
      ++counts.there;
    } else {
      ++counts.failed;
      spdlog::warn("media_folder_copy session={} message={} failed={} code={} detail={}", copy.session,
                   log_value(copy.message_id), counts.failed, protocol::name(outcome.error().code),
                   log_value(outcome.error().detail));
    }
  }

  /// A copy less needs this file of the vault.
  void release(const FolderCopy& copy) {
    const auto user = users.find(media_name(copy.reference, copy.kind));
    if (user == users.end() || --user->second.copies > 0) return;
    const auto thens = std::move(user->second.thens);
    users.erase(user);
    for (const auto& then : thens) then();
  }

  void forget(const storage::FolderRemoval& removal) {
    const auto gone = [&](const FolderCopy& copy) {
      if (copy.session != removal.session) return false;
      return removal.message_id.empty() || (copy.message_id == removal.message_id && copy.from_me == removal.from_me);
    };
    std::vector<FolderCopy> dropped;
    std::deque<Waiting> kept;
    for (Waiting& each : waiting) {
      if (gone(each.copy)) dropped.push_back(std::move(each.copy));
      else kept.push_back(std::move(each));
    }
    waiting = std::move(kept);
    for (const FolderCopy& copy : dropped) release(copy);
    if (running && gone(running->copy)) running->unwanted = true;
  }

  /// That a path leads to a folder is known from its mark; from here on also when it is gone.
  void remember(std::string path) {
    storage::Changes changes;
    changes.add(storage::RememberFolder{std::move(path)});
    store.commit(std::move(changes), [self = shared_from_this()](const Result<void>& done) {
      if (!done) spdlog::warn("media_folder_open detail={}", log_value(done.error().detail));
    });
  }

  FolderSettings settings;
  MediaVault& vault;
  net::Workers& workers;
  protocol::Random& random;
  storage::Store& store;
  net::Timer pausing;
  std::string installation;
  struct Waiting {
    FolderCopy copy;
    std::int64_t tried = 0;  // up to this one, what was to be removed under its name was tried again for it
  };
  std::deque<Waiting> waiting;
  RunningPtr running;
  struct Users {
    std::size_t copies = 0;
    std::vector<std::function<void()>> thens;
  };
  std::map<MediaName, Users> users;  // of files of the vault
  std::uint64_t total = 0;           // bytes of the folder, since begin()
  std::optional<std::int64_t> wanted_trim;
  std::int64_t left_removals = 0;              // up to this number, those that are left wait for another occasion
  std::int64_t kept_removals = 0;              // up to this one for another start: the folder is younger than they
  unsigned reads_failed = 0, jobs_failed = 0;  // in a row: of the database; of removals
  bool removals_wait = false;
  bool usable = false, begun = false, ended = false;
  bool busy = false;     // a job runs
  bool resting = false;  // until what could not be done is begun again
  bool looking = false;  // next() is at work
  Counts counts;
};

MediaFolder::MediaFolder(FolderSettings settings, const Ports& ports)
    : state_(std::make_shared<State>(std::move(settings), ports)) {}

MediaFolder::~MediaFolder() {
  state_->ended = true;
  state_->pausing.cancel();
}

Result<void> MediaFolder::open() {
  State& state = *state_;
  const std::string path = whole_path(state.settings.directory);
  bool remembered = false;
  std::int64_t last_removal = 0;
  try {
    state.installation = storage::installation_id(state.store.reader());
    remembered = storage::remembers_folder(state.store.reader(), path);
    last_removal = storage::last_folder_removal(state.store.reader());
  } catch (const storage::ReadFailure& unreadable) {
    return unreadable.error;
  }
  const auto is_new =
      open_folder(state.settings.directory, state.installation, remembered ? FolderBefore::ours : FolderBefore::none);
  if (!is_new) return is_new.error();
  state.usable = true;
  if (*is_new && last_removal != 0) {
    // It lies elsewhere, and may be on a volume that is not mounted.
    state.left_removals = state.kept_removals = last_removal;
    spdlog::warn("media_folder_removal detail=\"the folder is new: what was to be removed waits for the next start\"");
  }
  if (!remembered) state.remember(path);
  return {};
}

void MediaFolder::begin(std::int64_t now_ms) {
  State& state = *state_;
  state.begun = state.removals_wait = true;
  state.wanted_trim = state.oldest_ns(now_ms);
  state.next();
}

void MediaFolder::copy(FolderCopy copy) {
  State& state = *state_;
  if (!state.usable || state.waiting.size() >= max_waiting) {
    ++state.counts.failed;
    const char* why = state.usable ? "too many files wait to be written" : "the folder could not be used at the start";
    spdlog::warn("media_folder_copy session={} message={} failed={} detail=\"{}\"", copy.session,
                 log_value(copy.message_id), state.counts.failed, why);
    return;
  }
  ++state.users[media_name(copy.reference, copy.kind)].copies;
  state.waiting.push_back({std::move(copy)});
  state.next();
}

void MediaFolder::after_copies(const MediaName& file, std::function<void()> then) {
  const auto user = state_->users.find(file);
  if (user == state_->users.end()) return then();
  user->second.thens.push_back(std::move(then));
}

void MediaFolder::remove(const storage::FolderRemoval& removal) {
  state_->forget(removal);
  state_->removals_wait = true;
  state_->next();
}

void MediaFolder::sweep(std::int64_t now_ms) {
  state_->left_removals = state_->kept_removals;
  state_->removals_wait = true;
  state_->wanted_trim = state_->oldest_ns(now_ms);
  state_->next();
}

MediaFolder::Counts MediaFolder::counts() const { return state_->counts; }
bool MediaFolder::busy() const {
  if (!state_->usable) return false;
  return state_->busy || state_->resting || state_->removals_wait || !state_->waiting.empty();
}

}  // namespace wharf::sessions
