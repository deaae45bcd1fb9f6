#include "sandbox/phone/add_ons.h"

#include <algorithm>
#include <array>
#include <utility>

#include "protocol/messages/add_on_secret.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::MessageBody;
using protocol::OutgoingMessage;
using protocol::Result;

namespace {

constexpr std::array answers = {"going", "notGoing", "maybe"};

void show_event(PhoneMessage& shown, const protocol::CalendarEvent& event) {
  shown.starts_at = event.starts_at;
  shown.cancelled = event.cancelled;
}

}  // namespace

const PhoneMessage* PhoneAddOns::find(const std::string& id, std::string_view chat) const {
  const auto& known = log_.messages();
  const auto found = std::find_if(known.rbegin(), known.rend(), [&](const PhoneMessage& m) {
    return m.id == id && m.chat == chat && m.target.empty() && m.status != "failed";
  });
  return found == known.rend() ? nullptr : &*found;
}

void PhoneAddOns::describe(PhoneMessage& said, const MessageBody& body) const {
  if (const protocol::MessageKey* target = protocol::target_of(body)) said.target = target->id;
  if (const auto* style = std::get_if<protocol::TextStyle>(&body)) said.style = *style;
  if (const auto* invite = std::get_if<protocol::GroupInvite>(&body)) said.invite = *invite;
  if (const auto* poll = std::get_if<protocol::Poll>(&body)) said.options = poll->options;
  if (const auto* event = std::get_if<protocol::CalendarEvent>(&body)) show_event(said, *event);
  if (const auto* album = std::get_if<protocol::Album>(&body)) said.album = *album;
  if (const auto* vote = std::get_if<protocol::PollVote>(&body)) said.options = choices(said, *vote);
  if (const auto* timer = std::get_if<protocol::DisappearingTimer>(&body)) said.expires_after = timer->seconds;
  if (const auto* given = std::get_if<protocol::EventAnswer>(&body)) {
    const auto plain = open(said, said.target, protocol::add_on::event_response, given->payload, given->iv);
    const auto response = plain ? protocol::read_event_response(*plain) : plain.error();
    if (response) {
      said.answer = answers.at(static_cast<std::size_t>(response->answer) - 1);
      said.extra_guests = response->extra_guests;
    }
  }
  if (const auto* sealed = std::get_if<protocol::Sealed>(&body)) {
    if (const auto clear = in_clear(said, *sealed)) {
      said.kind = protocol::name(clear->kind);
      said.text = clear->text;
    }
  }
}

Result<Bytes> PhoneAddOns::open(const PhoneMessage& said, const std::string& target_id, std::string_view use,
                                protocol::ByteView payload, protocol::ByteView iv) const {
  const PhoneMessage* target = find(target_id, said.chat);
  const Account* author = target != nullptr ? c_.find(target->author) : nullptr;
  const Account* writer = c_.find(said.author);
  if (author == nullptr || writer == nullptr) return Error(Errc::not_found, "no message to open it with");
  const auto content = protocol::parse_message(log_.behind(target->author, target->id)->encoded);
  if (!content || !content->secret) return Error(Errc::malformed, "its message has no secret");
  const auto read = [&](const Jid& by, const Jid& from) {
    return protocol::open_add_on({use, target->id, by, from}, *content->secret, payload, iv);
  };
  auto opened = read(author->lid_jid(), writer->lid_jid());
  if (!opened) opened = read(author->pn_jid(), writer->pn_jid());
  if (!opened) opened = read(author->pn_jid(), writer->lid_jid());
  if (!opened) opened = read(author->lid_jid(), writer->pn_jid());
  return opened;
}

Result<protocol::IncomingMessage> PhoneAddOns::in_clear(const PhoneMessage& said,
                                                        const protocol::Sealed& sealed) const {
  const auto plain = open(said, sealed.target.id, protocol::use_of(sealed.what), sealed.payload, sealed.iv);
  const auto clear = plain ? protocol::in_clear(sealed, *plain) : plain.error();
  return clear ? protocol::parse_message(*clear) : clear.error();
}

std::vector<std::string> PhoneAddOns::choices(const PhoneMessage& said, const protocol::PollVote& vote) const {
  const auto plain = open(said, vote.target.id, protocol::add_on::poll_vote, vote.payload, vote.iv);
  const PhoneMessage* poll = find(vote.target.id, said.chat);
  if (!plain || poll == nullptr) return {};
  const auto content = protocol::parse_message(log_.behind(poll->author, poll->id)->encoded);
  const auto* asked = content ? std::get_if<protocol::Poll>(&content->body) : nullptr;
  if (asked == nullptr) return {};
  const auto chosen = protocol::read_choices(*plain, *asked);
  return chosen && *chosen ? **chosen : std::vector<std::string>();
}

