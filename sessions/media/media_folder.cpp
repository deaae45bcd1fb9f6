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
#include "storage/changes.h"
#include "storage/store.h"

namespace wharf::sessions {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

constexpr std::uint64_t piece_bytes = 1u << 20;

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
  std::int64_t left = 0;              // up to this one those that are not wait for the next start
  std::vector<std::string> troubles;  // for operators
};

/// On a worker.
Removed remove_files(const FolderSettings& settings, const std::string& installation,
                     const std::vector<storage::NumberedRemoval>& rows, const std::string& aside) {
  Removed out;
  if (!is_folder_of(settings.directory, installation)) {
    out.left = rows.back().number;
    out.troubles.push_back(settings.directory + " is not there, or not ours any more");
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
    if (!gone) out.troubles.push_back(gone.error().detail);
    // A session's is not tried again: by the next start another may have its name, and files in its folder.
    if (gone || removal.message_id.empty()) out.ended.push_back(row.number);
    else out.left = row.number;
  }
  return out;
}

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
    const auto outcome = std::make_shared<Result<T>>(Error(Errc::internal, "the job did not end"));
    const bool taken = workers.run([outcome, work = std::move(work)] { *outcome = work(); },
                                   [outcome, done, self = shared_from_this()] {
                                     if (!self->ended) done(std::move(*outcome));
                                   });
    if (!taken) done(Error(Errc::rate_limited, "too many media files are being read and written"));
  }
  std::uint64_t most() const { return settings.max_bytes == 0 ? UINT64_MAX : settings.max_bytes; }
  std::int64_t oldest_ns(std::int64_t now_ms) const {
    if (settings.keep.count() == 0) return std::numeric_limits<std::int64_t>::min();
    return (now_ms - std::chrono::duration_cast<std::chrono::milliseconds>(settings.keep).count()) * 1'000'000;
  }

  /// Begins what comes next, unless something runs. What ends at once is followed in a loop.
  void next() {
    if (std::exchange(looking, true)) return;
    while (!busy && begun && usable && !resting && begin_one()) {
    }
    looking = false;
  }

  bool begin_one() {
    if (removals_wait) {
      auto rows = storage::load_folder_removals(store.reader(), left_removals, removals_at_once);
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
    begin_copy();
    return true;
  }

  /// The workers have too much to do: what they refused is begun again later.
  void rest() {
    resting = true;
    pausing.after(pause, [weak = weak_from_this()] {
      const auto self = weak.lock();
      if (!self || self->ended) return;
      self->resting = false;
      self->next();
    });
  }

  void remove(std::vector<storage::NumberedRemoval> rows) {
    busy = true;
    run<Removed>(
        [rows = std::move(rows), this_settings = settings, id = installation,
         aside = protocol::to_hex(random.bytes<16>())]() -> Result<Removed> {
          return remove_files(this_settings, id, rows, aside);
        },
        [this](Result<Removed> removed) {
          if (!removed) {  // no worker took it
            busy = false;
            removals_wait = true;
            return rest();
          }
          for (const std::string& why : removed->troubles)
            spdlog::warn("media_folder_removal detail={}", log_value(why));
          left_removals = std::max(left_removals, removed->left);
          end_removals(removed->ended);
        });
  }

  /// Nothing else is begun before that is known: what is done twice could find a newer file of the same name.
  void end_removals(const std::vector<std::int64_t>& numbers) {
    storage::Changes changes;
    for (const std::int64_t number : numbers) changes.add(storage::EndFolderRemoval{number});
    store.commit(std::move(changes), [self = shared_from_this()](const Result<void>& done) {
      if (self->ended) return;
      self->busy = false;
      if (done) return self->next();
      spdlog::warn("media_folder_removal detail={}", log_value(done.error().detail));
      self->removals_wait = true;
      self->rest();
    });
  }

  void begin_copy() {
    busy = true;
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
         [this, job](const Result<void>& done) {
           if (!done && done.error().code == Errc::rate_limited) return end(job, done);
           read_piece(job);
         });
  }

  void trim(std::uint64_t limit, std::int64_t before_ns, std::function<void(const Result<void>&)> then) {
    run<std::uint64_t>([folder = settings.directory, limit,
                        before_ns]() -> Result<std::uint64_t> { return trim_folder(folder, limit, before_ns); },
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
        [job, last, piece = std::move(piece), folder = settings.directory, extension = settings.extension,
         writing = protocol::to_hex(random.bytes<16>())]() -> Result<void> {
          if (!job->file) {
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
      if (!job->unwanted) waiting.push_front(job->copy);
      else release(job->copy);
      return rest();
    }
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

  void forget(const storage::FolderRemoval& removal) {
    const auto gone = [&](const FolderCopy& copy) {
      if (copy.session != removal.session) return false;
      return removal.message_id.empty() || (copy.message_id == removal.message_id && copy.from_me == removal.from_me);
    };
    std::vector<FolderCopy> dropped;
    std::deque<FolderCopy> kept;
    for (FolderCopy& copy : waiting) (gone(copy) ? dropped.emplace_back() : kept.emplace_back()) = std::move(copy);
    waiting = std::move(kept);
    for (const FolderCopy& copy : dropped) release(copy);
    if (running && gone(running->copy)) running->unwanted = true;
  }

  FolderSettings settings;
  MediaVault& vault;
  net::Workers& workers;
  protocol::Random& random;
  storage::Store& store;
  net::Timer pausing;
  std::string installation;
  std::deque<FolderCopy> waiting;
  RunningPtr running;
  struct Users {
    std::size_t copies = 0;
    std::vector<std::function<void()>> thens;
  };
  std::map<MediaName, Users> users;  // of files of the vault
  std::uint64_t total = 0;           // bytes of the folder, since begin()
  std::optional<std::int64_t> wanted_trim;
  std::int64_t left_removals = 0;  // up to this number, those that are left failed
  bool removals_wait = false;
  bool usable = false, begun = false, ended = false;
  bool busy = false;     // a job runs
  bool resting = false;  // until the workers are asked again
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
  state.installation = storage::installation_id(state.store.reader());
  auto opened = open_folder(state.settings.directory, state.installation);
  state.usable = opened.has_value();
  return opened;
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
  state.waiting.push_back(std::move(copy));
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
  state_->wanted_trim = state_->oldest_ns(now_ms);
  state_->next();
}

MediaFolder::Counts MediaFolder::counts() const { return state_->counts; }
bool MediaFolder::busy() const {
  if (!state_->usable) return false;
  return state_->busy || state_->resting || state_->removals_wait || !state_->waiting.empty();
}

}  // namespace wharf::sessions
