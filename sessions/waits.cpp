#include "sessions/waits.h"

#include <algorithm>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "events/event.h"
#include "sessions/ack_awaited.h"
#include "sessions/channels/channel_posting.h"
#include "sessions/commands.h"
#include "storage/messages.h"

namespace wharf::sessions {

using protocol::Errc;
using storage::AckLevel;

namespace {

struct ForQr {
  Reply<SessionView> reply;
};
struct ForAck {
  SentMessage sent;  // as the events tell it
  AckLevel level;
  Reply<SentMessage> reply;
};

/// One caller who waits, or whose time is up.
struct Wait {
  Wait(net::Scheduler& scheduler, const SessionView& of, std::variant<ForQr, ForAck> what)
      : session(of.id), name(of.name), subject(std::move(what)), timer(scheduler) {}
  storage::SessionId session;
  std::string name;
  std::variant<ForQr, ForAck> subject;
  net::Timer timer;
  std::optional<AckAwaited> awaited;
};

const events::Ack* ack_of(const storage::Event& event) {
  return event.value ? std::get_if<events::Ack>(&event.value->fact) : nullptr;
}

/// An event that is committed. False: it says nothing new.
bool follow(ForQr&, const storage::Event&) { return true; }
bool follow(ForAck& waits, const storage::Event& event) {
  const auto* ack = ack_of(event);
  SentMessage& sent = waits.sent;
  if (!ack || ack->id != sent.id || (ack->level <= sent.ack && ack->level != AckLevel::error)) return false;
  sent.ack = ack->level;
  sent.error = ack->error;
  sent.chat = ack->chat;  // may have become known under its LID meanwhile
  sent.chat_ids = ack->chat_ids;
  if (ack->level == AckLevel::server) sent.timestamp = ack->at;  // the server's time is the message's from now on
  return true;
}

}  // namespace

struct Waits::State : std::enable_shared_from_this<State> {
  State(Supervisor& all_sessions, net::Scheduler& clock, storage::Store& rows)
      : supervisor(all_sessions), scheduler(clock), store(rows) {}

  void add(const std::string& session, std::variant<ForQr, ForAck> subject, std::chrono::milliseconds timeout) {
    const auto view = supervisor.find(session);
    if (!view) {
      return std::visit([&](auto& waits) { std::move(waits.reply)(no_session(session)); }, subject);
    }
    const auto wait = std::make_shared<Wait>(scheduler, *view, std::move(subject));
    // What the recipient's device or person does later is told by its event.
    const auto* ack = std::get_if<ForAck>(&wait->subject);
    if (ack && ack->level == AckLevel::server) wait->awaited.emplace(supervisor.awaited_acks(), wait->session);
    waiting[wait->session].push_back(wait);
    wait->timer.after(ended ? std::chrono::milliseconds(0) : timeout,
                      [weak = weak_from_this(), late = std::weak_ptr<Wait>(wait)] {
                        const auto state = weak.lock();
                        const auto still = late.lock();
                        if (state && still) state->look(still, Time::is_up);
                      });
    look(wait, Time::is_left);
  }

  void on_events(const std::vector<storage::Event>& events) {
    keep_failures(events);
    if (waiting.empty()) return;
    for (const storage::Event& event : events) {
      for (const auto& wait : waiting_of(event.session)) {
        if (std::visit([&](auto& subject) { return follow(subject, event); }, wait->subject)) look(wait, Time::is_left);
      }
    }
  }

  /// Ahead of the event that says so.
  void on_accepted(storage::SessionId session, std::string_view message_id, storage::UnixMs at,
                   std::uint64_t server_id) {
    for (const auto& wait : waiting_of(session)) {
      auto* waits = std::get_if<ForAck>(&wait->subject);
      if (!waits || waits->sent.id != message_id || waits->sent.ack >= AckLevel::server) continue;
      waits->sent.ack = AckLevel::server;
      waits->sent.timestamp = at;
      if (waits->sent.chat.is_channel()) waits->sent.server_id = server_id;
      look(wait, Time::is_left);
    }
  }

  /// Nothing more is told of it: who waits hears that it is gone.
  void on_removed(storage::SessionId session) {
    for (const auto& wait : waiting_of(session)) look(wait, Time::is_left);
  }

  enum class Time { is_left, is_up };
  /// Answers it when there is something to say.
  void look(const std::shared_ptr<Wait>& wait, Time time) {
    const auto one = [&](auto& subject) {
      auto outcome = outcome_of(*wait, subject, time);
      if (!outcome) return;
      auto reply = std::move(subject.reply);
      wait->timer.cancel();
      const auto of_session = waiting.find(wait->session);
      of_session->second.remove(wait);
      if (of_session->second.empty()) waiting.erase(of_session);
      std::move(reply)(std::move(*outcome));
    };
    std::visit(one, wait->subject);
  }

