#include "sessions/status_audiences.h"

#include <algorithm>
#include <set>
#include <utility>

#include "protocol/account/privacy.h"
#include "protocol/appstate/actions.h"
#include "sessions/appstate/app_state.h"
#include "sessions/due.h"

namespace wharf::sessions {

using storage::StatusAudienceRow;
using storage::StatusSetting;

namespace {

/// On the wire.
std::string name_of(StatusSetting setting) {
  switch (setting) {
    case StatusSetting::contacts: return "contacts";
    case StatusSetting::denylist: return "denylist";
    case StatusSetting::allowlist: break;
  }
  return "allowlist";
}

/// By the setting, also when the build that settled it did not say so: what a request names is an allowlist.
bool by_setting(const StatusAudienceRow& row) {
  return row.settled && (row.by_setting || row.setting != StatusSetting::allowlist);
}

constexpr std::size_t resolved_per_query = 256;

bool has(const std::vector<Jid>& sorted, const std::optional<Jid>& user) {
  return user && std::binary_search(sorted.begin(), sorted.end(), *user);
}

}  // namespace

std::vector<Jid> StatusAudiences::canonical(const std::vector<Jid>& users) {
  std::vector<Jid> out;
  std::set<Jid> seen{directory_.canonical_user(c_.device.jid)};
  for (const Jid& user : users) {
    if (out.size() == most) break;
    Jid one = directory_.canonical_user(user);
    if (one.has_devices() && seen.insert(one).second) out.push_back(std::move(one));
  }
  return out;
}

// It may be known by one identity each that two are different people, or not: a number without a known LID and a LID
// without a known number may be one person.
std::vector<Jid> StatusAudiences::without(std::vector<Jid> users, const std::vector<Jid>& excluded) {
  std::set<Jid> out;
  bool some_without_lid = false, some_without_number = false;
  for (const Jid& one : excluded) {
    const Jid user = directory_.canonical_user(one);
    if (!user.is_phone_number() && !user.is_lid()) continue;
    if (user.is_phone_number()) some_without_lid = true;  // it would be the LID
    else some_without_number = some_without_number || !directory_.person(user).pn;
    out.insert(user);
  }
  std::erase_if(users, [&](const Jid& one) {
    const Jid user = directory_.canonical_user(one);
    if (out.contains(user)) return true;
    return user.is_lid() ? some_without_lid && !directory_.person(user).pn : some_without_number;
  });
  return users;
}

void StatusAudiences::put(StatusAudienceRow row) {
  if (hot_.post == row.post) hot_ = StatusAudienceRow();
  c_.records.add(storage::PutStatusAudience{c_.id(), std::move(row)});
}

void StatusAudiences::open(const storage::MessageRow& message, const std::optional<std::vector<Jid>>& named) {
  StatusAudienceRow row;
  if (named) {
    row.setting = StatusSetting::allowlist;
    row.settled = true;
    row.users = canonical(*named);
  } else if (!message.target_id.empty()) {
    // Its own copy: the post may be removed here before the deletion leaves.
    if (auto posted = c_.records.find_status_audience(message.target_id)) row = std::move(*posted);
    row.excluded.clear();  // whoever was given the post is told
  }
  row.post = message.id;
  // Of another post by this id, which is gone, nothing counts.
  if (aimed_.post == row.post) aimed_ = StatusAudienceRow();
  put(std::move(row));
}

bool StatusAudiences::aim_at(const storage::MessageRow& message) {
  const bool unsent = message.ack == storage::AckLevel::pending;
  if (message.id == aimed_.post && !(unsent && is_outdated())) return false;
  anew_ = false;
  is_post_ = message.target_id.empty();
  auto row = c_.records.find_status_audience(message.id);
  StatusAudienceRow now = row ? std::move(*row) : StatusAudienceRow();
  now.post = message.id;
  if (!is_post_ && !now.settled) {
    // It was accepted before the audience of its post was settled.
    auto posted = c_.records.find_status_audience(message.target_id);
    if (posted && posted->settled) {
      now = std::move(*posted);
      now.post = message.id;
      now.excluded.clear();
      put(now);
    }
  }
  if (is_post_ && unsent && by_setting(now)) {
    now = StatusAudienceRow();
    now.post = message.id;
    put(now);
  }
  const bool same = aimed_.settled && now.settled && aimed_.users == now.users && aimed_.excluded == now.excluded;
  aimed_ = std::move(now);
  return !same;
}

bool StatusAudiences::is_outdated() const {
  if (anew_) return true;
  const bool by_book = is_post_ && by_setting(aimed_) && aimed_.setting != StatusSetting::allowlist;
  if (!by_book) return false;
  const CollectionStanding book = standing_of_book();
  return book == CollectionStanding::on_its_way || book == CollectionStanding::unreadable ||
         version_of_book() != book_version_;
}

std::optional<protocol::groups::GroupMetadata> StatusAudiences::people() {
  if (aimed_.post.empty() || !aimed_.settled) return std::nullopt;
  if (!aimed_.excluded.empty()) {
    // Whose other identity has become known since: by the lists of devices, which are asked for after it was settled.
    auto users = without(aimed_.users, aimed_.excluded);
    if (users.size() != aimed_.users.size()) {
      aimed_.users = std::move(users);
      put(aimed_);
    }
  }
  protocol::groups::GroupMetadata group;
  group.group = protocol::status_jid();
  group.addressing_mode = protocol::groups::AddressingMode::lid;
  group.members.reserve(aimed_.users.size());
  for (const Jid& user : aimed_.users) {
    protocol::groups::Participant member;
    member.jid = directory_.canonical_user(user);  // its LID may be known by now
    group.members.push_back(std::move(member));
  }
  return group;
}

const char* StatusAudiences::why_nobody() const {
  if (!is_post_ || aimed_.post.empty() || !aimed_.settled || !aimed_.users.empty()) return nullptr;
  if (!by_setting(aimed_)) return "nobody is in its audience: the request names the account alone";
  if (aimed_.setting == StatusSetting::allowlist)
    return "nobody is in its audience: the account shows its statuses to some people alone, and those are none, or "
           "blocked";
  return "nobody is in its audience: the account has no contacts, or all of them are excluded or blocked, or may be";
}

std::string StatusAudiences::setting() const { return is_post_ ? name_of(aimed_.setting) : std::string(); }

// --- settling

void StatusAudiences::settle(UniqueFunction<void(Groups::Refreshed)> done) {
  if (aimed_.settled) return done(Groups::Refreshed::yes);
  if (!c_.link.online()) return done(Groups::Refreshed::later);
  const auto settling = std::make_shared<Settling>();
  settling->row.post = aimed_.post;
  settling->done = std::move(done);
  c_.query(protocol::status_audience_iq(c_.ids.next()),
           [this, settling](const Node* answer) { take_setting(settling, answer); });
}

// What the server has kept for this device while it was away may speak of the book.
CollectionStanding StatusAudiences::standing_of_book() const {
  const auto* open = c_.link.conversation();
  if (open != nullptr && open->backlog_asked_at) return CollectionStanding::on_its_way;
  return book_standing ? book_standing() : CollectionStanding::none;
}

std::uint64_t StatusAudiences::version_of_book() const {
  const auto row = c_.records.find_app_state(std::string(protocol::critical_unblock_low));
  return row ? row->version : 0;
}

// As long as the address book was never read there are chats: whoever only shares a group with the account, or was
// looked up, is no contact.
std::vector<Jid> StatusAudiences::contacts() {
  const std::string book(protocol::critical_unblock_low);
  constexpr std::size_t records_of_one = 3;  // a number, a LID as a contact, and as a contact by LID
  const auto saved = c_.records.saved_contacts(most * records_of_one);
  if (!saved) return c_.records.chat_partners(most);
  // Whom a program has removed is none any more, though WhatsApp has not heard of it yet.
  std::set<Jid> removed;
  for (const storage::AppStateWish& wish : c_.records.app_state_wishes(book, AppState::max_wishes)) {
    const auto index = protocol::index_parts(wish.action);
    if (!wish.remove || index.size() < 2) continue;
    if (const auto who = Jid::parse(index[1])) removed.insert(directory_.canonical_user(*who));
  }
  std::vector<Jid> users;
  for (const Jid& user : *saved) {
    Jid one = directory_.canonical_user(user);
    if (removed.contains(one)) continue;
    const auto known = c_.records.find_contact(one);
    if (!known || known->registered != storage::Registered::no) users.push_back(std::move(one));
  }
  return users;
}

void StatusAudiences::take_setting(const SettlingPtr& settling, const Node* answer) {
  using Kind = protocol::StatusAudience::Kind;
  if (answer == nullptr) return settling->done(Groups::Refreshed::later);
  const auto chosen = protocol::read_status_audience(*answer);
  if (!chosen) return settling->done(Groups::Refreshed::later);
  StatusAudienceRow& row = settling->row;
  row.setting = chosen->kind == Kind::only     ? StatusSetting::allowlist
                : chosen->kind == Kind::except ? StatusSetting::denylist
                                               : StatusSetting::contacts;
  row.by_setting = true;
  settling->by_book = chosen->kind != Kind::only;
  if (chosen->kind == Kind::only) row.users = chosen->users;
  if (chosen->kind == Kind::except) row.excluded = chosen->users;
  c_.query(protocol::block_list_iq(c_.ids.next()),
           [this, settling](const Node* said) { take_blocked(settling, said); });
}

void StatusAudiences::take_blocked(const SettlingPtr& settling, const Node* answer) {
  if (answer == nullptr) return settling->done(Groups::Refreshed::later);
  const auto blocked = protocol::read_block_list(*answer);
  if (!blocked || blocked->unread > 0) return settling->done(Groups::Refreshed::later);
  for (const protocol::ExcludedUser& user : blocked->users) settling->row.excluded.push_back(user.jid);
  go_on(settling);
}

std::vector<Jid> StatusAudiences::unresolved(const Settling& settling) {
  if (settling.row.excluded.empty()) return {};  // nobody may be taken for one of them
  std::set<Jid> numbers;
  for (const auto* users : {&settling.row.users, &settling.row.excluded}) {
    for (const Jid& user : *users) {
      Jid one = directory_.canonical_user(user);
      if (one.is_phone_number() && !settling.asked.contains(one)) numbers.insert(std::move(one));
      if (numbers.size() == resolved_per_query) return {numbers.begin(), numbers.end()};
    }
  }
  return {numbers.begin(), numbers.end()};
}

// Each number is asked for once, so this ends; whose LID the server does not tell stays one who may be anybody. The
// address book is read anew behind each answer, so that what is settled is as it stands in this turn.
void StatusAudiences::go_on(const SettlingPtr& settling) {
  if (settling->by_book) {
    const CollectionStanding book = standing_of_book();
    if (book == CollectionStanding::unreadable) return settling->done(Groups::Refreshed::later);
    if (book == CollectionStanding::on_its_way) {
      if (!settling->until) settling->until = c_.now.steady + book_patience;
      if (*settling->until <= c_.now.steady) return settling->done(Groups::Refreshed::later);
      waiting_ = settling;
      return;
    }
    settling->row.users = contacts();
  }
  std::vector<Jid> numbers = unresolved(*settling);
  if (numbers.empty()) {
    finish(*settling);
    return settling->done(Groups::Refreshed::yes);
  }
  settling->asked.insert(numbers.begin(), numbers.end());
  directory_.refresh(std::move(numbers), [this, settling](Directory::Told told) {
    if (told == Directory::Told::nothing) return settling->done(Groups::Refreshed::later);
    go_on(settling);
  });
}

void StatusAudiences::finish(Settling& settling) {
  StatusAudienceRow& row = settling.row;
  // Another one was posted under its id meanwhile, and is settled by itself.
  if (const auto now = c_.records.find_status_audience(row.post); now && now->settled) return;
  row.settled = true;
  row.users = canonical(without(std::move(row.users), row.excluded));
  if (aimed_.post == row.post) {
    aimed_ = row;
    book_version_ = version_of_book();
  }
  put(std::move(row));
}

// --- the connection and time

// Nobody is waited for any more: the lanes of the outbox are set back with the connection.
void StatusAudiences::on_link_down() {
  waiting_.reset();
  doubt();
}

std::optional<net::SteadyTime> StatusAudiences::due() const { return waiting_ ? waiting_->until : std::nullopt; }

// Looked at with every turn: the book, and the end of what was kept for this device, come with one.
void StatusAudiences::on_due() {
  if (!waiting_) return;
  const bool still = standing_of_book() == CollectionStanding::on_its_way && !is_due(waiting_->until, c_.now.steady);
  if (still) return;
  const SettlingPtr settling = std::exchange(waiting_, nullptr);
  go_on(settling);
}

// --- those that were settled

const StatusAudienceRow* StatusAudiences::find(const std::string& id) {
  if (id.empty()) return nullptr;
  if (hot_.post != id) {
    auto row = c_.records.find_status_audience(id);
    if (!row) return nullptr;
    hot_ = std::move(*row);
    std::sort(hot_.users.begin(), hot_.users.end());
    std::sort(hot_.excluded.begin(), hot_.excluded.end());
  }
  return &hot_;
}

bool StatusAudiences::includes(const std::string& id, const Jid& user) {
  const StatusAudienceRow* row = find(id);
  if (row == nullptr) return false;
  const PersonIds ids = directory_.person(directory_.canonical_user(user));
  const auto is_of = [&](const std::vector<Jid>& users) { return has(users, ids.lid) || has(users, ids.pn); };
  return is_of(row->users) && !is_of(row->excluded);
}

std::uint32_t StatusAudiences::size(const std::string& id) {
  const StatusAudienceRow* row = find(id);
  return row != nullptr && row->settled ? static_cast<std::uint32_t>(row->users.size()) : 0;
}

std::string StatusAudiences::setting_of(const std::string& id) {
  const StatusAudienceRow* row = find(id);
  return row != nullptr ? name_of(row->setting) : std::string();
}

void StatusAudiences::end_turn(bool keep) {
  if (keep) return;
  waiting_.reset();
  aimed_ = StatusAudienceRow();
  hot_ = StatusAudienceRow();
}

}  // namespace wharf::sessions
