// Events as bytes: one Writer and one Reader run over the descriptions.
#include "events/codec.h"

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <concepts>
#include <type_traits>

#include "events/descriptions.h"
#include "events/event.h"
#include "events/json_writer.h"
#include "protocol/text.h"

namespace wharf::events {
namespace {

namespace json = boost::json;
using descriptions::describe;
using protocol::Errc;
using protocol::Error;
using protocol::Result;

// --- writing

constexpr std::size_t usual_bytes = 320;  // of an event without its body

class Writer {
 public:
  explicit Writer(std::size_t reserve_bytes) : out_(reserve_bytes) { out_.begin_object(); }

  void required(std::string_view name, const auto& value) { put(out_.key(name), value); }
  void always(std::string_view name, const auto& value) { put(out_.key(name), value); }
  void derived(std::string_view name, bool value) { out_.boolean(name, value); }
  void optional(std::string_view name, const std::string& value) { out_.text_if(name, value); }
  void optional(std::string_view name, bool value) {
    if (value) out_.boolean(name, value);
  }
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
                               Change::number, Change::name, Change::blocked, Change::unblocked, Change::verified_name})
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
