// What this device changes: a row, then a patch of all rows of the collection, until the server took it.
#include <algorithm>
#include <utility>

#include "protocol/stanzas/iq.h"
#include "sessions/appstate/app_state.h"
#include "sessions/server_refusal.h"

namespace wharf::sessions {

using protocol::AppStateMutation;
using std::chrono::seconds;
using storage::AppStateWish;

namespace {

constexpr seconds answer_within{30}, reply_within{60};

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
  if (of.given_up)
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
  std::vector<AppStateWish> replaced;
  for (AppStateMutation& mutation : mutations) {
    AppStateWish wish;
    wish.collection = of.name;
    wish.action = std::move(mutation.index);
    wish.remove = mutation.operation == AppStateMutation::Operation::remove;
    wish.value = std::move(mutation.value);
    wish.version = mutation.version;
    wish.at = c_.now.unix_ms;
    answer.actions.push_back(wish.action);
    replaced.push_back(wish);
    c_.records.add(storage::PutAppStateWish{c_.id(), std::move(wish)});
  }
  answer_waiting(of, replaced, Refusal(Errc::conflict, Subject::contact, "a newer change of the same took its place"));
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
  std::map<Bytes, protocol::AppStateKeys> others;  // of records that other keys have sealed
  protocol::AppStateCollection collection;
  collection.version = row.version;
  collection.hash = protocol::LtHash::from(row.hash).value_or(protocol::LtHash());
  std::vector<AppStateMutation> mutations;
  for (const AppStateWish& wish : wishes) {
    AppStateMutation mutation = mutation_of(wish);
    bool known = false;
    for (const storage::AppStateRecord& record : c_.records.app_state_records_of(of.name, wish.action)) {
      collection.values[record.index_mac] = record.value_mac;
      if (record.key_id == *key_id) {
        known = true;
        continue;
      }
      // Under another key it is another record: left there, one index would have two.
      const auto other = c_.records.find_app_state_key(record.key_id);
      if (!other) continue;
      others.emplace(record.key_id, protocol::AppStateKeys::expand(*other));
      AppStateMutation old = mutation;
      old.operation = AppStateMutation::Operation::remove;
      old.key_id = record.key_id;
      mutations.push_back(std::move(old));
    }
    if (!wish.remove || known) mutations.push_back(std::move(mutation));
  }
  if (mutations.empty()) return on_taken(of, wishes, row.version);  // what is to be removed is not there
  const auto keyring = [&](ByteView id) -> const protocol::AppStateKeys* {
    const auto found = others.find(protocol::to_bytes(id));
    return found == others.end() ? nullptr : &found->second;
  };
  protocol::CollectionAsked patch;
  patch.name = of.name;
  patch.version = row.version;
  patch.patch =
      protocol::build_patch(collection, of.name, mutations, {*key_id, keys, c_.device.jid.device}, c_.random, keyring);
  of.again.reset();
  busy_ = true;
  c_.query(
      protocol::app_state_iq(c_.ids.next(), patch),
      [this, &of, wishes, base = row.version, generation = generation_](const Node* answer) {
        if (generation == generation_) on_sent(of, wishes, base, answer);
      },
      answer_within);
}

void AppState::on_sent(Collection& of, const std::vector<AppStateWish>& sent, std::uint64_t base, const Node* answer) {
  busy_ = false;
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
    drop(of, sent, Refusal(Errc::conflict, Subject::contact, "other devices of the account change it again and again"));
  }
  of.wanted = true;
  go_on();
}

// The own patch comes back with the next answer and is applied like any other. What it does is done here already, so
// that who is answered finds it.
void AppState::on_taken(Collection& of, const std::vector<AppStateWish>& sent, std::uint64_t version) {
  of.conflicts = 0;
  of.delay = seconds(0);
  for (const AppStateWish& wish : sent) actions_.act(of.name, mutation_of(wish));
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

std::vector<AppStateWish> AppState::remove_unchanged(Collection& of, const std::vector<AppStateWish>& sent) {
  std::vector<AppStateWish> removed;
  const auto now = c_.records.app_state_wishes(of.name, max_wishes);
  for (const AppStateWish& wish : now) {
    if (std::find(sent.begin(), sent.end(), wish) == sent.end()) continue;
    c_.records.add(storage::RemoveAppStateWish{c_.id(), wish.collection, wish.action});
    removed.push_back(wish);
  }
  of.wishes = removed.size() < now.size();
  return removed;
}

void AppState::answer_waiting(const Collection& of, const std::vector<AppStateWish>& about, const Outcome<>& outcome) {
  for (Waiting& waiting : std::exchange(waiting_, {})) {
    const std::size_t before = waiting.actions.size();
    if (waiting.collection == of.name)
      std::erase_if(waiting.actions, [&](const std::string& action) {
        return std::any_of(about.begin(), about.end(), [&](const AppStateWish& wish) { return wish.action == action; });
      });
    const bool touched = waiting.actions.size() != before;
    if (touched && (waiting.actions.empty() || !outcome)) c_.answer(std::move(waiting.reply), outcome);
    else waiting_.push_back(std::move(waiting));
  }
}

}  // namespace wharf::sessions
