#include "sandbox/phone/receiving.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "protocol/messages/padding.h"
#include "protocol/stanzas/ack.h"
#include "sandbox/phone/media_messages.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::MessageKind;
using protocol::MessageSource;
using protocol::Result;

namespace {

constexpr unsigned nack_parsing = 487, nack_unrecognised = 488, nack_bad_protobuf = 491;
constexpr int type_app_state_sync_key_request = 7;

}  // namespace

void PhoneReceiving::on_message(const Node& message) {
  const Result<MessageSource> source = protocol::read_message_source(message, c_.own_pn(), c_.own_lid());
  const auto author = source ? c_.key_of(source->author) : std::nullopt;
  if (!author) return c_.send(protocol::ack_for(message, c_.own_pn(), nack_parsing));
  if (source->chat.is_group()) return on_group_message(message, *source, *author);
  if (source->chat.is_status()) return take_shared(message, *source, *author);
  // Broadcast lists and channels are not for this phone.
  if (source->participant) return c_.send(protocol::ack_for(message, c_.own_pn()));
  const std::vector<protocol::ReceivedEnc> encs = protocol::read_encs(message);
  const auto enc = std::find_if(encs.begin(), encs.end(), [](const protocol::ReceivedEnc& candidate) {
    return candidate.type == "pkmsg" || candidate.type == "msg";
  });
  if (enc == encs.end()) {
    const unsigned nack = message.child("unavailable") != nullptr ? 0 : nack_unrecognised;
    return c_.send(protocol::ack_for(message, c_.own_pn(), nack));
  }
  const auto proof = message.child_data("device-identity").value_or(ByteView());
  const auto decrypted = sessions_.decrypt(*author, *enc, proof);
  if (!decrypted) {
    if (decrypted.error().code == Errc::duplicate_message) return receipts_.confirm(message, *source);
    return retries_.ask_again(message, *source, *author, *enc, decrypted.error());
  }
  accept(message, *source, *author, decrypted->plaintext);
}

void PhoneReceiving::accept(const Node& message, const MessageSource& source, const DeviceKey& author,
                            ByteView plaintext) {
  const auto unpadded = protocol::unpad_message(plaintext);
  const auto content = unpadded ? protocol::parse_message(*unpadded) : unpadded.error();
  if (!content) return refuse(message, source, author, content.error());
  retries_.settled(author, source.id);
  receipts_.confirm(message, source);
  if (content->kind == MessageKind::protocol || !content->has_content) {
    const bool own_companion = author.phone == c_.account.phone && author.device != 0;
    if (own_companion && content->protocol_type == type_app_state_sync_key_request)
      bootstrap_.share_keys(author.device, PhoneAppState::requested_keys(content->encoded));
    return;
  }
  const PhoneMessage* known = log_.find(author.phone, source.id);
  if (known != nullptr && known->status != "failed") return;  // a resend of what was shown already
  // With what stands beside a wrapper, the secret above all.
  show(source, author, *content, protocol::without_device_sent(*unpadded));
}

void PhoneReceiving::refuse(const Node& message, const MessageSource& source, const DeviceKey& author,
                            const Error& reason) {
  show_failed(source, author, reason.detail);
  c_.send(protocol::ack_for(message, c_.own_pn(), nack_bad_protobuf));
}

void PhoneReceiving::show_failed(const MessageSource& source, const DeviceKey& author, std::string_view why) {
  PhoneMessage failed;
  failed.id = source.id;
  failed.device = author.device;
  failed.from_me = author.phone == c_.account.phone;
  failed.author = author.phone;
  failed.chat = source.chat.has_sender_keys() ? source.chat.to_string() : author.phone;
  failed.timestamp = static_cast<std::int64_t>(source.timestamp);
  failed.status = "failed";
  failed.failure = why;
  log_.put(std::move(failed), {});
}

// --- in groups

void PhoneReceiving::on_group_message(const Node& message, const MessageSource& source, const DeviceKey& author) {
  const std::string name = source.chat.to_string();
  const auto* group = groups_.find(name);
  if (group == nullptr || group->data.stale) {
    // Not acked until then: after a restart it comes again.
    return groups_.with_group(name, [this, message, source, author, name](const Result<void>& known) {
      if (known) return on_group_message(message, source, author);
      if (known.error().code != Errc::closed) c_.send(protocol::ack_for(message, c_.own_pn()));
    });
  }
  if (!groups_.may_have_written(*group, author.phone, source.timestamp)) {
    show_failed(source, author, "its author is not in the group");
    return c_.send(protocol::ack_for(message, c_.own_pn()));
  }
  take_shared(message, source, author);
}

