// Messages out of a phone: queued per chat until device lists and sessions are known, then encrypted for every device
// of the recipient and every own companion. Specification 03 section 4; addressing by LID always (06 section 8.2).

#include <algorithm>
#include <utility>

#include "protocol/messages/padding.h"
#include "protocol/stanzas/ack.h"
#include "sandbox/phone_state.h"
#include "sandbox/phones.h"

namespace wharf::sandbox {

using protocol::Errc;
using protocol::Error;
using protocol::Result;

namespace {

/// 0 for a status that is none of a sent message's.
int rank(std::string_view status) {
  if (status == "pending") return 1;
  if (status == "server") return 2;
  if (status == "delivered") return 3;
  if (status == "read") return 4;
  return 0;
}

/// The iOS form. Of an ordinary message the first digit is never a letter, so that no prefix for automatic replies
/// comes up by chance.
std::string new_id(std::string_view prefix, protocol::Random& random) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string id(prefix.empty() ? std::string_view("3A") : prefix);
  if (prefix.empty()) id += digits[random.below(10)];
  while (id.size() < 20) id += digits[random.below(16)];
  return id;
}

}  // namespace

Result<std::string> Phone::State::send_text(const Phone::Send& message, std::string_view id_prefix) {
  if (message.text.empty()) return Error(Errc::malformed, "text is empty");
  const Account* peer = look_up(message.to);
  if (peer == nullptr) return Error(Errc::not_found, "to: nobody has this number");
  const std::string chat = peer->phone;

  protocol::TextContent content;
  content.text = message.text;
  std::vector<std::string> mentions;
  for (const std::string& who : message.mentions) {
    const Account* mentioned = look_up(who);
    if (mentioned == nullptr) return Error(Errc::not_found, "mentions: nobody has the number " + who);
    content.mentions.push_back(mentioned->jid());
    mentions.push_back(mentioned->phone);
  }
  if (!message.quoted_id.empty()) {
    const auto& known = log.messages();
    const auto quoted = std::find_if(known.rbegin(), known.rend(), [&](const PhoneMessage& m) {
      return m.id == message.quoted_id && m.chat == chat;
    });
    if (quoted == known.rend()) return Error(Errc::not_found, "quoted: this phone knows no such message of the chat");
    const Account* author = network.find_account(std::string_view(quoted->author));
    protocol::Quote quote;
    quote.id = quoted->id;
    quote.author = author != nullptr ? author->jid() : peer->jid();
    quote.message = protocol::quotable(log.behind(quoted->author, quoted->id)->encoded);
    content.quote = std::move(quote);
  }
  protocol::OutgoingMessage built = protocol::build_text(content, random());

  PhoneMessage shown;
  shown.id = new_id(id_prefix, random());
  shown.from_me = true;
  shown.chat = chat;
  shown.author = account.phone;
  shown.kind = "text";
  shown.text = message.text;
  shown.quoted_id = message.quoted_id;
  shown.mentions = std::move(mentions);
  shown.timestamp = static_cast<std::int64_t>(now());
  shown.status = "pending";
  const std::string id = shown.id;
  log.put(std::move(shown), {built.encoded, form_for(*peer), false});

  SentMessage kept;
  kept.id = id;
  kept.chat = chat;
  const protocol::StanzaKind kind = protocol::stanza_kind(built.encoded);
  kept.type = kind.type;
  kept.media_type = kind.media_type;
  kept.secret = built.secret;
  kept.encoded = std::move(built.encoded);
  kept.queued = true;
  keep_sent(std::move(kept));
  queues[chat].ids.push_back(id);
  start_next(chat);
  return id;
}

void Phone::State::send_peer(std::uint16_t device, Bytes encoded) {
  SentMessage message;
  message.id = new_id({}, random());
  message.chat = account.phone;
  message.encoded = std::move(encoded);
  message.peer_device = device;
  message.queued = true;
  const std::string id = message.id;
  keep_sent(std::move(message));
  const std::string queue = queue_of(sent[id]);
  queues[queue].ids.push_back(id);
  start_next(queue);
}

std::string Phone::State::queue_of(const SentMessage& message) {
  return message.peer_device ? "peer:" + std::to_string(*message.peer_device) : message.chat;
}

void Phone::State::keep_sent(SentMessage message) {
  sent_order.push_back(message.id);
  const std::string id = message.id;
  last_order = message.order = std::max(message.order, last_order + 1);
  sent[id] = std::move(message);
  sent_changed(id);
  while (sent_order.size() > PhoneLimits::max_sent) {
    const auto oldest = sent.find(sent_order.front());
    // One that waits for its ack or its turn is not forgotten; the queue is only as long as the tester makes it.
    if (oldest != sent.end() && !oldest->second.done()) break;
    sent_changed(sent_order.front());
    if (oldest != sent.end()) sent.erase(oldest);
    sent_order.pop_front();
  }
}

