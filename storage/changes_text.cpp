// Changes as lines of text, for tests and traces. Keys, records and contents are only counted.

#include <fmt/format.h>

#include "protocol/text.h"
#include "storage/changes.h"

namespace wharf::storage {

namespace {

class Line {
 public:
  explicit Line(std::string_view name) : text_(name) {}

  Line& field(std::string_view name, std::string_view value) {
    constexpr std::size_t shown = 80;
    text_ += fmt::format(" {}=\"", name);
    for (const char c : protocol::displayable(value.substr(0, shown))) {
      if (c == '"' || c == '\\') text_ += '\\';
      if (c == '\n') text_ += "\\n";  // a change is one line
      else text_ += c;
    }
    text_ += '"';
    return *this;
  }
  Line& field(std::string_view name, const std::string& value) { return field(name, std::string_view(value)); }
  Line& field(std::string_view name, const protocol::Jid& jid) { return raw(name, jid.to_string()); }
  Line& field(std::string_view name, SessionId session) { return raw(name, std::to_string(session.value)); }
  Line& field(std::string_view name, OrgId org) { return raw(name, std::to_string(org.value)); }
  Line& field(std::string_view name, bool value) { return raw(name, value ? "true" : "false"); }
  template <class Number>
    requires std::is_integral_v<Number>
  Line& field(std::string_view name, Number number) {
    return raw(name, std::to_string(number));
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  Line& field(std::string_view name, Enum value) {
    return raw(name, std::to_string(static_cast<int>(value)));
  }
  template <class Value>
  Line& field(std::string_view name, const std::optional<Value>& value) {
    return value ? field(name, *value) : *this;
  }
  Line& bytes(std::string_view name, std::size_t size) { return raw(name, fmt::format("<{} bytes>", size)); }
  Line& count(std::string_view name, std::size_t size) { return raw(name, fmt::format("<{}>", size)); }
  std::string take() { return std::move(text_); }

 private:
  Line& raw(std::string_view name, std::string_view value) {
    text_ += fmt::format(" {}={}", name, value);
    return *this;
  }
  std::string text_;
};

std::string line(const InsertMessage& c) {
  Line out("InsertMessage");
  out.field("session", c.row.session).field("chat", c.row.chat).field("id", c.row.id).field("from_me", c.row.from_me);
  out.field("author", c.row.author).field("push_name", c.row.push_name).field("kind", c.row.kind);
  out.field("body", c.row.body).field("quoted", c.row.quoted_id).count("mentions", c.row.mentions.size());
  out.bytes("content", c.row.content.size()).bytes("secret", c.row.secret.size()).field("ack", c.row.ack);
  out.field("error", c.row.error).field("at", c.row.timestamp).field("unread", c.unread);
  if (!c.row.details.empty()) out.field("details", c.row.details);
  if (!c.row.target_id.empty()) out.field("target", c.row.target_id).field("target_from_me", c.row.target_from_me);
  if (!c.row.album_id.empty()) out.field("album", c.row.album_id);
  return out.field("alternate", c.chat_alternate).take();
}
template <class Change>
Line& message_of(Line& out, const Change& c) {
  return out.field("session", c.session).field("chat", c.chat).field("id", c.id).field("from_me", c.from_me);
}
std::string line(const EditMessage& c) {
  Line out("EditMessage");
  message_of(out, c).field("body", c.body).count("mentions", c.mentions.size()).field("at", c.at);
  if (c.details) out.field("details", *c.details);
  if (!c.content.empty()) out.bytes("content", c.content.size());
  return out.take();
}
std::string line(const RevokeMessage& c) {
  Line out("RevokeMessage");
  return message_of(out, c).field("at", c.at).take();
}
std::string line(const PutDetails& c) {
  Line out("PutDetails");
  return message_of(out, c).field("details", c.details).take();
}
std::string line(const PutOpened& c) {
  Line out("PutOpened");
  message_of(out, c).field("kind", c.kind).field("body", c.body).field("details", c.details);
  return out.bytes("content", c.content.size()).field("said_at", c.said_at).take();
}
std::string line(const PutContent& c) {
  Line out("PutContent");
  return message_of(out, c).bytes("content", c.content.size()).take();
}
std::string line(const ReleaseMessage& c) {
  Line out("ReleaseMessage");
  return out.field("session", c.session).field("chat", c.chat).field("id", c.id).field("at", c.at).take();
}
std::string line(const WithdrawMessage& c) {
  Line out("WithdrawMessage");
  return out.field("session", c.session).field("chat", c.chat).field("id", c.id).field("error", c.error).take();
}
std::string line(const PutStar& c) {
  Line out("PutStar");
  return message_of(out, c).field("at", c.at).take();
}
std::string line(const PutPin& c) {
  Line out("PutPin");
  return message_of(out, c).field("by", c.by).field("until", c.until).field("at", c.at).take();
}
std::string line(const RemoveMessage& c) {
  Line out("RemoveMessage");
  return message_of(out, c).take();
}
std::string line(const RaiseAck& c) {
  Line out("RaiseAck");
  out.field("session", c.session).field("row", c.message_row).field("level", c.level).field("error", c.error);
  return out.field("at", c.timestamp).take();
}
std::string line(const RaiseAckById& c) {
  Line out("RaiseAckById");
  out.field("session", c.session).field("id", c.id).field("level", c.level).field("error", c.error);
  if (c.never_left) out.field("never_left", c.never_left);
  return out.field("at", c.timestamp).take();
}
std::string line(const ReadReceived& c) {
  return Line("ReadReceived").field("session", c.session).field("chat", c.chat).field("id", c.id).take();
}
std::string line(const LowerUnread& c) {
  return Line("LowerUnread").field("session", c.session).field("chat", c.chat).field("by", c.by).take();
}
std::string line(const RemoveChat& c) {
  return Line("RemoveChat").field("session", c.session).field("chat", c.chat).take();
}
std::string line(const MergeChats& c) {
  return Line("MergeChats").field("session", c.session).field("from", c.from).field("to", c.to).take();
}
std::string line(const PutChatTimer& c) {
  Line out("PutChatTimer");
  out.field("session", c.session).field("chat", c.chat).field("seconds", c.timer.seconds);
  return out.field("set_at", c.timer.set_at).take();
}

std::string line(const InsertOutbox& c) {
  Line out("InsertOutbox");
  out.field("session", c.row.session).field("row", c.row.row).field("chat", c.row.chat).field("id", c.row.message_id);
  return out.field("state", c.row.state).bytes("stanza", c.row.stanza.size()).field("at", c.row.accepted_at).take();
}
std::string line(const SealOutbox& c) {
  Line out("SealOutbox");
  out.field("session", c.session).field("row", c.row).bytes("stanza", c.stanza.size());
  return out.field("state", static_cast<int>(c.state)).take();
}
std::string line(const PutUpload& c) {
  Line out("PutUpload");
  out.field("session", c.session).field("sha256", protocol::to_hex(c.key.file_sha256)).field("kind", c.key.kind);
  return out.field("id", c.message_id).field("at", c.at).take();
}
std::string line(const ForgetUpload& c) {
  Line out("ForgetUpload");
  out.field("session", c.session).field("sha256", protocol::to_hex(c.key.file_sha256));
  return out.field("kind", c.key.kind).take();
}
std::string line(const PutFolderRemoval& c) {
  Line out("PutFolderRemoval");
  out.field("session", c.removal.session).field("id", c.removal.message_id).field("from_me", c.removal.from_me);
  return out.field("sent_at", c.removal.sent_at).field("created_at", c.removal.created_at).take();
}
std::string line(const EndFolderRemoval& c) { return Line("EndFolderRemoval").field("number", c.number).take(); }
std::string line(const RememberFolder& c) { return Line("RememberFolder").field("path", c.path).take(); }
std::string line(const EndUpload& c) {
  return Line("EndUpload").field("session", c.session).field("row", c.row).take();
}
std::string line(const CountOutboxAttempt& c) {
  return Line("CountOutboxAttempt").field("session", c.session).field("row", c.row).take();
}
std::string line(const RemoveOutbox& c) {
  return Line("RemoveOutbox").field("session", c.session).field("row", c.row).take();
}
std::string line(const PutIdempotency& c) {
  Line out("PutIdempotency");
  out.field("session", c.row.session).field("key", c.row.key).field("id", c.row.message_id);
  return out.bytes("hash", c.row.request_hash.size()).field("at", c.row.at).take();
}

std::string line(const InsertReadReceipt& c) {
  Line out("InsertReadReceipt");
  out.field("session", c.row.session).field("row", c.row.row).field("chat", c.row.chat).field("author", c.row.author);
  return out.count("ids", c.row.ids.size()).field("at", c.row.read_at).take();
}
std::string line(const CountReadReceiptAttempt& c) {
  return Line("CountReadReceiptAttempt").field("session", c.session).field("row", c.row).take();
}
std::string line(const RemoveReadReceipt& c) {
  return Line("RemoveReadReceipt").field("session", c.session).field("row", c.row).take();
}
std::string line(const PutResends& c) {
  Line out("PutResends");
  out.field("session", c.session).field("device", c.device).field("id", c.id).field("count", c.row.count);
  return out.bytes("base_key", c.row.base_key.size()).field("at", c.at).take();
}
std::string line(const NoteCopy& c) {
  return Line("NoteCopy").field("row", c.message_row).field("holder", c.holder).field("device", c.device).take();
}

std::string line(const AddPreKeys& c) {
  Line out("AddPreKeys");
  out.field("session", c.session).count("keys", c.keys.size());
  return (c.keys.empty() ? out : out.field("first", c.keys.front().id)).take();
}
std::string line(const RemovePreKey& c) {
  return Line("RemovePreKey").field("session", c.session).field("id", c.id).take();
}
std::string line(const AddRetryPreKey& c) {
  Line out("AddRetryPreKey");
  return out.field("session", c.session).field("user", c.user).field("id", c.key.id).field("at", c.at).take();
}
std::string line(const AddSignedPreKey& c) {
  return Line("AddSignedPreKey").field("session", c.session).field("id", c.key.id).field("keep", c.keep).take();
}
std::string line(const PutRetry& c) {
  Line out("PutRetry");
  out.field("session", c.session).field("author", c.author).field("id", c.id).field("count", c.row.count);
  return out.field("told", c.row.told)
      .field("requests", c.row.requests)
      .field("chat", c.row.chat)
      .field("at", c.at)
      .take();
}
std::string line(const PutAppStateKey& c) {
  Line out("PutAppStateKey");
  out.field("session", c.session).bytes("id", c.key_id.size()).bytes("key", c.key.size());
  return out.field("at", c.timestamp).take();
}

std::string line(const PutRatchet& c) {
  Line out("PutRatchet");
  return out.field("session", c.session).field("device", c.device).bytes("record", c.record.size()).take();
}
std::string line(const RemoveRatchet& c) {
  return Line("RemoveRatchet").field("session", c.session).field("device", c.device).take();
}
std::string line(const MigrateUser& c) {
  return Line("MigrateUser").field("session", c.session).field("from", c.from).field("to", c.to).take();
}
std::string line(const PutIdentity& c) {
  return Line("PutIdentity").field("session", c.session).field("device", c.device).take();
}
std::string line(const ForgetUserKeys& c) {
  return Line("ForgetUserKeys").field("session", c.session).field("user", c.user).take();
}
std::string line(const PutLid& c) {
  return Line("PutLid").field("session", c.session).field("pn", c.pn).field("lid", c.lid).take();
}
std::string line(const PutDeviceList& c) {
  Line out("PutDeviceList");
  out.field("session", c.session)
      .field("user", c.user)
      .field("devices", fmt::format("{}", fmt::join(c.row.devices, ",")));
  return out.field("raw_id", c.row.raw_id).field("fetched_at", c.row.fetched_at).take();
}
std::string line(const RemoveDeviceList& c) {
  return Line("RemoveDeviceList").field("session", c.session).field("user", c.user).take();
}
std::string line(const AgeDeviceList& c) {
  return Line("AgeDeviceList").field("session", c.session).field("user", c.user).take();
}

std::string line(const PutContact& c) {
  Line out("PutContact");
  out.field("session", c.session).field("user", c.row.user);
  out.field("registered", static_cast<int>(c.row.registered)).field("looked_at", c.row.looked_at);
  return out.field("watched", c.row.watched).take();
}
std::string line(const RemoveContact& c) {
  return Line("RemoveContact").field("session", c.session).field("user", c.user).take();
}
std::string line(const PutTrustedToken& c) {
  Line out("PutTrustedToken");
  out.field("session", c.session).field("user", c.row.user).bytes("token", c.row.token.size());
  return out.field("token_at", c.row.token_at).field("issued_at", c.row.issued_at).take();
}
std::string line(const RemoveTrustedToken& c) {
  return Line("RemoveTrustedToken").field("session", c.session).field("user", c.user).take();
}
std::string line(const PutAppState& c) {
  Line out("PutAppState");
  out.field("session", c.session).field("collection", c.row.collection).field("version", c.row.version);
  out.field("heard", c.row.heard).field("whole_is_wanted", c.row.whole_is_wanted);
  return out.field("diverged", c.row.diverged).take();
}
std::string line(const PutAppStateRecord& c) {
  Line out("PutAppStateRecord");
  out.field("session", c.session).field("collection", c.collection);
  return out.bytes("action", c.record.action.size()).take();
}
std::string line(const RemoveAppStateRecord& c) {
  return Line("RemoveAppStateRecord").field("session", c.session).field("collection", c.collection).take();
}
std::string line(const PutAppStateWish& c) {
  Line out("PutAppStateWish");
  out.field("session", c.session).field("collection", c.wish.collection).field("remove", c.wish.remove);
  return out.bytes("action", c.wish.action.size()).bytes("value", c.wish.value.size()).field("at", c.wish.at).take();
}
std::string line(const RemoveAppStateWish& c) {
  Line out("RemoveAppStateWish");
  return out.field("session", c.session).field("collection", c.collection).bytes("action", c.action.size()).take();
}
std::string line(const PutChannel& c) {
  Line out("PutChannel");
  out.field("session", c.session).field("channel", c.row.channel).field("learnt_at", c.row.learnt_at);
  return out.bytes("metadata", c.row.metadata.size()).take();
}
std::string line(const RemoveChannel& c) {
  return Line("RemoveChannel").field("session", c.session).field("channel", c.channel).take();
}
std::string line(const PutGroup& c) {
  Line out("PutGroup");
  out.field("session", c.session).field("group", c.row.group).field("subject", c.row.subject);
  out.field("member", c.row.member).field("stale", c.row.stale).field("fetched_at", c.row.fetched_at);
  return out.bytes("metadata", c.row.metadata.size()).take();
}
std::string line(const AgeGroup& c) {
  return Line("AgeGroup").field("session", c.session).field("group", c.group).take();
}
std::string line(const PutSenderKey& c) {
  Line out("PutSenderKey");
  out.field("session", c.session).field("group", c.group).field("author", c.author);
  return out.bytes("record", c.record.size()).take();
}
std::string line(const PutOwnSenderKey& c) {
  Line out("PutOwnSenderKey");
  return out.field("session", c.session).field("group", c.group).bytes("record", c.record.size()).take();
}
std::string line(const DropOwnSenderKey& c) {
  return Line("DropOwnSenderKey").field("session", c.session).field("group", c.group).take();
}
std::string line(const ForgetGroupKeys& c) {
  return Line("ForgetGroupKeys").field("session", c.session).field("group", c.group).take();
}
std::string line(const PutKeyCopies& c) {
  Line out("PutKeyCopies");
  out.field("session", c.session).field("group", c.group);
  for (const KeyCopy& copy : c.copies) {
    out.field("device", copy.device).field("state", copy.state);
    if (!copy.body.empty()) out.bytes("body", copy.body.size());
  }
  return out.take();
}
std::string line(const SendKeyCopies& c) {
  return Line("SendKeyCopies").field("session", c.session).field("group", c.group).field("id", c.message_id).take();
}
std::string line(const SettleKeyCopies& c) {
  Line out("SettleKeyCopies");
  out.field("session", c.session).field("group", c.group).field("id", c.message_id);
  return out.field("arrived", c.arrived).take();
}
std::string line(const TakeKeyCopiesBack& c) {
  Line out("TakeKeyCopiesBack");
  out.field("session", c.session).field("user", c.user).field("group", c.group);
  return out.field("device", c.device).take();
}
std::string line(const MoveSenderKeys& c) {
  return Line("MoveSenderKeys").field("session", c.session).field("from", c.from).field("to", c.to).take();
}
std::string line(const OpenReach& c) {
  return Line("OpenReach").field("message_row", c.message_row).field("members", c.members).take();
}
std::string line(const NoteMember& c) {
  Line out("NoteMember");
  out.field("message_row", c.message_row).field("user", c.user).field("level", c.level);
  return out.field("at", c.at).field("other", c.other).take();
}

std::string line(const PutStatusAudience& c) {
  Line out("PutStatusAudience");
  out.field("session", c.session).field("id", c.row.post).field("setting", c.row.setting);
  return out.field("settled", c.row.settled)
      .count("users", c.row.users.size())
      .count("excluded", c.row.excluded.size())
      .take();
}

std::string session_line(std::string_view name, const SessionRow& row) {
  Line out(name);
  out.field("session", row.id)
      .field("org", row.org)
      .field("name", row.name)
      .field("status", row.status)
      .field("reason", row.reason);
  return out.field("stopped", row.stopped).field("active_at", row.last_activity).take();
}
std::string line(const InsertSession& c) { return session_line("InsertSession", c.row); }
std::string line(const UpdateSession& c) { return session_line("UpdateSession", c.row); }
std::string line(const TouchSession& c) {
  return Line("TouchSession").field("session", c.session).field("at", c.at).take();
}
std::string line(const RemoveSession& c) { return Line("RemoveSession").field("session", c.session).take(); }
std::string line(const PutDevice& c) {
  Line out("PutDevice");
  out.field("session", c.row.session).field("jid", c.row.jid).field("lid", c.row.lid);
  out.field("push_name", c.row.push_name).field("login", c.row.login_counter).field("signed", c.row.signed_pre_key_id);
  out.field("next_pre_key", c.row.next_pre_key_id).field("first_unuploaded", c.row.first_unuploaded);
  out.field("groups_listed", c.row.groups_listed);
  out.field("reads_shown", static_cast<int>(c.row.reads_shown));
  return out.bytes("routing_info", c.row.routing_info.size()).take();
}
std::string line(const WipeDevice& c) { return Line("WipeDevice").field("session", c.session).take(); }

std::string line(const PutWebhook& c) {
  Line out("PutWebhook");
  out.field("id", c.row.id).field("org", c.row.org).field("session", c.row.session).bytes("url", c.row.url.size());
  out.field("events", fmt::format("{}", fmt::join(c.row.events, ","))).count("headers", c.row.headers.size());
  return out.field("signed", !c.row.secret.empty()).field("cursor", c.row.cursor).take();
}
std::string line(const RemoveWebhook& c) { return Line("RemoveWebhook").field("id", c.id).take(); }
std::string line(const AdvanceWebhook& c) {
  return Line("AdvanceWebhook").field("id", c.id).field("cursor", c.cursor).take();
}
std::string line(const PutDelivery& c) {
  Line out("PutDelivery");
  out.field("webhook", c.row.webhook).field("event", c.row.event).field("lane", c.row.lane);
  out.field("attempts", c.row.attempts).field("next_try", c.row.next_try).field("parked", c.row.parked);
  return out.field("error", c.row.last_error).take();
}
std::string line(const RemoveDelivery& c) {
  return Line("RemoveDelivery").field("webhook", c.webhook).field("event", c.event).take();
}

}  // namespace

std::string to_text(const Change& change) {
  return std::visit([](const auto& row) { return line(row); }, change);
}

std::string to_text(const NewEvent& event) {
  Line out("event");
  return out.field("session", event.session).field("name", event.name).field("lane", event.lane).take();
}

std::string to_text(const Changes& changes) {
  std::string out;
  for (const Change& change : changes.rows()) out.append(to_text(change)).append("\n");
  for (const NewEvent& event : changes.events()) out.append(to_text(event)).append("\n");
  return out;
}

}  // namespace wharf::storage