void PhoneReceiving::take_shared(const Node& message, const MessageSource& source, const DeviceKey& author) {
  const std::string name = source.chat.to_string();
  const auto encs = protocol::read_encs(message);
  if (encs.empty()) {
    const unsigned nack = message.child("unavailable") != nullptr ? 0 : nack_unrecognised;
    return c_.send(protocol::ack_for(message, c_.own_pn(), nack));
  }
  bool settled = false;
  for (const auto& enc : encs) {
    if (enc.type != "skmsg") {
      if (!take_single(message, source, author, enc)) return;
      continue;
    }
    const auto opened = sender_keys_.open(name, author, enc.body);
    if (opened) {
      accept(message, source, author, opened->plaintext);
    } else if (opened.error().code == Errc::duplicate_message) {
      receipts_.confirm(message, source);
    } else {
      retries_.ask_again(message, source, author, enc, opened.error());
    }
    settled = true;
  }
  if (!settled) receipts_.confirm(message, source);
}

bool PhoneReceiving::take_single(const Node& message, const MessageSource& source, const DeviceKey& author,
                                 const protocol::ReceivedEnc& enc) {
  const auto proof = message.child_data("device-identity").value_or(ByteView());
  const auto decrypted = sessions_.decrypt(author, enc, proof);
  if (!decrypted) {
    if (decrypted.error().code == Errc::duplicate_message) return true;
    retries_.ask_again(message, source, author, enc, decrypted.error());
    return false;  // the key of what all got was in it
  }
  const auto unpadded = protocol::unpad_message(decrypted->plaintext);
  const auto content = unpadded ? protocol::parse_message(*unpadded) : unpadded.error();
  if (!content) {
    refuse(message, source, author, content.error());
    return false;
  }
  learn_key(source, author, *content);
  if (!content->has_content) return true;
  accept(message, source, author, decrypted->plaintext);
  return false;
}

void PhoneReceiving::learn_key(const MessageSource& source, const DeviceKey& author,
                               const protocol::IncomingMessage& content) {
  if (content.sender_key_distribution.empty()) return;
  const std::string name = source.chat.to_string();
  const auto learned = content.sender_key_group == name
                           ? sender_keys_.learn(name, author, content.sender_key_distribution)
                           : Result<void>(Error(Errc::malformed, "of another group"));
  if (!learned) c_.network.report("a sender key of " + text_of(author) + " not taken: " + learned.error().detail);
}

void PhoneReceiving::show(const MessageSource& source, const DeviceKey& author,
                          const protocol::IncomingMessage& content, Bytes whole) {
  PhoneMessage shown;
  shown.id = source.id;
  shown.from_me = author.phone == c_.account.phone;
  shown.device = author.device;
  shown.author = author.phone;
  Jid chat = source.chat;
  // Only an own device may say where its message went.
  if (shown.from_me && !source.recipient && !chat.has_sender_keys() && content.device_sent_to)
    chat = content.device_sent_to->user_jid();
  shown.chat = chats_.name_of(chat);
  shown.kind = protocol::name(content.kind);
  shown.text = content.text;
  if (content.quote) shown.quoted_id = content.quote->id;
  for (const Jid& mention : content.mentions) {
    const auto who = c_.key_of(mention);
    shown.mentions.push_back(who ? who->phone : mention.to_string());
  }
  shown.timestamp = static_cast<std::int64_t>(source.timestamp);
  shown.status = shown.from_me ? "server" : "received";
  shown.expires_after = content.traits.expires_after_s;
  shown.album_id = content.traits.album;
  add_ons_.describe(shown, content.body);
  shown.media = shown_media(content);
  const PhoneMessage received = shown;
  PhoneLog::Behind behind{std::move(whole), chat, !received.from_me, 0, timer_set_at(content)};
  if (chat.has_sender_keys()) behind.author = source.author;
  log_.put(std::move(shown), std::move(behind));
  add_ons_.take_effect(received, content.body);
  if (received.target.empty()) add_ons_.on_arrived(received);
  if (received.media) downloads_.load(received.author, received.id);
  if (!received.from_me && received.chat != PhoneChats::statuses) auto_replies_.react(received);
}

}  // namespace wharf::sandbox
