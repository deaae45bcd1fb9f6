// A collection as a whole: a snapshot and the patches behind it are put together, then take the place of the rows. A
// snapshot tells no removals: what the whole is without is gone.
#include <algorithm>
#include <utility>

#include "sessions/appstate/app_state_jobs.h"

namespace wharf::sessions {

using protocol::AppStateMutation;
using protocol::Mismatch;

void AppState::apply_snapshot(Opening& file) {
  Collection& of = *round_->of;
  if (file.needs->records > max_records) return mistrust(of, Error(Errc::too_large, "a snapshot of too many records"));
  auto keys = keys_for(of, file.needs->key_ids);
  if (!keys) return;
  auto job = std::make_shared<Application>();
  job->name = of.name;
  job->snapshot = std::move(*file.plain);
  job->keys = std::move(*keys);
  job->mismatch = of.trust == Trust::fine ? Mismatch::refused : Mismatch::noted;
  job->whole = std::make_shared<Whole>();
  const auto apply = [](Application& run) {
    const Keyring keyring(run.keys);
    protocol::AppStateCollection& state = run.whole->state;
    run.done = protocol::apply_snapshot(state, run.name, run.snapshot, keyring.lookup(), run.mismatch);
    if (!run.done) return;
    for (AppStateMutation& record : *run.done)
      run.whole->records.insert_or_assign(record.index_mac, Whole::Record{std::move(record)});
    state.values.clear();
  };
  work<Application>(std::move(job), apply, [this](Application& applied) {
    if (!applied.done) return mistrust(*round_->of, applied.done.error());
    round_->of->collected = applied.whole;
    next_patch();
  });
}

void AppState::begin_replacement() {
  auto replacement = std::make_shared<Replacement>();
  replacement->whole = round_->of->collected;
  const auto index = [](Replacement& r) {
    for (const auto& [mac, record] : r.whole->records) {
      if (!record.said.readable) continue;
      const AppStateMutation*& newest = r.said[record.said.index];
      if (newest == nullptr || protocol::action_time(newest->value) < protocol::action_time(record.said.value))
        newest = &record.said;
    }
  };
  work<Replacement>(replacement, index, [this, replacement](Replacement&) { compare_rows(replacement); });
}

void AppState::compare_rows(std::shared_ptr<Replacement> replacement) {
  Replacement& r = *replacement;
  const ByteView after = r.compared ? ByteView(*r.compared) : ByteView();
  auto rows = c_.records.app_state_records_after(round_->of->name, after, records_in_slice);
  const bool more = rows.size() == records_in_slice;
  if (more) r.compared = rows.back().index_mac;
  for (storage::AppStateRecord& row : rows) {
    const auto found = r.whole->records.find(row.index_mac);
    if (found == r.whole->records.end()) r.gone.push_back(std::move(row));
    else found->second.stored = record_of(found->second.said) == row;
  }
  if (more) return in_later_turn([this, replacement] { compare_rows(replacement); });
  r.next = r.whole->records.begin();
  learn_pairs(std::move(replacement));
}

// Before anything is acted upon: who is one person decides who is saved no more.
void AppState::learn_pairs(std::shared_ptr<Replacement> replacement) {
  Replacement& r = *replacement;
  const auto end = r.whole->records.end();
  for (std::size_t learnt = 0; r.next != end && learnt < pairs_in_slice; ++r.next) {
    if (r.next->second.stored) continue;
    actions_.learn(round_->of->name, r.next->second.said, SyncActions::Telling::untold);
    ++learnt;
  }
  if (r.next != end) return in_later_turn([this, replacement] { learn_pairs(replacement); });
  r.next = r.whole->records.begin();
  in_later_turn([this, replacement] { write_rows(replacement); });
}

void AppState::write_rows(std::shared_ptr<Replacement> replacement) {
  Replacement& r = *replacement;
  const std::string& name = round_->of->name;
  // Of an address book that is read for the first time nobody is news.
  const auto telling = row_of(*round_->of).version == 0 ? SyncActions::Telling::untold : SyncActions::Telling::told;
  const auto end = r.whole->records.end();
  for (std::size_t done = 0; done < records_in_slice && (r.next_gone < r.gone.size() || r.next != end); ++done) {
    if (r.next_gone < r.gone.size()) {
      const storage::AppStateRecord& record = r.gone[r.next_gone++];
      c_.records.add(storage::RemoveAppStateRecord{c_.id(), name, record.index_mac});
      const auto others = actions_.indexes_of(name, record.action);
      const bool still_there =
          std::any_of(others.begin(), others.end(), [&](const std::string& index) { return r.said.contains(index); });
      if (!still_there) actions_.act_gone(name, record.action);
      continue;
    }
    const Whole::Record& record = r.next->second;
    ++r.next;
    if (!record.stored) c_.records.add(storage::PutAppStateRecord{c_.id(), name, record_of(record.said)});
    if (!is_last_word(r, record.said)) continue;
    const UnderCause asked(c_, take_cause(name, record.said));
    actions_.act(name, record.said, telling);
  }
  if (r.next_gone < r.gone.size() || r.next != end)
    return in_later_turn([this, replacement] { write_rows(replacement); });
  finish_replacement(r);
}

// One person may have several records: the newest counts, and of two of one time the one that is named first.
bool AppState::is_last_word(const Replacement& of, const AppStateMutation& said) {
  if (!said.readable) return false;
  const AppStateMutation* last = nullptr;
  for (const std::string& index : actions_.indexes_of(round_->of->name, said.index)) {
    const auto other = of.said.find(index);
    if (other == of.said.end()) continue;
    if (last == nullptr || protocol::action_time(last->value) < protocol::action_time(other->second->value))
      last = other->second;
  }
  return last == &said;
}

void AppState::finish_replacement(const Replacement& done) {
  Collection& of = *round_->of;
  compare_wishes(of, [&](const std::string& index) {
    const auto found = done.said.find(index);
    return found == done.said.end() ? nullptr : found->second;
  });
  storage::AppStateRow row = row_of(of);
  row.version = done.whole->state.version;
  row.hash = protocol::to_bytes(done.whole->state.hash.bytes());
  row.diverged = done.whole->state.diverged;
  const std::optional<Error> distrusted = std::move(round_->distrusted);
  row.whole_is_wanted = distrusted.has_value();
  c_.records.add(storage::PutAppState{c_.id(), std::move(row)});
  of.collected.reset();
  if (distrusted) return mistrust(of, *distrusted);
  end_round();
}

}  // namespace wharf::sessions
