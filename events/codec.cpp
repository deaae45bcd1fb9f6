// Each kind is described once, by a `describe` that names its fields in their order. It runs with a Writer to encode
// and with a Reader to decode, so the two cannot differ, and a new field is one line here.
//
//   required  always written; an event without it says nothing and is refused
//   always    always written; missing, the value stays as the struct begins
//   optional  written when there is one
//   derived   written for who reads the log by hand; the struct has it from other fields
#include "events/codec.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <concepts>
#include <type_traits>

#include "events/event.h"
#include "events/json_writer.h"
#include "protocol/text.h"

namespace wharf::events {
namespace {

namespace json = boost::json;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

/// A Kind, const for the Writer and not for the Reader.
template <class T, class Kind>
concept a = std::same_as<std::remove_const_t<T>, Kind>;

// --- the description

template <class Io>
void describe(Io& io, a<PersonIds> auto& ids) {
  io.optional("pn", ids.pn);
  io.optional("lid", ids.lid);
}

template <class Io>
void describe(Io& io, a<NewMessage> auto& e) {
  auto& m = e.message;
  io.required("id", m.id);
  io.required("chat", m.chat);
  io.optional("chatPn", e.chat_ids.pn);
  io.optional("chatLid", e.chat_ids.lid);
  io.derived("isGroup", m.chat.is_group());
  io.always("fromMe", m.from_me);
  io.required("author", m.author);
  io.optional("authorPn", e.author_ids.pn);
  io.optional("authorLid", e.author_ids.lid);
  io.optional("pushName", m.push_name);
  io.required("kind", m.kind);
  io.required("body", m.body);
  io.optional("quotedId", m.quoted_id);
  io.optional("mentions", m.mentions);
  io.optional("mentionIds", e.mention_ids);
  io.always("timestamp", m.timestamp);
  io.always("ack", m.ack);
  io.optional("error", m.error);
  io.optional("details", m.details);
}

template <class Io>
void describe(Io& io, a<StatusPosted> auto& e) {
  auto& m = e.message;
  io.required("id", m.id);
  io.required("chat", m.chat);
  io.always("fromMe", m.from_me);
  io.required("author", m.author);
  io.optional("authorPn", e.author_ids.pn);
  io.optional("authorLid", e.author_ids.lid);
  io.optional("pushName", m.push_name);
  io.required("kind", m.kind);
  io.required("body", m.body);
  io.optional("mentions", m.mentions);
  io.optional("mentionIds", e.mention_ids);
  io.always("timestamp", m.timestamp);
  io.always("ack", m.ack);
  io.optional("error", m.error);
  io.optional("details", m.details);
}

template <class Io>
void describe(Io& io, a<About> auto& about) {
  io.required("id", about.id);
  io.required("target", about.target_id);
  io.always("targetFromMe", about.target_from_me);
  io.required("chat", about.chat);
  io.optional("chatPn", about.chat_ids.pn);
  io.optional("chatLid", about.chat_ids.lid);
  io.always("fromMe", about.from_me);
  io.required("author", about.author);
  io.optional("authorPn", about.author_ids.pn);
  io.optional("authorLid", about.author_ids.lid);
  io.always("timestamp", about.at);
}

template <class Io>
void describe(Io& io, a<MessageEdited> auto& e) {
  describe(io, e.about);
  io.required("body", e.body);
  io.optional("details", e.details);
}

template <class Io>
void describe(Io& io, a<MessageRevoked> auto& e) {
  describe(io, e.about);
}

template <class Io>
void describe(Io& io, a<StatusDeleted> auto& e) {
  describe(io, e.about);
}

template <class Io>
void describe(Io& io, a<StatusViewed> auto& e) {
  io.required("id", e.id);
  io.required("viewer", e.viewer);
  io.optional("viewerPn", e.viewer_ids.pn);
  io.optional("viewerLid", e.viewer_ids.lid);
  io.always("timestamp", e.at);
}

template <class Io>
void describe(Io& io, a<Reacted> auto& e) {
  describe(io, e.about);
  io.required("text", e.text);
}

template <class Io>
void describe(Io& io, a<PollVoted> auto& e) {
  describe(io, e.about);
  io.required("options", e.options);
}

template <class Io>
void describe(Io& io, a<EventAnswered> auto& e) {
  describe(io, e.about);
  io.required("response", e.response);
  io.always("extraGuests", e.extra_guests);
}

template <class Io>
void describe(Io& io, a<MessagePinned> auto& e) {
  describe(io, e.about);
  io.always("until", e.until);
}

template <class Io>
void describe(Io& io, a<MessageStarred> auto& e) {
  io.required("id", e.id);
  io.required("chat", e.chat);
  io.optional("chatPn", e.chat_ids.pn);
  io.optional("chatLid", e.chat_ids.lid);
  io.always("fromMe", e.from_me);
  io.required("starred", e.starred);
  io.always("timestamp", e.at);
}

template <class Io>
void describe(Io& io, a<MessageDeleted> auto& e) {
  io.required("id", e.id);
  io.required("chat", e.chat);
  io.optional("chatPn", e.chat_ids.pn);
  io.optional("chatLid", e.chat_ids.lid);
  io.always("fromMe", e.from_me);
  io.always("timestamp", e.at);
}

template <class Io>
void describe(Io& io, a<Ack> auto& e) {
  io.required("id", e.id);
  io.required("chat", e.chat);
  io.optional("chatPn", e.chat_ids.pn);
  io.optional("chatLid", e.chat_ids.lid);
  io.derived("fromMe", true);
  io.required("ack", e.level);
  io.optional("error", e.error);
  io.always("timestamp", e.at);
}

template <class Io>
void describe(Io& io, a<QrShown> auto& e) {
  io.required("qr", e.code.text);
  io.required("expiresAt", e.code.expires_at);
}

template <class Io>
void describe(Io& io, a<Authenticated> auto& e) {
  io.required("jid", e.jid);
  io.optional("lid", e.lid);
}

template <class Io>
void describe(Io& io, a<Ready> auto& e) {
  io.required("jid", e.jid);
  io.optional("lid", e.lid);
  io.optional("pushName", e.push_name);
}

template <class Io>
void describe(Io& io, a<Reason> auto& reason) {
  io.required("code", reason.code);
  io.always("message", reason.message);
  io.always("nextStep", reason.next_step);
  io.optional("until", reason.until);
}

template <class Io>
void describe(Io& io, a<SessionState> auto& state) {
  io.required("status", state.status);
  io.required("connection", state.connection);
  io.optional("reason", state.reason);
}

template <class Io>
void describe(Io& io, a<StatusChanged> auto& e) {
  describe(io, e.now);
}

template <class Io>
void describe(Io& io, a<Disconnected> auto& e) {
  describe(io, e.now);
}

template <class Io>
void describe(Io& io, a<ContactUpdated> auto& e) {
  io.required("id", e.user);
  io.optional("pn", e.ids.pn);
  io.optional("lid", e.ids.lid);
  io.required("change", e.change);
  io.optional("text", e.text);
}

template <class Io>
void describe(Io& io, a<ChatUpdated> auto& e) {
  io.required("chat", e.chat);
  io.optional("chatPn", e.chat_ids.pn);
  io.optional("chatLid", e.chat_ids.lid);
  io.optional("expiresAfter", e.expires_after_s);
  io.always("timestamp", e.at);
}

template <class Io>
void describe(Io& io, a<PresenceChanged> auto& e) {
  io.required("chat", e.chat);
  io.optional("chatPn", e.chat_ids.pn);
  io.optional("chatLid", e.chat_ids.lid);
  io.required("user", e.user);
  io.optional("userPn", e.user_ids.pn);
  io.optional("userLid", e.user_ids.lid);
  io.required("state", e.state);
  io.optional("lastSeen", e.last_seen);
  io.always("lastSeenHidden", e.last_seen_hidden);
  io.always("timestamp", e.at);
}

template <class Io>
void describe(Io& io, a<CallChanged> auto& e) {
  io.required("id", e.id);
  io.required("chat", e.chat);
  io.optional("chatPn", e.chat_ids.pn);
  io.optional("chatLid", e.chat_ids.lid);
  io.required("caller", e.caller);
  io.optional("callerPn", e.caller_ids.pn);
  io.optional("callerLid", e.caller_ids.lid);
  io.always("fromMe", e.from_me);
  io.always("isGroup", e.is_group);
  io.always("video", e.video);
  io.required("state", e.state);
  io.optional("reason", e.reason);
  io.always("offline", e.offline);
  io.always("timestamp", e.at);
}

template <class Io>
void describe(Io& io, a<GroupPerson> auto& person) {
  io.required("jid", person.jid);
  io.optional("pn", person.ids.pn);
  io.optional("lid", person.ids.lid);
  io.optional("role", person.role);
}

template <class Io>
void describe(Io& io, a<InGroup> auto& in) {
  io.required("chat", in.chat);
  io.optional("by", in.by);
  io.optional("byPn", in.by_ids.pn);
  io.optional("byLid", in.by_ids.lid);
  io.always("timestamp", in.at);
}

template <class Io>
void describe(Io& io, a<GroupJoined> auto& e) {
  describe(io, e.in);
  io.always("how", e.how);
  io.optional("subject", e.subject);
  io.always("own", e.own);
  io.always("people", e.people);
}

template <class Io>
void describe(Io& io, a<GroupLeft> auto& e) {
  describe(io, e.in);
  io.always("how", e.how);
  io.optional("subject", e.subject);
  io.always("own", e.own);
  io.always("people", e.people);
}

template <class Io>
void describe(Io& io, a<GroupUpdated> auto& e) {
  describe(io, e.in);
  io.required("field", e.field);
  io.optional("on", e.on);
  io.optional("number", e.number);
  io.optional("text", e.text);
  io.always("people", e.people);
}

template <class Io>
void describe(Io& io, a<GroupJoinRequested> auto& e) {
  describe(io, e.in);
  io.required("action", e.action);
  io.optional("method", e.method);
  io.always("people", e.people);
}

template <class Io>
void describe(Io& io, a<ChannelUpdated> auto& e) {
  io.required("chat", e.chat);
  io.required("change", e.change);
  io.optional("name", e.name);
  io.optional("messageId", e.message_id);
  io.optional("serverId", e.server_id);
  io.optional("views", e.views);
  io.optional("reactions", e.reactions);
  io.always("timestamp", e.at);
}

// --- writing

constexpr std::size_t usual_bytes = 320;  // of an event without its body

class Writer {
 public:
  explicit Writer(std::size_t reserve_bytes) : out_(reserve_bytes) { out_.begin_object(); }

