// One collection, asked for and applied: patches, each in a turn of its own, to the rows or to the whole that is being
// put together.
#include <algorithm>
#include <utility>

#include "protocol/media/media_urls.h"
#include "sessions/appstate/app_state_jobs.h"
#include "sessions/server_refusal.h"

namespace wharf::sessions {

using protocol::AppStateMutation;
using protocol::Digest32;
using protocol::Mismatch;
using std::chrono::seconds;

std::uint64_t AppState::version_of(const Collection& of) const {
  return of.collected ? of.collected->state.version : row_of(of).version;
}

void AppState::in_later_turn(UniqueFunction<void()> then) {
  c_.in_later_turn([this, generation = generation_, then = std::move(then)]() mutable {
    if (generation == generation_) then();
  });
}

// --- asking

void AppState::ask(Collection& of) {
  const storage::AppStateRow row = row_of(of);
  Round round;
  round.of = &of;
  round.whole = (row.whole_is_wanted || row.version == 0) && !of.collected;
  round.from = round.whole ? 0 : version_of(of);
  protocol::CollectionAsked asked;
  asked.name = of.name;
  asked.version = round.from;
  asked.snapshot = round.whole;
  of.again.reset();
  of.wanted = false;
  if (of.trust == Trust::left_alone) of.trust = Trust::doubted;
  round_ = std::move(round);
  c_.query(
      protocol::app_state_iq(c_.ids.next(), asked),
      [this, generation = generation_](const Node* answer) {
        if (generation == generation_) on_answer(answer);
      },
      answer_within);
}

void AppState::on_answer(const Node* answer) {
  Collection& of = *round_->of;
  if (answer == nullptr || protocol::iq_error_of(*answer)) return fail_round();
  auto read = protocol::read_app_state(*answer, of.name);
  if (!read) return mistrust(of, read.error());
  if (!read->named) return fail_round();  // it says nothing of what was asked
  if (read->error) {
    if (!is_final(*read->error)) return fail_round();
    return mistrust(of, Error(Errc::refused, "the server refuses it: " + read->error_text + " (" +
                                                 std::to_string(*read->error) + ")"));
  }
  if (!read->snapshot.empty() && !round_->whole)
    return mistrust(of, Error(Errc::malformed, "a snapshot not asked for"));
  round_->answer = std::move(*read);
  if (!round_->whole) return next_patch();
  if (!round_->answer.snapshot.empty())
    return fetch(round_->answer.snapshot, true, [this](Opening& file) { apply_snapshot(file); });
  // Nobody wrote it yet; or all of it is patches, from the first.
  const bool nothing = round_->answer.patches.empty();
  if (nothing && row_of(of).version != 0)
    return mistrust(of, Error(Errc::malformed, "nothing, of what was something before"));
  of.collected = std::make_shared<Whole>();
  of.collected->state.version = nothing ? round_->answer.version : 0;
  next_patch();
}

void AppState::fetch(ByteView reference, bool snapshot, UniqueFunction<void(Opening&)> then) {
  const auto place = protocol::place_of_blob(reference);
  if (!place) return mistrust(*round_->of, Error(Errc::malformed, "a file without a place"));
  auto opening = std::make_shared<Opening>();
  opening->reference = protocol::to_bytes(reference);
  opening->snapshot = snapshot;
  hosts_.get([this, place = *place, opening, then = std::move(then),
              generation = generation_](const protocol::MediaConn*) mutable {
    if (generation != generation_) return;
    const UnderCause of_nobody(c_, {});  // others may have asked for the hosts
    const auto hosts = hosts_.download_hosts();
    auto targets = protocol::download_targets({"", place.direct_path, ""}, place.encrypted_sha256,
                                              protocol::MediaKind::app_state, hosts);
    if (!targets) return mistrust(*round_->of, targets.error());
    // Whichever host came first had a file that is damaged.
    if (const std::size_t count = targets->size(); count > 1)
      std::rotate(targets->begin(), targets->begin() + static_cast<std::ptrdiff_t>(round_->of->bad_files % count),
                  targets->end());
    SmallFile file{std::move(*targets), max_blob_bytes};
    constexpr std::uint64_t least_bytes_per_second = 64 << 10;
    const auto bytes = std::min<std::uint64_t>(place.announced_bytes, max_blob_bytes);
    file.patience += seconds(static_cast<std::int64_t>(bytes / least_bytes_per_second));
    transfer_ = c_.fetch(std::move(file), [this, opening = std::move(opening), then = std::move(then),
                                           generation](Transferred<Bytes> came) mutable {
      if (generation == generation_) on_file(std::move(opening), std::move(came), std::move(then));
    });
  });
}

void AppState::on_file(std::shared_ptr<Opening> opening, Transferred<Bytes> bytes,
                       UniqueFunction<void(Opening&)> then) {
  transfer_.reset();
  Collection& of = *round_->of;
  if (!bytes) {
    const TransferFailure& failure = bytes.error();
    if (failure.why == TransferFailure::Why::too_large) return mistrust(of, Error(Errc::too_large, failure.detail));
    return file_failed(nullptr);
  }
  opening->encrypted = std::move(*bytes);
  const auto open = [](Opening& job) {
    job.plain = protocol::open_blob(job.reference, job.encrypted);
    if (job.plain && job.snapshot) job.needs = protocol::needs_of_snapshot(*job.plain);
  };
  work<Opening>(std::move(opening), open, [this, then = std::move(then)](Opening& job) mutable {
    if (!job.plain) {
      const Error why = job.plain.error();
      return file_failed(&why);
    }
    if (!job.needs) return mistrust(*round_->of, job.needs.error());
    then(job);
  });
}

// Where it stands is told anew with the next answer.
void AppState::file_failed(const Error* why) {
  ++round_->of->bad_files;
  if (why != nullptr && on_trouble) on_trouble(round_->of->name, *why, false);
  fail_round();
}

// --- patches

void AppState::next_patch() {
  Round& round = *round_;
  for (; round.next < round.answer.patches.size(); ++round.next) {
    const Bytes& patch = round.answer.patches[round.next];
    const auto version = protocol::patch_version(patch);
    if (version && *version <= version_of(*round.of)) continue;
    const Bytes reference = protocol::external_mutations(patch);
    if (reference.empty()) return read_patch({});
    return fetch(reference, false, [this](Opening& file) { read_patch(std::move(*file.plain)); });
  }
  finish_round();
}

void AppState::read_patch(Bytes mutations) {
  auto job = std::make_shared<Application>();
  job->name = round_->of->name;
  job->patch = round_->answer.patches[round_->next];
  job->mutations = std::move(mutations);
  const auto read = [](Application& run) { run.needs = protocol::needs_of_patch(run.patch, run.mutations); };
  work<Application>(job, read, [this, job](Application&) { apply_patch(job); });
}

void AppState::apply_patch(std::shared_ptr<Application> job) {
  Collection& of = *round_->of;
  if (!job->needs) return mistrust(of, job->needs.error());
  if (job->needs->records > max_records) return mistrust(of, Error(Errc::too_large, "a patch of too many mutations"));
  storage::AppStateRow row = row_of(of);
  if (!of.collected && job->needs->records > mutations_in_turn) {
    // Rows of a part of it would not go with the version of the rest.
    row.whole_is_wanted = true;
    c_.records.add(storage::PutAppState{c_.id(), std::move(row)});
    stop_round();
    return go_on();
  }
  auto keys = keys_for(of, job->needs->key_ids);
  if (!keys) return;
  job->keys = std::move(*keys);
  job->mismatch = of.trust == Trust::fine ? Mismatch::refused : Mismatch::noted;
  job->whole = of.collected;
  if (!job->whole) {
    job->collection = collection_of(row);
    for (const Digest32& index_mac : job->needs->index_macs)
      if (const auto known = c_.records.find_app_state_record(of.name, index_mac))
        job->collection.values[index_mac] = known->value_mac;
  }
  const auto apply = [](Application& run) {
    const Keyring keyring(run.keys);
    if (run.whole) {
      run.collection = run.whole->state;
      for (const Digest32& index_mac : run.needs->index_macs) {
        const auto known = run.whole->records.find(index_mac);
        if (known != run.whole->records.end()) run.collection.values[index_mac] = known->second.said.value_mac;
      }
    }
    run.done =
        protocol::apply_patch(run.collection, run.name, run.patch, keyring.lookup(), run.mutations, run.mismatch);
    if (!run.done || !run.whole) return;
    for (const Digest32& index_mac : run.needs->index_macs) run.whole->records.erase(index_mac);
    for (AppStateMutation& mutation : *run.done)
      if (mutation.operation == AppStateMutation::Operation::set)
        run.whole->records.insert_or_assign(mutation.index_mac, Whole::Record{std::move(mutation)});
    run.whole->state = std::move(run.collection);
    run.whole->state.values.clear();
  };
  work<Application>(std::move(job), apply, [this](Application& applied) { on_applied(applied); });
}

void AppState::on_applied(Application& applied) {
  Round& round = *round_;
  Collection& of = *round.of;
  if (!applied.done) return mistrust(of, applied.done.error());
  ++round.next;
  if (applied.whole) {
    if (applied.whole->records.size() <= max_records) return next_patch();
    of.collected.reset();
    return mistrust(of, Error(Errc::too_large, "more records than are kept"));
  }
  std::map<Digest32, const AppStateMutation*> set;
  std::map<std::string_view, const AppStateMutation*> said;
  for (const AppStateMutation& mutation : *applied.done) {
    const bool is_set = mutation.operation == AppStateMutation::Operation::set;
    if (is_set) set[mutation.index_mac] = &mutation;
    // What another key had sealed goes with what takes its place.
    if (mutation.readable && (is_set || !said.contains(mutation.index))) said[mutation.index] = &mutation;
  }
  for (const Digest32& index_mac : applied.needs->index_macs) {
    const auto record = set.find(index_mac);
    if (record != set.end()) c_.records.add(storage::PutAppStateRecord{c_.id(), of.name, record_of(*record->second)});
    else c_.records.add(storage::RemoveAppStateRecord{c_.id(), of.name, index_mac});
  }
  act_on(of, *applied.done);
  compare_wishes(of, [&](const std::string& index) {
    const auto found = said.find(index);
    return found == said.end() ? nullptr : found->second;
  });
  storage::AppStateRow row = row_of(of);
  row.version = applied.collection.version;
  row.hash = protocol::to_bytes(applied.collection.hash.bytes());
  row.diverged = applied.collection.diverged;
  // A process that ends here asks for what is behind it.
  const bool more = round.answer.more || round.next < round.answer.patches.size();
  row.heard = std::max({row.heard, round.answer.version, more ? row.version + 1 : 0});
  c_.records.add(storage::PutAppState{c_.id(), std::move(row)});
  next_patch();
}

// The records are in the rows by now. First who is who, then who is saved no more, then how people are saved: the same
// person may go under the one index and come under another.
void AppState::act_on(const Collection& of, const std::vector<AppStateMutation>& mutations) {
  const auto each = [&](AppStateMutation::Operation operation, const auto& act) {
    for (const AppStateMutation& mutation : mutations)
      if (mutation.readable && mutation.operation == operation) act(mutation);
  };
  using Operation = AppStateMutation::Operation;
  each(Operation::set,
       [&](const AppStateMutation& said) { actions_.learn(of.name, said, SyncActions::Telling::told); });
  each(Operation::remove, [&](const AppStateMutation& said) {
    const UnderCause asked(c_, take_cause(of.name, said));
    act_removed(of, said.index);
  });
  each(Operation::set, [&](const AppStateMutation& said) {
    const UnderCause asked(c_, take_cause(of.name, said));
    actions_.act(of.name, said);
  });
}

void AppState::act_removed(const Collection& of, const std::string& index, const std::set<std::string>& without) {
  for (const std::string& other : actions_.indexes_of(of.name, index))
    if (!without.contains(other) && has_record(of.name, other)) return;
  actions_.act_gone(of.name, index);
}

// --- the end of it

void AppState::finish_round() {
  const Round& round = *round_;
  Collection& of = *round.of;
  const bool progress = round.whole || version_of(of) > round.from;
  if (round.answer.more && progress && ++of.rounds < max_rounds) {
    of.delay = seconds(0);
    stop_round();
    return go_on();
  }
  if (of.collected) return begin_replacement();
  if (progress) of.doubt = seconds(0);
  end_round();
}

void AppState::end_round() {
  Collection& of = *round_->of;
  const bool spoken_of = of.wanted;  // since it was asked
  stop_round();
  of.wanted = spoken_of;
  of.rounds = of.bad_files = 0;
  of.delay = seconds(0);
  of.trust = Trust::fine;
  of.whole_again.reset();
  storage::AppStateRow row = row_of(of);
  // What was spoken of before and is not in the answer never was.
  if (!of.wanted && row.heard > row.version) {
    row.heard = row.version;
    c_.records.add(storage::PutAppState{c_.id(), std::move(row)});
  }
  go_on();
}

}  // namespace wharf::sessions