// --- one chat, one message at a time

void Phone::State::start_next(const std::string& chat) {
  // A message whose devices are all known is finished before begin() returns: a loop, not a recursion per message.
  if (!starting.insert(chat).second) return;
  for (;;) {
    const auto found = queues.find(chat);
    if (found == queues.end() || found->second.busy || !powered) break;
    if (found->second.ids.empty()) {
      queues.erase(found);
      break;
    }
    found->second.busy = true;
    begin(chat, std::string(found->second.ids.front()));
  }
  starting.erase(chat);
}

void Phone::State::begin(const std::string& chat, const std::string& id) {
  const auto message = sent.find(id);
  if (message == sent.end()) return finish(chat, Error(Errc::internal, "forgotten before it was sent"));
  if (message->second.peer_device) {
    const DeviceKey device{account.phone, *message->second.peer_device};
    return with_sessions({device}, [this, chat, id](Result<void> ready) {
      if (!ready) return finish(chat, ready.error());
      const auto waiting = sent.find(id);
      finish(chat, waiting != sent.end() ? encrypt_and_send(waiting->second)
                                         : Error(Errc::internal, "forgotten before it was sent"));
    });
  }
  with_device_lists({chat, account.phone}, [this, chat, id](Result<void> known) {
    if (!known) return finish(chat, known.error());
    fan_out(chat, id);
  });
}

void Phone::State::fan_out(const std::string& chat, const std::string& id) {
  std::vector<DeviceKey> devices = devices_of(chat);
  if (chat != account.phone) {
    for (const DeviceKey& own : devices_of(account.phone)) devices.push_back(own);
  }
  with_sessions(std::move(devices), [this, chat, id](Result<void> ready) {
    if (!ready) return finish(chat, ready.error());
    const auto message = sent.find(id);
    if (message == sent.end()) return finish(chat, Error(Errc::internal, "forgotten before it was sent"));
    finish(chat, encrypt_and_send(message->second));
  });
}

void Phone::State::finish(const std::string& chat, Result<void> outcome) {
  const auto found = queues.find(chat);
  if (found == queues.end()) return;
  found->second.busy = false;
  if (!outcome && outcome.error().code == Errc::closed) return;  // goes on when the phone is switched on again
  const std::string id = found->second.ids.front();
  found->second.ids.pop_front();
  if (const auto message = sent.find(id); message != sent.end()) {
    message->second.queued = false;
    if (!outcome) message->second.acked = true;  // nothing will come
    sent_changed(id);
  }
  if (!outcome) raise(id, "error", outcome.error().detail);
  start_next(chat);
}

// --- encryption

std::optional<protocol::Ciphertext> Phone::State::seal(const DeviceKey& device, ByteView message) {
  const auto session = sessions.find(device);
  if (session == sessions.end()) return std::nullopt;
  session_changed(device);
  auto sealed = protocol::encrypt(session->second, local, protocol::pad_message(message, random()));
  if (!sealed) return std::nullopt;
  return std::move(*sealed);
}

Result<void> Phone::State::encrypt_and_send(SentMessage& message) {
  if (message.peer_device) {
    const DeviceKey device{account.phone, *message.peer_device};
    const auto sealed = seal(device, message.encoded);
    if (!sealed) return Error(Errc::no_session, "the companion has no usable prekeys");
    message.addressed.insert(device);
    transmit(message, protocol::peer_message_stanza(message.id, account.jid(device.device), *sealed, {}));
    return {};
  }
  const Account* peer = network.find_account(std::string_view(message.chat));
  if (peer == nullptr) return Error(Errc::not_found, "the recipient is gone");
  const bool note_to_self = message.chat == account.phone;

  protocol::OutgoingStanza stanza;
  stanza.id = message.id;
  const bool lid = by_lid(*peer);
  const auto form = [lid](const Account& whose, std::uint16_t device) {
    return lid ? whose.lid_jid(device) : whose.pn_jid(device);
  };
  stanza.to = form(*peer, 0);
  stanza.type = message.type;
  stanza.media_type = message.media_type;
  if (!note_to_self && lid) stanza.peer_recipient_pn = peer->pn_jid();
  stanza.reporting_token =
      protocol::reporting_token(message.encoded, message.secret, message.id, form(account, 0), stanza.to);

  bool reached = note_to_self;
  const auto add = [&](const DeviceKey& device, const Jid& jid, ByteView plaintext) {
    if (message.addressed.contains(device)) return false;
    const auto sealed = seal(device, plaintext);
    if (!sealed) return false;
    stanza.participants.push_back({jid, *sealed});
    message.addressed.insert(device);
    return true;
  };
  if (!note_to_self) {
    for (const DeviceKey& device : devices_of(message.chat)) {
      reached |= add(device, form(*peer, device.device), message.encoded);
    }
  }
  // Never only to own devices: they would show a message that nobody got.
  if (!reached && !message.completed_fan_out)
    return Error(Errc::no_session, "no device of the recipient has usable prekeys");
  const Bytes own_copy = protocol::wrap_device_sent(message.encoded, stanza.to);
  for (const DeviceKey& device : devices_of(account.phone)) add(device, form(account, device.device), own_copy);

  if (stanza.participants.empty()) {  // a note to self without companions, or nothing was missing after all
    message.acked = true;
    sent_changed(message.id);
    raise(message.id, "server");
    return {};
  }
  transmit(message, protocol::message_stanza(stanza));
  return {};
}