  void required(std::string_view name, const auto& value) { put(out_.key(name), value); }
  void always(std::string_view name, const auto& value) { put(out_.key(name), value); }
  void derived(std::string_view name, bool value) { out_.boolean(name, value); }
  void optional(std::string_view name, const std::string& value) { out_.text_if(name, value); }
  void optional(std::string_view name, const std::vector<Jid>& list) {
    if (list.empty()) return;
    out_.key(name).begin_array();
    for (const Jid& jid : list) put(out_, jid);
    out_.end_array();
  }
  void optional(std::string_view name, const std::vector<PersonIds>& list) {
    if (!list.empty()) put(out_.key(name), list);
  }
  template <class Value>
  void optional(std::string_view name, const std::optional<Value>& value) {
    if (value) put(out_.key(name), *value);
  }
  std::string finish(std::string_view request_id, std::string_view metadata) {
    out_.text_if("requestId", request_id);
    if (!metadata.empty()) out_.raw("metadata", metadata);
    return out_.end_object().take();
  }

 private:
  static void put(JsonWriter& out, const std::string& text) { out.text(text); }
  static void put(JsonWriter& out, const Jid& jid) { out.text(jid.to_string()); }
  static void put(JsonWriter& out, UnixMs number) { out.number(number); }
  static void put(JsonWriter& out, bool value) { out.boolean(value); }
  static void put(JsonWriter& out, AckLevel level) { out.number(static_cast<int>(level)); }
  static void put(JsonWriter& out, const Reason& reason) { out.raw(encode(reason)); }
  static void put(JsonWriter& out, const std::vector<std::string>& texts) {
    out.begin_array();
    for (const std::string& text : texts) out.text(text);
    out.end_array();
  }
  template <class Person>
    requires std::same_as<Person, GroupPerson> || std::same_as<Person, PersonIds>
  static void put(JsonWriter& out, const std::vector<Person>& people) {
    out.begin_array();
    for (const Person& person : people) {
      Writer one(usual_bytes);
      describe(one, person);
      out.raw(one.finish({}, {}));
    }
    out.end_array();
  }
  template <class Word>
    requires std::is_enum_v<Word>
  static void put(JsonWriter& out, Word word) {
    out.text(name(word));
  }

