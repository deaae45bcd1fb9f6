// What is to be asked for, when, and what comes of it. How an answer is applied: app_state_round.cpp, and as a whole
// app_state_whole.cpp; how the own changes go out: app_state_patch.cpp.
#include "sessions/appstate/app_state.h"

#include <algorithm>
#include <utility>

#include "protocol/messages/bootstrap.h"
#include "protocol/messages/message_id.h"
#include "protocol/messages/padding.h"
#include "protocol/stanzas/messages.h"
#include "sessions/appstate/app_state_jobs.h"
#include "sessions/due.h"
#include "sessions/server_refusal.h"

namespace wharf::sessions {

using std::chrono::seconds;

namespace {

constexpr seconds first_delay{1}, longest_delay{3600};
constexpr seconds key_asked_again = std::chrono::hours(24), key_request_again{10};  // 04 section 8.2
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
  if (of.trust == Trust::left_alone) return;
  const storage::AppStateRow row = row_of(of);
  of.wanted |= row.whole_is_wanted || row.heard > row.version;
}

CollectionStanding AppState::standing(std::string_view name) const {
  using enum CollectionStanding;
  const auto of = std::find_if(collections_.begin(), collections_.end(),
                               [&](const Collection& collection) { return collection.name == name; });
  if (of == collections_.end()) return none;
  const storage::AppStateRow row = row_of(*of);
  const bool asked = of->wanted || of->collected || (round_ && round_->of == &*of);
  if (!asked && !row.whole_is_wanted && row.heard <= row.version) return row.version == 0 ? none : current;
  if (of->blocked) {
    // The phone has shared no key, and nothing was ever said of it: it may never be.
    const bool never = row.version == 0 && row.heard == 0 && of->missing_key.empty();
    return never ? none : unreadable;
  }
  return of->trust == Trust::left_alone && !asked ? unreadable : on_its_way;
}

std::optional<net::SteadyTime> AppState::not_before(const Collection& of) {
  return of.again && of.whole_again ? std::max(of.again, of.whole_again) : earliest({of.again, of.whole_again});
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
  std::erase_if(asked_keys_, [&](const auto& asked) { return c_.records.find_app_state_key(asked.first).has_value(); });
  for (Collection& of : collections_) {
    of.blocked = false;
    of.missing_key.clear();
    want_what_is_behind(of);
  }
  go_on();
}

void AppState::hear(const protocol::AppStateMoved& moved) {
  for (const protocol::CollectionVersion& said : moved.collections) {
    Collection* of = find(said.name);
    if (of == nullptr) continue;
    // The server tells it once: what it said is in the row before it hears that we have it, though all of it is under
    // way by now. Which version it means it may leave open.
    storage::AppStateRow row = row_of(*of);
    const bool named = said.version.value_or(0) != 0;
    const std::uint64_t version = named ? *said.version : row.version + 1;
    const bool newer = version > row.version && version > row.heard;
    if (newer) {
      row.heard = version;
      c_.records.add(storage::PutAppState{c_.id(), std::move(row)});
    }
    of->wanted |= newer || !named;
  }
  go_on();
}

void AppState::on_dirty(const std::string& timestamp) {
  dirty_ = timestamp;
  for (Collection& of : collections_) of.wanted = true;
  go_on();
}

void AppState::go_on() {
  if (busy() || !c_.link.online()) return;
  const UnderCause of_nobody(c_, {});
  for (Collection& of : collections_) {
    const auto from = not_before(of);
    if (of.blocked || (from && *from > c_.now.steady)) continue;
    if (of.wanted) return ask(of);
    if (!of.wishes || of.trust != Trust::fine) continue;
    send(of);
    if (busy()) return;
  }
  const bool all_done = std::none_of(collections_.begin(), collections_.end(),
                                     [](const Collection& of) { return of.wanted || of.trust == Trust::left_alone; });
  if (!dirty_ || !all_done) return;
  c_.query(protocol::clean_dirty_iq(c_.ids.next(), "syncd_app_state", *std::exchange(dirty_, std::nullopt)),
           [](const Node*) {});
}

void AppState::retry_later(Collection& of) {
  of.delay = std::clamp(of.delay * 2, first_delay, longest_delay);
  of.again = c_.now.steady + of.delay;
  go_on();
}

void AppState::mistrust(Collection& of, const Error& why) {
  const bool is_newer = of.collected && of.collected->state.version > row_of(of).version;
  if (of.trust != Trust::fine && is_newer) {
    // It was wrong twice. What stands before it is sound, and newer than what is here.
    round_->distrusted = why;
    return begin_replacement();
  }
  const bool news = of.wanted;  // since it was asked
  stop_round();
  of.collected.reset();
  of.rounds = 0;
  const bool left_alone = of.trust != Trust::fine;
  of.trust = left_alone ? Trust::left_alone : Trust::doubted;
  // The first whole at once, the next ones further and further apart: each may be 32 MiB.
  of.whole_again = c_.now.steady + of.doubt;
  of.doubt = std::clamp(of.doubt * 2, first_doubt, longest_delay);
  if (on_trouble) on_trouble(of.name, why, left_alone);
  if (auto row = c_.records.find_app_state(of.name); row && !row->whole_is_wanted) {
    row->whole_is_wanted = true;
    c_.records.add(storage::PutAppState{c_.id(), std::move(*row)});
  }
  of.wanted = !left_alone || news;
  if (left_alone) {
    drop(of, c_.records.app_state_wishes(of.name, max_wishes),
         Refusal(Errc::refused, Subject::contact, "what WhatsApp keeps of this cannot be read: " + why.detail));
  }
  go_on();
}

void AppState::stop_round() {
  if (round_) round_->of->wanted = true;
  if (transfer_) c_.cancel_transfer(*std::exchange(transfer_, std::nullopt));
  round_.reset();
  sending_ = false;
  ++generation_;
}

void AppState::fail_round() {
  Collection& of = *round_->of;
  stop_round();
  retry_later(of);
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
  of.collected.reset();
  of.blocked = of.wanted = true;
  of.missing_key = missing_key;
  if (on_trouble) on_trouble(of.name, Error(Errc::invalid_key_id, "no key " + protocol::to_hex(missing_key)), false);
  ask_phone_for(missing_key);
  go_on();
}

void AppState::ask_phone_for(const Bytes& key_id) {
  if (asked_keys_.size() >= most_asked && !asked_keys_.contains(key_id)) asked_keys_.clear();
  KeyAsked& asked = asked_keys_[key_id];
  if (asked.under_way || asked.again > c_.now.steady) return;
  asked.under_way = true;
  const Jid phone = directory_.canonical_user(c_.device.jid).with_device(0);
  if (fanout_.has_session(phone)) return on_phone_ready(phone, key_id, true);
  fanout_.fetch_sessions({phone}, false, [this, phone, key_id](bool ok) { on_phone_ready(phone, key_id, ok); });
}

void AppState::on_phone_ready(const Jid& phone, const Bytes& key_id, bool ready) {
  const auto found = asked_keys_.find(key_id);
  if (found == asked_keys_.end()) return;  // the account is another one, or the key came
  KeyAsked& asked = found->second;
  asked.under_way = false;
  const bool sent = ready && send_key_request(phone, key_id);
  asked.delay = sent ? seconds(0) : std::clamp(asked.delay * 2, key_request_again, longest_delay);
  asked.again = c_.now.steady + (sent ? key_asked_again : asked.delay);
}

bool AppState::send_key_request(const Jid& phone, const Bytes& key_id) {
  auto* record = fanout_.has_session(phone) ? c_.keys.find(phone) : nullptr;
  if (record == nullptr || !record->has_current()) return false;
  const Bytes padded = protocol::pad_message(protocol::build_key_request(std::array{key_id}), c_.random);
  const auto sealed = protocol::encrypt(*record, fanout_.local(), padded);
  if (!sealed) return false;
  c_.keys.mark_changed(phone);
  const Jid own = c_.device.jid.user_jid();
  const std::string id = protocol::new_message_id(c_.unix_seconds(), own, c_.random);
  c_.send(protocol::peer_message_stanza(id, own, *sealed, c_.device.account));
  return true;
}

// --- the connection, the account and time

void AppState::on_link_down() {
  stop_round();
  dirty_.reset();  // the server says it again
  for (Collection& of : collections_) {
    of.again.reset();
    of.collected.reset();
  }
  for (Waiting& waiting : std::exchange(waiting_, {}))
    c_.answer(std::move(waiting.reply),
              Error(Errc::timed_out, "the connection ended before WhatsApp had answered; it is sent again"));
}

void AppState::forget() {
  on_link_down();
  asked_for_.clear();
  asked_keys_.clear();
  for (Collection& of : collections_) of = Collection(of.name);
}

std::optional<net::SteadyTime> AppState::due() const {
  std::optional<net::SteadyTime> first;
  for (const Waiting& waiting : waiting_) first = earliest({first, waiting.until});
  if (busy() || !c_.link.online()) return first;
  for (const Collection& of : collections_) {
    const auto asked = asked_keys_.find(of.missing_key);
    if (of.blocked && asked != asked_keys_.end() && !asked->second.under_way)
      first = earliest({first, asked->second.again});
    if (!of.blocked && (of.wanted || (of.wishes && of.trust == Trust::fine))) first = earliest({first, not_before(of)});
  }
  return first;
}

void AppState::on_due() {
  for (Waiting& waiting : std::exchange(waiting_, {})) {
    if (waiting.until > c_.now.steady) waiting_.push_back(std::move(waiting));
    else c_.answer(std::move(waiting.reply), Error(Errc::timed_out, "WhatsApp has not answered yet; it is sent again"));
  }
  if (busy() || !c_.link.online()) return;
  for (const Collection& of : collections_)
    if (of.blocked && !of.missing_key.empty()) ask_phone_for(Bytes(of.missing_key));
  go_on();
}

}  // namespace wharf::sessions
