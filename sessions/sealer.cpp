#include "sessions/sealer.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "protocol/messages/message_id.h"
#include "protocol/noise/frame.h"
#include "protocol/signal/sender_key.h"
#include "sessions/channels/channel_posting.h"
#include "sessions/server_time.h"

namespace wharf::sessions {

using storage::MessageRow;

namespace {

std::string explain_ack_error(unsigned error) {
  const std::string code = " (" + std::to_string(error) + ")";
  switch (error) {
    case 400: return "the server found the message malformed" + code;
    case 401:
    case 403: return "not allowed to message this chat" + code;
    case 404: return "the recipient does not exist" + code;
    case 463: return "not allowed to message this contact yet" + code;
    case 475: return "the limit of new chats is reached" + code;
    case 479: return "the message failed the server's validation" + code;
    default: return "refused by the server" + code;
  }
}

Sealer::Refused::Remedy remedy_of(unsigned error) {
  using Remedy = Sealer::Refused::Remedy;
  switch (error) {
    case 400: return Remedy::readdress;
    case 421: return Remedy::reseal;
    case 408:
    case 429:
    case 500:
    case 503: return Remedy::try_again;
    default: return Remedy::none;
  }
}

Sealer::Stale stale_after(const protocol::Ack& ack) {
  if (ack.error == 421) return Sealer::Stale::recipient;  // the group is addressed in another way by now
  if (ack.refresh_lid) return Sealer::Stale::recipient_and_own;
  return ack.error == 404 || ack.error == 479 ? Sealer::Stale::recipient : Sealer::Stale::none;
}

}  // namespace

// --- composing

Outcome<> Sealer::can_send() const {
  if (c_.linked()) return {};
  return Refusal(Error(Errc::not_ready, "the session is not linked to a WhatsApp account"));
}

Outcome<> Sealer::can_send_to(const Jid& chat) const {
  if (chat.is_phone_number() || chat.is_lid() || chat.is_status()) return {};
  if (chat.is_channel()) return may_post(c_, chat);
  if (!chat.is_group())
    return Refusal(Error(Errc::not_implemented, "sending to " + chat.server + " chats is not implemented yet"));
  const Groups::Standing standing = groups_.standing(chat);
  if (!standing.known && groups_.complete())
    return Refusal(Errc::not_found, Subject::group, "the account is in no group " + chat.to_string());
  if (standing.community)
    return Refusal(Errc::forbidden, Subject::group,
                   "this is a community, which holds no messages: write to one of its groups");
  if (!standing.known || standing.stale) return {};  // it is asked for before anything is sealed
  if (!standing.member)
    return Refusal(Errc::forbidden, Subject::group,
                   "the account is not a member of this group: an admin has to add it, or it joins by an invite link");
  if (standing.announcement && !standing.admin)
    return Refusal(Errc::forbidden, Subject::group,
                   "only admins may send to this group: one of them has to make the account an admin, or to let all "
                   "members send");
  return {};
}

Outcome<Jid> Sealer::chat_of(const SendMessage& request) const {
  const std::string* about = about_message(request.content);
  if (about == nullptr) return request.chat.has_sender_keys() ? request.chat : directory_.canonical_user(request.chat);
  const auto message = composer_.find(*about, request.chat);
  if (!message) return message.error();
  return message->chat;
}

// --- sealing

Result<Bytes> Sealer::seal(const Jid& chat, const MessageRow& message, ByteView handle) {
  if (chat.is_channel()) return as_payload(post_stanza(chat, message, protocol::as_text(handle)));
  return seal(chat, message, fanout_.addressing(chat));
}

Result<Bytes> Sealer::seal(const Jid& chat, const MessageRow& message, Fanout::Addressing addressing,
                           const std::vector<Jid>& reached) {
  aim_at(chat, message);
  if (chat.is_status())
    if (const char* nobody = audiences_.why_nobody()) return Error(Errc::not_found, nobody);
  return as_payload(chat.has_sender_keys()
                        ? group_fanout_.seal(chat, message.id, message.content, message.secret)
                        : fanout_.seal(chat, message.id, message.content, message.secret, addressing, reached));
}

Result<Bytes> Sealer::as_payload(const Result<Node>& stanza) {
  if (!stanza) return stanza.error();
  Bytes payload = protocol::encode_node(*stanza);
  // A frame cannot carry more, and the connection would not survive the try (01 section 2).
  if (payload.size() > protocol::max_payload_bytes) {
    return Error(Errc::too_large, "the message is too large: " + std::to_string(payload.size()) +
                                      " bytes encrypted for all devices of this chat, " +
                                      std::to_string(protocol::max_payload_bytes) + " are possible");
  }
  return payload;
}

Result<void> Sealer::sendable(ByteView sealed) {
  if (sealed.size() <= protocol::max_payload_bytes) return {};
  return Error(Errc::too_large, "the message is too large once encrypted for all devices of this chat");
}

std::optional<std::uint32_t> Sealer::group_key_of(ByteView sealed) {
  const auto stanza = protocol::decode_outline(sealed);
  const Node* enc = stanza ? stanza->child("enc") : nullptr;
  const auto key = enc != nullptr ? protocol::read_group_message_key(enc->data())
                                  : Result<protocol::GroupMessageKey>(Error(Errc::malformed, "no message to a group"));
  return key ? std::optional(key->key_id) : std::nullopt;
}

std::optional<Sealer::Address> Sealer::address_of(ByteView sealed) {
  const auto stanza = protocol::decode_node(sealed);
  const auto to = stanza ? stanza->jid("to") : std::nullopt;
  const Node* participants = stanza ? stanza->child("participants") : nullptr;
  if (!to || participants == nullptr) return std::nullopt;
  Address address{*to, {}};
  for (const Node* copy : participants->children("to")) {
    if (const auto device = copy->jid("jid")) address.devices.push_back(*device);
  }
  return address;
}

Result<Bytes> Sealer::seal_missed(const Jid& chat, const MessageRow& message, ByteView sealed) {
  if (chat.has_sender_keys()) {
    aim_at(chat, message);
    const auto key = group_key_of(sealed);
    if (!group_fanout_.missed_some(chat, key)) return Error(Errc::not_found, "everybody has it");
    return as_payload(group_fanout_.seal(chat, message.id, message.content, message.secret, key));
  }
  const auto address = address_of(sealed);
  if (!address) return Error(Errc::malformed, "the stored stanza is no message");
  // In its own namespace: to the receivers it is the same message.
  const auto addressing = address->to.is_lid() ? Fanout::Addressing::lid : Fanout::Addressing::phone_number;
  // An address can change hands meanwhile: whoever has another one now was not written to.
  if (fanout_.user_on_wire(chat, addressing) != address->to)
    return Error(Errc::not_found, "the recipient is known by another address than the message was sent to");
  return seal(chat, message, addressing, address->devices);
}

// A LID that the server does not take yet: the same message goes to the number.
std::optional<Bytes> Sealer::readdress(const Jid& chat, const MessageRow& message, ByteView sealed) {
  if (chat.has_sender_keys()) return std::nullopt;
  const auto refused = address_of(sealed);
  if (!refused || !refused->to.is_lid() || !directory_.person(chat).pn) return std::nullopt;
  auto again = seal(chat, message, Fanout::Addressing::phone_number);
  if (!again) return std::nullopt;
  return std::move(*again);
}

// --- answers

Sealer::Verdict Sealer::judge(const protocol::Ack& ack) const {
  if (ack.error == 0) return {Accepted{stated_ms(ack.timestamp, c_.now.unix_ms), ack.phash}, stale_after(ack)};
  return {Refused{explain_ack_error(ack.error), remedy_of(ack.error)}, stale_after(ack)};
}

bool Sealer::reached_all(ByteView sealed, const Accepted& accepted) const {
  if (accepted.device_hash.empty()) return true;
  if (const auto stanza = protocol::decode_outline(sealed); stanza && stanza->has("phash"))
    return stanza->attr("phash") == accepted.device_hash;
  auto address = address_of(sealed);
  if (!address || address->to.is_status()) return true;  // whom it is for its sender says
  address->devices.push_back(address->to.is_lid() && !c_.device.lid.empty() ? c_.device.lid : c_.device.jid);
  return protocol::participant_hash(address->devices) == accepted.device_hash;
}

void Sealer::forget(Stale stale, const Jid& chat, const std::string& counted) {
  if (stale == Stale::none || chat.is_channel()) return;  // a post is sealed for nobody
  const bool in_doubt = counted.empty() || is_new_doubt(chat, counted);
  if (chat.has_sender_keys()) {
    if (stale == Stale::recipient) groups_.mark_stale(chat);  // nothing says that devices are others
    else group_fanout_.forget(chat);                          // which bounds itself
  } else if (in_doubt) {
    directory_.forget_devices(chat);
  }
  if (stale == Stale::recipient_and_own && in_doubt)
    directory_.forget_devices(directory_.canonical_user(c_.device.jid));
}

bool Sealer::is_new_doubt(const Jid& chat, const std::string& counted) {
  std::erase_if(doubts_, [this](const auto& doubt) { return doubt.second <= c_.now.steady; });
  constexpr std::size_t told_apart_by = 64;  // an attribute of the server, of any length
  const std::pair doubt(chat, counted.substr(0, told_apart_by));
  if (doubts_.contains(doubt)) return false;
  const auto sooner = [](const auto& a, const auto& b) { return a.second < b.second; };
  if (doubts_.size() >= most_doubts) doubts_.erase(std::min_element(doubts_.begin(), doubts_.end(), sooner));
  doubts_[doubt] = c_.now.steady + doubt_again;
  return true;
}

void Sealer::settle(const Jid& chat, const std::string& message_id, ByteView sealed, bool arrived) {
  if (!chat.has_sender_keys() && !(arrived && tokens_.owes(chat))) return;
  const auto stanza = protocol::decode_outline(sealed);
  // What edits or revokes gives none (03 section 4.6).
  if (!chat.has_sender_keys()) {
    if (stanza && !stanza->has("edit")) tokens_.give(chat);
    return;
  }
  if (stanza && stanza->child("participants") != nullptr) group_fanout_.settle(chat, message_id, arrived);
}

}  // namespace wharf::sessions