bool PhoneAddOns::may_change(const PhoneMessage& shown, const PhoneMessage& said, const MessageBody& body) const {
  if (shown.author == said.author) return true;
  const auto* group = std::holds_alternative<protocol::Revoke>(body) ? groups_.find(shown.chat) : nullptr;
  return group != nullptr && group->is_admin(said.author);
}

void PhoneAddOns::take_effect(const PhoneMessage& said, const MessageBody& body) {
  const PhoneMessage* shown = said.target.empty() ? nullptr : find(said.target, said.chat);
  if (shown == nullptr) return;
  if (const auto* sealed = std::get_if<protocol::Sealed>(&body)) {
    const auto clear = in_clear(said, *sealed);
    return clear ? take_effect(said, clear->body) : void();
  }
  PhoneMessage* target = log_.find(shown->author, shown->id);
  if (std::holds_alternative<protocol::Pin>(body)) return pin(*target);
  if (!may_change(*shown, said, body)) return;
  PhoneLog::Behind* behind = log_.behind(shown->author, shown->id);
  if (target->revoked) return;
  if (const auto* edit = std::get_if<protocol::Edit>(&body)) {
    const std::int64_t at = edit->at_ms > 0 ? edit->at_ms : said.timestamp * 1000;
    if (at < behind->edited_ms) return;
    if (target->kind == protocol::name(protocol::MessageKind::event)) {
      const auto before = protocol::parse_message(behind->encoded);
      Bytes now = before ? protocol::with_event(before->encoded, edit->message) : Bytes{};
      const auto content = protocol::parse_message(now);
      if (now.empty() || !content) return;
      show_event(*target, std::get<protocol::CalendarEvent>(content->body));
      behind->encoded = std::move(now);
    }
    target->text = edit->text;
    target->edited = true;
    behind->edited_ms = at;
  } else if (std::holds_alternative<protocol::Revoke>(body)) {
    target->text.clear();
    target->revoked = true;
    target->pinned = false;
  } else {
    return;
  }
  log_.touch(target->author, target->id);
}

// By the server's time, then by arrival: whoever says so last.
void PhoneAddOns::pin(PhoneMessage& target) {
  std::int64_t newest = 0;
  bool pinned = false;
  for (const auto& [author, id] : log_.about(target.id)) {
    const PhoneMessage* said = log_.find(author, id);
    if (said->chat != target.chat || said->status == "error" || said->timestamp < newest) continue;
    const auto content = protocol::parse_message(log_.behind(author, id)->encoded);
    const auto* pin = content ? std::get_if<protocol::Pin>(&content->body) : nullptr;
    if (pin == nullptr) continue;
    newest = said->timestamp;
    pinned = pin->pinned;
  }
  target.pinned = pinned && !target.revoked;
  log_.touch(target.author, target.id);
}

void PhoneAddOns::on_answered(const std::string& id) {
  const PhoneMessage* said = log_.find(c_.account.phone, id);
  if (said == nullptr || said->kind != protocol::name(protocol::MessageKind::pin)) return;
  if (const PhoneMessage* shown = find(said->target, said->chat)) pin(*log_.find(shown->author, shown->id));
}

void PhoneAddOns::on_arrived(const PhoneMessage& message) {
  for (const auto& [author, id] : log_.about(message.id)) {
    PhoneMessage* said = log_.find(author, id);
    if (said->chat != message.chat || said->status == "failed") continue;
    const auto content = protocol::parse_message(log_.behind(author, id)->encoded);
    if (!content) continue;
    describe(*said, content->body);
    log_.touch(author, id);
    take_effect(PhoneMessage(*said), content->body);
  }
}

Result<OutgoingMessage> PhoneAddOns::vote(const PhoneVote& vote, const PhoneMessage& poll,
                                          const protocol::MessageKey& key, const PhoneChat& chat) const {
  const auto content = protocol::parse_message(log_.behind(poll.author, poll.id)->encoded);
  const bool is_poll = content && std::holds_alternative<protocol::Poll>(content->body) && content->secret;
  if (!is_poll) return Error(Errc::malformed, "vote: that is no poll");
  const auto& options = std::get<protocol::Poll>(content->body).options;
  for (const std::string& option : vote.options) {
    if (std::find(options.begin(), options.end(), option) == options.end())
      return Error(Errc::malformed, "vote: the poll has no option " + option);
  }
  auto one = seal(protocol::add_on::poll_vote, protocol::encode_choices(vote.options), poll, chat);
  if (!one) return one.error();
  return protocol::build_vote({key, std::move(one->payload), std::move(one->iv), c_.now_ms()});
}

