#include "sessions/inbound.h"

#include <utility>

#include "events/event.h"
#include "protocol/messages/padding.h"
#include "protocol/pairing/adv.h"
#include "protocol/stanzas/ack.h"
#include "sessions/message_details.h"
#include "sessions/server_time.h"
#include "sessions/status_audiences.h"
#include "sessions/status_events.h"

namespace wharf::sessions {

using protocol::CiphertextKind;
using protocol::IncomingMessage;
using protocol::MessageKind;
using protocol::MessageSource;
using protocol::ReceivedEnc;

namespace {

constexpr unsigned nack_parsing = 487, nack_unrecognised = 488, nack_invalid_protobuf = 491, nack_unhandled = 500;
constexpr int history_sync_notification = 5;
// What somebody else may make us store and tell: a text has at most 65,536 characters, a thumbnail or a quote some
// hundred kilobytes. Own devices may send more (history in one piece): 16 MiB, the protocol's bound.
constexpr std::size_t max_foreign_message_bytes = 4u << 20;
// What is said about a message is read together with others of its kind: a text has 65,536 characters, an emoji few.
constexpr std::size_t max_edit_bytes = 320u << 10, max_add_on_bytes = 16u << 10;
std::size_t max_bytes_about(const IncomingMessage& content) {
  const auto* sealed = std::get_if<protocol::Sealed>(&content.body);
  const bool edit = sealed ? sealed->what != protocol::Sealed::What::reaction : content.kind == MessageKind::edit;
  return edit ? max_edit_bytes : max_add_on_bytes;
}

// Prekeys of retry receipts come from the upper half of the 24-bit space, which uploads never touch (login_flow.cpp).
constexpr std::uint32_t retry_key_ids = 0x7FFFFE;

/// What the author's sender key is of: a group, status@broadcast, a broadcast list, which is no chat here. nullopt: he
/// writes to this account alone.
std::optional<Jid> room_of(const MessageSource& source) {
  return protocol::has_participants(source.from) ? std::optional(source.from.user_jid()) : std::nullopt;
}

/// Of statuses posts and their deletion alone: what is said about them otherwise has no place here yet.
bool worth_keeping_of_status(const IncomingMessage& content) {
  return protocol::target_of(content.body) == nullptr || content.kind == MessageKind::revoke;
}

/// A message of its own, or something about another one that names it.
bool worth_keeping(const IncomingMessage& content) {
  switch (content.kind) {
    case MessageKind::protocol:
    case MessageKind::disappearing:
    case MessageKind::sender_key_only: return false;
    case MessageKind::reaction:
    case MessageKind::poll_vote:
    case MessageKind::event_answer:
    case MessageKind::sealed:
    case MessageKind::edit:
    case MessageKind::revoke:
    case MessageKind::pin: return protocol::target_of(content.body) != nullptr;
    default: return true;
  }
}

bool is_pairwise(const ReceivedEnc& enc) { return enc.type == "pkmsg" || enc.type == "msg"; }

}  // namespace

void Inbound::plain_ack(const Node& message, unsigned error) {
  c_.send(protocol::ack_for(message, c_.device.jid, error));
}

void Inbound::acknowledge(const Node& message, const MessageSource& source) {
  using protocol::DeliveryReceipt;
  const auto* online = c_.link.while_online();
  DeliveryReceipt kind = online != nullptr && online->available ? DeliveryReceipt::active : DeliveryReceipt::inactive;
  if (source.peer) {
    kind = DeliveryReceipt::peer;
  } else if (source.from_me) {
    kind = DeliveryReceipt::sender;
  }
  c_.send(protocol::delivery_receipt(message, kind, source));
}

void Inbound::on_message(const Node& message) {
  const auto parsed = protocol::read_message_source(message, c_.device.jid, c_.device.lid);
  if (!parsed) return plain_ack(message, nack_parsing);
  const MessageSource& source = *parsed;
  if (source.author_alternate) directory_.learn(source.author, *source.author_alternate);
  if (source.chat_alternate) directory_.learn(source.chat, *source.chat_alternate);
  if (source.type == "medianotify") return plain_ack(message);

  const auto encs = protocol::read_encs(message);
  if (encs.empty())
    return plain_ack(message, message.child("unavailable") || message.child("plaintext") ? 0 : nack_unrecognised);
  const Jid author = directory_.canonical_device(source.author);
  if (waits_for_group(message, source, author, encs)) return;
  bool decrypted = false, unread = false;
  for (const ReceivedEnc& enc : encs) {
    const Read outcome = read(message, source, author, enc);
    if (outcome == Read::refused) return;
    (outcome == Read::yes ? decrypted : unread) = true;
  }
  // Acked, so that the queue drains, but nobody is told that we had the text, even when another part was read.
  if (unread || !decrypted) return plain_ack(message);
  acknowledge(message, source);
}

Inbound::Read Inbound::read(const Node& message, const MessageSource& source, const Jid& author,
                            const ReceivedEnc& enc) {
  const bool pairwise = is_pairwise(enc);
  const auto room = room_of(source);
  const bool for_all = enc.type == "skmsg" && room;
  if (!pairwise && !for_all) return Read::no;
  auto padded = pairwise ? decrypt(author, enc, message) : sender_keys_.decrypt(*room, author, enc.body);
  if (!padded) {
    // Processed before: the receipt was lost, not the message.
    if (padded.error().code == Errc::duplicate_message) return Read::yes;
    on_failure(message, source, author, enc.count, padded.error());
    return Read::refused;
  }
  const auto refuse = [&] {
    plain_ack(message, nack_invalid_protobuf);  // a resend would be equal
    return Read::refused;
  };
  auto plain = protocol::unpad_message(*padded);
  if (!plain) return refuse();
  const auto too_large = [&] {
    if (on_too_large) on_too_large(source.id, plain->size());
    return refuse();
  };
  if (!source.from_me && plain->size() > max_foreign_message_bytes) return too_large();
  auto content = protocol::parse_message(*plain);
  if (!content) return refuse();
  if (protocol::target_of(content->body) != nullptr && plain->size() > max_bytes_about(*content)) return too_large();
  if (pairwise && content->kind != MessageKind::sender_key_only && is_of_stranger(source, author)) {
    on_failure(message, source, author, enc.count, Error(Errc::forbidden, "its author is not a member of the group"));
    return Read::refused;
  }
  if (pairwise && room && !content->sender_key_distribution.empty())
    sender_keys_.process(*room, author, content->sender_key_group, content->sender_key_distribution);
  // The key is none of the message's: what is kept must not hold it.
  if (on_content(
          source, *content,
          content->sender_key_distribution.empty() ? protocol::to_bytes(*plain) : protocol::without_sender_key(*plain)))
    return Read::yes;
  tell_taken(message, source, source.chat);
  return Read::refused;
}

Result<Bytes> Inbound::decrypt(const Jid& author, const ReceivedEnc& enc, const Node& message) {
  auto& record = c_.keys.open(author);
  Result<protocol::Decrypted> result = Error(Errc::no_session, "no session");
  if (enc.type == "pkmsg") {
    const auto header = protocol::read_pre_key_message(enc.body);
    if (!header) return header.error();
    if (fanout_.contradicts_pairing(author, header->identity))
      return Error(Errc::bad_signature, "not the identity of our phone");
    if (author.device != 0) {
      // A companion must be vouched for by its account (02 section 8.4).
      if (const auto identity = message.child_data("device-identity")) {
        const auto valid =
            protocol::verify_device_identity(*identity, header->identity, c_.keys.identity(author.with_device(0)));
        if (!valid && valid.error().code != Errc::not_found) return valid.error();
      }
    }
    result = protocol::decrypt_pre_key_message(record, fanout_.local(), c_.keys.own_pre_keys(), enc.body, c_.random);
    if (result) {
      if (result->used_one_time) {
        c_.keys.consume_pre_key(*result->used_one_time);
        if (*result->used_one_time >= storage::first_retry_key_id) retry_keys_out_.came_back(author.user_jid());
      }
      fanout_.set_identity(author, header->identity);
    }
  } else {
    result = protocol::decrypt_message(record, fanout_.local(), enc.body, c_.random);
  }
  if (!result) return result.error();
  c_.keys.mark_changed(author);
  return std::move(result->plaintext);
}

bool Inbound::on_content(const MessageSource& source, const IncomingMessage& content, Bytes whole) {
  Jid chat = directory_.canonical_user(source.chat);
  if (source.chat.is_group()) chat = source.chat;
  // Only the own account's wrapper may route a message (03 section 6.3 step 6).
  if (content.was_device_sent && source.from_me && !source.recipient && content.device_sent_to) {
    chat = directory_.canonical_user(*content.device_sent_to);
  }
  if (content.has_protocol_message) on_protocol_message(source, content);
  const UnixMs at = stated_ms(source.timestamp, c_.now.unix_ms);
  if (chat.is_status() && (is_over(source) || !worth_keeping_of_status(content))) return true;
  if (const auto* timer = std::get_if<protocol::DisappearingTimer>(&content.body)) timers_.on_set(chat, *timer, at);
  if (!worth_keeping(content)) return true;
  const bool there = c_.records.has_message(chat, source.id);
  if (chat.has_sender_keys() && is_taken(source, chat, there)) return false;
  if (there || !note_told(source)) return true;
  storage::MessageRow row;
  row.session = c_.id();
  row.chat = std::move(chat);
  row.id = source.id;
  row.from_me = source.from_me;
  row.author = directory_.canonical_user(source.author);
  if (source.author.user_jid() != row.author) row.author_on_wire = source.author.user_jid();
  row.push_name = source.push_name;
  if (!row.from_me && on_push_name) on_push_name(row.author, row.push_name);
  row.kind = protocol::name(content.kind);
  row.body = content.text;
  row.content = std::move(whole);
  if (content.secret) row.secret = protocol::to_bytes(*content.secret);
  row.ack = source.from_me ? storage::AckLevel::server : storage::AckLevel::delivered;
  row.timestamp = at;
  row.created_at = c_.now.unix_ms;
  if (protocol::target_of(content.body) != nullptr) store_add_on(content, std::move(row));
  else store(source, content, std::move(row));
  return true;
}

bool Inbound::is_over(const MessageSource& source) const {
  return stated_ms(source.timestamp, c_.now.unix_ms) + status_lifetime_ms <= c_.server_ms();
}

void Inbound::on_protocol_message(const MessageSource& source, const IncomingMessage& content) {
  // Keys and history come from the own phone only, never from a stranger (03 section 12.15).
  if (!source.from_me || source.author.device != 0) return;
  bool any = false;
  for (const auto& key : content.app_state_keys) {
    // Without a key: the phone has none of that id. One that is known is never another (04 Bad input).
    if (key.data.size() != 32 || key.id.empty() || key.id.size() > 32 || c_.records.find_app_state_key(key.id))
      continue;
    c_.records.add(storage::PutAppStateKey{c_.id(), key.id, key.data, key.timestamp});
    any = true;
  }
  if (any && on_app_state_keys) on_app_state_keys();
  if (content.protocol_type == history_sync_notification) {
    Node receipt("receipt");
    receipt.set("id", source.id).set("to", source.from.user_jid()).set("type", "hist_sync");
    c_.send(receipt);
  }
}

void Inbound::store(const MessageSource& source, const IncomingMessage& content, storage::MessageRow row) {
  if (content.quote) {
    row.quoted_id = content.quote->id;
    row.quoted_author = content.quote->author;
  }
  row.mentions = content.mentions;
  const bool status = row.chat.is_status();
  row.details = message_details(content, room_of(source) && !source.chat.has_sender_keys());
  row.album_id = content.traits.album;
  const PersonIds chat_ids = directory_.person(row.chat);
  const events::Message& told = row;
  if (status) {
    tell_status_posted(c_, directory_, told);
  } else {
    timers_.on_message(row.chat, content.traits, row.timestamp);
    c_.emit(events::NewMessage{told, chat_ids, directory_.person(row.author), directory_.mentioned(told.mentions)});
  }
  auto alternate = row.chat.is_lid() ? chat_ids.pn : chat_ids.lid;
  const std::string id = row.id, kind = row.kind;
  const storage::MessageRow arrived = add_ons_.wanted(row) ? row : storage::MessageRow();
  c_.records.add(storage::InsertMessage{std::move(row), !source.from_me && !status, std::move(alternate)});
  if (!arrived.id.empty()) add_ons_.on_arrived(arrived);
  // Files of statuses nobody has asked for are not fetched.
  if (on_stored && (!status || c_.config.statuses)) on_stored(id, kind);
}

void Inbound::store_add_on(const IncomingMessage& content, storage::MessageRow row) {
  const protocol::MessageKey& target = *protocol::target_of(content.body);
  row.target_id = target.id;
  row.target_from_me = add_ons_.names_own(target, row);
  row.said_at = protocol::said_at(content.body);
  if (add_ons_.is_about_another(target, row)) return;
  if (const auto* reaction = std::get_if<protocol::Reaction>(&content.body)) row.body = reaction->text;
  if (add_ons_.is_about_revoked(row)) {
    row.body.clear();
    row.content.clear();
  }
  storage::MessageRow said = row;
  c_.records.add(storage::InsertMessage{std::move(row), false, std::nullopt});
  add_ons_.take_effect(said, content.body);
}

// --- failures

storage::RetryRow Inbound::retry_of(const Jid& author, const std::string& id) const {
  const storage::RetryRow row = c_.records.retry(author, id);
  if (row != storage::RetryRow() || !author.is_lid()) return row;
  const auto number = directory_.person(author.user_jid()).pn;
  return number ? c_.records.retry(number->with_device(author.device), id) : row;
}

bool Inbound::any_retries() {
  if (!any_retries_) any_retries_ = c_.records.has_retries();
  return *any_retries_;
}

bool Inbound::is_taken(const MessageSource& source, const Jid& chat, bool there) {
  if (!there) return is_awaited_of_another(chat, directory_.canonical_device(source.author), source.id);
  const auto message = c_.records.find_message(chat, source.id, source.from_me);
  if (!message) return true;  // the other side's
  return !source.from_me && directory_.canonical_user(message->author) != directory_.canonical_user(source.author);
}

bool Inbound::is_of_stranger(const MessageSource& source, const Jid& author) {
  if (!source.chat.is_group() || source.from_me) return false;
  const storage::RetryRow asked = any_retries() ? retry_of(author, source.id) : storage::RetryRow();
  if (asked.chat == source.chat) return false;
  return sender_keys_.is_stranger(source.chat, author, asked != storage::RetryRow() && asked.chat.empty());
}

bool Inbound::waits_for_group(const Node& message, const MessageSource& source, const Jid& author,
                              const std::vector<ReceivedEnc>& encs) {
  if (!source.chat.is_group() || source.from_me) return false;
  const Jid user = author.user_jid();
  if (!held_.holds(source.chat, user)) {
    if (std::none_of(encs.begin(), encs.end(), is_pairwise) || !is_of_stranger(source, author)) return false;
    if (!held_.is_asked_for(source.chat)) return false;
  }
  return held_.hold(message, source.chat, user);
}

bool Inbound::is_awaited_of_another(const Jid& chat, const Jid& author, const std::string& id) {
  constexpr std::size_t looked_at = 8;  // all of one person, as only the first may wait
  if (!any_retries() || retry_of(author, id) != storage::RetryRow()) return false;
  for (const Jid& awaited : c_.records.awaited_authors(id, chat, looked_at))
    if (directory_.canonical_user(awaited) != author.user_jid()) return true;
  return false;
}

void Inbound::tell_taken(const Node& message, const MessageSource& source, const Jid& chat) {
  plain_ack(message);
  if (!on_id_taken || c_.now.steady < taken_told_until_) return;
  taken_told_until_ = c_.now.steady + std::chrono::minutes(1);
  on_id_taken(chat, source.id, source.author);
}

bool Inbound::note_told(const MessageSource& source) {
  if (!any_retries()) return true;
  const Jid author = directory_.canonical_device(source.author);
  storage::RetryRow retry = retry_of(author, source.id);
  if (retry.told) return false;
  if (retry == storage::RetryRow()) return true;
  retry.told = true;
  c_.records.add(storage::PutRetry{c_.id(), author, source.id, retry, c_.now.unix_ms});
  return true;
}

std::optional<protocol::RetryKeys> Inbound::retry_keys(const Jid& author) {
  const auto signed_key = c_.records.find_signed_pre_key(c_.device.signed_pre_key_id);
  if (!signed_key || !retry_keys_out_.take(author.user_jid(), c_.now.steady)) return std::nullopt;
  protocol::RetryKeys keys;
  keys.identity = c_.device.identity.pub;
  keys.signed_pre_key = *signed_key;
  do {
    keys.one_time.id = storage::first_retry_key_id + c_.random.below(retry_key_ids);
  } while (c_.records.find_pre_key(keys.one_time.id));
  keys.one_time.pair = protocol::KeyPair::generate(c_.random);
  keys.device_identity = c_.device.account;
  c_.records.add(storage::AddRetryPreKey{c_.id(), author.user_jid(), keys.one_time, c_.now.unix_ms});
  return keys;
}

void Inbound::on_failure(const Node& message, const MessageSource& source, const Jid& author,
                         std::uint32_t stated_count, const Error& error) {
  const storage::RetryRow before = retry_of(author, source.id);
  if (before.told) return acknowledge(message, source);  // what was asked for once more came in another copy
  const Jid chat = source.chat.is_group() ? source.chat : directory_.canonical_user(source.chat);
  const bool there = c_.records.has_message(chat, source.id);
  if (chat.has_sender_keys() && is_taken(source, chat, there)) return tell_taken(message, source, chat);
  if (there) {
    // The copy that can be read came first. Another one may come, when the chat is gone.
    any_retries_ = true;
    c_.records.add(
        storage::PutRetry{c_.id(), author, source.id, {before.count, true, before.requests, chat}, c_.now.unix_ms});
    return acknowledge(message, source);
  }
  if (chat.is_status() && is_over(source)) return plain_ack(message);  // 03 section 8.1
  // Without its chat he is not taken for one who was asked as a member, and nobody's message waits behind his.
  const bool of_stranger = is_of_stranger(source, author);
  const std::uint32_t count = protocol::retry_number(before.count, stated_count);
  const std::uint32_t requests = before.requests + 1;
  if (count > c_.settings.max_retries || requests > c_.settings.max_retry_receipts)
    return plain_ack(message, nack_unhandled);
  any_retries_ = true;
  c_.records.add(storage::PutRetry{
      c_.id(), author, source.id, {count, false, requests, of_stranger ? Jid() : chat}, c_.now.unix_ms});
  // A resend on the existing session often works; without one, or the second time, the sender needs fresh keys.
  const bool with_keys = requests >= 2 || count >= 2 || !fanout_.has_session(author);
  c_.send(protocol::retry_receipt(message, count, protocol::retry_error_code(error.code), c_.device.registration_id,
                                  with_keys ? retry_keys(author) : std::nullopt));
  plain_ack(message);
  if (on_undecryptable) on_undecryptable(source.id, count, error);
}

}  // namespace wharf::sessions
