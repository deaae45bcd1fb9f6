#include "sandbox/phone/add_ons.h"

#include <algorithm>
#include <utility>

#include "protocol/messages/add_on_secret.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::MessageBody;
using protocol::OutgoingMessage;
using protocol::Result;

const PhoneMessage* PhoneAddOns::find(const std::string& id, std::string_view chat) const {
  const auto& known = log_.messages();
  const auto found = std::find_if(known.rbegin(), known.rend(), [&](const PhoneMessage& m) {
    return m.id == id && m.chat == chat && m.target.empty() && m.status != "failed";
  });
  return found == known.rend() ? nullptr : &*found;
}

void PhoneAddOns::describe(PhoneMessage& said, const MessageBody& body) const {
  if (const protocol::MessageKey* target = protocol::target_of(body)) said.target = target->id;
  if (const auto* poll = std::get_if<protocol::Poll>(&body)) said.options = poll->options;
  if (const auto* album = std::get_if<protocol::Album>(&body)) said.album = *album;
  if (const auto* vote = std::get_if<protocol::PollVote>(&body)) said.options = choices(said, *vote);
  if (const auto* timer = std::get_if<protocol::DisappearingTimer>(&body)) said.expires_after = timer->seconds;
}

std::vector<std::string> PhoneAddOns::choices(const PhoneMessage& said, const protocol::PollVote& vote) const {
  const PhoneMessage* poll = find(vote.target.id, said.chat);
  const Account* author = poll != nullptr ? c_.find(poll->author) : nullptr;
  const Account* voter = c_.find(said.author);
  if (author == nullptr || voter == nullptr) return {};
  const auto content = protocol::parse_message(log_.behind(poll->author, poll->id)->encoded);
  const auto* asked = content ? std::get_if<protocol::Poll>(&content->body) : nullptr;
  if (asked == nullptr || !content->secret) return {};
  const auto read = [&](const Jid& asker, const Jid& chooser) {
    const protocol::AddOn on{protocol::add_on::poll_vote, poll->id, asker, chooser};
    return protocol::open_add_on(on, *content->secret, vote.payload, vote.iv);
  };
  auto opened = read(author->lid_jid(), voter->lid_jid());
  if (!opened) opened = read(author->pn_jid(), voter->pn_jid());
  if (!opened) opened = read(author->pn_jid(), voter->lid_jid());
  if (!opened) opened = read(author->lid_jid(), voter->pn_jid());
  if (!opened) return {};
  const auto chosen = protocol::read_choices(*opened, *asked);
  return chosen && *chosen ? **chosen : std::vector<std::string>();
}

void PhoneAddOns::take_effect(const PhoneMessage& said, const MessageBody& body) {
  const PhoneMessage* shown = said.target.empty() ? nullptr : find(said.target, said.chat);
  if (shown == nullptr) return;
  PhoneMessage* target = log_.find(shown->author, shown->id);
  if (const auto* pin = std::get_if<protocol::Pin>(&body)) {
    target->pinned = pin->pinned;
    return log_.touch(target->author, target->id);
  }
  if (shown->author != said.author) return;  // only one's own message is edited or taken back
  PhoneLog::Behind* behind = log_.behind(shown->author, shown->id);
  if (target->revoked) return;
  if (const auto* edit = std::get_if<protocol::Edit>(&body)) {
    if (edit->at_ms < behind->edited_ms) return;
    target->text = edit->text;
    target->edited = true;
    behind->edited_ms = edit->at_ms;
  } else if (std::holds_alternative<protocol::Revoke>(body)) {
    target->text.clear();
    target->revoked = true;
  } else {
    return;
  }
  log_.touch(target->author, target->id);
}

void PhoneAddOns::on_arrived(const PhoneMessage& message) {
  for (const auto& [author, id] : log_.about(message.id)) {
    PhoneMessage* said = log_.find(author, id);
    if (said->chat != message.chat || said->status == "failed") continue;
    const auto content = protocol::parse_message(log_.behind(author, id)->encoded);
    if (!content) continue;
    if (const auto* vote = std::get_if<protocol::PollVote>(&content->body)) {
      said->options = choices(*said, *vote);
      log_.touch(author, id);
    } else {
      take_effect(PhoneMessage(*said), content->body);
    }
  }
}

Result<OutgoingMessage> PhoneAddOns::vote(const PhoneVote& vote, const PhoneMessage& poll,
                                          const protocol::MessageKey& key, const Account& peer) const {
  const auto content = protocol::parse_message(log_.behind(poll.author, poll.id)->encoded);
  const bool is_poll = content && std::holds_alternative<protocol::Poll>(content->body) && content->secret;
  if (!is_poll) return Error(Errc::malformed, "vote: that is no poll");
  const auto& options = std::get<protocol::Poll>(content->body).options;
  for (const std::string& option : vote.options) {
    if (std::find(options.begin(), options.end(), option) == options.end())
      return Error(Errc::malformed, "vote: the poll has no option " + option);
  }
  const Account* author = c_.find(poll.author);
  const auto form = [&](const Account& account) { return c_.by_lid(peer) ? account.lid_jid() : account.pn_jid(); };
  const protocol::AddOn on{protocol::add_on::poll_vote, poll.id, form(author != nullptr ? *author : peer),
                           form(c_.account)};
  auto sealed = protocol::seal_add_on(on, *content->secret, protocol::encode_choices(vote.options), c_.random());
  return protocol::build_vote({key, std::move(sealed.payload), std::move(sealed.iv), c_.now_ms()});
}

Result<OutgoingMessage> PhoneAddOns::build(const Phone::Send& send, const Account& peer) const {
  const std::string* about = send.about();
  const PhoneMessage* target = find(*about, peer.phone);
  if (target == nullptr) return Error(Errc::not_found, "this phone knows no such message of the chat");
  const protocol::MessageKey key{target->id, target->from_me, c_.form_for(peer), std::nullopt};
  if (const auto* react = std::get_if<PhoneReaction>(&send.content))
    return protocol::build_reaction({key, react->emoji, c_.now_ms()});
  if (const auto* choice = std::get_if<PhoneVote>(&send.content)) return vote(*choice, *target, key, peer);
  // Whose message it is stays unchecked: other clients must not believe what a phone of this network says.
  if (const auto* edit = std::get_if<PhoneEdit>(&send.content)) {
    const auto original = protocol::parse_message(log_.behind(target->author, target->id)->encoded);
    const Bytes content = original ? original->encoded : Bytes{};
    return protocol::build_edit(key, edit->text, content, {}, c_.now_ms(), c_.random());
  }
  if (const auto* pin = std::get_if<PhonePin>(&send.content))
    return protocol::build_pin({key, pin->pinned, c_.now_ms(), pin->seconds}, c_.random());
  return protocol::build_revoke(key, c_.random());
}

}  // namespace wharf::sandbox
