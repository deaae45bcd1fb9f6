// One collection, asked for and applied: a snapshot in slices, then patches, each in a turn of its own.
#include <algorithm>
#include <set>
#include <utility>

#include "protocol/media/media_urls.h"
#include "sessions/appstate/app_state.h"
#include "sessions/server_refusal.h"

namespace wharf::sessions {

using protocol::AppStateMutation;
using protocol::AppStateNeeds;
using protocol::Digest32;
using std::chrono::seconds;

namespace {

constexpr seconds answer_within{30};  // 04 section 8.4

}  // namespace

/// A file that came, opened on a worker.
struct AppState::Opening {
  Bytes reference, encrypted;
  bool snapshot = false;
  protocol::Result<Bytes> plain = Bytes();
  protocol::Result<AppStateNeeds> needs = AppStateNeeds();  // of a snapshot
};

/// A patch or a snapshot, checked and applied on a worker. `keys` are secrets.
struct AppState::Application {
  std::string name;
  protocol::AppStateCollection collection;
  Bytes patch, mutations, snapshot;
  std::map<Bytes, Bytes> keys;
  std::vector<Digest32> index_macs;
  protocol::Result<std::vector<AppStateMutation>> done = std::vector<AppStateMutation>();
};

struct AppState::Replacement {
  protocol::AppStateCollection collection;
  std::vector<AppStateMutation> records;
  std::vector<storage::AppStateRecord> gone;
  std::size_t next = 0;  // of `gone` and then of `records`
};

template <class Job>
void AppState::work(std::shared_ptr<Job> job, void (*run)(Job&), UniqueFunction<void(Job&)> then) {
  c_.work([job, run] { run(*job); },
          [this, job, generation = generation_, then = std::move(then)]() mutable {
            if (generation == generation_) then(*job);
          });
}

// --- asking

void AppState::ask(Collection& of) {
  const storage::AppStateRow row = row_of(of);
  Round round;
  round.of = &of;
  round.whole = row.whole_is_wanted;
  round.from = round.whole ? 0 : row.version;
  round.heard = row.heard;
  protocol::CollectionAsked asked;
  asked.name = of.name;
  asked.version = round.from;
  asked.snapshot = round.whole;
  of.again.reset();
  busy_ = true;
  c_.query(
      protocol::app_state_iq(c_.ids.next(), asked),
      [this, &of, round = std::move(round), generation = generation_](const Node* answer) mutable {
        if (generation == generation_) on_answer(of, std::move(round), answer);
      },
      answer_within);
}

void AppState::on_answer(Collection& of, Round round, const Node* answer) {
  busy_ = false;
  if (answer == nullptr || protocol::iq_error_of(*answer)) return retry_later(of);
  auto read = protocol::read_app_state(*answer, of.name);
  if (!read) return mistrust(of, read.error());
  if (read->error) {
    if (!is_final(*read->error)) return retry_later(of);
    return mistrust(of, Error(Errc::refused, "the server refuses it: " + read->error_text + " (" +
                                                 std::to_string(*read->error) + ")"));
  }
  if (!read->snapshot.empty() && !round.whole) return mistrust(of, Error(Errc::malformed, "a snapshot not asked for"));
  round.answer = std::move(*read);
  round_ = std::move(round);
  busy_ = true;
  if (!round_->answer.snapshot.empty())
    return fetch(round_->answer.snapshot, [this](Opening& file) { apply_snapshot(file); });
  if (!round_->whole) return next_patch();
  // Nobody wrote it yet; or all of it is patches, from the first.
  auto empty = std::make_shared<Replacement>();
  empty->collection.version = round_->answer.patches.empty() ? round_->answer.version : 0;
  empty->gone = c_.records.load_app_state_records(of.name);
  replace(std::move(empty));
}

void AppState::fetch(ByteView reference, UniqueFunction<void(Opening&)> then) {
  const auto place = protocol::place_of_blob(reference);
  if (!place) return mistrust(*round_->of, Error(Errc::malformed, "a file without a place"));
  auto opening = std::make_shared<Opening>();
  opening->reference = protocol::to_bytes(reference);
  opening->snapshot = protocol::equal(reference, round_->answer.snapshot);
  hosts_.get([this, place = *place, opening, then = std::move(then),
              generation = generation_](const protocol::MediaConn*) mutable {
    if (generation != generation_) return;
    const auto hosts = hosts_.download_hosts();
    auto targets = protocol::download_targets({"", place.direct_path, ""}, place.encrypted_sha256,
                                              protocol::MediaKind::app_state, hosts);
    if (!targets) return mistrust(*round_->of, targets.error());
    SmallFile file{std::move(*targets), max_blob_bytes};
    c_.fetch(std::move(file), [this, opening, then = std::move(then), generation](Transferred<Bytes> bytes) mutable {
      if (generation != generation_) return;
      Collection& of = *round_->of;
      if (!bytes) {
        // Where it stands is told anew with the next answer.
        using Why = TransferFailure::Why;
        const TransferFailure& failure = bytes.error();
        if (failure.why == Why::too_large) return mistrust(of, Error(Errc::too_large, failure.detail));
        stop_round();
        return retry_later(of);
      }
      opening->encrypted = std::move(*bytes);
      const auto open = [](Opening& job) {
        job.plain = protocol::open_blob(job.reference, job.encrypted);
        if (job.plain && job.snapshot) job.needs = protocol::needs_of_snapshot(*job.plain);
      };
      work<Opening>(opening, open, [this, &of, then = std::move(then)](Opening& job) mutable {
        if (!job.plain) return mistrust(of, job.plain.error());
        if (!job.needs) return mistrust(of, job.needs.error());
        then(job);
      });
    });
  });
}

// --- snapshots

namespace {

/// The keys by their ids, expanded; used on a worker.
struct Keyring {
  explicit Keyring(const std::map<Bytes, Bytes>& secrets) {
    for (const auto& [id, secret] : secrets) expanded.emplace(id, protocol::AppStateKeys::expand(secret));
  }
  protocol::AppStateKeyring lookup() const {
    return [this](ByteView id) -> const protocol::AppStateKeys* {
      const auto found = expanded.find(protocol::to_bytes(id));
      return found == expanded.end() ? nullptr : &found->second;
    };
  }
  std::map<Bytes, protocol::AppStateKeys> expanded;
};

storage::AppStateRecord record_of(const AppStateMutation& mutation) {
  storage::AppStateRecord record;
  record.index_mac = mutation.index_mac;
  record.value_mac = mutation.value_mac;
  record.key_id = mutation.key_id;
  record.action = mutation.index;
  return record;
}

}  // namespace

void AppState::apply_snapshot(Opening& file) {
  Collection& of = *round_->of;
  auto keys = keys_for(of, file.needs->key_ids);
  if (!keys) return;
  auto job = std::make_shared<Application>();
  job->name = of.name;
  job->snapshot = std::move(*file.plain);
  job->keys = std::move(*keys);
  const auto apply = [](Application& run) {
    const Keyring keyring(run.keys);
    run.done = protocol::apply_snapshot(run.collection, run.name, run.snapshot, keyring.lookup());
  };
  work<Application>(job, apply, [this, &of](Application& applied) {
    if (!applied.done) return mistrust(of, applied.done.error());
    if (applied.done->size() > max_records)
      return mistrust(of, Error(Errc::too_large, "a snapshot of too many records"));
    auto replacement = std::make_shared<Replacement>();
    replacement->collection = std::move(applied.collection);
    replacement->records = std::move(*applied.done);
    for (storage::AppStateRecord& record : c_.records.load_app_state_records(of.name))
      if (!replacement->collection.values.contains(record.index_mac)) replacement->gone.push_back(std::move(record));
    replace(std::move(replacement));
  });
}

// A snapshot tells no removals: what it is without is gone. First that, so that somebody who is known by another index
// by now keeps the name.
void AppState::replace(std::shared_ptr<Replacement> replacement) {
  Collection& of = *round_->of;
  Replacement& r = *replacement;
  const std::size_t all = r.gone.size() + r.records.size();
  for (std::size_t done = 0; done < records_in_slice && r.next < all; ++done, ++r.next) {
    if (r.next < r.gone.size()) {
      const storage::AppStateRecord& record = r.gone[r.next];
      c_.records.add(storage::RemoveAppStateRecord{c_.id(), of.name, record.index_mac});
      actions_.act_gone(of.name, record.action);
    } else {
      const AppStateMutation& mutation = r.records[r.next - r.gone.size()];
      c_.records.add(storage::PutAppStateRecord{c_.id(), of.name, record_of(mutation)});
      actions_.act(of.name, mutation);
    }
  }
  if (r.next < all)
    return work<Replacement>(
        replacement, [](Replacement&) {}, [this, replacement](Replacement&) { replace(replacement); });
  storage::AppStateRow row = row_of(of);
  row.version = r.collection.version;
  row.hash = protocol::to_bytes(r.collection.hash.bytes());
  row.whole_is_wanted = false;
  c_.records.add(storage::PutAppState{c_.id(), std::move(row)});
  next_patch();
}

// --- patches

void AppState::next_patch() {
  Round& round = *round_;
  while (round.next < round.answer.patches.size()) {
    const Bytes& patch = round.answer.patches[round.next];
    const auto version = protocol::patch_version(patch);
    if (version && *version <= row_of(*round.of).version) {
      ++round.next;
      continue;
    }
    const Bytes reference = protocol::external_mutations(patch);
    if (reference.empty()) return apply_patch({});
    return fetch(reference, [this](Opening& file) { apply_patch(*file.plain); });
  }
  finish_round();
}

void AppState::apply_patch(const Bytes& mutations) {
  Round& round = *round_;
  Collection& of = *round.of;
  const Bytes& patch = round.answer.patches[round.next];
  auto needs = protocol::needs_of_patch(patch, mutations);
  if (!needs) return mistrust(of, needs.error());
  if (needs->index_macs.size() > max_mutations)
    return mistrust(of, Error(Errc::too_large, "a patch of too many mutations"));
  auto keys = keys_for(of, needs->key_ids);
  if (!keys) return;
  const storage::AppStateRow row = row_of(of);
  auto job = std::make_shared<Application>();
  job->name = of.name;
  job->collection.version = row.version;
  job->collection.hash = protocol::LtHash::from(row.hash).value_or(protocol::LtHash());
  for (const Digest32& index_mac : needs->index_macs)
    if (const auto known = c_.records.find_app_state_record(of.name, index_mac))
      job->collection.values[index_mac] = known->value_mac;
  job->patch = patch;
  job->mutations = mutations;
  job->keys = std::move(*keys);
  job->index_macs = std::move(needs->index_macs);
  const auto apply = [](Application& run) {
    const Keyring keyring(run.keys);
    run.done = protocol::apply_patch(run.collection, run.name, run.patch, keyring.lookup(), run.mutations);
  };
  work<Application>(job, apply, [this](Application& applied) { on_applied(applied); });
}

void AppState::on_applied(Application& applied) {
  Collection& of = *round_->of;
  if (!applied.done) return mistrust(of, applied.done.error());
  std::map<Digest32, const AppStateMutation*> set;
  std::set<std::string_view> written;
  for (const AppStateMutation& mutation : *applied.done) {
    if (mutation.operation != AppStateMutation::Operation::set) continue;
    set[mutation.index_mac] = &mutation;
    written.insert(mutation.index);
  }
  for (const AppStateMutation& mutation : *applied.done) {
    // What another key had sealed goes with what takes its place.
    const bool replaced = mutation.operation != AppStateMutation::Operation::set && written.contains(mutation.index);
    if (!replaced) actions_.act(of.name, mutation);
  }
  for (const Digest32& index_mac : applied.index_macs) {
    const auto record = set.find(index_mac);
    if (record != set.end()) c_.records.add(storage::PutAppStateRecord{c_.id(), of.name, record_of(*record->second)});
    else c_.records.add(storage::RemoveAppStateRecord{c_.id(), of.name, index_mac});
  }
  storage::AppStateRow row = row_of(of);
  row.version = applied.collection.version;
  row.hash = protocol::to_bytes(applied.collection.hash.bytes());
  c_.records.add(storage::PutAppState{c_.id(), std::move(row)});
  ++round_->next;
  next_patch();
}

void AppState::finish_round() {
  const Round round = std::move(*round_);
  Collection& of = *round.of;
  stop_round();
  storage::AppStateRow row = row_of(of);
  const bool progress = round.whole || row.version > round.from;
  const bool more = round.answer.more && progress && ++of.rounds < max_rounds;
  if (!more) of.rounds = 0;
  of.delay = seconds(0);
  of.replaced = false;
  of.wanted = more;
  if (!more && row.heard > row.version) {
    // What was spoken of meanwhile is there; what was spoken of before and is not in the answer never was.
    if (row.heard > round.heard) {
      of.wanted = true;
    } else {
      row.heard = row.version;
      c_.records.add(storage::PutAppState{c_.id(), std::move(row)});
    }
  }
  go_on();
}

}  // namespace wharf::sessions