  JsonWriter out_;
};

std::size_t room_for(const auto&) { return usual_bytes; }
std::size_t room_for(const StatusPosted& e) { return usual_bytes + e.message.body.size() + e.message.details.size(); }
std::size_t room_for(const NewMessage& e) { return usual_bytes + e.message.body.size() + e.message.details.size(); }

std::string written(const auto& value, std::string_view request_id, std::string_view metadata) {
  Writer out(room_for(value) + request_id.size() + metadata.size());
  describe(out, value);
  return out.finish(request_id, metadata);
}

std::string written(const Unknown& e, std::string_view request_id, std::string_view metadata) {
  if (request_id.empty() && metadata.empty()) return e.json;
  std::string out = e.json.substr(0, e.json.rfind('}'));
  if (out.size() > 1) out += ',';
  return out.append(Writer(metadata.size() + 64).finish(request_id, metadata), 1);  // without its brace
}

// --- reading

/// The text of JIDs in rows is what Jid::to_string() gave, and earlier releases let anything into a user: what
/// does not parse keeps its text.
Jid jid_of(std::string_view text) {
  if (auto parsed = Jid::parse(text)) return std::move(*parsed);
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return Jid({}, text);
  return Jid(text.substr(0, at), text.substr(at + 1));
}

class Reader {
 public:
  explicit Reader(const json::object& object) : object_(object) {}

