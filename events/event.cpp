#include "events/event.h"

#include <utility>

#include "events/codec.h"

namespace wharf::events {
namespace {

std::string_view name_of(const NewMessage& e) { return e.message.from_me ? "message.sent" : "message"; }
std::string_view name_of(const Ack&) { return "ack"; }
std::string_view name_of(const MessageEdited&) { return "message.edited"; }
std::string_view name_of(const MessageRevoked&) { return "message.revoked"; }
std::string_view name_of(const Reacted&) { return "reaction"; }
std::string_view name_of(const PollVoted&) { return "poll.vote"; }
std::string_view name_of(const EventAnswered&) { return "event.answer"; }
std::string_view name_of(const MessagePinned&) { return "message.pinned"; }
std::string_view name_of(const MessageStarred&) { return "message.starred"; }
std::string_view name_of(const MessageDeleted&) { return "message.deleted"; }
std::string_view name_of(const QrShown&) { return "qr"; }
std::string_view name_of(const Authenticated&) { return "authenticated"; }
std::string_view name_of(const Ready&) { return "ready"; }
std::string_view name_of(const StatusChanged&) { return "session.status"; }
std::string_view name_of(const Disconnected&) { return "disconnected"; }
std::string_view name_of(const ContactUpdated&) { return "contact.updated"; }
std::string_view name_of(const ChatUpdated&) { return "chat.updated"; }
std::string_view name_of(const PresenceChanged&) { return "presence"; }
std::string_view name_of(const CallChanged&) { return "call"; }
std::string_view name_of(const GroupJoined&) { return "group_join"; }
std::string_view name_of(const GroupLeft&) { return "group_leave"; }
std::string_view name_of(const GroupUpdated&) { return "group_update"; }
std::string_view name_of(const GroupJoinRequested&) { return "group_join_request"; }
std::string_view name_of(const StatusPosted&) { return "status.posted"; }
std::string_view name_of(const StatusDeleted&) { return "status.deleted"; }
std::string_view name_of(const StatusViewed&) { return "status.viewed"; }
std::string_view name_of(const ChannelUpdated&) { return "channel_update"; }
std::string_view name_of(const Unknown& e) { return e.name; }

std::string lane_of(const NewMessage& e) { return e.message.chat.to_string(); }
std::string lane_of(const StatusPosted& e) { return e.message.chat.to_string(); }
std::string lane_of(const StatusViewed&) { return protocol::status_jid().to_string(); }
std::string lane_of(const ContactUpdated& e) { return e.user.to_string(); }
template <class OfSomething>
std::string lane_of(const OfSomething& e) {
  if constexpr (requires { e.about.chat; }) return e.about.chat.to_string();
  else if constexpr (requires { e.in.chat; }) return e.in.chat.to_string();
  else if constexpr (requires { e.chat; }) return e.chat.to_string();
  else return {};  // of the session itself
}

}  // namespace

Event::Event() = default;
Event::Event(const Event&) = default;
Event::Event(Event&&) noexcept = default;
Event& Event::operator=(const Event&) = default;
Event& Event::operator=(Event&&) noexcept = default;
Event::~Event() = default;

template <class Kind>
  requires is_among<Kind, Fact>
Event::Event(Kind kind, std::string session_metadata)
    : fact(std::in_place_type<Kind>, std::move(kind)), metadata(std::move(session_metadata)) {}
template Event::Event(NewMessage, std::string);
template Event::Event(Ack, std::string);
template Event::Event(MessageEdited, std::string);
template Event::Event(MessageRevoked, std::string);
template Event::Event(Reacted, std::string);
template Event::Event(PollVoted, std::string);
template Event::Event(EventAnswered, std::string);
template Event::Event(MessagePinned, std::string);
template Event::Event(MessageStarred, std::string);
template Event::Event(MessageDeleted, std::string);
template Event::Event(QrShown, std::string);
template Event::Event(Authenticated, std::string);
template Event::Event(Ready, std::string);
template Event::Event(StatusChanged, std::string);
template Event::Event(Disconnected, std::string);
template Event::Event(ContactUpdated, std::string);
template Event::Event(ChatUpdated, std::string);
template Event::Event(PresenceChanged, std::string);
template Event::Event(CallChanged, std::string);
template Event::Event(GroupJoined, std::string);
template Event::Event(GroupLeft, std::string);
template Event::Event(GroupUpdated, std::string);
template Event::Event(GroupJoinRequested, std::string);
template Event::Event(StatusPosted, std::string);
template Event::Event(StatusDeleted, std::string);
template Event::Event(StatusViewed, std::string);
template Event::Event(ChannelUpdated, std::string);
template Event::Event(Unknown, std::string);

bool operator==(const Event& one, const Event& other) {
  return one.fact == other.fact && one.metadata == other.metadata && one.request_id == other.request_id;
}

std::string_view name(const Event& event) {
  return std::visit([](const auto& fact) { return name_of(fact); }, event.fact);
}

std::string lane(const Event& event) {
  return std::visit([](const auto& fact) { return lane_of(fact); }, event.fact);
}

std::string_view name(ContactUpdated::Change change) {
  switch (change) {
    case ContactUpdated::Change::identity: return "identity";
    case ContactUpdated::Change::lid: return "lid";
    case ContactUpdated::Change::push_name: return "pushName";
    case ContactUpdated::Change::picture: return "picture";
    case ContactUpdated::Change::about: return "about";
    case ContactUpdated::Change::number: return "number";
    case ContactUpdated::Change::name: return "name";
    case ContactUpdated::Change::blocked: return "blocked";
    case ContactUpdated::Change::unblocked: return "unblocked";
    case ContactUpdated::Change::verified_name: return "verifiedName";
  }
  return "identity";
}

std::string to_text(const Event& event) { return std::string(name(event)).append(" ").append(encode(event)); }

}  // namespace wharf::events
