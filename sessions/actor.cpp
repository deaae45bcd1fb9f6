#include "sessions/actor.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <utility>

namespace wharf::sessions {

namespace {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

}  // namespace

SessionActor::SessionActor(Shared& shared, storage::SessionRow row, storage::DeviceRow device, SessionConfig config)
    : shared_(shared),
      name_(row.name),
      wake_timer_(shared.loop.get_executor()),
      connect_timer_(shared.loop.get_executor()) {
  session_ = std::make_unique<Session>(shared_.store.reader(), shared_.random, shared_.settings, std::move(row),
                                       std::move(device), std::move(config),
                                       [this](std::string_view event, const std::string& fields) { log(event, fields); });
  logged_status_ = session_->context().status;
}

SessionActor::~SessionActor() { retire_link(); }

Now SessionActor::now() const { return {shared_.clock.unix_ms(), shared_.clock.steady()}; }

void SessionActor::log(std::string_view event, const std::string& fields) const {
  spdlog::info("{} session={} {}", event, name_, fields);
}

// --- mailbox and turns ----------------------------------------------------------------------------------------------------

void SessionActor::call(std::function<void(Session&)> run, std::function<void(const Error&)> failed) {
  if (closed_) return failed(Error(Errc::closed, "the session is being closed"));
  Call input;
  input.run = [this, run = std::move(run)] { run(*session_); };
  input.failed = std::move(failed);
  post(std::move(input));
}

void SessionActor::post(Input input) {
  if (closed_) return;
  mailbox_.push_back(std::move(input));
  if (!paused_ && link_ && mailbox_.size() >= pause_reading_at) {
    paused_ = true;
    link_->pause(true);  // back-pressure: the kernel's buffers fill, then the server waits
  }
  pump();
}

void SessionActor::pump() {
  const auto keep = shared_from_this();
  while (!busy_ && !closed_ && (!mailbox_.empty() || wake_)) run_turn();
  if (busy_ || !closed_ || !at_rest_) return;
  std::exchange(at_rest_, nullptr)();
}

void SessionActor::run_turn() {
  busy_ = true;
  wake_ = false;
  std::vector<Input> inputs;
  while (!mailbox_.empty() && inputs.size() < max_inputs_per_turn) {
    inputs.push_back(std::move(mailbox_.front()));
    mailbox_.pop_front();
  }
  if (paused_ && mailbox_.size() <= resume_reading_at) {
    paused_ = false;
    if (link_) link_->pause(false);
  }
  std::vector<std::function<void(const Error&)>> callers;
  for (const Input& input : inputs) {
    if (const auto* call = std::get_if<Call>(&input); call && call->failed) callers.push_back(call->failed);
  }
  Turn turn;
  try {
    turn = session_->handle(std::move(inputs), now());
  } catch (const std::exception& broken) {
    // A broken invariant ends this turn, not the process: nothing of it was committed.
    const Error why(Errc::internal, broken.what());
    spdlog::error("turn_failed session={} detail=\"{}\"", name_, broken.what());
    for (const auto& failed : callers) failed(why);
    busy_ = false;
    return rebuild(why);
  }
  if (turn.changes.empty()) return after_commit(std::move(turn.effects), Result<void>());
  auto effects = std::make_shared<std::vector<Effect>>(std::move(turn.effects));
  shared_.store.commit(std::move(turn.changes), [self = shared_from_this(), effects](Result<void> result) {
    self->after_commit(std::move(*effects), result);
    self->pump();
  });
}

void SessionActor::after_commit(std::vector<Effect> effects, const Result<void>& result) {
  busy_ = false;
  if (!result) {
    const Error failure = result.error();
    spdlog::error("commit_failed session={} code={} detail=\"{}\"", name_, protocol::name(result.error().code),
                  result.error().detail);
    for (Effect& effect : effects) {
      if (auto* answer = std::get_if<Answer>(&effect)) answer->call(&failure);
    }
    return rebuild(result.error());
  }
  rebuild_backoff_.reset();
  session_->committed();
  const Status status = session_->context().status;
  if (status != logged_status_) {
    logged_status_ = status;
    const auto& reason = session_->context().reason;
    log("session_status", fmt::format("status={} connection={} reason={}", wharf::sessions::name(status),
                                      wharf::sessions::name(session_->context().connection), reason ? reason->code : "-"));
  }
  for (Effect& effect : effects) perform(effect);
  arm_timer();
}

void SessionActor::perform(Effect& effect) {
  std::visit(Overloaded{
                 [this](SendPayload& send) {
                   if (link_) link_->send(send.payload);
                 },
                 [](Answer& answer) { answer.call(nullptr); },
                 [this](OpenLink& open) { open_link(open.delay); },
                 [this](CloseLink&) {
                   connect_timer_.cancel();
                   if (link_) link_->close();
                   retire_link();
                 },
                 [this](RunWork& work) {
                   const std::uint64_t generation = generation_;
                   auto then = [weak = weak_from_this(), generation, then = std::move(work.then)] {
                     const auto self = weak.lock();
                     if (!self || self->generation_ != generation) return;
                     Call done;
                     done.run = then;
                     self->post(std::move(done));
                   };
                   if (!shared_.workers.run(std::move(work.work), std::move(then))) {
                     spdlog::warn("worker_queue_full session={}", name_);
                     rebuild(Error(Errc::rate_limited, "too much work is waiting"));
                   }
                 },
                 [this](Finished& finished) {
                   if (finished.call) finished.call();
                   if (on_finished) on_finished();
                 },
             },
             effect);
}

void SessionActor::rebuild(const Error& why) {
  // Memory ran ahead of the disk: start again from the rows. What the server sent and we did not acknowledge comes again.
  ++generation_;
  if (link_) link_->close();
  retire_link();
  connect_timer_.cancel();
  for (Input& input : mailbox_) {
    if (auto* call = std::get_if<Call>(&input); call && call->failed) call->failed(why);
  }
  mailbox_.clear();
  auto& context = session_->context();
  const storage::SessionId id = context.id();
  storage::SessionRow row = context.row;
  SessionConfig config = context.config;
  auto device = storage::load_device(shared_.store.reader(), id);
  for (auto& stored : storage::load_sessions(shared_.store.reader())) {
    if (stored.id == id) row = std::move(stored);
  }
  if (!device) return;  // removed meanwhile
  const bool wanted = !row.stopped && row.status != name(Status::failed);
  session_ = std::make_unique<Session>(shared_.store.reader(), shared_.random, shared_.settings, std::move(row),
                                       std::move(*device), std::move(config),
                                       [this](std::string_view event, const std::string& fields) { log(event, fields); });
  session_->context().connection = wanted ? Connection::connecting : Connection::offline;
  if (wanted) open_link(rebuild_backoff_.next(shared_.random));
  arm_timer();
}

// --- connection and timer ---------------------------------------------------------------------------------------------------

void SessionActor::retire_link() {
  if (!link_) return;
  ++link_generation_;
  paused_ = false;
  // It may be calling us right now: it dies on the next round of the loop.
  net::asio::post(shared_.loop, [retired = std::move(link_)] {});
}

void SessionActor::open_link(std::chrono::milliseconds delay) {
  const auto current = shared_.clock.steady();
  const auto start = shared_.gate.reserve(current, current + delay);
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(start - current);
  connect_timer_.after(std::max(std::chrono::milliseconds(0), wait), [this] { connect(); });
}

void SessionActor::connect() {
  if (closed_) return;
  retire_link();
  const std::uint64_t generation = ++link_generation_;
  const std::uint64_t epoch = session_->link_epoch();
  Link::Listener listener;
  listener.up = [this, generation, epoch](const protocol::KnownServer& server, bool resumed) {
    if (generation == link_generation_) post(LinkUp{server, resumed, epoch});
  };
  listener.stanza = [this, generation, epoch](Node node) {
    if (generation == link_generation_) post(StanzaArrived{std::move(node), epoch});
  };
  listener.end = [this, generation, epoch](LinkEnd end) {
    if (generation != link_generation_) return;
    retire_link();
    post(LinkDown{std::move(end), epoch});
  };
  auto settings = session_->link_settings(shared_.chat_url, shared_.noise_root, shared_.resume_handshake, now(), connects_++);
  link_ = std::make_unique<Link>(shared_.loop, shared_.sockets, std::move(settings), std::move(listener));
}

void SessionActor::arm_timer() {
  const auto due = session_->next_deadline();
  if (due == armed_) return;
  armed_ = due;
  if (!due) return wake_timer_.cancel();
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*due - shared_.clock.steady());
  wake_timer_.after(std::max(std::chrono::milliseconds(0), wait), [this] {
    armed_.reset();
    wake_ = true;
    pump();
  });
}

void SessionActor::shutdown(std::function<void()> done) {
  closed_ = true;
  wake_timer_.cancel();
  connect_timer_.cancel();
  if (link_) link_->close();
  retire_link();
  for (Input& input : mailbox_) {
    if (auto* call = std::get_if<Call>(&input); call && call->failed) call->failed(Error(Errc::closed, "the daemon is stopping"));
  }
  mailbox_.clear();
  if (!busy_) return done();
  at_rest_ = std::move(done);
}

}  // namespace wharf::sessions
