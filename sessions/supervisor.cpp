#include "sessions/supervisor.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>

#include "net/loop_guard.h"
#include "sessions/actor.h"
#include "sessions/log_value.h"
#include "storage/sessions.h"

namespace wharf::sessions {

using protocol::Errc;
using protocol::Error;
using storage::SessionId;

struct Supervisor::State : std::enable_shared_from_this<State> {
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
    shared.media = ports.media;
    shared.folder = ports.folder;
    shared.settings.copies_media = ports.folder != nullptr;
    shared.settings.profile = settings.profile;
    shared.settings.max_queued_messages = settings.max_queued_messages;
    shared.settings.max_lateness = settings.max_lateness;
    shared.settings.pre_key_batch = settings.pre_key_batch;
    shared.settings.deduplicate_media = settings.deduplicate_media;
  }

  std::shared_ptr<SessionActor> actor(const std::string& name) const {
    const auto it = actors.find(name);
    return it == actors.end() ? nullptr : it->second;
  }
  std::shared_ptr<SessionActor> actor(SessionId id) const {
    const auto it = by_id.find(id);
    return it == by_id.end() ? nullptr : it->second;
  }
  std::shared_ptr<SessionActor> adopt(storage::SessionRow row, storage::DeviceRow device) {
    const std::string name = row.name;
    const SessionId id = row.id;
    auto actor = std::make_shared<SessionActor>(shared, std::move(row), std::move(device));
    actor->on_finished = [weak = weak_from_this(), name] {
      if (const auto state = weak.lock()) state->drop(name);
    };
    actors[name] = actor;
    by_id[id] = actor;
    order[id.value] = name;
    return actor;
  }
  /// Why nothing can be asked of any session now.
  std::optional<Error> unwritable() const {
    if (shared.store.healthy()) return std::nullopt;
    return Error(Errc::storage_full, shared.store.last_failure());
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
    for (const auto& listener : removal_listeners) net::guard("removal", [&] { listener(id); });
  }
  void on_committed(const std::vector<storage::Event>& events) {
    for (const auto& listener : listeners) net::guard("events", [&] { listener(events); });
  }

  SupervisorSettings settings;
  Shared shared;
  std::unordered_map<std::string, std::shared_ptr<SessionActor>> actors;
  std::unordered_map<SessionId, std::shared_ptr<SessionActor>> by_id;
  std::map<std::int64_t, std::string> order;  // by creation
  std::set<std::string> reserved;             // names whose creation is being committed
  std::int64_t last_id = 0;
  std::vector<std::function<void(const std::vector<storage::Event>&)>> listeners;
  std::vector<std::function<void(SessionId)>> removal_listeners;
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

void Supervisor::stop(std::function<void()> done) {
  auto left = std::make_shared<std::size_t>(state_->actors.size() + 1);
  const auto one_less = [left, done = std::move(done)] {
    if (--*left == 0) done();
  };
  std::vector<std::shared_ptr<SessionActor>> actors;  // one may end its session meanwhile
  for (const auto& [name, actor] : state_->actors) actors.push_back(actor);
  for (const auto& actor : actors) actor->come_to_rest(one_less);
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

std::vector<SessionView> Supervisor::list(SessionId after, std::size_t most) const {
  const auto& order = state_->order;
  std::vector<SessionView> views;
  views.reserve(std::min(most, order.size()));
  for (auto next = order.upper_bound(after.value); next != order.end() && views.size() < most; ++next) {
    views.push_back(state_->actors.at(next->second)->view());
  }
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

bool Supervisor::behind(const std::string& name) const {
  const auto found = state_->actors.find(name);
  return found != state_->actors.end() && found->second->behind();
}

std::shared_ptr<AwaitedAcks> Supervisor::awaited_acks() const { return state_->shared.awaited_acks; }

void Supervisor::on_events(std::function<void(const std::vector<storage::Event>&)> listener) {
  state_->listeners.push_back(std::move(listener));
}

void Supervisor::on_removed(std::function<void(SessionId)> listener) {
  state_->removal_listeners.push_back(std::move(listener));
}

// --- asking

void Supervisor::create(NewSession session, Reply<SessionView> reply) {
  State& state = *state_;
  if (state.actors.contains(session.name) || state.reserved.contains(session.name)) {
    return std::move(reply)(Refusal(Errc::conflict, Subject::session, "a session of this name exists"));
  }
  if (state.actors.size() + state.reserved.size() >= state.settings.max_sessions) {
    return std::move(reply)(Refusal(Errc::too_large, Subject::session, "the maximum number of sessions is reached"));
  }
  if (const auto refused = state.unwritable()) return std::move(reply)(*refused);
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
  const auto waiting = std::make_shared<Reply<SessionView>>(std::move(reply));
  state.shared.store.commit(std::move(changes), [keep = state_, row, device, waiting,
                                                 request_id = std::move(session.request_id)](Result<void> committed) {
    keep->reserved.erase(row.name);
    if (!committed) return std::move(*waiting)(committed.error());
    const auto actor = keep->adopt(row, device);
    actor->begin(request_id);
    // Behind the turn in which it begins: the answer is how it stands then. A turn that fails takes nothing back: the
    // session is there, begins again, and its view says so.
    actor->post(
        CommandArrived{Asked<StartSession>{{},
                                           [waiting, weak = std::weak_ptr(actor), registry = std::weak_ptr(keep),
                                            id = row.id](Outcome<SessionView> begun) {
                                             const auto known = registry.lock();
                                             const auto created = weak.lock();
                                             const bool there = known && created && known->actor(id) == created;
                                             if (!begun && there) begun = created->view();
                                             std::move (*waiting)(std::move(begun));
                                           }},
                       request_id});
  });
}

void Supervisor::tell(const std::string& name, Command command, std::string request_id) {
  const auto actor = state_->actor(name);
  if (!actor) return refuse(std::move(command), no_session(name));
  if (const auto refused = state_->unwritable()) return refuse(std::move(command), *refused);
  actor->post(CommandArrived{std::move(command), std::move(request_id)});
}

}  // namespace wharf::sessions
