// Where an incoming <message> belongs and what it carries, from the stanza alone. Specification 03 sections 6.1 to 6.3.
#include <algorithm>

#include "protocol/stanzas/messages.h"
#include "protocol/text.h"

namespace wharf::protocol {

namespace {

constexpr std::size_t max_encs = 10;
constexpr std::size_t max_push_name_bytes = 256;

/// The chat identity of a user JID: no device, hosted devices belong to their ordinary account.
Jid chat_of(const Jid& jid) {
  Jid chat = jid.user_jid();
  if (chat.server == server::hosted) chat.server = server::user;
  if (chat.server == server::hosted_lid) chat.server = server::lid;
  return chat;
}

/// An optional JID attribute; malformed when it is there but no JID with a user.
Result<std::optional<Jid>> optional_jid(const Node& node, std::string_view key) {
  if (!node.has(key)) return std::optional<Jid>();
  auto jid = node.jid(key);
  if (!jid || jid->user.empty()) return Error(Errc::malformed, "message: bad " + std::string(key));
  return jid;
}

/// The other identity of `jid` from one of the attributes: a LID for a phone number and the reverse, anything else is
/// ignored, because a mapping within one namespace is none.
std::optional<Jid> alternate(const Node& node, const Jid& jid, std::initializer_list<std::string_view> keys) {
  const Jid chat = chat_of(jid);
  for (const std::string_view key : keys) {
    const auto other = node.jid(key);
    if (!other || other->user.empty()) continue;
    const Jid other_chat = chat_of(*other);
    if ((chat.is_lid() && other_chat.is_phone_number()) || (chat.is_phone_number() && other_chat.is_lid()))
      return other;
  }
  return std::nullopt;
}

int enc_rank(std::string_view type) { return type == "pkmsg" || type == "msg" ? 0 : type == "skmsg" ? 1 : 2; }

}  // namespace

bool has_participants(const Jid& from) { return from.is_group() || from.server == server::broadcast; }

Result<MessageSource> read_message_source(const Node& message, const Jid& own_pn, const Jid& own_lid) {
  MessageSource source;
  source.id = message.attr("id");
  const auto from = message.jid("from");
  if (!acceptable_id(source.id) || !from || from->user.empty())
    return Error(Errc::malformed, "message without id or from");
  auto participant = optional_jid(message, "participant");
  if (!participant) return participant.error();
  auto recipient = optional_jid(message, "recipient");
  if (!recipient) return recipient.error();
  source.from = *from;
  source.participant = std::move(*participant);
  source.recipient = std::move(*recipient);

  const auto is_own = [&](const Jid& jid) {
    const Jid user = chat_of(jid);
    return (!own_pn.user.empty() && user == chat_of(own_pn)) || (!own_lid.user.empty() && user == chat_of(own_lid));
  };
  if (has_participants(*from)) {
    if (!source.participant) return Error(Errc::malformed, "group message without participant");
    source.author = *source.participant;
    source.from_me = is_own(source.author);
    // A broadcast list is a private matter of its owner: for others it is an ordinary message of the author.
    const bool list = from->server == server::broadcast && from->user != "status" && !source.from_me;
    source.chat = list ? chat_of(source.author) : from->user_jid();
    source.author_alternate =
        alternate(message, source.author, {"participant_lid", "participant_pn", "sender_lid", "sender_pn"});
  } else {
    source.author = *from;
    source.from_me = is_own(*from);
    source.chat = chat_of(source.from_me && source.recipient ? *source.recipient : *from);
    if (!source.from_me) {
      source.author_alternate = alternate(message, source.author, {"sender_lid", "sender_pn"});
    } else if (source.recipient) {
      source.chat_alternate =
          alternate(message, source.chat, {"peer_recipient_lid", "peer_recipient_pn", "recipient_lid", "recipient_pn"});
    }
  }
  if (source.recipient && !source.from_me) return Error(Errc::malformed, "message of a stranger with a recipient");

  source.peer = source.from_me && message.attr("category") == "peer";
  source.push_name = display_line(message.attr("notify"), max_push_name_bytes);
  if (source.push_name == "-") source.push_name.clear();
  source.timestamp = message.number("t").value_or(0);
  source.offline = message.has("offline");
  source.type = message.attr("type");
  source.edit = message.attr("edit");
  return source;
}

std::vector<ReceivedEnc> read_encs(const Node& message) {
  std::vector<ReceivedEnc> encs;
  for (const Node* node : message.children("enc")) {
    if (encs.size() == max_encs) break;
    ReceivedEnc enc;
    enc.type = node->attr("type");
    const bool known = enc.type == "pkmsg" || enc.type == "msg" || enc.type == "skmsg" || enc.type == "msmsg";
    // Version 3 is the Messenger bridge: another padding, not spoken here.
    const bool spoken = !node->has("v") || node->number("v") == 2u;
    if (!known || !spoken || node->data().empty()) continue;
    enc.count = static_cast<unsigned>(std::min<std::uint64_t>(node->number("count").value_or(0), 1000));
    enc.body = node->data();
    enc.hide_on_failure = node->attr("decrypt-fail") == "hide";
    encs.push_back(std::move(enc));
  }
  // The pairwise ciphertext carries the key that opens the group's.
  std::stable_sort(encs.begin(), encs.end(),
                   [](const ReceivedEnc& a, const ReceivedEnc& b) { return enc_rank(a.type) < enc_rank(b.type); });
  return encs;
}

}  // namespace wharf::protocol
