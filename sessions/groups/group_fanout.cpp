#include "sessions/groups/group_fanout.h"

#include <algorithm>
#include <set>
#include <utility>

#include "protocol/messages/content.h"
#include "protocol/messages/padding.h"
#include "protocol/noise/frame.h"
#include "protocol/stanzas/group_message.h"
#include "sessions/groups/own_key.h"

namespace wharf::sessions {

using protocol::groups::AddressingMode;
using storage::KeyCopy;

namespace {

constexpr std::size_t copies_per_turn = 48;  // about 3 ms of the loop
constexpr std::size_t lists_per_query = 256;
constexpr unsigned max_steps = 400;  // of one preparation: 20,000 devices, and some that fail
constexpr std::chrono::seconds unlisted_for{60};
constexpr std::chrono::hours list_kept_for{1};  // as texts to a person bear it
constexpr std::chrono::minutes forgets_every{10};

std::uint64_t hash_of(const Jid& user) { return std::hash<Jid>{}(user); }

bool has(const std::vector<std::uint64_t>& sorted, const Jid& device) {
  return std::binary_search(sorted.begin(), sorted.end(), hash_of(device));
}

/// What was used the longest time ago goes.
template <class Kept>
void drop_oldest(Kept& kept, std::size_t most) {
  const auto older = [](const auto& a, const auto& b) { return a.second.used < b.second.used; };
  while (kept.size() > most) kept.erase(std::min_element(kept.begin(), kept.end(), older));
}

}  // namespace

// --- looking

std::optional<Groups::Known> GroupFanout::find(const Jid& group) {
  if (!group.is_status()) return groups_.find(group);
  auto people = audiences_.people();
  if (!people) return std::nullopt;
  Groups::Known known;
  known.metadata = std::move(*people);
  return known;
}

void GroupFanout::ask_for_people(const Jid& group, UniqueFunction<void(Groups::Refreshed)> done) {
  group.is_status() ? audiences_.settle(std::move(done)) : groups_.refresh(group, std::move(done));
}

void GroupFanout::aim_at(const Jid& group, const storage::MessageRow& message) {
  if (group.is_status() && audiences_.aim_at(message)) on_changed(group);
}

GroupFanout::Look GroupFanout::look(const Jid& group) {
  using Lacks = Look::Lacks;
  Look out{Lacks::metadata, {}, false, false, false, {}, {}, {}};
  const auto known = find(group);
  if (!known || known->stale) return out;
  out.lacks = Lacks::membership;
  if (!known->member) return out;
  static const std::vector<std::uint16_t> nobody;
  const auto devices = [&](const Jid& user) {
    const auto* list = listed(user, out);
    if (list != nullptr || !unlisted_.contains(user)) return list;
    out.left_out = true;
    return &nobody;
  };
  const GroupPeople people{known->metadata, c_.device.jid, c_.device.lid,
                           [this](const Jid& user) { return directory_.canonical_user(user); }, devices};
  GroupPlanning planned = plan_group(people);
  out.lacks = Lacks::metadata;
  if (planned.nameless) return out;
  out.plan = std::move(planned.plan);
  out.lacks = Lacks::lists;
  out.whose = std::move(planned.unknown);
  if (!out.whose.empty()) return out;

  const auto own = load_own_key(c_.records, group);
  if (own) out.copies = c_.records.key_copies(group);
  std::set<Jid> wanted;
  for (const GroupDevice& device : out.plan.devices) wanted.insert(device.filed);
  out.other_key =
      own && (own->mode != out.plan.mode || std::any_of(out.copies.begin(), out.copies.end(), [&](const auto& copy) {
                return !wanted.contains(copy.first);
              }));
  for (const Jid& device : wanted) {
    const auto copy = out.other_key ? out.copies.end() : out.copies.find(device);
    if (copy == out.copies.end() || copy->second.state == KeyCopy::State::again) {
      if (fanout_.is_unreachable(device)) out.left_out = true;
      else out.whose.push_back(device);
    } else {
      out.sends_copies |= copy->second.state == KeyCopy::State::ready;
    }
  }
  out.lacks = out.whose.empty() && !out.other_key && own ? Lacks::nothing : Lacks::copies;
  return out;
}

const std::vector<std::uint16_t>* GroupFanout::listed(const Jid& user, Look& look) {
  static const std::vector<std::uint16_t> itself{0};
  if (user.server == protocol::server::bot) return &itself;  // it has no list (02 section 7)
  if (const auto kept = kept_lists_.find(user); kept != kept_lists_.end()) {
    if (c_.now.steady < kept->second) {
      look.until = std::min(kept->second, look.until.value_or(kept->second));
    } else {
      kept_lists_.erase(kept);
      directory_.forget_devices(user);
    }
  }
  return directory_.listed_devices(user);
}

bool GroupFanout::is_warm(const Jid& group) const {
  const auto known = warm_.find(group);
  const bool fresh = known != warm_.end() && (!known->second.until || c_.now.steady < *known->second.until);
  // The key of statuses may have been given up meanwhile (renew_status_key), whoever the last one was for.
  return fresh && (!group.is_status() || c_.records.find_own_sender_key(group));
}

const GroupFanout::Warm& GroupFanout::warm_up(const Jid& group, Look seen) {
  Warm warm;
  warm.mode = seen.plan.mode;
  warm.sender = seen.plan.sender;
  warm.phash = seen.plan.phash;
  warm.others = seen.plan.others;
  warm.sends_copies = seen.sends_copies;
  warm.used = ++clock_;
  warm.until = seen.until;
  if (seen.left_out) {
    const auto again = c_.now.steady + unlisted_for;
    warm.until = std::min(again, seen.until.value_or(again));
  }
  for (const Jid& user : seen.plan.users) warm.users.push_back(hash_of(user));
  std::sort(warm.users.begin(), warm.users.end());
  if (group.is_status()) warm.audience = seen.plan.wire_users;
  for (const GroupDevice& device : seen.plan.devices) {
    const auto copy = seen.copies.find(device.filed);
    if (copy == seen.copies.end() || copy->second.state != KeyCopy::State::ready) continue;
    copy->second.state = KeyCopy::State::sent;  // once, whatever a list says twice
    warm.ready.push_back({device.filed, {device.wire, {copy->second.kind, std::move(copy->second.body)}}});
  }
  warm.waits = warm.ready.size() > copies_per_turn;
  return warm_[group] = std::move(warm);
}

bool GroupFanout::prepared(const Jid& group) {
  if (is_warm(group)) return !warm_.at(group).waits;
  if (is_lacking(group)) return false;
  Look seen = look(group);
  if (seen.lacks == Look::Lacks::nothing) return !warm_up(group, std::move(seen)).waits;
  lacking_ = Lacking{group, changes_, std::move(seen)};
  return false;
}

bool GroupFanout::missed_some(const Jid& group, std::optional<std::uint32_t> key) {
  const Former* before = former(group, key);
  if (before == nullptr && is_warm(group)) return warm_.at(group).sends_copies;
  warm_.erase(group);
  Look seen = look(group);
  const bool ready = seen.lacks == Look::Lacks::nothing;
  bool some = !ready || seen.sends_copies;
  if (before != nullptr) {
    some = std::any_of(seen.plan.devices.begin(), seen.plan.devices.end(), [&](const GroupDevice& device) {
      return !has(before->devices, device.filed) && !fanout_.is_unreachable(device.filed);
    });
  }
  if (ready) warm_up(group, std::move(seen));
  return some;
}

std::uint32_t GroupFanout::others(const Jid& group) {
  if (const auto warm = warm_.find(group); warm != warm_.end()) return warm->second.others;
  const auto known = find(group);
  if (!known) return 0;
  // Of a sample the server counts on (read_group).
  const auto listed = static_cast<std::uint32_t>(known->metadata.members.size());
  const std::uint32_t members = std::max(listed, known->metadata.size);
  return known->member && members > 0 ? members - 1 : members;
}

// --- preparing

void GroupFanout::prepare(const Jid& group, std::function<void(Prepared)> done) {
  go_on(group, std::make_shared<Progress>(), std::move(done));
}

void GroupFanout::go_on(const Jid& group, const std::shared_ptr<Progress>& progress,
                        std::function<void(Prepared)> done) {
  using Lacks = Look::Lacks;
  if (++progress->steps > max_steps) return done(Prepared::later);
  const auto later = [this, group, done] {
    c_.in_later_turn([this, group, done] {
      if (const auto warm = warm_.find(group); warm != warm_.end()) warm->second.waits = false;
      done(Prepared::yes);
    });
  };
  if (is_warm(group)) return later();
  const bool any_left = !progress->left.empty() || !progress->page.empty();
  if (any_left && progress->changes == changes_) return take_page(group, progress, std::move(done));
  // Later ones have learnt something since.
  Look seen = progress->steps == 1 && is_lacking(group) ? std::move(lacking_->look) : look(group);
  lacking_.reset();
  switch (seen.lacks) {
    case Lacks::nothing: return warm_up(group, std::move(seen)).waits ? later() : done(Prepared::yes);
    case Lacks::membership: return done(Prepared::nobody);
    case Lacks::metadata:
      // An answer that is of no use is not asked for again at once.
      if (std::exchange(progress->asked, true)) return done(Prepared::later);
      return ask_for_people(group, [this, group, progress, done](Groups::Refreshed refreshed) {
        if (refreshed == Groups::Refreshed::no_member) return done(Prepared::nobody);
        if (refreshed == Groups::Refreshed::later) return done(Prepared::later);
        go_on(group, progress, done);
      });
    case Lacks::lists:
      return ask_for_lists(seen.whose, seen.plan.users,
                           [this, group, progress, done, many = seen.whose.size() > copies_per_turn](bool ok) {
                             if (!ok) return done(Prepared::later);
                             if (!many) return go_on(group, progress, done);
                             c_.in_later_turn([this, group, progress, done] {
                               go_on(group, progress, done);
                             });  // they have taken their time
                           });
    case Lacks::copies: break;
  }
  if (seen.other_key) give_up_key(group, seen.copies);
  progress->page.clear();
  progress->left.assign(seen.whose.rbegin(), seen.whose.rend());
  progress->changes = changes_;
  take_page(group, progress, std::move(done));
}

void GroupFanout::take_page(const Jid& group, const std::shared_ptr<Progress>& progress,
                            std::function<void(Prepared)> done) {
  const auto next = [this, group, progress, done = std::move(done)](bool ok) {
    ok ? go_on(group, progress, done) : done(Prepared::later);
  };
  if (progress->page.empty()) {
    const std::size_t count = std::min(copies_per_turn, progress->left.size());
    progress->page.assign(progress->left.rbegin(), progress->left.rbegin() + static_cast<std::ptrdiff_t>(count));
    progress->left.resize(progress->left.size() - count);
    std::vector<Jid> without_session;
    std::copy_if(progress->page.begin(), progress->page.end(), std::back_inserter(without_session),
                 [this](const Jid& device) { return !fanout_.has_session(device); });
    if (!without_session.empty()) {
      return fanout_.fetch_sessions(std::move(without_session), false, [this, next](bool ok) {
        if (!ok) return next(false);
        c_.in_later_turn([next] { next(true); });  // the last of them have taken their time
      });
    }
  }
  make_copies(group, std::exchange(progress->page, {}));
  c_.in_later_turn([next] { next(true); });
}

void GroupFanout::ask_for_lists(std::vector<Jid> users, std::vector<Jid> everybody, std::function<void(bool)> then) {
  if (users.size() > lists_per_query) users.resize(lists_per_query);
  directory_.refresh(users,
                     [this, users, everybody = std::move(everybody), then = std::move(then)](Directory::Told told) {
                       if (told == Directory::Told::nothing) return then(false);
                       const Jid own = directory_.canonical_user(c_.device.jid);
                       std::vector<Jid> silent;
                       bool any = false;
                       for (const Jid& user : users) {
                         const Jid canonical = directory_.canonical_user(user);
                         if (canonical == own) continue;
                         if (directory_.listed_devices(canonical) != nullptr) {
                           any = true;
                           list_errors_.erase(canonical);
                           note_list(canonical);
                         } else {
                           silent.push_back(canonical);
                         }
                       }
                       // A server that cannot tell now, whoever it is asked for. Or an account that is an error for
                       // good, which must not keep every message from the others: after some such answers it is left
                       // out, and at once from then on.
                       if (told == Directory::Told::part && !any && !silent.empty()) {
                         if (list_errors_.size() > max_errors) list_errors_.clear();
                         unsigned errors = errors_borne_alone;
                         for (const Jid& user : silent) errors = std::min(errors, ++list_errors_[user]);
                         const bool others = std::any_of(everybody.begin(), everybody.end(), [&](const Jid& user) {
                           return user != own && directory_.listed_devices(user) != nullptr;
                         });
                         if (errors < (others ? errors_borne : errors_borne_alone)) return then(false);
                       }
                       // Whoever it says nothing of is left out for a while: one number that is gone must not keep a
                       // message from everybody else. The own account is always there, and without its list nothing is
                       // sent.
                       for (const Jid& user : silent) unlisted_[user] = c_.now.steady + unlisted_for;
                       then(directory_.listed_devices(own) != nullptr);
                     });
}

// An answer that passes over a user lets the old list stand (Directory), as one of another time than now.
void GroupFanout::note_list(const Jid& user) {
  const auto row = c_.records.find_device_list(user);
  if (!row || row->fetched_at == c_.now.unix_ms) {
    kept_lists_.erase(user);
    return;
  }
  if (kept_lists_.size() >= max_kept) kept_lists_.clear();
  kept_lists_[user] = c_.now.steady + list_kept_for;
}

void GroupFanout::give_up_key(const Jid& group, const KeyCopies& copies) {
  if (const auto own = load_own_key(c_.records, group)) {
    Former& former = former_[group];
    former = {own->key.id(), {}, ++clock_};
    for (const auto& [device, copy] : copies)
      if (copy.state != KeyCopy::State::ready) former.devices.push_back(hash_of(device));
    std::sort(former.devices.begin(), former.devices.end());
    drop_oldest(former_, kept_warm);
  }
  c_.records.add(storage::DropOwnSenderKey{c_.id(), group});
}

const GroupFanout::Former* GroupFanout::former(const Jid& group, std::optional<std::uint32_t> key) const {
  const auto known = former_.find(group);
  return key && known != former_.end() && known->second.key == *key ? &known->second : nullptr;
}

void GroupFanout::make_copies(const Jid& group, const std::vector<Jid>& devices) {
  auto own = load_own_key(c_.records, group);
  if (!own) {
    const auto known = find(group);
    if (!known) return;
    // Copies of a key that cannot be used any more are copies of another one.
    c_.records.add(storage::DropOwnSenderKey{c_.id(), group});
    own = OwnKey{known->metadata.addressing_mode, protocol::OwnSenderKey::create(c_.random)};
    store_own_key(c_, group, *own);
  }
  const Bytes message = protocol::with_sender_key({}, group, own->key.distribution());
  storage::PutKeyCopies put{c_.id(), group, {}};
  for (const Jid& device : devices) {
    auto* record = c_.keys.find(device);
    if (record == nullptr || !record->has_current()) continue;
    auto sealed = protocol::encrypt(*record, fanout_.local(), protocol::pad_message(message, c_.random));
    if (!sealed) {
      fanout_.mark_unreachable(device);
      continue;
    }
    c_.keys.mark_changed(device);
    put.copies.push_back({device, KeyCopy::State::ready, sealed->kind, std::move(sealed->body), {}});
  }
  if (!put.copies.empty()) c_.records.add(std::move(put));
}

// --- one stanza

Result<Node> GroupFanout::seal(const Jid& group, const std::string& message_id, ByteView content, ByteView secret,
                               std::optional<std::uint32_t> before) {
  if (!prepared(group) && !is_warm(group)) {
    const auto known = find(group);
    if (known && !known->stale && !known->member)
      return Error(Errc::not_found, "the account is not a member of the group");
    return Error(Errc::not_ready, "the group is not known well enough to write to it");
  }
  Warm& warm = warm_.at(group);
  warm.used = ++clock_;
  auto own = load_own_key(c_.records, group);
  if (!own) return Error(Errc::not_ready, "the group has no key");
  const bool by_another = before && *before != own->key.id();
  const Former* former_key = by_another ? former(group, before) : nullptr;
  protocol::GroupMessageStanza stanza;
  std::size_t bytes = content.size();
  const bool status = group.is_status();
  const auto goes_along = [&](const Ready& ready) {
    return former_key == nullptr || !has(former_key->devices, ready.filed);
  };
  for (const Ready& ready : warm.ready)
    if (goes_along(ready)) bytes += ready.copy.ciphertext.body.size() + 64;
  if (bytes > protocol::max_payload_bytes) return Error(Errc::too_large, "the message is too large for this group");
  auto sealed = own->key.encrypt(protocol::pad_message(content, c_.random), c_.random);
  if (!sealed) {
    c_.records.add(storage::DropOwnSenderKey{c_.id(), group});  // used up: the next message makes another
    warm_.erase(group);
    return sealed.error();
  }
  store_own_key(c_, group, *own);
  stanza.key_for.reserve(warm.ready.size());
  for (Ready& ready : warm.ready) {
    if (!goes_along(ready)) continue;
    if (ready.copy.ciphertext.kind == protocol::CiphertextKind::pre_key_message)
      stanza.device_identity = c_.device.account;
    stanza.key_for.push_back(by_another ? ready.copy : std::move(ready.copy));
  }
  stanza.id = message_id;
  stanza.group = group;
  stanza.kind = protocol::stanza_kind(content);
  stanza.sender_key_message = std::move(sealed->body);
  if (status) {
    stanza.audience = warm.audience;
    stanza.status_setting = audiences_.setting();
  } else {
    stanza.addressing_mode = name(warm.mode);
    stanza.phash = warm.phash;
  }
  if (secret.size() == 32)
    stanza.reporting_token = protocol::reporting_token(content, secret, message_id, warm.sender.user_jid(), group);
  if (!by_another && std::exchange(warm.sends_copies, false)) {
    c_.records.add(storage::SendKeyCopies{c_.id(), group, message_id});
    warm.ready = {};
  }
  return protocol::group_message_stanza(stanza);
}

bool GroupFanout::may_have_key(const Jid& group, const Jid& device) const {
  return !is_hosted(device.device) && (!group.is_status() || c_.records.key_copies(group).contains(device));
}

Result<Bytes> GroupFanout::distribution(const Jid& group) {
  const auto own = load_own_key(c_.records, group);
  if (!own) return Error(Errc::not_found, "the group has no key");
  return own->key.distribution();
}

void GroupFanout::settle(const Jid& group, const std::string& message_id, bool arrived) {
  c_.records.add(storage::SettleKeyCopies{c_.id(), group, message_id, arrived});
  if (!arrived) on_changed(group);
}

// --- what changes

void GroupFanout::forget(const Jid& group) {
  on_changed(group);
  // A list that the server counts otherwise than we do for good would be asked for with every message.
  const auto last = forgotten_at_.find(group);
  if (last != forgotten_at_.end() && c_.now.steady < last->second + forgets_every) return;
  forgotten_at_[group] = c_.now.steady;
  const auto known = find(group);
  groups_.mark_stale(group);
  if (!known) return;
  for (const auto& member : known->metadata.members) directory_.forget_devices(directory_.canonical_user(member.jid));
}

void GroupFanout::give_again(const Jid& group, const Jid& device) {
  on_changed(group);
  KeyCopy copy;
  copy.device = device;
  copy.state = KeyCopy::State::again;
  c_.records.add(storage::PutKeyCopies{c_.id(), group, {std::move(copy)}});
}

void GroupFanout::on_all_changed() {
  ++changes_;
  std::erase_if(warm_, [](const auto& warm) { return !warm.first.is_status(); });
}

void GroupFanout::on_devices_changed(const Jid& user) {
  ++changes_;
  if (warm_.empty()) return;
  const std::uint64_t hash = hash_of(user);
  std::erase_if(warm_, [hash](const auto& warm) {
    return std::binary_search(warm.second.users.begin(), warm.second.users.end(), hash);
  });
}

// What is remembered of copies that do not leave now would lie there until they do.
void GroupFanout::on_link_down() {
  unlisted_.clear();
  list_errors_.clear();
  std::erase_if(warm_, [](const auto& warm) { return warm.second.sends_copies; });
}

void GroupFanout::end_turn(bool keep) {
  lacking_.reset();
  if (!keep) {
    ++changes_;
    warm_.clear();
    former_.clear();
    unlisted_.clear();
    list_errors_.clear();
    kept_lists_.clear();
    forgotten_at_.clear();
    return;
  }
  std::erase_if(unlisted_, [this](const auto& user) { return user.second <= c_.now.steady; });
  std::erase_if(forgotten_at_, [this](const auto& group) { return group.second + forgets_every <= c_.now.steady; });
  drop_oldest(warm_, kept_warm);
}

}  // namespace wharf::sessions
