// What this device changes: a row, then a patch of all rows of the collection, until the server took it.
#include <algorithm>
#include <iterator>
#include <utility>

#include "protocol/stanzas/iq.h"
#include "sessions/appstate/app_state_jobs.h"
#include "sessions/server_refusal.h"

namespace wharf::sessions {

using protocol::AppStateMutation;
using std::chrono::seconds;
using storage::AppStateWish;

namespace {

constexpr seconds reply_within{60};

AppStateMutation mutation_of(const AppStateWish& wish) {
  AppStateMutation mutation;
  mutation.operation = wish.remove ? AppStateMutation::Operation::remove : AppStateMutation::Operation::set;
  mutation.index = wish.action;
  mutation.value = wish.value;
  mutation.version = wish.version;
  return mutation;
}

/// BE16 device, BE32 epoch: which of two is the newer, of one epoch that of the lower device (04 section 8.2).
bool is_older(const Bytes& one, const Bytes& other) {
  const auto epoch = [](const Bytes& id) { return protocol::from_big_endian(ByteView(id).subspan(2)); };
  if (epoch(one) != epoch(other)) return epoch(one) < epoch(other);
  return one > other;
}

}  // namespace

std::optional<Bytes> AppState::signing_key_id() const {
  std::optional<Bytes> newest;
  for (Bytes& id : c_.records.app_state_key_ids()) {
    if (id.size() != 6) continue;
    if (!newest || is_older(*newest, id)) newest = std::move(id);
  }
  return newest;
}

void AppState::change(std::string_view collection, std::vector<AppStateMutation> mutations, Reply<void> reply) {
  Collection& of = *find(collection);
  if (!c_.link.online()) return c_.answer(std::move(reply), not_connected());
  if (of.trust == Trust::left_alone)
    return c_.answer(std::move(reply),
                     Refusal(Errc::refused, Subject::contact, "what WhatsApp keeps of this cannot be read"));
  auto waiting = c_.records.app_state_wishes(of.name, max_wishes);
  const auto is_new = [&](const AppStateMutation& mutation) {
    return std::none_of(waiting.begin(), waiting.end(),
                        [&](const AppStateWish& wish) { return wish.action == mutation.index; });
  };
  const auto added = static_cast<std::size_t>(std::count_if(mutations.begin(), mutations.end(), is_new));
  if (waiting.size() + added > max_wishes)
    return c_.answer(std::move(reply),
                     Refusal(Errc::rate_limited, Subject::contact, "too many changes wait for WhatsApp"));
  Waiting answer{of.name, {}, std::move(reply), c_.now.steady + reply_within};
  const auto is_withdrawn = [&](const AppStateMutation& mutation) {
    return mutation.operation == AppStateMutation::Operation::remove && waits(of.name, mutation.index) == true;
  };
  if (std::any_of(mutations.begin(), mutations.end(), is_withdrawn)) {
    // What was to be set may be with the server without our having heard of it: asked for first, by the next process
    // too, it is found.
    answer.done = of.wanted = true;
    storage::AppStateRow row = row_of(of);
    row.heard = std::max(row.heard, row.version + 1);
    c_.records.add(storage::PutAppState{c_.id(), std::move(row)});
  }
  std::vector<AppStateWish> replaced;
  for (AppStateMutation& mutation : mutations) {
    AppStateWish wish;
    wish.collection = of.name;
    wish.action = std::move(mutation.index);
    wish.remove = mutation.operation == AppStateMutation::Operation::remove;
    wish.value = std::move(mutation.value);
    wish.version = mutation.version;
    wish.at = c_.now.unix_ms;
    if (!c_.cause.empty()) asked_for_.push_back({wish, c_.cause});
    if (asked_for_.size() > most_asked_for) asked_for_.pop_front();
    answer.actions.push_back(wish.action);
    replaced.push_back(wish);
    c_.records.add(storage::PutAppStateWish{c_.id(), std::move(wish)});
  }
  answer_waiting(of, replaced, Refusal(Errc::conflict, Subject::change, "a newer change of the same took its place"));
  waiting_.push_back(std::move(answer));
  of.wishes = true;
  go_on();
}

void AppState::send(Collection& of) {
  const storage::AppStateRow row = row_of(of);
  const auto key_id = signing_key_id();
  const auto secret = key_id ? c_.records.find_app_state_key(*key_id) : std::nullopt;
  if (!secret) {
    of.blocked = true;  // a companion makes no keys: the phone will share one
    return;
  }
  const auto wishes = c_.records.app_state_wishes(of.name, max_wishes);
  if (wishes.empty()) {
    of.wishes = false;
    return;
  }
  const auto keys = protocol::AppStateKeys::expand(*secret);
  Keyring others;  // of records that other keys have sealed
  protocol::AppStateCollection collection = collection_of(row);
  std::vector<AppStateMutation> mutations;
  std::vector<AppStateWish> sent, vain;
  for (const AppStateWish& wish : wishes) {
    std::vector<AppStateMutation> parts;
    AppStateMutation mutation = mutation_of(wish);
    // By its MAC: a record whose index could not be read is in the hash too.
    const protocol::Digest32 index_mac = protocol::index_mac(keys, wish.action);
    const auto own = c_.records.find_app_state_record(of.name, index_mac);
    if (own) collection.values[index_mac] = own->value_mac;
    for (const storage::AppStateRecord& record : c_.records.app_state_records_of(of.name, wish.action)) {
      // Under another key it is another record: left there, one index would have two.
      const auto other = record.key_id == *key_id ? std::nullopt : c_.records.find_app_state_key(record.key_id);
      if (!other) continue;
      collection.values[record.index_mac] = record.value_mac;
      others.add(record.key_id, *other);
      AppStateMutation old = mutation;
      old.operation = AppStateMutation::Operation::remove;
      old.key_id = record.key_id;
      parts.push_back(std::move(old));
    }
    if (!wish.remove || own) parts.push_back(std::move(mutation));
    if (parts.empty()) {
      vain.push_back(wish);
      continue;
    }
    if (!sent.empty() && mutations.size() + parts.size() > max_mutations_sent) break;  // they go with the next one
    std::move(parts.begin(), parts.end(), std::back_inserter(mutations));
    sent.push_back(wish);
  }
  on_vain(of, vain);
  if (sent.empty()) return;
  protocol::CollectionAsked patch;
  patch.name = of.name;
  patch.version = row.version;
  patch.patch = protocol::build_patch(collection, of.name, mutations, {*key_id, keys, c_.device.jid.device}, c_.random,
                                      others.lookup());
  of.again.reset();
  sending_ = true;
  c_.query(
      protocol::app_state_iq(c_.ids.next(), patch),
      [this, &of, sent = std::move(sent), base = row.version, generation = generation_](const Node* answer) {
        if (generation == generation_) on_sent(of, sent, base, answer);
      },
      answer_within);
}

void AppState::on_sent(Collection& of, const std::vector<AppStateWish>& sent, std::uint64_t base, const Node* answer) {
  sending_ = false;
  auto read = protocol::Result<protocol::CollectionAnswer>(Error(Errc::timed_out, "no answer"));
  if (answer != nullptr && !protocol::iq_error_of(*answer)) read = protocol::read_app_state(*answer, of.name);
  constexpr unsigned conflict = 409;
  if (!read || (read->error && *read->error != conflict && !is_final(*read->error))) {
    answer_waiting(of, sent, Error(Errc::timed_out, "WhatsApp does not take it now; it is sent again"));
    return retry_later(of);
  }
  if (!read->error) {
    on_taken(of, sent, base + 1);
    return go_on();
  }
  if (*read->error != conflict) {
    const std::string said = "WhatsApp refused: " + read->error_text + " (" + std::to_string(*read->error) + ")";
    drop(of, sent, Refusal(Errc::refused, Subject::contact, said));
    return mistrust(of, Error(Errc::refused, said));
  }
  // Another device was first: what it wrote is asked for, and the patch is built on it.
  if (++of.conflicts >= max_attempts) {
    of.conflicts = 0;
    drop(of, sent, Refusal(Errc::conflict, Subject::change, "other devices of the account change it again and again"));
  }
  of.wanted = true;
  go_on();
}

// The own patch comes back with the next answer and is applied like any other. What it does is done here already, so
// that who is answered finds it.
void AppState::on_taken(Collection& of, const std::vector<AppStateWish>& sent, std::uint64_t version) {
  of.conflicts = 0;
  of.delay = seconds(0);
  std::set<std::string> removed;
  for (const AppStateWish& wish : sent)
    if (wish.remove) removed.insert(wish.action);
  const auto each = [&](bool removals, const auto& act) {
    for (const AppStateWish& wish : sent) {
      if (wish.remove != removals) continue;
      const AppStateMutation mutation = mutation_of(wish);
      const UnderCause asked(c_, take_cause(of.name, mutation));
      act(mutation);
    }
  };
  each(true, [&](const AppStateMutation& gone) { act_removed(of, gone.index, removed); });
  each(false, [&](const AppStateMutation& said) { actions_.act(of.name, said); });
  const auto settled = remove_unchanged(of, sent);
  storage::AppStateRow row = row_of(of);
  if (version > row.version) {
    row.heard = std::max(row.heard, version);
    of.wanted = true;
    c_.records.add(storage::PutAppState{c_.id(), std::move(row)});
  }
  answer_waiting(of, settled, Outcome<>());
}

void AppState::drop(Collection& of, const std::vector<AppStateWish>& sent, const Refusal& why) {
  answer_waiting(of, remove_unchanged(of, sent), why);
}

void AppState::on_vain(Collection& of, const std::vector<AppStateWish>& vain) {
  if (vain.empty()) return;
  for (const AppStateWish& wish : vain) {
    const UnderCause asked(c_, take_cause(of.name, mutation_of(wish)));
    act_removed(of, wish.action);
  }
  const auto settled = remove_unchanged(of, vain);
  for (Waiting& waiting : std::exchange(waiting_, {})) {
    if (!strike(waiting, of, settled) || !waiting.actions.empty()) {
      waiting_.push_back(std::move(waiting));
      continue;
    }
    auto outcome =
        waiting.done ? Outcome<>() : Outcome<>(Refusal(Errc::not_found, Subject::contact, "this contact is not saved"));
    c_.answer(std::move(waiting.reply), std::move(outcome));
  }
}

void AppState::compare_wishes(Collection& of,
                              const std::function<const AppStateMutation*(const std::string& index)>& said) {
  if (!of.wishes) return;
  std::vector<AppStateWish> taken, overtaken;
  for (AppStateWish& wish : c_.records.app_state_wishes(of.name, max_wishes)) {
    const AppStateMutation* now = said(wish.action);
    if (now == nullptr) continue;
    const bool removed = now->operation == AppStateMutation::Operation::remove;
    if (removed == wish.remove && (removed || now->value == wish.value)) taken.push_back(std::move(wish));
    else if (protocol::action_time(now->value) > protocol::action_time(wish.value))
      overtaken.push_back(std::move(wish));
  }
  if (!taken.empty()) answer_waiting(of, remove_unchanged(of, taken), Outcome<>());
  if (!overtaken.empty())
    drop(of, overtaken, Refusal(Errc::conflict, Subject::change, "another device of the account changed it later"));
}

std::optional<bool> AppState::waits(std::string_view collection, const std::string& index) const {
  for (const AppStateWish& wish : c_.records.app_state_wishes(std::string(collection), max_wishes))
    if (wish.action == index) return !wish.remove;
  return std::nullopt;
}

std::string AppState::take_cause(std::string_view collection, const AppStateMutation& mutation) {
  const bool removed = mutation.operation == AppStateMutation::Operation::remove;
  const auto found = std::find_if(asked_for_.begin(), asked_for_.end(), [&](const WishAsked& asked) {
    const AppStateWish& wish = asked.wish;
    return wish.remove == removed && (removed || wish.value == mutation.value) && wish.action == mutation.index &&
           wish.collection == collection;
  });
  if (found == asked_for_.end()) return {};
  std::string cause = std::move(found->cause);
  asked_for_.erase(found);
  return cause;
}

std::vector<AppStateWish> AppState::remove_unchanged(Collection& of, const std::vector<AppStateWish>& sent) {
  std::vector<AppStateWish> removed;
  const auto now = c_.records.app_state_wishes(of.name, max_wishes);
  for (const AppStateWish& wish : now) {
    if (std::find(sent.begin(), sent.end(), wish) == sent.end()) continue;
    c_.records.add(storage::RemoveAppStateWish{c_.id(), wish.collection, wish.action});
    take_cause(wish.collection, mutation_of(wish));  // what says the same later is another's
    removed.push_back(wish);
  }
  of.wishes = removed.size() < now.size();
  return removed;
}

bool AppState::strike(Waiting& waiting, const Collection& of, const std::vector<AppStateWish>& about) {
  if (waiting.collection != of.name) return false;
  return std::erase_if(waiting.actions, [&](const std::string& action) {
           return std::any_of(about.begin(), about.end(),
                              [&](const AppStateWish& wish) { return wish.action == action; });
         }) > 0;
}

void AppState::answer_waiting(const Collection& of, const std::vector<AppStateWish>& about, const Outcome<>& outcome) {
  for (Waiting& waiting : std::exchange(waiting_, {})) {
    const bool touched = strike(waiting, of, about);
    waiting.done |= touched && outcome.has_value();
    if (touched && (waiting.actions.empty() || !outcome)) c_.answer(std::move(waiting.reply), outcome);
    else waiting_.push_back(std::move(waiting));
  }
}

}  // namespace wharf::sessions