  template <class Value>
  void required(std::string_view name, Value& value) {
    const json::value* member = object_.if_contains(name);
    if (!member || !get(*member, value)) fail(name);
  }
  template <class Value>
  void always(std::string_view name, Value& value) {
    const json::value* member = object_.if_contains(name);
    if (member && !get(*member, value)) fail(name);
  }
  template <class Value>
  void optional(std::string_view name, Value& value) {
    always(name, value);
  }
  template <class Value>
  void optional(std::string_view name, std::optional<Value>& value) {
    const json::value* member = object_.if_contains(name);
    if (member && !get(*member, value.emplace())) fail(name);
  }
  /// A session without its reason is better than none.
  void optional(std::string_view name, std::optional<Reason>& value) {
    const json::value* member = object_.if_contains(name);
    if (!member || !get(*member, value.emplace())) value.reset();
  }
  void derived(std::string_view, bool) {}

  /// The first member that is missing or of another form; "" = none.
  std::string_view failed() const { return failed_; }

 private:
  void fail(std::string_view name) {
    if (failed_.empty()) failed_ = name;
  }
  static bool get(const json::value& from, std::string& text) {
    if (from.is_string()) text = from.get_string();
    return from.is_string();
  }
  static bool get(const json::value& from, Jid& jid) {
    if (from.is_string()) jid = jid_of(from.get_string());
    return from.is_string();
  }
  static bool get(const json::value& from, UnixMs& number) {
    if (from.is_int64()) number = from.get_int64();
    return from.is_int64();
  }
  static bool get(const json::value& from, bool& value) {
    if (from.is_bool()) value = from.get_bool();
    return from.is_bool();
  }
  static bool get(const json::value& from, AckLevel& level) {
    UnixMs number = 0;
    if (!get(from, number) || number < -1 || number > 4) return false;
    level = static_cast<AckLevel>(number);
    return true;
  }
  static bool get(const json::value& from, Status& status) { return word(from, status, status_named); }
  static bool get(const json::value& from, NextStep& step) {
    if (from.is_string()) step = next_step_named(std::string_view(from.get_string()));
    return from.is_string();
  }
  static bool get(const json::value& from, Connection& connection) { return word(from, connection, connection_named); }
  static bool get(const json::value& from, ContactUpdated::Change& change) {
    return word(from, change, [](std::string_view text) -> std::optional<ContactUpdated::Change> {
      using Change = ContactUpdated::Change;
      for (const auto known : {Change::identity, Change::lid, Change::push_name, Change::picture, Change::about,
                               Change::number, Change::name, Change::blocked, Change::unblocked})
        if (text == events::name(known)) return known;
      return std::nullopt;
    });
  }
  static bool get(const json::value& from, std::vector<std::string>& list) {
    if (!from.is_array()) return false;
    for (const json::value& item : from.get_array()) {
      if (!get(item, list.emplace_back())) return false;
    }
    return true;
  }
  static bool get(const json::value& from, std::vector<Jid>& list) {
    if (!from.is_array()) return false;
    for (const json::value& item : from.get_array()) {
      if (!get(item, list.emplace_back())) return false;
    }
    return true;
  }
  template <class Person>
    requires std::same_as<Person, GroupPerson> || std::same_as<Person, PersonIds>
  static bool get(const json::value& from, std::vector<Person>& people) {
    if (!from.is_array()) return false;
    for (const json::value& item : from.get_array()) {
      if (!item.is_object()) return false;
      Reader in(item.get_object());
      describe(in, people.emplace_back());
      if (!in.failed().empty()) return false;
    }
    return true;
  }
  static bool get(const json::value& from, Reason& reason) {
    if (!from.is_object()) return false;
    Reader in(from.get_object());
    describe(in, reason);
    return in.failed().empty() && !reason.code.empty();
  }
  template <class Word, class Named>
  static bool word(const json::value& from, Word& value, Named named) {
    const auto known = from.is_string() ? named(from.get_string()) : std::optional<Word>();
    if (known) value = *known;
    return known.has_value();
  }

