// Messages and receipts into a phone. Specification 03 sections 6 and 7.

#include <algorithm>
#include <utility>

#include "protocol/messages/padding.h"
#include "protocol/stanzas/ack.h"
#include "sandbox/phone_state.h"

namespace wharf::sandbox {

using protocol::DeliveryReceipt;
using protocol::Errc;
using protocol::Error;
using protocol::MessageKind;
using protocol::MessageSource;
using protocol::Result;

namespace {

constexpr unsigned nack_parsing = 487, nack_unrecognised = 488, nack_bad_protobuf = 491;
constexpr int type_app_state_sync_key_request = 7;
constexpr std::size_t max_ids_per_receipt = 256;
/// Ids of automatic replies: one automatic reply never answers another.
constexpr std::string_view auto_reply_prefix = "3AB07";

}  // namespace

void Phone::State::on_message(const Node& message) {
  const Result<MessageSource> source = protocol::read_message_source(message, own_pn(), own_lid());
  const auto author = source ? key_of(source->author) : std::nullopt;
  if (!author) return send(protocol::ack_for(message, own_pn(), nack_parsing));
  // Groups, status and channels are not for this phone.
  if (source->participant) return send(protocol::ack_for(message, own_pn()));
  const std::vector<protocol::ReceivedEnc> encs = protocol::read_encs(message);
  const auto enc = std::find_if(encs.begin(), encs.end(), [](const protocol::ReceivedEnc& candidate) {
    return candidate.type == "pkmsg" || candidate.type == "msg";
  });
  if (enc == encs.end()) {
    return send(protocol::ack_for(message, own_pn(), message.child("unavailable") != nullptr ? 0 : nack_unrecognised));
  }
  const auto decrypted = decrypt(message, *enc, *author);
  if (!decrypted) {
    if (decrypted.error().code == Errc::duplicate_message) return confirm(message, *source);
    return ask_again(message, *source, *author, decrypted.error());
  }
  accept(message, *source, *author, decrypted->plaintext);
}

Result<protocol::Decrypted> Phone::State::decrypt(const Node& message, const protocol::ReceivedEnc& enc,
                                                  const DeviceKey& author) {
  if (enc.type == "msg") {
    const auto session = sessions.find(author);
    if (session == sessions.end()) return Error(Errc::no_session, "no session with this device");
    session_changed(author);
    return protocol::decrypt_message(session->second, local, enc.body, random());
  }
  const auto header = protocol::read_pre_key_message(enc.body);
  if (!header) return header.error();
  if (author.device != 0) {
    const ByteView proof = message.child_data("device-identity").value_or(ByteView());
    if (const auto vouched = check_companion(author, proof, header->identity); !vouched) return vouched.error();
  }
  protocol::SessionRecord record = sessions[author];
  auto decrypted = protocol::decrypt_pre_key_message(record, local, own_pre_keys(), enc.body, random());
  if (!decrypted) return decrypted;
  sessions[author] = std::move(record);
  session_changed(author);
  if (decrypted->used_one_time) {
    one_time_keys.erase(*decrypted->used_one_time);
    key_changed(*decrypted->used_one_time);
  }
  if (author.device == 0) {
    account_keys[author.phone] = header->identity;
    account_key_changed(author.phone);
  }
  return decrypted;
}

void Phone::State::accept(const Node& message, const MessageSource& source, const DeviceKey& author,
                          ByteView plaintext) {
  const auto unpadded = protocol::unpad_message(plaintext);
  const auto content = unpadded ? protocol::parse_message(*unpadded) : unpadded.error();
  if (!content) {
    PhoneMessage failed;
    failed.id = source.id;
    failed.device = author.device;
    failed.from_me = author.phone == account.phone;
    failed.author = author.phone;
    failed.chat = author.phone;
    failed.timestamp = static_cast<std::int64_t>(source.timestamp);
    failed.status = "failed";
    failed.failure = content.error().detail;
    log.put(std::move(failed), {});
    return send(protocol::ack_for(message, own_pn(), nack_bad_protobuf));
  }
  retry_counters.erase({author, source.id});
  confirm(message, source);
  if (content->kind == MessageKind::protocol || !content->has_content) {
    const bool own_companion = author.phone == account.phone && author.device != 0;
    if (own_companion && content->protocol_type == type_app_state_sync_key_request)
      share_keys(author.device, requested_keys(content->encoded));
    return;
  }
  const PhoneMessage* known = log.find(author.phone, source.id);
  if (known != nullptr && known->status != "failed") return;  // a resend of what was shown already
  log_received(source, author, *content);
}

void Phone::State::confirm(const Node& message, const MessageSource& source) {
  if (source.peer) return send(protocol::delivery_receipt(message, DeliveryReceipt::peer, source));
  if (source.from_me) return send(protocol::delivery_receipt(message, DeliveryReceipt::sender, source));
  Node receipt = protocol::delivery_receipt(message, DeliveryReceipt::active, source);
  if (delivering) return send(std::move(receipt));
  send(protocol::ack_for(message, own_pn()));  // taken from the network, but the sender is not told yet
  withhold(std::move(receipt));
}

void Phone::State::withhold(Node receipt) {
  const auto note = [this](std::uint64_t number) {
    network.changes().changed(RowKind::phone_withheld, account.phone, row_number(number, 8));
  };
  const std::uint64_t number = withheld.empty() ? 1 : withheld.rbegin()->first + 1;
  withheld.emplace_hint(withheld.end(), number, std::move(receipt));
  note(number);
  if (withheld.size() <= PhoneLimits::max_withheld_receipts) return;
  note(withheld.begin()->first);
  withheld.erase(withheld.begin());
}

void Phone::State::log_received(const MessageSource& source, const DeviceKey& author,
                                const protocol::IncomingMessage& content) {
  PhoneMessage shown;
  shown.id = source.id;
  shown.from_me = author.phone == account.phone;
  shown.device = author.device;
  shown.author = author.phone;
  Jid chat = source.chat;
  // Only an own device may say where its message went.
  if (shown.from_me && !source.recipient && content.device_sent_to) chat = content.device_sent_to->user_jid();
  const auto other = key_of(chat);
  shown.chat = other ? other->phone : chat.user;
  shown.kind = protocol::name(content.kind);
  shown.text = content.text;
  if (content.quote) shown.quoted_id = content.quote->id;
  for (const Jid& mention : content.mentions) {
    const auto who = key_of(mention);
    shown.mentions.push_back(who ? who->phone : mention.to_string());
  }
  shown.timestamp = static_cast<std::int64_t>(source.timestamp);
  shown.status = shown.from_me ? "server" : "received";
  const PhoneMessage received = shown;
  log.put(std::move(shown), {content.encoded, chat, !received.from_me});
  if (!received.from_me) react(received);
}

void Phone::State::react(const PhoneMessage& received) {
  if (auto_read) (void)read(received.chat, received.id);
  if (!auto_reply || received.kind != "text" || received.id.starts_with(auto_reply_prefix)) return;
  if (received.text.find(auto_reply->contains) == std::string::npos) return;
  Phone::Send reply;
  reply.to = received.chat;
  reply.text = auto_reply->text;
  (void)send_text(reply, auto_reply_prefix);
}

// --- reading

Result<std::size_t> Phone::State::read(std::string_view chat, std::string_view id) {
  const Account* peer = look_up(chat);
  if (peer == nullptr) return Error(Errc::not_found, "chat: nobody has this number");
  std::map<Jid, std::vector<std::string>> by_form;  // a receipt names its messages in the addressing they came in
  std::size_t count = 0;
  bool found = id.empty();
  const auto mark = [&](std::size_t i) {
    PhoneLog::Behind& behind = log.behind()[i];
    if (!behind.unread) return;
    behind.unread = false;
    const PhoneMessage& message = log.messages()[i];
    log.find(message.author, message.id)->status = "read";
    log.touch(message.author, message.id);
    by_form[behind.chat.user_jid()].push_back(message.id);
    ++count;
  };
  for (std::size_t i = log.messages().size(); i-- > 0;) {
    const PhoneMessage& message = log.messages()[i];
    if (message.chat != peer->phone || message.from_me || (!id.empty() && message.id != id)) continue;
    found = true;
    mark(i);
    if (!id.empty()) break;
  }
  if (!found) return Error(Errc::not_found, "id: no such message was received from this chat");
  for (auto& [form, ids_of_form] : by_form) {
    std::reverse(ids_of_form.begin(), ids_of_form.end());  // oldest first
    for (std::size_t i = 0; i < ids_of_form.size(); i += max_ids_per_receipt) {
      const auto first = ids_of_form.begin() + static_cast<std::ptrdiff_t>(i);
      const auto last =
          ids_of_form.begin() + static_cast<std::ptrdiff_t>(std::min(i + max_ids_per_receipt, ids_of_form.size()));
      send(protocol::read_receipt(form, std::nullopt, {first, last}, now()));
    }
  }
  return count;
}

// --- receipts

void Phone::State::on_receipt(const Node& node) {
  if (node.attr("type") == "retry") return on_retry(node);
  send(protocol::ack_for(node, std::nullopt));
  const auto receipt = protocol::read_receipt_stanza(node);
  const auto from = receipt ? key_of(receipt->from) : std::nullopt;
  if (!from || receipt->feature_incapable) return;
  if (from->phone == account.phone) {
    // An own companion read a chat.
    if (receipt->type != "read-self" && receipt->type != "read") return;
    const auto chat = receipt->recipient ? key_of(*receipt->recipient) : std::nullopt;
    if (!chat) return;
    for (const std::string& id : receipt->ids) {
      if (PhoneLog::Behind* behind = log.behind(chat->phone, id)) {
        behind->unread = false;
        log.touch(chat->phone, id);
      }
    }
    return;
  }
  const bool delivered = receipt->type.empty() || receipt->type == "inactive" || receipt->type == "delivery";
  const bool read_there = receipt->type == "read" || receipt->type == "played";
  for (const std::string& id : receipt->ids) {
    const PhoneMessage* message = log.find(account.phone, id);
    if (message == nullptr || message->chat != from->phone) continue;
    if (delivered) raise(id, "delivered");
    if (read_there) raise(id, "read");
  }
}

}  // namespace wharf::sandbox
