#include "sessions/groups/made_groups.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "protocol/crypto/hash.h"
#include "storage/outbox.h"

namespace wharf::sessions {

namespace {

// What a row says in the place of a message's id: one of the first two, or the group behind the third, and a line for
// each person: JID, result, code, and of an invitation its code and its end.
constexpr std::string_view state_asked = "group asked", state_refused = "group refused", state_made = "group made ";

/// Of the row that leads from the creation's key to the program's. No header value contains a line feed.
std::string creation_row(const std::string& creation_key) { return "creation\n" + creation_key; }

std::string text_of(const Jid& group, const std::vector<MemberOutcome>& members) {
  std::string out = std::string(state_made) + group.to_string();
  for (const MemberOutcome& one : members) {
    out += "\n" + one.who.jid.to_string() + " " + one.result + " " + std::to_string(one.code);
    if (one.invite) out += " " + one.invite->code + " " + std::to_string(one.invite->expires_at);
  }
  return out;
}

/// The part before the next `until`, which goes with it.
std::string_view cut(std::string_view& text, char until) {
  const std::size_t end = text.find(until);
  const std::string_view part = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return part;
}

template <class Number>
Number number_in(std::string_view text) {
  Number out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

std::optional<MadeGroups::Made> read(std::string_view text) {
  if (!text.starts_with(state_made)) return std::nullopt;
  text.remove_prefix(state_made.size());
  const auto group = Jid::parse(cut(text, '\n'));
  if (!group) return std::nullopt;
  MadeGroups::Made out{*group, {}};
  while (!text.empty()) {
    std::string_view line = cut(text, '\n');
    const auto who = Jid::parse(cut(line, ' '));
    if (!who) continue;
    MemberOutcome one;
    one.who.jid = *who;
    one.result = cut(line, ' ');
    one.code = number_in<unsigned>(cut(line, ' '));
    if (!line.empty()) {
      protocol::groups::AddRequest invite;
      invite.code = cut(line, ' ');
      invite.expires_at = number_in<std::uint32_t>(line);
      one.invite = std::move(invite);
    }
    out.members.push_back(std::move(one));
  }
  return out;
}

}  // namespace

Outcome<std::optional<MadeGroups::Made>> MadeGroups::find(const Name& name) const {
  const auto row = c_.records.find_idempotency(name.key, c_.now.unix_ms - storage::answers_kept_ms);
  if (!row || row->message_id == state_refused) return std::optional<Made>();
  const auto& others = name.other_hashes;
  if (row->request_hash != name.hash && std::find(others.begin(), others.end(), row->request_hash) == others.end())
    return Refusal(Errc::conflict, Subject::idempotency_key, "this key was used with another request");
  if (auto made = read(row->message_id)) return made;
  if (on_its_way_.contains(name.key))
    return Refusal(Errc::conflict, Subject::group, "the group is being made by an earlier request under this key");
  return Refusal(Errc::conflict, Subject::group,
                 "an earlier request under this key went to WhatsApp and its answer never came: whether the group was "
                 "made is not known yet. When WhatsApp tells, a repetition is answered with it; look among the groups "
                 "of the account, and use another key to make one all the same");
}

std::string MadeGroups::key_of(const Name& name) {
  constexpr std::size_t digits = 32;
  return protocol::to_hex(protocol::sha256(protocol::as_bytes("group\n" + name.key))).substr(0, digits);
}

void MadeGroups::put(const std::string& key, const std::string& hash, std::string state) {
  storage::IdempotencyRow row;
  row.session = c_.id();
  row.key = key;
  row.request_hash = hash;
  row.message_id = std::move(state);
  row.at = c_.now.unix_ms;
  c_.records.add(storage::PutIdempotency{std::move(row)});
}

void MadeGroups::asked(const Name& name) {
  put(name.key, name.hash, std::string(state_asked));
  put(creation_row(key_of(name)), {}, name.key);
  on_its_way_.insert(name.key);
}

void MadeGroups::made(const Name& name, const Jid& group, const std::vector<MemberOutcome>& members) {
  put(name.key, name.hash, text_of(group, members));
  on_its_way_.erase(name.key);
}

void MadeGroups::refused(const Name& name) {
  put(name.key, name.hash, std::string(state_refused));
  on_its_way_.erase(name.key);
}

void MadeGroups::told(const std::string& creation_key, const Jid& group) {
  if (creation_key.empty()) return;
  const UnixMs oldest = c_.now.unix_ms - storage::answers_kept_ms;
  const auto names = c_.records.find_idempotency(creation_row(creation_key), oldest);
  const auto row = names ? c_.records.find_idempotency(names->message_id, oldest) : std::nullopt;
  if (row && row->message_id == state_asked) put(row->key, row->request_hash, text_of(group, {}));
}

}  // namespace wharf::sessions
