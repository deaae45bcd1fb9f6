#include "sessions/supervisor.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <list>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "events/event.h"
#include "net/loop_guard.h"
#include "sessions/actor.h"
#include "sessions/log_value.h"
#include "sessions/reply.h"
#include "storage/messages.h"
#include "storage/sessions.h"

namespace wharf::sessions {

using protocol::Errc;
using protocol::Error;
using storage::SessionId;

namespace {

/// One caller that waits for something to become true of a session, or for its time to be up.
struct Waiter {
  explicit Waiter(net::Scheduler& scheduler) : timer(scheduler) {}
  SessionId session;
  std::function<void(const storage::Event* event)> wake;  // nullptr: the time is up
  net::Timer timer;
  std::optional<AckAwaited> hurry;
};

}  // namespace

struct Supervisor::State {
  State(Ports ports, SupervisorSettings supervisor_settings)
      : settings(std::move(supervisor_settings)),
        shared{ports.scheduler,
               ports.random,
               ports.store,
               ports.workers,
               ports.transport,
               settings.network.chat_url,
               settings.network.noise_root,
               settings.resume_handshake,
               SessionSettings(),
               ConnectGate(settings.reconnects_per_second)} {
    shared.settings.profile = settings.profile;
    shared.settings.max_queued_messages = settings.max_queued_messages;
    shared.settings.pre_key_batch = settings.pre_key_batch;
  }

  std::shared_ptr<SessionActor> actor(const std::string& name) const {
    const auto it = actors.find(name);
    return it == actors.end() ? nullptr : it->second;
  }
  std::shared_ptr<SessionActor> actor(SessionId id) const {
    const auto it = by_id.find(id);
    return it == by_id.end() ? nullptr : it->second;
  }
  void adopt(storage::SessionRow row, storage::DeviceRow device) {
    const std::string name = row.name;
    const SessionId id = row.id;
    auto actor = std::make_shared<SessionActor>(shared, std::move(row), std::move(device));
    actors[name] = actor;
    by_id[id] = actor;
    order[id.value] = name;
  }
  void drop(const std::string& name) {
    const auto it = actors.find(name);
    if (it == actors.end()) return;
    const SessionId id = it->second->view().id;
    const auto last = it->second;
    actors.erase(it);
    by_id.erase(id);
    order.erase(id.value);
    last->shutdown([] {});
    shared.scheduler.retire(last);  // it may be in one of its own callbacks
  }
  void on_committed(const std::vector<storage::Event>& events) {
    for (const auto& listener : listeners) net::guard("events", [&] { listener(events); });
    if (waiters.empty()) return;
    for (const storage::Event& event : events) {
      std::vector<std::shared_ptr<Waiter>> interested;
      for (const auto& waiter : waiters) {
        if (waiter->session == event.session) interested.push_back(waiter);
      }
      for (const auto& waiter : interested) {
        if (waiter->wake) waiter->wake(&event);
      }
    }
  }
  void forget(const std::shared_ptr<Waiter>& waiter) {
    waiter->wake = nullptr;
    waiter->hurry.reset();
    waiter->timer.cancel();
    waiters.remove(waiter);
  }
  void add_waiter(const std::shared_ptr<Waiter>& waiter, std::chrono::milliseconds timeout) {
    waiters.push_back(waiter);
    std::weak_ptr<Waiter> weak = waiter;
    waiter->timer.after(waits_ended ? std::chrono::milliseconds(0) : timeout, [weak] {
      if (const auto late = weak.lock(); late && late->wake) late->wake(nullptr);
    });
  }
  SentMessage sent_message(SessionActor& actor, const storage::MessageRow& row) {
    SentMessage sent;
    sent.id = row.id;
    sent.chat = row.chat;
    sent.chat_ids = actor.session().directory().person(row.chat);
    sent.text = row.body;
    sent.timestamp = row.timestamp;
    sent.ack = row.ack;
    sent.error = row.error;
    return sent;
  }

