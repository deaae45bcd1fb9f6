#include "sandbox/phone/sending.h"

#include <algorithm>
#include <utility>

#include "protocol/messages/media_location.h"
#include "protocol/stanzas/messages.h"
#include "sandbox/phone/media_messages.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

/// The iOS form. Of an ordinary message the first digit is never a letter, so that no prefix for automatic replies
/// comes up by chance.
std::string new_id(std::string_view prefix, protocol::Random& random) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string id(prefix.empty() ? std::string_view("3A") : prefix);
  if (prefix.empty()) id += digits[random.below(10)];
  while (id.size() < 20) id += digits[random.below(16)];
  return id;
}

Error forgotten() { return Error(Errc::internal, "forgotten before it was sent"); }

}  // namespace

Result<PhoneSending::Draft> PhoneSending::build(const Phone::Send& message, const PhoneChat& chat) const {
  Draft draft;
  if (message.about() != nullptr) {
    auto built = add_ons_.build(message, chat);
    if (!built) return built.error();
    draft.message = std::move(*built);
    return draft;
  }
  if (const auto* set = std::get_if<PhoneTimer>(&message.content)) {
    if (chat.group) return Error(Errc::malformed, "disappearing: the timer of a group is one of its settings");
    draft.message = protocol::build_disappearing({set->seconds, static_cast<std::int64_t>(c_.now())}, c_.random());
    return draft;
  }
  protocol::MessageFrame frame;
  const PhoneLog::Timer timer = log_.timer(chat.name);
  frame.expires_after_s = chat.group ? chat.expires_after_s : timer.seconds;
  if (!chat.group) frame.expiry_set_at = timer.set_at;
  for (const std::string& who : message.mentions) {
    const Account* account = c_.look_up(who);
    if (account == nullptr) return Error(Errc::not_found, "mentions: nobody has the number " + who);
    frame.mentions.push_back(chat.form(*account));
    draft.mentioned.push_back(account->phone);
  }
  if (!message.quoted_id.empty()) {
    auto quoted = quote(message.quoted_id, chat);
    if (!quoted) return quoted.error();
    frame.quote = std::move(*quoted);
  }
  auto body = std::visit(
      [&](const auto& kind) -> Result<protocol::OutgoingBody> {
        using Kind = std::decay_t<decltype(kind)>;
        if constexpr (std::is_same_v<Kind, std::monostate>) {
          if (message.text.empty()) return Error(Errc::malformed, "text is empty");
          return protocol::OutgoingBody(message.text);
        } else if constexpr (std::is_same_v<Kind, PhoneMedia>) {
          if (!files_.has_host()) return Error(Errc::closed, "media: this network has no media host");
          auto sealed = seal_media(kind, static_cast<std::int64_t>(c_.now()), c_.random());
          if (!sealed) return sealed.error();
          frame.view_once = kind.view_once;
          if (!kind.album.empty()) frame.album = protocol::MessageKey{kind.album, true, chat.jid, std::nullopt};
          draft.upload = std::move(sealed->file);
          return protocol::OutgoingBody(std::move(sealed->content));
        } else if constexpr (std::is_constructible_v<protocol::OutgoingBody, Kind>) {
          return protocol::OutgoingBody(kind);
        } else {
          return Error(Errc::internal, "said about a message");
        }
      },
      message.content);
  if (!body) return body.error();
  draft.message = protocol::build_message(*body, frame, c_.random());
  return draft;
}

Result<std::set<std::string>> PhoneSending::audience_of(const Phone::Send& message) {
  std::set<std::string> audience;
  if (message.to != PhoneChats::statuses) return audience;
  if (const std::string* post = message.about()) {
    if (const SentMessage* sent = sent_.find(*post)) audience = sent->audience;
    return audience;
  }
  for (const std::string& who : message.audience) {
    const Account* account = c_.look_up(who);
    if (account == nullptr) return Error(Errc::not_found, "audience: nobody has the number " + who);
    if (account->phone != c_.account.phone) audience.insert(account->phone);
  }
  return audience;
}

Result<std::string> PhoneSending::send(const Phone::Send& message, std::string_view id_prefix) {
  const auto chat = chats_.find(message.to);
  if (!chat) return chat.error();
  auto audience = audience_of(message);
  if (!audience) return audience.error();
  auto draft = build(message, *chat);
  if (!draft) return draft.error();
  protocol::OutgoingMessage& built = draft->message;
  const auto content = protocol::parse_message(built.encoded);
  if (!content) return content.error();
  const std::string id = new_id(id_prefix, c_.random());
  PhoneMessage shown;
  shown.id = id;
  shown.mentions = std::move(draft->mentioned);
  shown.from_me = true;
  shown.chat = chat->name;
  shown.author = c_.account.phone;
  shown.kind = protocol::name(content->kind);
  shown.text = content->text;
  shown.quoted_id = message.quoted_id;
  shown.timestamp = static_cast<std::int64_t>(c_.now());
  shown.status = "pending";
  shown.expires_after = content->traits.expires_after_s;
  shown.album_id = content->traits.album;
  add_ons_.describe(shown, content->body);
  shown.media = shown_media(*content);
  const PhoneMessage said = shown;
  log_.put(std::move(shown), {built.encoded, chat->jid, false, 0, timer_set_at(*content)});
  add_ons_.take_effect(said, content->body);

  SentMessage kept;
  kept.id = id;
  kept.chat = chat->name;
  if (built.secret) kept.secret = *built.secret;
  kept.encoded = std::move(built.encoded);
  kept.upload = std::move(draft->upload);
  kept.audience = std::move(*audience);
  enqueue(std::move(kept));
  return id;
}