// --- acks

void Phone::State::transmit(SentMessage& message, Node stanza) {
  message.stanza = stanza;
  message.acked = false;
  message.attempts = 1;
  message.sent_ms = now_ms();
  unacked.insert(message.id);
  sent_changed(message.id);
  send(std::move(stanza));
  check_unacked();
}

void Phone::State::check_unacked() {
  if (!powered) return;
  for (const std::string& id : std::vector<std::string>(unacked.begin(), unacked.end())) {
    const auto found = sent.find(id);
    if (found == sent.end() || found->second.acked) {
      unacked.erase(id);
      continue;
    }
    SentMessage& message = found->second;
    if (now_ms() - message.sent_ms < PhoneLimits::ack_timeout_ms) continue;
    if (message.attempts == PhoneLimits::max_send_attempts) {
      message.acked = true;
      sent_changed(id);
      raise(id, "error", "the network never acknowledged it");
      unacked.erase(id);
      continue;
    }
    ++message.attempts;
    message.sent_ms = now_ms();
    send(message.stanza);  // the same ciphertexts: the network and the receivers know the id
  }
  if (unacked.empty()) {
    ack_timer.reset();
  } else if (!ack_timer) {
    ack_timer = network.clock().after(PhoneLimits::ack_timeout_ms / 2, [this] {
      ack_timer.reset();
      check_unacked();
    });
  }
}

void Phone::State::on_ack(const Node& node) {
  const auto ack = protocol::read_ack(node);
  if (!ack || ack->stanza != "message") return;
  const auto found = sent.find(ack->id);
  if (found == sent.end()) return;
  SentMessage& message = found->second;
  message.acked = true;
  message.stanza = Node();
  unacked.erase(message.id);
  sent_changed(message.id);
  if (ack->error != 0) {
    raise(message.id, "error", "the network refused it with " + std::to_string(ack->error));
    device_lists.erase(message.chat);
    return;
  }
  if (PhoneMessage* shown = log.find(account.phone, message.id); shown != nullptr && ack->timestamp != 0) {
    shown->timestamp = static_cast<std::int64_t>(ack->timestamp);
    log.touch(account.phone, message.id);
  }
  raise(message.id, "server");
  if (!ack->phash.empty() && !message.peer_device) {
    device_lists.erase(message.chat);
    device_lists.erase(account.phone);
    if (!std::exchange(message.completed_fan_out, true)) {
      message.owes_fan_out = true;
      complete_fan_out(message.id);
    }
  }
}

void Phone::State::complete_fan_out(const std::string& id) {
  const std::string chat = sent[id].chat;
  with_device_lists({chat, account.phone}, [this, chat, id](Result<void> known) {
    if (!known) return end_fan_out(id, known);
    std::vector<DeviceKey> devices = devices_of(chat);
    for (const DeviceKey& own : devices_of(account.phone)) devices.push_back(own);
    with_sessions(std::move(devices), [this, id](Result<void> ready) { end_fan_out(id, ready); });
  });
}

void Phone::State::end_fan_out(const std::string& id, const Result<void>& ready) {
  const auto message = sent.find(id);
  if (message == sent.end() || (!ready && ready.error().code == Errc::closed))
    return;  // goes on with the next power_on
  message->second.owes_fan_out = false;
  sent_changed(id);
  if (ready) (void)encrypt_and_send(message->second);
}

void Phone::State::raise(std::string_view id, std::string_view status, std::string_view failure) {
  PhoneMessage* message = log.find(account.phone, id);
  // A companion's message that could not be read stays failed until its resend is: that one is what is shown.
  if (message == nullptr || !message->from_me || message->status == "failed") return;
  if (status != "error" && rank(status) <= rank(message->status)) return;
  if (status == "error" && rank(message->status) > rank("pending")) return;
  message->status = status;
  message->failure = failure;
  log.touch(account.phone, id);
}

}  // namespace wharf::sandbox