Result<protocol::SealedAddOn> PhoneAddOns::seal(std::string_view use, protocol::ByteView plain,
                                                const PhoneMessage& target, const PhoneChat& chat) const {
  const auto content = protocol::parse_message(log_.behind(target.author, target.id)->encoded);
  if (!content || !content->secret) return Error(Errc::malformed, "message: it has no secret to seal with");
  const Account* author = c_.find(target.author);
  if (author == nullptr) return Error(Errc::not_found, "message: its author is gone");
  const protocol::AddOn on{use, target.id, chat.form(*author), chat.form(c_.account)};
  return protocol::seal_add_on(on, *content->secret, plain, c_.random());
}

Result<OutgoingMessage> PhoneAddOns::sealed(protocol::Sealed::What what, protocol::ByteView plain,
                                            const PhoneMessage& target, const protocol::MessageKey& key,
                                            const PhoneChat& chat) const {
  auto one = seal(protocol::use_of(what), plain, target, chat);
  if (!one) return one.error();
  return protocol::build_sealed({key, what, std::move(one->payload), std::move(one->iv)}, c_.random());
}

Result<OutgoingMessage> PhoneAddOns::answer(const PhoneAnswer& answer, const PhoneMessage& event,
                                            const protocol::MessageKey& key, const PhoneChat& chat) const {
  if (event.kind != protocol::name(protocol::MessageKind::event))
    return Error(Errc::malformed, "answer: that is no event");
  const protocol::EventResponse response{answer.answer, answer.extra_guests, c_.now_ms()};
  auto one = seal(protocol::add_on::event_response, protocol::encode_event_response(response), event, chat);
  if (!one) return one.error();
  return protocol::build_event_answer({key, std::move(one->payload), std::move(one->iv)});
}

Result<OutgoingMessage> PhoneAddOns::build(const Phone::Send& send, const PhoneChat& chat) const {
  const std::string* about = send.about();
  const PhoneMessage* target = find(*about, chat.name);
  if (target == nullptr) return Error(Errc::not_found, "this phone knows no such message of the chat");
  protocol::MessageKey key{target->id, target->from_me, chat.jid, std::nullopt};
  const Account* author = chat.group && !target->from_me ? c_.find(target->author) : nullptr;
  if (author != nullptr) key.participant = chat.form(*author);
  using What = protocol::Sealed::What;
  if (const auto* react = std::get_if<PhoneReaction>(&send.content)) {
    const protocol::Reaction reaction{key, react->emoji, c_.now_ms()};
    if (!react->sealed) return protocol::build_reaction(reaction);
    return sealed(What::reaction, protocol::encode_sealed_reaction(reaction), *target, key, chat);
  }
  if (const auto* given = std::get_if<PhoneAnswer>(&send.content)) return answer(*given, *target, key, chat);
  if (const auto* changed = std::get_if<PhoneEventEdit>(&send.content)) {
    const auto event = protocol::build_message(changed->event, {}, c_.random());
    return sealed(What::event_edit, protocol::quotable(event.encoded), *target, key, chat);
  }
  if (const auto* choice = std::get_if<PhoneVote>(&send.content)) return vote(*choice, *target, key, chat);
  // Whose message it is stays unchecked: other clients must not believe what a phone of this network says.
  if (const auto* edit = std::get_if<PhoneEdit>(&send.content)) {
    const auto original = protocol::parse_message(log_.behind(target->author, target->id)->encoded);
    const Bytes content = original ? original->encoded : Bytes{};
    auto built = protocol::build_edit(key, edit->text, content, {}, c_.now_ms(), c_.random());
    if (!edit->sealed) return built;
    return sealed(What::message_edit, protocol::quotable(built.encoded), *target, key, chat);
  }
  if (const auto* pin = std::get_if<PhonePin>(&send.content))
    return protocol::build_pin({key, pin->pinned, c_.now_ms(), pin->seconds}, c_.random());
  return protocol::build_revoke(key, c_.random());
}

}  // namespace wharf::sandbox
