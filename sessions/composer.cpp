#include "sessions/composer.h"

#include <algorithm>
#include <utility>

#include "protocol/messages/add_on_secret.h"
#include "protocol/messages/media_location.h"
#include "protocol/messages/message_id.h"
#include "sessions/channels/channel_posting.h"
#include "sessions/edits.h"
#include "sessions/media/stored_media.h"
#include "sessions/message_details.h"

namespace wharf::sessions {

using protocol::OutgoingMessage;
using storage::MessageRow;

namespace {

Refusal impossible(std::string why) { return Refusal(Errc::unsupported, Subject::message, std::move(why)); }

}  // namespace

Outcome<MessageRow> Composer::find(const std::string& id, const Jid& chat) const {
  auto row = chat.empty() ? c_.records.find_message_of_either(id)
                          : c_.records.find_message(directory_.canonical_user(chat), id);
  if (!row) return Refusal(Errc::not_found, Subject::message, "no message " + id);
  if (row->ack == storage::AckLevel::scheduled)
    return impossible("its time has not come: until then it can be cancelled in the queue, nothing else");
  if (!events::in_conversation(row->ack)) return impossible("it was cancelled before it was sent");
  if (!row->target_id.empty()) return impossible("it is itself about another message");
  return std::move(*row);
}

Outcome<protocol::Quote> Composer::quote_of(const Jid& chat, const std::string& id) const {
  auto row = c_.records.find_message(chat, id);
  if (!row || !row->target_id.empty() || row->revoked_at != 0 || !events::in_conversation(row->ack))
    return Refusal(Errc::not_found, Subject::quoted_message, "no message " + id + " in this chat");
  protocol::Quote quote;
  quote.id = row->id;
  quote.author = named_in(chat, row->author);
  quote.message = protocol::quotable(row->content);  // one level, without its secret
  if (row->edited_at != 0) quote.message = protocol::with_text(quote.message, row->body);
  return quote;
}

Outcome<protocol::MessageFrame> Composer::frame_of(const SendMessage& request, const Jid& chat) const {
  protocol::MessageFrame frame;
  for (const Jid& mention : request.mentions) frame.mentions.push_back(named_in(chat, mention));
  frame.mention_all = request.mention_all;
  const storage::ChatTimer timer = c_.records.chat_timer(chat);
  frame.expires_after_s = timer.seconds;
  frame.expiry_set_at = timer.set_at;
  if (const auto* media = std::get_if<SendMedia>(&request.content)) frame.view_once = media->view_once;
  if (!request.album.empty()) frame.album = own_key(request.album, chat);
  if (!request.quoted_id) return frame;
  auto quote = quote_of(chat, *request.quoted_id);
  if (!quote) return quote.error();
  frame.quote = std::move(*quote);
  return frame;
}

Jid Composer::named_in(const Jid& chat, const Jid& user) const {
  const Jid canonical = directory_.canonical_user(user);
  if (!chat.is_group() || groups_.standing(chat).mode == protocol::groups::AddressingMode::lid) return canonical;
  return directory_.person(canonical).pn.value_or(canonical);
}

protocol::MessageKey Composer::own_key(const std::string& id, const Jid& chat) const {
  protocol::MessageKey key;
  key.id = id;
  key.from_me = true;
  key.chat = fanout_.user_on_wire(chat, fanout_.addressing(chat)).value_or(chat);
  if (chat.is_group()) key.participant = named_in(chat, c_.device.jid);
  return key;
}

protocol::MessageKey Composer::key_of(const MessageRow& target) {
  protocol::MessageKey key;
  key.id = target.id;
  key.from_me = target.from_me;
  key.chat = fanout_.user_on_wire(target.chat, fanout_.addressing(target.chat)).value_or(target.chat);
  if (target.chat.is_group()) key.participant = named_in(target.chat, target.author);
  return key;
}

// Its author by the name that it came under, ourselves by the one that this goes out under (03 section 10).
protocol::SealedAddOn Composer::seal_about(const MessageRow& target, std::string_view use, protocol::ByteView plain) {
  const auto addressing = fanout_.addressing(target.chat);
  const auto on_wire = [&](const Jid& user) {
    return target.chat.is_group() ? named_in(target.chat, user) : fanout_.user_on_wire(user, addressing).value_or(user);
  };
  const Jid own = directory_.canonical_user(c_.device.jid);
  const protocol::AddOn on{
      use, target.id, target.author_on_wire.empty() ? on_wire(target.author) : target.author_on_wire, on_wire(own)};
  return protocol::seal_add_on(on, target.secret, plain, c_.random);
}

Outcome<OutgoingMessage> Composer::build_answer(const AnswerEvent& answer, const MessageRow& event) {
  const auto content = protocol::parse_message(event.content);
  const auto* asked = content ? std::get_if<protocol::CalendarEvent>(&content->body) : nullptr;
  if (asked == nullptr || event.secret.size() != 32) return impossible("it is no event that can be answered");
  if (asked->cancelled) return impossible("the event is cancelled");
  if (answer.extra_guests > 0 && !asked->extra_guests)
    return Refusal(Errc::unsupported, Subject::extra_guests, "the event allows no further guests");
  const protocol::EventResponse response{answer.answer, answer.extra_guests, c_.now.unix_ms};
  auto sealed = seal_about(event, protocol::add_on::event_response, protocol::encode_event_response(response));
  return protocol::build_event_answer({key_of(event), std::move(sealed.payload), std::move(sealed.iv)});
}

Outcome<OutgoingMessage> Composer::build_vote(const Vote& vote, const MessageRow& poll) {
  const auto content = protocol::parse_message(poll.content);
  const auto* asked = content ? std::get_if<protocol::Poll>(&content->body) : nullptr;
  if (asked == nullptr || poll.secret.size() != 32) return impossible("it is no poll that can be voted on");
  for (const std::string& option : vote.options) {
    if (std::find(asked->options.begin(), asked->options.end(), option) == asked->options.end())
      return Refusal(Errc::unsupported, Subject::options, "the poll has no option \"" + option + "\"");
  }
  if (asked->selectable > 0 && vote.options.size() > asked->selectable)
    return Refusal(Errc::unsupported, Subject::options,
                   "the poll allows " + std::to_string(asked->selectable) + " of its options");
  auto sealed = seal_about(poll, protocol::add_on::poll_vote, protocol::encode_choices(vote.options));
  return protocol::build_vote({key_of(poll), std::move(sealed.payload), std::move(sealed.iv), c_.now.unix_ms});
}

Outcome<Composer::Built> Composer::build_about(const Sendable& content, MessageRow target) {
  if (target.revoked_at != 0) return impossible("the message was deleted for everyone");
  if (target.ack == storage::AckLevel::error) return impossible("the message failed: nobody has it");
  if (target.chat.is_status() && !std::holds_alternative<RevokeSent>(content))
    return Refusal(Error(Errc::not_implemented,
                         "of a status post only its deletion can be sent: it cannot be reacted to or changed yet"));
  // Those whom it went to would see the account of today by its deletion.
  if (target.chat.is_status() && target.from_me && !directory_.is_own(target.author))
    return impossible("another account posted it, to which this session was linked before");
  Built out;
  if (const auto* react = std::get_if<React>(&content)) {
    out.message = protocol::build_reaction({key_of(target), react->emoji, c_.now.unix_ms});
  } else if (const auto* vote = std::get_if<Vote>(&content)) {
    auto built = build_vote(*vote, target);
    if (!built) return built.error();
    out.message = std::move(*built);
  } else if (const auto* answer = std::get_if<AnswerEvent>(&content)) {
    auto built = build_answer(*answer, target);
    if (!built) return built.error();
    out.message = std::move(*built);
  } else if (const auto* pin = std::get_if<PinMessage>(&content)) {
    out.message = protocol::build_pin(
        {key_of(target), pin->pinned, c_.now.unix_ms, static_cast<std::uint32_t>(pin->duration.count())}, c_.random);
  } else if (std::holds_alternative<RevokeSent>(content) && !target.from_me && target.chat.is_group()) {
    if (!groups_.standing(target.chat).admin)
      return Refusal(Errc::forbidden, Subject::message, "only admins of the group may delete what others sent");
    out.message = protocol::build_revoke(key_of(target), c_.random);
  } else if (!target.from_me) {
    return impossible("it is not a message of this account");
  } else if (const auto* edit = std::get_if<EditText>(&content)) {
    if (target.kind != "text" && target.kind != "image" && target.kind != "video" && target.kind != "document" &&
        target.kind != "gif")
      return impossible("only texts and captions can be edited");
    if (c_.now.unix_ms - target.timestamp > edit_window_ms)
      return impossible("a message can be edited for 20 minutes after it was sent");
    if (edit->preview && target.kind != "text")
      return Refusal(Errc::unsupported, Subject::preview, "is of a text: a caption has none");
    for (const Jid& mention : edit->mentions) out.mentions.push_back(named_in(target.chat, mention));
    const auto original = protocol::parse_message(target.content);
    if (!original) return impossible("its content is not kept");
    out.message = protocol::build_edit(key_of(target), edit->text, original->encoded, out.mentions, c_.now.unix_ms,
                                       c_.random, edit->preview);
  } else {
    out.message = protocol::build_revoke(key_of(target), c_.random);
  }
  out.target = std::move(target);
  return out;
}

Outcome<Composer::Built> Composer::build(const SendMessage& request, const Jid& chat) {
  if (const std::string* about = about_message(request.content)) {
    auto target = find(*about, request.chat);
    if (!target) return target.error();
    return build_about(request.content, std::move(*target));
  }
  if (const auto* set = std::get_if<SetDisappearing>(&request.content)) {
    Built out;
    out.about_chat = true;
    // Not before the one that it sets aside, or nobody would heed it: a clock may be wrong.
    const std::int64_t set_at = std::max(c_.server_ms() / 1000, c_.records.chat_timer(chat).set_at);
    out.message = protocol::build_disappearing({set->seconds, set_at}, c_.random);
    return out;
  }
  auto frame = frame_of(request, chat);
  if (!frame) return frame.error();
  Built out;
  if (const auto* forward = std::get_if<Forward>(&request.content)) {
    const auto source = find(forward->message, forward->chat.value_or(Jid()));
    if (!source) return source.error();
    if (source->revoked_at != 0) return impossible("the message was deleted for everyone");
    if (is_album(*source)) return impossible("it is the head of an album, which holds nothing: forward its pictures");
    const auto original = protocol::parse_message(source->content);
    if (source->chat.is_channel() && original && protocol::media_kind(original->kind))
      return impossible("files of channels are not encrypted, and cannot be forwarded: send the file again");
    const auto media = stored_media(source->content);
    if (media && media->file.direct_path.empty()) return impossible("its file is not uploaded yet");
    if (media && !on_servers(source->chat, media->file, std::max(c_.now.unix_ms, request.send_at)))
      return impossible("its file is older than 14 days, and may be gone from the media servers: send the file again");
    const auto text = source->edited_at != 0 ? std::optional(source->body) : std::nullopt;
    out.message = protocol::build_forward(source->content, text, source->from_me, *frame, c_.random);
    if (out.message.encoded.empty()) return impossible("a message of this kind cannot be forwarded");
  } else {
    out.message = std::visit(
        [&](const auto& kind) -> OutgoingMessage {
          if constexpr (std::is_same_v<std::remove_cvref_t<decltype(kind)>, SendMedia>)
            return protocol::build_message(kind.content, *frame, c_.random);
          else if constexpr (std::is_constructible_v<protocol::OutgoingBody, decltype(kind)>)
            return protocol::build_message(protocol::OutgoingBody(kind), *frame, c_.random);
          else return {};  // what is about a message was built above
        },
        request.content);
  }
  out.expires = frame->expires_after_s != 0;
  out.quote = std::move(frame->quote);
  out.mentions = std::move(frame->mentions);
  return out;
}

Outcome<MessageRow> Composer::compose(const SendMessage& request, const Jid& chat) {
  if (chat.is_channel()) {
    if (const auto possible = can_be_posted(request); !possible) return possible.error();
  }
  auto built = build(request, chat);
  if (!built) return built.error();
  if (chat.is_channel()) {
    built->message.encoded = post_content(built->message.encoded);
    built->message.secret.reset();
  }
  MessageRow row;
  row.session = c_.id();
  row.chat = chat;
  row.id = request.message_id ? *request.message_id
                              : protocol::new_message_id(c_.unix_seconds(), c_.device.jid.user_jid(), c_.random);
  row.from_me = true;
  row.author = directory_.canonical_user(c_.device.jid);
  row.created_at = c_.now.unix_ms;
  // In whole seconds, as the server's ack will say: then the ack moves neither the message nor its chat in their order.
  row.timestamp = row.created_at - row.created_at % 1000;
  const auto* text = std::get_if<std::string>(&request.content);
  if (text != nullptr && !request.mention_all && !built->expires) {  // the usual case is not read back
    row.kind = "text";
    row.body = *text;
  } else if (const auto content = protocol::parse_message(built->message.encoded)) {
    row.kind = protocol::name(content->kind);
    row.body = content->text;
    if (!built->target) {
      row.details = message_details(*content);
      row.album_id = content->traits.album;
    } else if (const auto* edit = std::get_if<protocol::Edit>(&content->body)) {
      row.details = edit_details(*edit);
    }
    if (!content->secret) built->message.secret.reset();
  }
  if (built->quote) {
    row.quoted_id = built->quote->id;
    row.quoted_author = built->quote->author;
  }
  row.mentions = std::move(built->mentions);
  if (built->target) {
    row.target_id = built->target->id;
    row.target_from_me = built->target->from_me;
    row.said_at = c_.now.unix_ms;
  }
  if (built->about_chat) row.target_id = storage::about_the_chat;
  row.content = std::move(built->message.encoded);
  if (built->message.secret) row.secret = protocol::to_bytes(*built->message.secret);
  return row;
}

}  // namespace wharf::sessions