Result<protocol::Quote> PhoneSending::quote(const std::string& id, const PhoneChat& chat) const {
  const auto& known = log_.messages();
  const auto quoted = std::find_if(known.rbegin(), known.rend(),
                                   [&](const PhoneMessage& m) { return m.id == id && m.chat == chat.name; });
  if (quoted == known.rend()) return Error(Errc::not_found, "quoted: this phone knows no such message of the chat");
  const Account* author = c_.find(quoted->author);
  if (author == nullptr) return Error(Errc::not_found, "quoted: its author is gone");
  protocol::Quote quote;
  quote.id = quoted->id;
  quote.author = chat.form(*author);
  quote.message = protocol::quotable(log_.behind(quoted->author, quoted->id)->encoded);
  return quote;
}

void PhoneSending::send_peer(std::uint16_t device, Bytes encoded) {
  SentMessage message;
  message.id = new_id({}, c_.random());
  message.chat = c_.account.phone;
  message.encoded = std::move(encoded);
  message.peer_device = device;
  enqueue(std::move(message));
}

// --- one chat, one message at a time

std::string PhoneSending::queue_of(const SentMessage& message) {
  return message.peer_device ? "peer:" + std::to_string(*message.peer_device) : message.chat;
}

void PhoneSending::enqueue(SentMessage message) {
  message.queued = true;
  const std::string queue = queue_of(message), id = message.id;
  sent_.keep(std::move(message));
  queues_[queue].ids.push_back(id);
  start_next(queue);
}

void PhoneSending::start_next(const std::string& queue) {
  // A message whose devices are all known is finished before begin() returns: a loop, not a recursion per message.
  if (!starting_.insert(queue).second) return;
  for (;;) {
    const auto found = queues_.find(queue);
    if (found == queues_.end() || found->second.busy || !c_.powered()) break;
    if (found->second.ids.empty()) {
      queues_.erase(found);
      break;
    }
    found->second.busy = true;
    begin(queue, std::string(found->second.ids.front()));
  }
  starting_.erase(queue);
}

void PhoneSending::begin(const std::string& queue, const std::string& id) {
  const SentMessage* message = sent_.find(id);
  if (message == nullptr) return finish(queue, forgotten());
  if (!message->upload.empty()) return upload(queue, *message);
  fanout_.prepare(*message, [this, queue, id](Result<void> ready) {
    if (!ready) return finish(queue, ready);
    SentMessage* waiting = sent_.find(id);
    finish(queue, waiting != nullptr ? transmission_.seal_and_send(*waiting) : forgotten());
  });
}

void PhoneSending::upload(const std::string& queue, const SentMessage& message) {
  const auto file = file_of(message.encoded);
  if (!file) return finish(queue, file.error());
  files_.upload(file->kind, message.upload,
                [this, here = std::weak_ptr(c_.alive), queue, id = message.id](const Result<PhoneFiles::Place>& place) {
                  if (!here.expired()) uploaded(queue, id, place);
                });
}

/// The phone may be off by now, or installed anew: then nobody waits for the message.
void PhoneSending::uploaded(const std::string& queue, const std::string& id, const Result<PhoneFiles::Place>& place) {
  SentMessage* message = sent_.find(id);
  if (message == nullptr) return;
  message->upload = {};
  if (!place) return finish(queue, place.error());
  // With the secret that it had: what was said about it meanwhile is sealed with that.
  message->encoded = protocol::with_media_place(message->encoded, {place->url, place->direct_path, {}, 0});
  sent_.changed(id);
  show_ready(id, message->encoded);
  if (!c_.powered()) return finish(queue, Error(Errc::closed, "the phone was switched off"));
  begin(queue, id);
}

void PhoneSending::show_ready(const std::string& id, ByteView encoded) {
  const std::string& own = c_.account.phone;
  PhoneMessage* shown = log_.find(own, id);
  if (shown == nullptr) return;
  log_.behind(own, id)->encoded = protocol::to_bytes(encoded);
  if (const auto file = file_of(encoded); file && shown->media) {
    shown->media->state = "ready";
    shown->media->sha256 = protocol::to_hex(file->reference.hashes.file_sha256);
  }
  log_.touch(own, id);
}

void PhoneSending::finish(const std::string& queue, const Result<void>& outcome) {
  const auto found = queues_.find(queue);
  if (found == queues_.end()) return;
  found->second.busy = false;
  if (!outcome && outcome.error().code == Errc::closed) return;  // goes on when the phone is switched on again
  const std::string id = found->second.ids.front();
  found->second.ids.pop_front();
  if (SentMessage* message = sent_.find(id)) {
    message->queued = false;
    if (!outcome) message->acked = true;  // nothing will come
    sent_.changed(id);
  }
  if (!outcome) sent_.raise(id, "error", outcome.error().detail);
  start_next(queue);
}

void PhoneSending::resume() {
  std::vector<std::string> waiting;
  waiting.reserve(queues_.size());
  for (const auto& [name, queue] : queues_) waiting.push_back(name);
  for (const std::string& name : waiting) start_next(name);
}

}  // namespace wharf::sandbox