  SupervisorSettings settings;
  Shared shared;
  std::unordered_map<std::string, std::shared_ptr<SessionActor>> actors;
  std::unordered_map<SessionId, std::shared_ptr<SessionActor>> by_id;
  std::map<std::int64_t, std::string> order;                // by creation
  std::map<std::string, std::vector<Done<void>>> removing;  // who waits for the end of a session
  std::set<std::string> reserved;                           // names whose creation is being committed
  std::int64_t last_id = 0;
  std::vector<std::function<void(const std::vector<storage::Event>&)>> listeners;
  std::list<std::shared_ptr<Waiter>> waiters;
  bool waits_ended = false;  // the process is stopping: nobody waits any more
};

Supervisor::Supervisor(Ports ports, SupervisorSettings settings)
    : state_(std::make_shared<State>(ports, std::move(settings))) {
  std::weak_ptr<State> weak = state_;
  ports.store.on_events([weak](const std::vector<storage::Event>& events) {
    if (const auto state = weak.lock()) state->on_committed(events);
  });
  state_->last_id = storage::last_session_id(ports.store.reader());
  for (auto& row : storage::load_sessions(ports.store.reader())) {
    const std::string name = row.name;
    try {
      auto device = storage::load_device(ports.store.reader(), row.id);
      if (!device) {
        spdlog::error("session_without_device session={}", name);
        continue;
      }
      state_->adopt(std::move(row), std::move(*device));
    } catch (const storage::ReadFailure& failure) {
      // A damaged page costs the sessions whose rows are on it.
      spdlog::error("session_unreadable session={} detail={}", name, log_value(failure.what()));
    }
  }
}

Supervisor::~Supervisor() {
  for (const auto& [name, actor] : state_->actors) actor->shutdown([] {});
}

void Supervisor::start() {
  for (const auto& [id, name] : state_->order) state_->actors.at(name)->begin();
}

void Supervisor::end_waits() {
  state_->waits_ended = true;
  const auto waiting = state_->waiters;  // a copy: each takes itself out
  for (const auto& waiter : waiting) {
    // A copy: waking drops it.
    if (const auto wake = waiter->wake) net::guard("end of a wait", [&] { wake(nullptr); });
  }
}

void Supervisor::stop(std::function<void()> done) {
  auto left = std::make_shared<std::size_t>(state_->actors.size() + 1);
  const auto one_less = [left, done = std::move(done)] {
    if (--*left == 0) done();
  };
  for (const auto& [name, actor] : state_->actors) actor->shutdown(one_less);
  one_less();
}

// --- looking

std::optional<SessionView> Supervisor::find(const std::string& name) const {
  const auto actor = state_->actor(name);
  if (!actor) return std::nullopt;
  return actor->view();
}

std::optional<SessionView> Supervisor::find(SessionId id) const {
  const auto actor = state_->actor(id);
  if (!actor) return std::nullopt;
  return actor->view();
}

std::optional<Holdings> Supervisor::holdings(const std::string& name) const {
  const auto actor = state_->actor(name);
  if (!actor) return std::nullopt;
  return actor->holdings();
}

std::vector<SessionView> Supervisor::list() const {
  std::vector<SessionView> views;
  views.reserve(state_->order.size());
  for (const auto& [id, name] : state_->order) views.push_back(state_->actors.at(name)->view());
  return views;
}

std::size_t Supervisor::count() const { return state_->actors.size(); }

std::size_t Supervisor::count_ready() const {
  return static_cast<std::size_t>(std::count_if(state_->actors.begin(), state_->actors.end(), [](const auto& item) {
    const auto& context = item.second->session().context();
    return context.status == Status::ready && context.link.online();
  }));
}

PersonIds Supervisor::person(SessionId session, const Jid& user) const {
  const auto actor = state_->actor(session);
  return actor ? actor->session().directory().person(user) : PersonIds();
}

Jid Supervisor::canonical_chat(SessionId session, const Jid& jid) const {
  const auto actor = state_->actor(session);
  return actor && jid.has_devices() ? actor->session().directory().canonical_user(jid) : jid.user_jid();
}

void Supervisor::on_events(std::function<void(const std::vector<storage::Event>&)> listener) {
  state_->listeners.push_back(std::move(listener));
}

// --- lifecycle

namespace {

/// The `failed` of a call whose answer goes to `done`.
template <class T>
std::function<void(const Error&)> ended_badly(Done<T> done) {
  return [done = std::move(done)](const Error& error) { done(error); };
}

Error no_session(const std::string& name) {
  return Error(Errc::not_found, "session: Session with ID '" + name + "' not found");
}

}  // namespace

void Supervisor::create(NewSession session, Done<SessionView> done) {
  State& state = *state_;
  if (state.actors.contains(session.name) || state.reserved.contains(session.name)) {
    return done(Error(Errc::conflict, "a session with this id exists"));
  }
  if (state.actors.size() + state.reserved.size() >= state.settings.max_sessions) {
    return done(Error(Errc::too_large, "the maximum number of sessions is reached"));
  }
  if (!state.shared.store.healthy()) return done(Error(Errc::storage_full, state.shared.store.last_failure()));
  storage::SessionRow row;
  row.id = SessionId{++state.last_id};
  row.name = session.name;
  row.status = name(Status::initializing);
  row.config = session.config_json;
  row.metadata = session.metadata_json;
  row.created_at = row.last_activity = state.shared.scheduler.unix_ms();
  storage::Changes changes;
  changes.add(storage::InsertSession{row});
  const auto device = new_device(row.id, state.shared.random, changes, row.created_at);
  changes.add(storage::PutDevice{device});
  state.reserved.insert(session.name);
  state.shared.store.commit(std::move(changes),
                            [keep = state_, row, device, done = owed(std::move(done))](Result<void> committed) {
                              keep->reserved.erase(row.name);
                              if (!committed) return done(committed.error());
                              keep->adopt(row, device);
                              const auto actor = keep->actors.at(row.name);
                              actor->call(
                                  [done, actor](Session& started) {
                                    started.start();
                                    started.context().answer([done, actor](const Error* failure) {
                                      if (failure) return done(*failure);
                                      done(actor->view());
                                    });
                                  },
                                  ended_badly(done));
                            });
}

void Supervisor::remove(const std::string& name, Done<void> done) {
  const auto actor = state_->actor(name);
  if (!actor) return done(no_session(name));
  auto& waiting = state_->removing[name];
  waiting.push_back(std::move(done));
  if (waiting.size() > 1) return;  // it is ending already: one end answers all
  const Done<void> ended = owed<void>([weak = std::weak_ptr<State>(state_), name](Result<void> result) {
    const auto state = weak.lock();
    if (!state) return;
    auto asked = state->removing.extract(name);
    if (asked.empty()) return;
    for (const auto& answer : asked.mapped()) net::guard("answer", [&] { answer(result); });
  });
  actor->on_finished = [weak = std::weak_ptr<State>(state_), name] {
    if (const auto state = weak.lock()) state->drop(name);
  };
  actor->call([ended](Session& session) { session.remove(ended); }, ended_badly(ended));
}

namespace {

/// Runs `act` in a turn of the session and answers with its view.
void in_turn(const std::shared_ptr<SessionActor>& actor, const std::string& name,
             std::function<Result<void>(Session&)> act, Done<SessionView> done) {
  if (!actor) return done(no_session(name));
  done = owed(std::move(done));
  actor->call(
      [actor, act = std::move(act), done](Session& session) {
        if (const auto acted = act(session); !acted) return done(acted.error());
        session.context().answer([actor, done](const Error* failure) {
          if (failure) return done(*failure);
          done(actor->view());
        });
      },
      ended_badly(done));
}

}  // namespace

void Supervisor::start_session(const std::string& name, Done<SessionView> done) {
  in_turn(
      state_->actor(name), name,
      [](Session& session) -> Result<void> {
        const Context& c = session.context();
        const bool running = c.status != Status::failed && c.status != Status::terminated;
        if (!running) session.start();
        return {};
      },
      std::move(done));
}

void Supervisor::stop_session(const std::string& name, Done<SessionView> done) {
  in_turn(
      state_->actor(name), name,
      [](Session& session) -> Result<void> {
        session.stop(Status::terminated);
        return {};
      },
      std::move(done));
}

void Supervisor::restart_session(const std::string& name, Done<SessionView> done) {
  in_turn(
      state_->actor(name), name,
      [](Session& session) -> Result<void> {
        session.stop(Status::initializing);
        session.start();
        return {};
      },
      std::move(done));
}

void Supervisor::logout(const std::string& name, Done<SessionView> done) {
  const auto actor = state_->actor(name);
  if (!actor) return done(no_session(name));
  done = owed(std::move(done));
  const Done<void> ended = [actor, done](Result<void> result) {
    if (!result) return done(result.error());
    done(actor->view());
  };
  actor->call([ended](Session& session) { session.logout(ended); }, ended_badly(done));
}

void Supervisor::update(const std::string& name, std::optional<std::string> config_json,
                        std::optional<SessionConfig> config, std::optional<std::string> metadata_json,
                        Done<SessionView> done) {
  in_turn(
      state_->actor(name), name,
      [config_json = std::move(config_json), config = std::move(config),
       metadata_json = std::move(metadata_json)](Session& session) -> Result<void> {
        session.update(config_json, config, metadata_json);
        return {};
      },
      std::move(done));
}

void Supervisor::pairing_code(const std::string& name, const std::string& phone, Done<PairingCode> done) {
  const auto actor = state_->actor(name);
  if (!actor) return done(no_session(name));
  done = owed(std::move(done));
  actor->call([phone, done](Session& session) { session.request_pairing_code(phone, done); }, ended_badly(done));
}

void Supervisor::await_qr(const std::string& name, std::chrono::milliseconds timeout, Done<SessionView> done) {
  const auto actor = state_->actor(name);
  if (!actor) return done(no_session(name));
  const auto view = actor->view();
  if (view.qr || view.status != Status::initializing) return done(view);
  auto waiter = std::make_shared<Waiter>(state_->shared.scheduler);
  waiter->session = view.id;
  std::weak_ptr<State> weak = state_;
  std::weak_ptr<Waiter> self = waiter;
  waiter->wake = [weak, self, name, done = std::move(done)](const storage::Event* event) {
    const auto state = weak.lock();
    const auto waiting = self.lock();
    const auto current = state ? state->actor(name) : nullptr;
    if (!state || !waiting) return;
    if (current && event != nullptr) {
      const auto now = current->view();
      if (!now.qr && now.status == Status::initializing) return;
    }
    const auto finish = done;
    state->forget(waiting);
    if (!current) return finish(no_session(name));
    finish(current->view());
  };
  state_->add_waiter(waiter, timeout);
}

// --- messages

void Supervisor::send_text(const std::string& name, SendText text, Done<SentMessage> done) {
  const auto actor = state_->actor(name);
  if (!actor) return done(no_session(name));
  // Refused before a turn: a failed commit would cost the session its connection.
  if (!state_->shared.store.healthy()) return done(Error(Errc::storage_full, state_->shared.store.last_failure()));
  done = owed(std::move(done));
  actor->call([text = std::move(text), done](Session& session) { session.send_text(text, done); }, ended_badly(done));
}

void Supervisor::await_ack(const std::string& name, const std::string& message_id, storage::AckLevel level,
                           std::chrono::milliseconds timeout, Done<SentMessage> done) {
  const auto actor = state_->actor(name);
  if (!actor) return done(no_session(name));
  auto waiter = std::make_shared<Waiter>(state_->shared.scheduler);
  waiter->session = actor->view().id;
  waiter->hurry.emplace(state_->shared, waiter->session);
  std::weak_ptr<State> weak = state_;
  std::weak_ptr<Waiter> self = waiter;
  // Reads the row itself: events only tell when to look.
  const auto look = [weak, self, name, message_id, level, done](bool time_is_up) {
    const auto state = weak.lock();
    const auto waiting = self.lock();
    const auto current = state ? state->actor(name) : nullptr;
    if (!state || !waiting) return;
    const auto finish = done;
    if (!current) {
      state->forget(waiting);
      return finish(no_session(name));
    }
    std::optional<storage::MessageRow> row;
    try {
      row = storage::find_message_by_id(state->shared.store.reader(), waiting->session, message_id, true);
    } catch (const storage::ReadFailure& unreadable) {
      state->forget(waiting);
      return finish(unreadable.error);
    }
    if (!row) {
      state->forget(waiting);
      return finish(Error(Errc::not_found, "message: no message with this id"));
    }
    const bool reached = row->ack >= level || row->ack == storage::AckLevel::error;
    if (!reached && !time_is_up) return;
    const SentMessage sent = state->sent_message(*current, *row);
    state->forget(waiting);
    finish(sent);
  };
  waiter->wake = [look, message_id, level](const storage::Event* event) {
    if (event == nullptr) return look(true);
    const auto* ack = event->value ? std::get_if<events::Ack>(&event->value->fact) : nullptr;
    if (!ack || ack->id != message_id) return;
    if (ack->level >= level || ack->level == storage::AckLevel::error) look(false);
  };
  state_->add_waiter(waiter, timeout);
  look(false);
}

void Supervisor::remove_chat(const std::string& name, const Jid& chat, Done<void> done) {
  const auto actor = state_->actor(name);
  if (!actor) return done(no_session(name));
  done = owed(std::move(done));
  actor->call([chat, done](Session& session) { session.remove_chat(chat, done); }, ended_badly(done));
}

void Supervisor::mark_read(const std::string& name, const Jid& chat, Done<void> done) {
  const auto actor = state_->actor(name);
  if (!actor) return done(no_session(name));
  done = owed(std::move(done));
  actor->call([chat, done](Session& session) { session.mark_read(chat, done); }, ended_badly(done));
}

}  // namespace wharf::sessions
