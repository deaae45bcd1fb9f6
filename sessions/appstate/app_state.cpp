// What is to be asked for, when, and what comes of it. How an answer is applied: app_state_round.cpp; how the own
// changes go out: app_state_patch.cpp.
#include "sessions/appstate/app_state.h"

#include <algorithm>
#include <utility>

#include "protocol/messages/bootstrap.h"
#include "protocol/messages/message_id.h"
#include "protocol/messages/padding.h"
#include "protocol/stanzas/messages.h"
#include "sessions/due.h"
#include "sessions/server_refusal.h"

namespace wharf::sessions {

using std::chrono::seconds;

namespace {

constexpr seconds first_delay{1}, longest_delay{3600};
constexpr UnixMs key_asked_again_ms = 24LL * 60 * 60 * 1000;  // 04 section 8.2
constexpr std::size_t most_asked = 64;

}  // namespace

AppState::Collection* AppState::find(std::string_view name) {
  const auto found = std::find_if(collections_.begin(), collections_.end(),
                                  [&](const Collection& collection) { return collection.name == name; });
  return found == collections_.end() ? nullptr : &*found;
}

storage::AppStateRow AppState::row_of(const Collection& of) const {
  if (auto row = c_.records.find_app_state(of.name)) return std::move(*row);
  storage::AppStateRow row;
  row.collection = of.name;
  row.whole_is_wanted = true;
  return row;
}

void AppState::want_what_is_behind(Collection& of) {
  const storage::AppStateRow row = row_of(of);
  of.wanted |= row.whole_is_wanted || row.heard > row.version;
}

void AppState::on_online() {
  const bool any_key = !c_.records.app_state_key_ids().empty();
  for (Collection& of : collections_) {
    of.blocked = !any_key;
    of.again.reset();
    want_what_is_behind(of);
    of.wishes = !c_.records.app_state_wishes(of.name, 1).empty();
  }
  go_on();
}

void AppState::on_keys() {
  for (Collection& of : collections_) {
    of.blocked = false;
    want_what_is_behind(of);
  }
  go_on();
}

void AppState::hear(const protocol::AppStateMoved& moved) {
  for (const protocol::CollectionVersion& said : moved.collections) {
    Collection* of = find(said.name);
    if (of == nullptr) continue;
    const auto row = c_.records.find_app_state(of->name);
    // The server tells it once: what it said is in the row before it hears that we have it.
    if (row) {
      const std::uint64_t version = said.version.value_or(0) == 0 ? row->version + 1 : *said.version;
      if (version <= row->version || version <= row->heard) continue;
      storage::AppStateRow next = *row;
      next.heard = version;
      c_.records.add(storage::PutAppState{c_.id(), std::move(next)});
    }
    of->wanted = true;
  }
  go_on();
}

void AppState::on_dirty(const std::string& timestamp) {
  dirty_ = timestamp;
  for (Collection& of : collections_) {
    of.wanted = true;
    of.given_up = of.replaced = false;
  }
  go_on();
}

void AppState::go_on() {
  if (busy_ || !c_.link.online()) return;
  for (Collection& of : collections_) {
    if (of.given_up || of.blocked || (of.again && *of.again > c_.now.steady)) continue;
    if (of.wanted) return ask(of);
    if (of.wishes) {
      send(of);
      if (busy_) return;
    }
  }
  const bool all_done = std::none_of(collections_.begin(), collections_.end(),
                                     [](const Collection& of) { return of.wanted || of.given_up; });
  if (dirty_.empty() || !all_done) return;
  c_.query(protocol::clean_dirty_iq(c_.ids.next(), "syncd_app_state", std::exchange(dirty_, {})), [](const Node*) {});
}

void AppState::retry_later(Collection& of) {
  of.delay = std::clamp(of.delay * 2, first_delay, longest_delay);
  of.again = c_.now.steady + of.delay;
  go_on();
}

void AppState::mistrust(Collection& of, const Error& why) {
  stop_round();
  const bool left_alone = std::exchange(of.replaced, true);
  if (on_trouble) on_trouble(of.name, why, left_alone);
  if (auto row = c_.records.find_app_state(of.name); row && !row->whole_is_wanted) {
    row->whole_is_wanted = true;
    c_.records.add(storage::PutAppState{c_.id(), std::move(*row)});
  }
  of.wanted = !left_alone;
  of.given_up = left_alone;
  if (left_alone) {
    drop(of, c_.records.app_state_wishes(of.name, max_wishes),
         Refusal(Errc::refused, Subject::contact, "what WhatsApp keeps of this cannot be read: " + why.detail));
  }
  go_on();
}

void AppState::stop_round() {
  round_.reset();
  busy_ = false;
  ++generation_;
}

// --- keys

std::optional<std::map<Bytes, Bytes>> AppState::keys_for(Collection& of, const std::vector<Bytes>& ids) {
  std::map<Bytes, Bytes> keys;
  for (const Bytes& id : ids) {
    auto key = c_.records.find_app_state_key(id);
    if (!key) {
      block(of, id);
      return std::nullopt;
    }
    keys[id] = std::move(*key);
  }
  return keys;
}

void AppState::block(Collection& of, const Bytes& missing_key) {
  stop_round();
  of.blocked = of.wanted = true;
  if (on_trouble) on_trouble(of.name, Error(Errc::invalid_key_id, "no key " + protocol::to_hex(missing_key)), false);
  ask_phone_for(missing_key);
  go_on();
}

void AppState::ask_phone_for(const Bytes& key_id) {
  const auto asked = asked_keys_.find(key_id);
  if (asked != asked_keys_.end() && c_.now.unix_ms - asked->second < key_asked_again_ms) return;
  if (asked_keys_.size() >= most_asked) asked_keys_.clear();
  asked_keys_[key_id] = c_.now.unix_ms;
  const Jid phone = directory_.canonical_user(c_.device.jid).with_device(0);
  const auto ask_it = [this, phone, key_id] {
    auto* record = c_.keys.find(phone);
    if (record == nullptr || !record->has_current()) return;
    const Bytes padded = protocol::pad_message(protocol::build_key_request(std::array{key_id}), c_.random);
    const auto sealed = protocol::encrypt(*record, fanout_.local(), padded);
    if (!sealed) return;
    c_.keys.mark_changed(phone);
    const Jid own = c_.device.jid.user_jid();
    const std::string id = protocol::new_message_id(c_.unix_seconds(), own, c_.random);
    c_.send(protocol::peer_message_stanza(id, own, *sealed, c_.device.account));
  };
  if (fanout_.has_session(phone)) return ask_it();
  fanout_.fetch_sessions({phone}, false, [ask_it](bool ok) {
    if (ok) ask_it();
  });
}

// --- the connection, the account and time

void AppState::on_link_down() {
  stop_round();
  dirty_.clear();  // the server says it again
  for (Collection& of : collections_) of.again.reset();
  for (Waiting& waiting : std::exchange(waiting_, {}))
    c_.answer(std::move(waiting.reply),
              Error(Errc::timed_out, "the connection ended before WhatsApp had answered; it is sent again"));
}

void AppState::forget() {
  on_link_down();
  asked_keys_.clear();
  for (Collection& of : collections_) of = Collection(of.name);
}

std::optional<net::SteadyTime> AppState::due() const {
  std::optional<net::SteadyTime> first;
  for (const Waiting& waiting : waiting_) first = earliest({first, waiting.until});
  if (busy_ || !c_.link.online()) return first;
  for (const Collection& of : collections_)
    if (!of.given_up && !of.blocked && (of.wanted || of.wishes)) first = earliest({first, of.again});
  return first;
}

void AppState::on_due() {
  for (Waiting& waiting : std::exchange(waiting_, {})) {
    if (waiting.until > c_.now.steady) waiting_.push_back(std::move(waiting));
    else c_.answer(std::move(waiting.reply), Error(Errc::timed_out, "WhatsApp has not answered yet; it is sent again"));
  }
  for (Collection& of : collections_) {
    if (busy_ || !is_due(of.again, c_.now.steady)) continue;
    of.again.reset();
    go_on();
  }
}

}  // namespace wharf::sessions