  const json::object& object_;
  std::string_view failed_;
};

template <class Kind>
Result<Event> read(const json::object& object) {
  Kind kind;
  Reader in(object);
  describe(in, kind);
  if (!in.failed().empty()) return Error(Errc::malformed, "event: member " + std::string(in.failed()));
  return Event(std::move(kind));
}

using Read = Result<Event> (*)(const json::object&);
constexpr std::pair<std::string_view, Read> readers[] = {
    {"message", read<NewMessage>},
    {"message.sent", read<NewMessage>},
    {"ack", read<Ack>},
    {"message.edited", read<MessageEdited>},
    {"message.revoked", read<MessageRevoked>},
    {"reaction", read<Reacted>},
    {"poll.vote", read<PollVoted>},
    {"event.answer", read<EventAnswered>},
    {"message.pinned", read<MessagePinned>},
    {"message.starred", read<MessageStarred>},
    {"message.deleted", read<MessageDeleted>},
    {"qr", read<QrShown>},
    {"authenticated", read<Authenticated>},
    {"ready", read<Ready>},
    {"session.status", read<StatusChanged>},
    {"disconnected", read<Disconnected>},
    {"contact.updated", read<ContactUpdated>},
    {"chat.updated", read<ChatUpdated>},
    {"presence", read<PresenceChanged>},
    {"call", read<CallChanged>},
    {"group_join", read<GroupJoined>},
    {"group_leave", read<GroupLeft>},
    {"group_update", read<GroupUpdated>},
    {"group_join_request", read<GroupJoinRequested>},
    {"status.posted", read<StatusPosted>},
    {"status.deleted", read<StatusDeleted>},
    {"status.viewed", read<StatusViewed>},
    {"channel_update", read<ChannelUpdated>},
};

Result<Event> read_fact(std::string_view name, const json::object& object) {
  for (const auto& [known, read_kind] : readers) {
    if (known == name) return read_kind(object);
  }
  json::object rest = object;
  rest.erase("requestId");
  rest.erase("metadata");
  return Event(Unknown{std::string(name), json::serialize(rest)});
}

std::optional<json::object> parsed(std::string_view bytes) {
  boost::system::error_code failed;
  json::value value = json::parse(bytes, failed);
  if (failed || !value.is_object()) return std::nullopt;
  return std::move(value.get_object());
}

}  // namespace

std::string encode(const Event& event) {
  return std::visit([&](const auto& fact) { return written(fact, event.request_id, event.metadata); }, event.fact);
}

Result<Event> decode(std::string_view name, std::string_view bytes) {
  auto object = parsed(bytes);
  // A row of an older version may hold broken UTF-8: what people can read of it is shown.
  if (!object) object = parsed(protocol::displayable(bytes));
  if (!object) return Error(Errc::malformed, "event: not a JSON object");
  Result<Event> event = read_fact(name, *object);
  if (!event) return event;
  if (const json::value* member = object->if_contains("metadata")) event->metadata = json::serialize(*member);
  if (const json::value* member = object->if_contains("requestId"); member && member->is_string())
    event->request_id = member->get_string();
  return event;
}

std::string encode(const Reason& reason) { return written(reason, {}, {}); }

std::optional<Reason> decode_reason(std::string_view text) {
  const auto object = parsed(text);
  if (!object) return std::nullopt;
  auto reason = std::make_optional<Reason>();
  Reader in(*object);
  describe(in, *reason);
  if (!in.failed().empty() || reason->code.empty()) return std::nullopt;
  return reason;
}

}  // namespace wharf::events
