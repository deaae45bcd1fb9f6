#include "sessions/actor.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "net/loop_guard.h"
#include "sessions/config_json.h"
#include "sessions/due.h"
#include "sessions/log_value.h"

namespace wharf::sessions {

namespace {

template <class... Functions>
struct Overloaded : Functions... {
  using Functions::operator()...;
};
template <class... Functions>
Overloaded(Functions...) -> Overloaded<Functions...>;

/// How long acks and receipts wait for company. Ends on a common grid, so that those of all sessions share a flush.
constexpr std::chrono::milliseconds linger_grid{4};

/// It is not handled any more: whoever waits for a command hears why.
void refuse(Input input, const Error& why) {
  if (auto* arrived = std::get_if<CommandArrived>(&input)) refuse(std::move(arrived->command), why);
}

}  // namespace

SessionActor::SessionActor(Shared& shared, storage::SessionRow row, storage::DeviceRow device)
    : shared_(shared),
      name_(row.name),
      wake_timer_(shared.scheduler),
      connect_timer_(shared.scheduler),
      restore_timer_(shared.scheduler) {
  session_ = make_session(std::move(row), std::move(device));
  logged_status_ = session_->context().status;
}

std::unique_ptr<Session> SessionActor::make_session(storage::SessionRow row, storage::DeviceRow device) {
  SessionConfig config = parse_config(row.config);
  return std::make_unique<Session>(shared_.store.reader(), shared_.random, shared_.settings, std::move(row),
                                   std::move(device), std::move(config),
                                   [this](std::string_view event, const std::string& fields) { log(event, fields); });
}

SessionView SessionActor::view() const {
  SessionView view = session_->view();
  if (!trouble_ || view.reason || view.status == Status::ready) return view;
  Reason& why = view.reason.emplace();
  const bool storage = trouble_->code == Errc::storage || trouble_->code == Errc::storage_full;
  why.code = protocol::name(trouble_->code);
  why.message = storage ? "the rows of the session could not be read or written: " + trouble_->detail
                        : "the session failed and begins again: " + trouble_->detail;
  using events::NextStep;
  why.next_step = trouble_->code == Errc::storage_full ? NextStep::free_disk
                  : storage                            ? NextStep::check_disk
                                                       : NextStep::report;
  return view;
}

Holdings SessionActor::holdings() const {
  Holdings held = session_->holdings();
  held.inputs = mailbox_.size();
  held.input_bytes = mailbox_.bytes();
  held.in_turn = busy_ || broken_;  // a broken one is thrown away
  if (broken_) held.due.reset();
  return held;
}

SessionActor::~SessionActor() { retire_link(); }

Now SessionActor::now() const { return {shared_.scheduler.unix_ms(), shared_.scheduler.steady()}; }

void SessionActor::log(std::string_view event, const std::string& fields) const {
  spdlog::info("{} session={} {}", event, name_, fields);
}

// --- mailbox and turns

void SessionActor::begin(std::string request_id) {
  const auto& context = session_->context();
  // Failed sessions wait for their user: another try by ourselves would only repeat the outcome.
  if (context.row.stopped || context.status == Status::failed) return arm_timer();
  post(Begin{std::move(request_id)});
}

std::optional<Session::AcceptedMessage> SessionActor::awaited_in(const Input& input) const {
  // What stands before it may end the session or its connection, and then nobody reads the ack. Its event tells.
  if (mailbox_.urgent()) return std::nullopt;
  const auto* arrived = std::get_if<StanzaArrived>(&input);
  if (!arrived || !shared_.awaited_acks->of(session_->context().id())) return std::nullopt;
  return session_->accepted_by(*arrived, now());
}

void SessionActor::post(Input input) {
  if (closed_) return refuse(std::move(input), Error(Errc::closed, "the session is being closed"));
  if (broken_) return refuse(std::move(input), *broken_);
  const auto accepted = awaited_in(input);
  const auto keep = accepted ? shared_from_this() : nullptr;  // for what is told in the end
  if (accepted) told_ahead_ = true;
  mailbox_.push(std::move(input));
  if (!paused_ && link_ && mailbox_.full()) {
    paused_ = true;
    link_->pause(true);  // back-pressure: the kernel's buffers fill, then the server waits
  }
  if (wants_turn()) {
    pump();
  } else {
    linger();
  }
  // Last: who is told may ask for something at once.
  if (accepted) shared_.awaited_acks->tell(session_->context().id(), accepted->id, accepted->at, accepted->server_id);
}

void SessionActor::linger() {
  if (lingers_until_) return;
  const auto current = shared_.scheduler.steady();
  lingers_until_ = current - current.time_since_epoch() % linger_grid + linger_grid;
  arm_timer();
}

bool SessionActor::wants_turn() const { return wake_ || mailbox_.urgent(); }

void SessionActor::pump() {
  const auto keep = shared_from_this();
  while (!busy_ && !closed_ && !broken_ && wants_turn()) run_turn();
  if (busy_) return;
  if (!closed_ && !broken_ && !mailbox_.empty()) linger();
  if (!closed_ || !at_rest_) return;
  std::exchange(at_rest_, nullptr)();
}

void SessionActor::run_turn() {
  busy_ = true;
  wake_ = false;
  lingers_until_.reset();
  std::vector<Input> inputs = mailbox_.take();
  if (paused_ && mailbox_.relieved()) {
    paused_ = false;
    if (link_) link_->pause(false);
  }
  Debts debts;
  for (const Input& input : inputs) {
    const auto* arrived = std::get_if<CommandArrived>(&input);
    if (auto debt = arrived ? owed(arrived->command) : nullptr) debts.push_back(std::move(debt));
  }
  Turn turn;
  try {
    turn = session_->handle(std::move(inputs), now());
  } catch (const storage::ReadFailure& unreadable) {
    return turn_failed(debts, unreadable.error);
  } catch (const std::exception& broken) {
    return turn_failed(debts, Error(Errc::internal, broken.what()));
  }
  if (turn.changes.empty()) return after_commit(std::move(turn.effects), debts, Result<void>());
  auto effects = std::make_shared<std::vector<Effect>>(std::move(turn.effects));
  shared_.store.commit(std::move(turn.changes),
                       [self = shared_from_this(), effects, debts = std::move(debts)](Result<void> result) {
                         self->after_commit(std::move(*effects), debts, result);
                         self->pump();
                       });
}

// A broken invariant or rows that cannot be read end this turn, not the process: nothing of it was committed.
void SessionActor::turn_failed(const Debts& debts, const Error& why) {
  spdlog::error("turn_failed session={} code={} detail={}", name_, protocol::name(why.code), log_value(why.detail));
  for (const auto& debt : debts) debt->fail(why);
  auto undone = session_->abandon_turn();  // answers to commands of earlier turns
  fail_answers(undone, why);
  busy_ = false;
  rebuild(why);
}

void SessionActor::after_commit(std::vector<Effect> effects, const Debts& debts, const Result<void>& result) {
  busy_ = false;
  if (mailbox_.empty()) told_ahead_ = false;
  if (!result) {
    const Error failure = result.error();
    spdlog::error("commit_failed session={} code={} detail={}", name_, protocol::name(failure.code),
                  log_value(failure.detail));
    fail_answers(effects, failure);
    for (const auto& debt : debts) debt->fail(failure);  // the answer was left to a later turn
    return rebuild(failure);
  }
  const bool held = !broken_ && shared_.scheduler.steady() - restored_at_ >= Backoff::stable_after;
  if (held) trouble_.reset();
  if (!trouble_) rebuild_backoff_.reset();
  bool intact = net::guard("session turn", [this] { session_->committed(); });
  log_status();
  // One that fails must not cost the others: what they tell is committed.
  for (Effect& effect : effects) intact &= net::guard("session effect", [&] { perform(effect); });
  if (!intact) return rebuild(Error(Errc::internal, "an effect of the session failed"));
  arm_timer();
}

void SessionActor::log_status() {
  const auto& context = session_->context();
  if (context.status == logged_status_) return;
  logged_status_ = context.status;
  log("session_status",
      fmt::format("status={} connection={} reason={}", wharf::sessions::name(context.status),
                  wharf::sessions::name(context.link.seen()), context.reason ? context.reason->code : "-"));
}

void SessionActor::perform(Effect& effect) {
  std::visit(Overloaded{
                 [this](SendPayload& send) {
                   if (!link_) return;
                   // What must not be lost is bounded where it is sealed; this is of a peer's making, a resend perhaps.
                   if (const auto sent = link_->send(send.payload); !sent) {
                     spdlog::warn("stanza_refused session={} detail={}", name_, log_value(sent.error().detail));
                   }
                 },
                 [](Answer& answer) { answer.deliver(nullptr); },
                 [this](AnswerWithView& answer) { std::move(answer.reply)(view()); },
                 [this](OpenLink& open) { open_link(open); },
                 [this](CloseLink&) {
                   connect_timer_.cancel();
                   if (link_) link_->close();
                   retire_link();
                 },
                 [this](RunWork& work) {
                   if (broken_) return;  // who would hear of it is thrown away
                   const std::uint64_t generation = generation_;
                   const auto done = std::make_shared<WorkDone>(WorkDone{std::move(work.then)});
                   auto then = [weak = weak_from_this(), generation, done] {
                     const auto self = weak.lock();
                     if (self && self->generation_ == generation) self->post(std::move(*done));
                   };
                   if (!shared_.workers.run(std::move(work.work), std::move(then))) {
                     spdlog::warn("worker_queue_full session={}", name_);
                     rebuild(Error(Errc::rate_limited, "too much work is waiting"));
                   }
                 },
                 [this](StartUpload& start) {
                   move_file<Transferred<protocol::UploadAnswer>>(start.number, std::move(start.then), [&](auto done) {
                     return shared_.media->upload(std::move(start.upload), std::move(done));
                   });
                 },
                 [this](StartDownload& start) {
                   move_file<Transferred<void>>(start.number, std::move(start.then), [&](auto done) {
                     return shared_.media->download(std::move(start.download), std::move(done));
                   });
                 },
                 [this](FetchSmallFile& start) {
                   move_file<Transferred<protocol::Bytes>>(start.number, std::move(start.then), [&](auto done) {
                     return shared_.media->fetch(std::move(start.file), std::move(done));
                   });
                 },
                 [this](CancelTransfer& cancel) { transfers_.erase(cancel.number); },
                 [this](ReleaseFile& file) {
                   if (!shared_.media) return;
                   auto release = [&vault = shared_.media->vault(), file] {
                     file.kept ? vault.keep(file.name) : vault.drop(file.name);
                   };
                   if (shared_.folder) return shared_.folder->after_copies(file.name, std::move(release));
                   release();
                 },
                 [this](CopyToFolder& copy) {
                   if (shared_.folder) shared_.folder->copy(std::move(copy.copy));
                 },
                 [this](RemoveFromFolder& gone) {
                   if (shared_.folder) shared_.folder->remove(gone.removal);
                 },
                 [this](Finished&) { finish(); },
             },
             effect);
}

template <class Result, class Start>
void SessionActor::move_file(std::uint64_t number, UniqueFunction<void(Result)> then, Start start) {
  if (broken_) return;  // an effect before it failed: who would hear of it is thrown away
  const auto next = std::make_shared<UniqueFunction<void(Result)>>(std::move(then));
  auto done = [weak = weak_from_this(), generation = generation_, number, next](Result result) {
    const auto self = weak.lock();
    if (!self || self->generation_ != generation) return;
    self->transfers_.erase(number);
    self->post(WorkDone{[next, moved = std::move(result)]() mutable { (*next)(std::move(moved)); }});
  };
  if (!shared_.media) {
    TransferFailure nowhere{TransferFailure::Why::local, "this process moves no files"};
    return shared_.scheduler.post([done, nowhere] { done(nowhere); });
  }
  transfers_.insert_or_assign(number, start(done));
}

void SessionActor::finish() {
  closed_ = true;
  transfers_.clear();
  for (Input& input : mailbox_.drain()) {
    if (auto* arrived = std::get_if<CommandArrived>(&input)) answer_as_removed(std::move(arrived->command), name_);
  }
  if (on_finished) on_finished();
}

// --- beginning again

void SessionActor::rebuild(const Error& why) {
  if (closed_ || broken_) return;
  // Memory ran ahead of the disk. What the server sent and we did not acknowledge comes again.
  broken_ = why;
  trouble_ = why;
  ++generation_;
  transfers_.clear();
  if (link_) link_->close();
  retire_link();
  connect_timer_.cancel();
  wake_timer_.cancel();
  armed_.reset();
  lingers_until_.reset();
  told_ahead_ = false;          // the server says it again when the message was sent again
  session_->lose_connection();  // until it is restored, nobody may read "ready" of it
  for (Input& input : mailbox_.drain()) refuse(std::move(input), why);
  restore_later();
}

void SessionActor::restore_later() {
  constexpr std::chrono::milliseconds longest{10'000};  // a disk that has space again must not wait for us
  const auto delay = std::min(longest, rebuild_backoff_.next(shared_.random));
  restore_timer_.after(delay, [this] {
    // With a store that takes no writes the first turn would only fail.
    shared_.store.ping([self = shared_from_this()](bool healthy) {
      if (!healthy) return self->restore_later();
      net::guard(
          "session restore", [&] { self->restore(); }, [&] { self->restore_later(); });
    });
  });
}

void SessionActor::restore() {
  if (closed_) return;
  // A turn of the old memory may still be on its way to the disk: rows read before it lands would lag behind its
  // effects.
  if (busy_) return restore_later();
  const storage::SessionId id = session_->context().id();
  auto rows = load_session_rows(shared_.store.reader(), id);
  if (!rows) {  // removed meanwhile
    closed_ = true;
    return;
  }
  session_ = make_session(std::move(rows->session), std::move(rows->device));
  broken_.reset();
  restored_at_ = shared_.scheduler.steady();
  begin();
}

// --- connection and timer

void SessionActor::retire_link() {
  if (!link_) return;
  ++link_generation_;
  paused_ = false;
  link_->abandon();                            // what arrives before it dies must not reach an actor that is gone
  shared_.scheduler.retire(std::move(link_));  // it may be calling us right now
}

void SessionActor::open_link(const OpenLink& open) {
  const auto current = shared_.scheduler.steady();
  const auto start = shared_.gate.reserve(current, current + open.delay);
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(start - current);
  connect_timer_.after(std::max(std::chrono::milliseconds(0), wait), [this, epoch = open.epoch] { connect(epoch); });
}

void SessionActor::connect(std::uint64_t epoch) {
  if (closed_ || broken_) return;
  // A turn whose commit is still under way has left this connection: what it says instead follows.
  if (epoch != session_->link_epoch()) return;
  retire_link();
  const std::uint64_t generation = ++link_generation_;
  Link::Listener listener;
  listener.up = [this, generation, epoch](const protocol::KnownServer& server, bool resumed) {
    if (generation == link_generation_) post(LinkUp{server, resumed, epoch});
  };
  listener.stanza = [this, generation, epoch](Node node) {
    if (generation != link_generation_) return;
    const std::size_t weight = protocol::weight(node);
    post(StanzaArrived{std::move(node), epoch, weight});
  };
  listener.end = [this, generation, epoch](LinkEnd end) {
    if (generation != link_generation_) return;
    retire_link();
    post(LinkDown{std::move(end), epoch});
  };
  const auto dial = [&] {
    auto settings =
        session_->link_settings(shared_.chat_url, shared_.noise_root, shared_.resume_handshake, now(), connects_++);
    link_ = std::make_unique<Link>(shared_.scheduler, shared_.transport, std::move(settings), std::move(listener));
  };
  net::guard("connect", dial, [this] { rebuild(Error(Errc::internal, "the connection could not be begun")); });
}

void SessionActor::arm_timer() {
  const auto due = earliest({session_->next_deadline(), lingers_until_});
  if (due == armed_) return;
  armed_ = due;
  if (!due) return wake_timer_.cancel();
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*due - shared_.scheduler.steady());
  wake_timer_.after(std::max(std::chrono::milliseconds(0), wait), [this] {
    armed_.reset();
    wake_ = true;
    pump();
  });
}

void SessionActor::come_to_rest(std::function<void()> done) {
  if (!behind() || closed_ || broken_) return shutdown(std::move(done));
  Asked<CatchUp> first{{}, [self = shared_from_this(), done = std::move(done)](const Outcome<>&) mutable {
                         // Not from inside the turn's effects.
                         self->shared_.scheduler.post([self, done = std::move(done)] { self->shutdown(done); });
                       }};
  post(CommandArrived{std::move(first), {}});
}

void SessionActor::shutdown(std::function<void()> done) {
  closed_ = true;
  transfers_.clear();
  wake_timer_.cancel();
  connect_timer_.cancel();
  restore_timer_.cancel();
  if (link_) link_->close();
  retire_link();
  for (Input& input : mailbox_.drain()) refuse(std::move(input), Error(Errc::closed, "the daemon is stopping"));
  if (!busy_) return done();
  at_rest_ = std::move(done);
}

}  // namespace wharf::sessions