  std::optional<Outcome<SessionView>> outcome_of(const Wait& wait, const ForQr&, Time time) const {
    const auto view = supervisor.find(wait.name);
    if (!view) return no_session(wait.name);
    if (!view->qr && view->status == Status::initializing && time == Time::is_left) return std::nullopt;
    return *view;
  }

  std::optional<Outcome<SentMessage>> outcome_of(const Wait& wait, const ForAck& subject, Time time) const {
    if (!supervisor.find(wait.session)) return no_session(wait.name);
    const bool reached = subject.sent.ack >= subject.level || events::has_failed(subject.sent.ack);
    if (!reached && time == Time::is_left) return std::nullopt;
    SentMessage sent = subject.sent;
    if (sent.chat.is_channel() && sent.ack >= AckLevel::server && sent.server_id == 0) name_post(wait.session, sent);
    return sent;
  }

  /// The event of an ack does not name the post; its row does by then.
  void name_post(storage::SessionId session, SentMessage& sent) const {
    try {
      const auto row = storage::find_message_by_id(store.reader(), session, sent.id, true);
      if (row) sent.server_id = server_id_in(row->details).value_or(0);
    } catch (const storage::ReadFailure&) {
      // It is known that WhatsApp has it, and that is what was asked.
    }
  }

  /// The turn that answers with a message may have ended it as well. A batch of commits tells its events before the
  /// answers of its turns, so what such a wait has missed is among the last events.
  void keep_failures(const std::vector<storage::Event>& events) {
    failures.clear();
    for (const storage::Event& event : events) {
      const auto* ack = ack_of(event);
      if (ack && ack->level == AckLevel::error) failures.push_back({event.session, ack->id, ack->error});
    }
  }

  /// How far the message is. One that is new has no ack yet and leaves with the answer at the earliest; what was told
  /// of an older one is in its row alone.
  Outcome<> look_up(const std::string& session, SentMessage& sent) const {
    const auto view = supervisor.find(session);
    if (!view) return no_session(session);
    if (!sent.replayed) {
      for (const Failure& failure : failures) {
        if (failure.session != view->id || failure.message_id != sent.id) continue;
        sent.ack = AckLevel::error;
        sent.error = failure.why;
      }
      return {};
    }
    try {
      const auto row = storage::find_message_by_id(store.reader(), view->id, sent.id, true);
      if (!row) return Refusal(Errc::not_found, Subject::message, "no message with this id");
      sent.ack = row->ack;
      sent.error = row->error;
      sent.timestamp = row->timestamp;
    } catch (const storage::ReadFailure& unreadable) {
      return Refusal(unreadable.error);
    }
    return {};
  }

  /// A copy: whoever is answered takes himself out.
  std::vector<std::shared_ptr<Wait>> waiting_of(storage::SessionId session) const {
    const auto found = waiting.find(session);
    if (found == waiting.end()) return {};
    return {found->second.begin(), found->second.end()};
  }

  struct Failure {
    storage::SessionId session;
    std::string message_id, why;
  };

  Supervisor& supervisor;
  net::Scheduler& scheduler;
  storage::Store& store;
  std::unordered_map<storage::SessionId, std::list<std::shared_ptr<Wait>>> waiting;  // none of these lists is empty
  std::vector<Failure> failures;                                                     // of the last batch of commits
  bool ended = false;
};

Waits::Waits(Supervisor& supervisor, net::Scheduler& scheduler, storage::Store& store)
    : state_(std::make_shared<State>(supervisor, scheduler, store)) {
  supervisor.on_events([weak = std::weak_ptr<State>(state_)](const std::vector<storage::Event>& events) {
    if (const auto state = weak.lock()) state->on_events(events);
  });
  supervisor.awaited_acks()->on_accepted(
      [weak = std::weak_ptr<State>(state_)](auto session, auto id, auto at, auto server_id) {
        if (const auto state = weak.lock()) state->on_accepted(session, id, at, server_id);
      });
  supervisor.on_removed([weak = std::weak_ptr<State>(state_)](storage::SessionId session) {
    if (const auto state = weak.lock()) state->on_removed(session);
  });
}

Waits::~Waits() = default;

void Waits::await_qr(const std::string& session, std::chrono::milliseconds timeout, Reply<SessionView> reply) {
  state_->add(session, ForQr{std::move(reply)}, timeout);
}

void Waits::await_ack(const std::string& session, SentMessage sent, AckLevel level, std::chrono::milliseconds timeout,
                      Reply<SentMessage> reply) {
  if (const auto known = state_->look_up(session, sent); !known) return std::move(reply)(known.error());
  state_->add(session, ForAck{std::move(sent), level, std::move(reply)}, timeout);
}

void Waits::end() {
  state_->ended = true;
  std::vector<storage::SessionId> sessions;
  for (const auto& [session, waits] : state_->waiting) sessions.push_back(session);
  for (const auto session : sessions) {
    for (const auto& wait : state_->waiting_of(session)) state_->look(wait, State::Time::is_up);
  }
}

}  // namespace wharf::sessions
