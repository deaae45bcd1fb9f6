#include "sessions/add_ons.h"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/messages/add_on_secret.h"
#include "protocol/messages/building.h"
#include "sessions/edits.h"
#include "sessions/message_details.h"
#include "sessions/status_events.h"

namespace wharf::sessions {

using protocol::MessageBody;
using storage::MessageRow;

namespace {

bool is_event(const MessageRow& message) { return message.kind == protocol::name(protocol::MessageKind::event); }

/// What a text shows beside its words once it was edited; nullopt: what it shows already. A preview is of the words
/// before, and goes with them unless the edit brings one.
std::optional<std::string> edited_text_details(const MessageRow& text, const protocol::Edit& edit) {
  auto shown = protocol::parse_message(text.content);
  if (!shown) return std::nullopt;
  const auto now = protocol::parse_message(edit.message);
  const auto* preview = now ? std::get_if<protocol::LinkPreview>(&now->body) : nullptr;
  shown->body = preview ? MessageBody(*preview) : MessageBody();
  std::string details = message_details(*shown, came_by_list(text));
  return details == text.details ? std::nullopt : std::optional(std::move(details));
}

}  // namespace

bool changes_message(const storage::MessageRow& said) {
  using protocol::MessageKind;
  constexpr std::array kinds = {MessageKind::edit, MessageKind::revoke, MessageKind::pin, MessageKind::disappearing};
  return std::any_of(kinds.begin(), kinds.end(), [&](MessageKind kind) { return said.kind == protocol::name(kind); });
}

bool AddOns::names_own(const protocol::MessageKey& key, const MessageRow& said_by) const {
  if (said_by.chat.is_group() && key.participant) return directory_.is_own(*key.participant);
  return said_by.from_me ? key.from_me : !key.from_me;
}

bool AddOns::names_another(const protocol::MessageKey& key, const MessageRow& target) const {
  if (!target.chat.is_group() || !key.participant || target.from_me) return false;
  const Jid named = directory_.canonical_user(*key.participant), author = directory_.canonical_user(target.author);
  return named != author && named.server == author.server;
}

events::About AddOns::about(const MessageRow& row) {
  events::About out;
  out.id = row.id;
  out.target_id = row.target_id;
  out.target_from_me = row.target_from_me;
  out.chat = row.chat;
  out.chat_ids = directory_.person(row.chat);
  out.from_me = row.from_me;
  out.author = row.author;
  out.author_ids = directory_.person(row.author);
  out.at = row.timestamp;
  return out;
}

std::optional<MessageRow> AddOns::target_of(const MessageRow& row) const {
  auto target = c_.records.find_message(row.chat, row.target_id);
  // Of two with one id the own one is found first.
  if (target && target->from_me != row.target_from_me)
    target = c_.records.find_message_by_id(row.target_id, row.target_from_me);
  if (!target || target->chat != row.chat || !target->target_id.empty()) return std::nullopt;
  return target;
}

void AddOns::take_effect(const MessageRow& row, const MessageBody& body) {
  // A reaction is shown with its message whenever that comes, and is told at once; the others need to know it.
  if (const auto* reaction = std::get_if<protocol::Reaction>(&body)) return react(row, *reaction);
  if (const auto* timer = std::get_if<protocol::DisappearingTimer>(&body))
    return timers_.on_set(row.chat, *timer, row.timestamp);
  if (const auto target = target_of(row)) apply(row, body, *target);
}

void AddOns::apply(const MessageRow& row, const MessageBody& body, const MessageRow& target) {
  if (const auto* sealed = std::get_if<protocol::Sealed>(&body)) return unseal(row, *sealed, target);
  if (const auto* change = std::get_if<protocol::Edit>(&body)) return edit(row, *change, target);
  if (std::holds_alternative<protocol::Revoke>(body)) return revoke(row, target);
  if (const auto* change = std::get_if<protocol::Pin>(&body)) return pin(row, *change, target);
  const auto* given = std::get_if<protocol::EventAnswer>(&body);
  if (given != nullptr && is_event(target)) return answer(row, *given, target);
  if (const auto* choice = std::get_if<protocol::PollVote>(&body)) {
    const auto content = protocol::parse_message(target.content);
    const auto* poll = content ? std::get_if<protocol::Poll>(&content->body) : nullptr;
    if (poll != nullptr) vote(row, *choice, target, *poll);
  }
}

void AddOns::on_at_server(const std::string& id) {
  const auto said = c_.records.find_message_by_id(id, true);
  if (!said || said->target_id.empty() || !changes_message(*said)) return;
  if (const auto content = protocol::parse_message(said->content)) take_effect(*said, content->body);
}

std::vector<Jid> AddOns::canonical(const std::vector<Jid>& users) {
  std::vector<Jid> out;
  out.reserve(users.size());
  for (const Jid& user : users) out.push_back(directory_.canonical_user(user));
  return out;
}

bool AddOns::wanted(const MessageRow& message) const { return c_.records.has_add_ons(message.id); }

void AddOns::on_arrived(const MessageRow& message) {
  // The newest alone, so that whoever says much in advance does not hold up everybody when its message comes.
  constexpr std::size_t most_early = 64;
  for (const MessageRow& row : c_.records.add_ons(message.chat, message.id, message.from_me, most_early)) {
    const auto said = protocol::parse_message(row.content);
    const auto target = said ? target_of(row) : std::nullopt;
    const auto* key = said ? protocol::target_of(said->body) : nullptr;
    if (target && (key == nullptr || !names_another(*key, *target))) apply(row, said->body, *target);
  }
}

void AddOns::react(const MessageRow& row, const protocol::Reaction& reaction) {
  c_.emit(events::Reacted{about(row), reaction.text});
}

void AddOns::edit(const MessageRow& row, const protocol::Edit& edit, const MessageRow& target) {
  if (!edit_counts(row, target, canonical_user()) || target.revoked_at != 0) return;
  const UnixMs at = edit.at_ms > 0 ? edit.at_ms : row.timestamp;
  if (at < target.edited_at) return;
  storage::EditMessage change{c_.id(), target.chat, target.id, target.from_me, edit.text, canonical(edit.mentions),
                              at,      {},          {}};
  std::string told = edit_details(edit);
  // An event is another one then, not only its name.
  if (is_event(target)) {
    const auto before = protocol::parse_message(target.content);
    if (before) change.content = protocol::with_event(before->encoded, edit.message);
    const auto now = protocol::parse_message(change.content);
    if (change.content.empty() || !now) return;
    told = message_details(*now);
    change.details = told;
  } else if (target.kind == protocol::name(protocol::MessageKind::text)) {
    change.details = edited_text_details(target, edit);
  }
  c_.records.add(std::move(change));
  c_.emit(events::MessageEdited{about(row), edit.text, std::move(told)});
}

void AddOns::revoke(const MessageRow& row, const MessageRow& target) {
  if (target.revoked_at != 0 || !(is_by_author(row, target, canonical_user()) || is_by_admin(row))) return;
  c_.records.add(storage::RevokeMessage{c_.id(), target.chat, target.id, target.from_me, row.timestamp});
  if (row.chat.is_status()) return tell_status_deleted(c_, about(row));
  c_.emit(events::MessageRevoked{about(row)});
}

bool AddOns::is_by_admin(const MessageRow& row) {
  if (!row.chat.is_group()) return false;
  return groups_.role_of(row.chat, row.author).value_or(protocol::groups::Role::member) !=
         protocol::groups::Role::member;
}

// By the server's time: a clock that is ahead would keep everybody else from unpinning.
void AddOns::pin(const MessageRow& row, const protocol::Pin& pin, const MessageRow& target) {
  if (target.revoked_at != 0 || row.timestamp < target.pinned_at) return;
  constexpr std::uint32_t day_s = 86'400, usual_s = 7 * day_s, longest_s = 30 * day_s;  // 03 section 11
  const std::uint32_t seconds = pin.duration_s == 0 ? usual_s : std::min(pin.duration_s, longest_s);
  const UnixMs until = pin.pinned ? row.timestamp + UnixMs{seconds} * 1000 : 0;
  c_.records.add(storage::PutPin{c_.id(), target.chat, target.id, target.from_me, row.author, until, row.timestamp});
  if (until == 0 && target.pinned_until == 0) return;  // nobody had pinned it
  c_.emit(events::MessagePinned{about(row), until});
}

void AddOns::vote(const MessageRow& row, const protocol::PollVote& vote, const MessageRow& poll,
                  const protocol::Poll& asked) {
  if (!row.details.empty()) return;  // opened before
  auto chosen = choices(row, vote, poll, asked);
  if (!chosen) return;
  c_.records.add(storage::PutDetails{c_.id(), row.chat, row.id, row.from_me, vote_details(*chosen)});
  c_.emit(events::PollVoted{about(row), std::move(*chosen)});
}

std::optional<std::vector<std::string>> AddOns::choices(const MessageRow& row, const protocol::PollVote& vote,
                                                        const MessageRow& poll, const protocol::Poll& asked) {
  const auto plain = opened(row, poll, protocol::add_on::poll_vote, vote.payload, vote.iv);
  const auto read = plain ? protocol::read_choices(*plain, asked) : plain.error();
  return read ? *read : std::nullopt;
}

void AddOns::answer(const MessageRow& row, const protocol::EventAnswer& answer, const MessageRow& event) {
  if (!row.details.empty() || event.revoked_at != 0) return;  // opened before
  const auto plain = opened(row, event, protocol::add_on::event_response, answer.payload, answer.iv);
  const auto response = plain ? protocol::read_event_response(*plain) : plain.error();
  if (!response) return;
  c_.records.add(storage::PutOpened{c_.id(), row.chat, row.id, row.from_me, row.kind, row.body,
                                    answer_details(*response), row.content, response->at_ms});
  c_.emit(events::EventAnswered{about(row), std::string(answer_name(response->answer)), response->extra_guests});
}

void AddOns::unseal(MessageRow row, const protocol::Sealed& sealed, const MessageRow& target) {
  if (target.revoked_at != 0) return;
  const auto plain = opened(row, target, protocol::use_of(sealed.what), sealed.payload, sealed.iv);
  auto clear = plain ? protocol::in_clear(sealed, *plain) : plain.error();
  const auto content = clear ? protocol::parse_message(*clear) : clear.error();
  if (!content) return;
  const auto* reaction = std::get_if<protocol::Reaction>(&content->body);
  row.kind = protocol::name(content->kind);
  row.body = reaction != nullptr ? reaction->text : content->text;
  row.content = std::move(*clear);
  row.said_at = protocol::said_at(content->body);
  c_.records.add(storage::PutOpened{c_.id(), row.chat, row.id, row.from_me, row.kind, row.body, row.details,
                                    row.content, row.said_at});
  if (reaction != nullptr) return react(row, *reaction);
  if (const auto* change = std::get_if<protocol::Edit>(&content->body)) edit(row, *change, target);
}

// The key is made of the names in use where it was sealed: by LID or by number, and during a migration mixed, as each
// side names itself by what it sent under (03 section 10; seen of whatsmeow and Baileys).
protocol::Result<protocol::Bytes> AddOns::opened(const MessageRow& row, const MessageRow& target, std::string_view use,
                                                 protocol::ByteView payload, protocol::ByteView iv) {
  const auto names = [&](const MessageRow& of) {
    const PersonIds ids = directory_.person(of.author);
    std::vector<Jid> all;
    if (ids.lid) all.push_back(*ids.lid);
    if (ids.pn) all.push_back(*ids.pn);
    if (all.empty()) all.push_back(of.author);
    return all;
  };
  const auto writers = names(row);
  protocol::Result<protocol::Bytes> plain = Error(Errc::bad_mac, "sealed add-on");
  for (const Jid& author : names(target)) {
    for (const Jid& writer : writers) {
      plain = protocol::open_add_on({use, target.id, author.user_jid(), writer.user_jid()}, target.secret, payload, iv);
      if (plain) return plain;
    }
  }
  return plain;
}

}  // namespace wharf::sessions
