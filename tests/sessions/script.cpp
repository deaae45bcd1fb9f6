#include "tests/sessions/script.h"
#include "tests/storage/counts.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <utility>

#include "storage/events.h"
#include "storage/messages.h"
#include "storage/sessions.h"
#include "tests/storage/injection.h"

namespace wharf::test {

using namespace std::chrono_literals;
using protocol::Node;
using sessions::Input;

namespace {

constexpr storage::SessionId id_of_session{1};
constexpr std::size_t max_steps = 20'000;     // of one settle(): beyond it the session spins
constexpr std::chrono::minutes patience{10};  // of one settle(), on the script's clock

storage::SessionRow stored_row(storage::Database& db) {
  for (auto& row : storage::load_sessions(db)) {
    if (row.id == id_of_session) return std::move(row);
  }
  throw std::logic_error("the session's row is gone");
}

}  // namespace

const char* name(Failure::Kind kind) {
  switch (kind) {
    case Failure::Kind::none: return "none";
    case Failure::Kind::commit_lost: return "commit lost";
    case Failure::Kind::killed: return "killed after the commit";
    case Failure::Kind::cut_before_send: return "cut before the stanzas left";
    case Failure::Kind::cut_after_send: return "cut after the stanzas left";
    case Failure::Kind::answer_lost: return "answer lost";
    case Failure::Kind::dial_failed: return "dial failed";
  }
  return "?";
}

Script::Script(Failure failure, std::size_t inputs_per_turn, Begin begin)
    : failure_(failure), inputs_per_turn_(inputs_per_turn), network_(random_, id_of_session) {
  settings_.pre_key_batch = 12;
  settings_.pre_key_low_mark = 2;
  storage::Store::Settings file;
  file.path = ":memory:";
  file.before_change = test::run_injected;
  auto store = storage::Store::open(std::move(file));
  REQUIRE(store.has_value());
  store_ = std::move(*store);
  storage::Changes changes;
  storage::SessionRow row;
  row.id = id_of_session;
  row.name = "s";
  row.status = begin == Begin::linked ? "authenticated" : "initializing";
  changes.add(storage::InsertSession{row});
  auto device = sessions::new_device(row.id, random_, changes, now_ms_);
  if (begin == Begin::linked) {
    constexpr std::uint16_t number = 1;
    device.account = {1, 2, 3};
    device.jid = ScriptedNetwork::own_pn.with_device(number);
    network_.linking().link({number, device.noise.pub, device.identity.pub});
  }
  changes.add(storage::PutDevice{device});
  store_->commit(std::move(changes), [](protocol::Result<void> result) { REQUIRE(result.has_value()); });
  build();
}

Script::~Script() { ++generation_; }  // what is still owed is answered, and nobody listens

// --- the life of the session

void Script::build() {
  write("the session starts from its rows");
  ++generation_;
  auto device = storage::load_device(store_->reader(), id_of_session);
  session_ =
      std::make_unique<sessions::Session>(store_->reader(), random_, settings_, stored_row(store_->reader()),
                                          std::move(*device), config_, [](std::string_view, const std::string&) {});
}

void Script::rebuild() {
  hang_up();
  mailbox_.clear();
  for (Request& request : requests_) request.asked = request.answered;
  code_asked_ = false;
  build();
  // As a start of the process does.
  mailbox_.emplace_back(sessions::Begin());
}

void Script::hang_up() {
  write("the connection ends");
  connected_ = false;
  connect_at_.reset();
  arriving_.clear();
  network_.on_gone();
}

void Script::connect() {
  connect_at_.reset();
  const auto hello = session_->link_settings("ws://script", {}, true, {now_ms_, steady_}, 0);
  REQUIRE_FALSE(hello.payload.empty());
  const bool fails = failure_.kind == Failure::Kind::dial_failed && failure_.at == dials_;
  ++dials_;
  if (fails || !network_.accepts(hello)) {
    write("the server closes on the hello");
    sessions::LinkEnd end{sessions::LinkEnd::Kind::network, "closed", hello.resume.has_value()};
    end.routing_failed = !hello.routing_info.empty();
    mailbox_.emplace_back(sessions::LinkDown{std::move(end), session_->link_epoch()});
    return;
  }
  write("a connection");
  connected_ = true;
  mailbox_.emplace_back(sessions::LinkUp{network_.server(), hello.resume.has_value(), session_->link_epoch()});
  arrive(network_.on_connected(hello));
}

void Script::cut() {
  if (!connected_ && !connect_at_) return;
  hang_up();
  mailbox_.emplace_back(
      sessions::LinkDown{sessions::LinkEnd{sessions::LinkEnd::Kind::network, "cut", false}, session_->link_epoch()});
}

// --- turns

void Script::arrive(std::vector<Node> stanzas) {
  for (Node& stanza : stanzas) arriving_.push_back(std::move(stanza));
}

void Script::turn(std::vector<Input> inputs) {
  using Kind = Failure::Kind;
  ++turns_;
  auto turn = session_->handle(std::move(inputs), {now_ms_, steady_});
  if (fails(Kind::commit_lost)) {
    const protocol::Error lost(protocol::Errc::storage, "the commit was lost");
    sessions::fail_answers(turn.effects, lost);
    return rebuild();
  }
  store_->commit(std::move(turn.changes), [](protocol::Result<void> result) { REQUIRE(result.has_value()); });
  if (fails(Kind::killed)) return rebuild();
  session_->committed();
  const bool cuts = connected_ && (fails(Kind::cut_before_send) || fails(Kind::cut_after_send));
  const bool deaf = fails(Kind::cut_before_send);
  for (auto& effect : turn.effects) perform(effect, deaf);
  if (cuts && connected_) cut();
}

void Script::perform(sessions::Effect& effect, bool deaf) {
  if (auto* send = std::get_if<sessions::SendPayload>(&effect)) {
    if (!connected_ || deaf) return;
    const auto stanza = protocol::decode_node(send->payload);
    REQUIRE(stanza.has_value());
    write(" ->  " + protocol::summary(*stanza, 160));
    arrive(network_.take(*stanza, store_->reader()));
  } else if (auto* answer = std::get_if<sessions::Answer>(&effect)) {
    answer->deliver(nullptr);
  } else if (auto* open = std::get_if<sessions::OpenLink>(&effect)) {
    connect_at_ = steady_ + open->delay;
  } else if (std::holds_alternative<sessions::CloseLink>(effect)) {
    hang_up();
  } else if (auto* work = std::get_if<sessions::RunWork>(&effect)) {
    work->work();
    mailbox_.emplace_back(sessions::WorkDone{std::move(work->then)});
  }
}

/// The next thing that happens without time passing. False: nothing is left.
bool Script::step() {
  if (mailbox_.empty() && arriving_.empty() && connected_ && network_.ended()) cut();
  if (mailbox_.empty() && arriving_.empty() && !user_acts()) {
    for (std::size_t i = 0; i < requests_.size(); ++i) {
      if (!requests_[i].asked) ask(i);
    }
  }
  while (!arriving_.empty() && mailbox_.size() < inputs_per_turn_) {
    Node stanza = std::move(arriving_.front());
    arriving_.pop_front();
    const bool lost = failure_.kind == Failure::Kind::answer_lost && failure_.at == stanzas_;
    ++stanzas_;
    write((lost ? "  x  " : " <-  ") + protocol::summary(stanza, 160));
    if (!lost) mailbox_.emplace_back(sessions::StanzaArrived{std::move(stanza), session_->link_epoch()});
  }
  if (mailbox_.empty()) return false;
  std::vector<Input> inputs;
  while (!mailbox_.empty() && inputs.size() < inputs_per_turn_) {
    inputs.push_back(std::move(mailbox_.front()));
    mailbox_.pop_front();
  }
  turn(std::move(inputs));
  return true;
}

std::optional<net::SteadyTime> Script::next_time() const {
  auto next = session_->next_deadline();
  for (const auto& other : {connect_at_, ask_again_at_}) {
    if (other && (!next || *other < *next)) next = other;
  }
  return next;
}

/// Moves the clock to the next deadline, connection attempt or look of the user. False: there is none.
bool Script::advance() {
  const auto next = next_time();
  if (!next) return false;
  if (*next > steady_) {
    now_ms_ += std::chrono::duration_cast<std::chrono::milliseconds>(*next - steady_).count();
    steady_ = *next;
  }
  if (ask_again_at_ && *ask_again_at_ <= steady_) {
    ask_again_at_.reset();
  } else if (connect_at_ && *connect_at_ <= steady_) {
    connect();
  } else {
    turn({});
  }
  return true;
}

// --- steps

void Script::login() {
  mailbox_.emplace_back(sessions::Begin());
  settle();
}

void Script::pair(Pair how) {
  pairing_ = how;
  login();
}

/// What the user does who looks at the session while it is not linked. False: nothing.
bool Script::user_acts() {
  if (!pairing_) return false;
  const auto view = session_->view();
  if (view.status == sessions::Status::failed) {
    REQUIRE(++starts_ < 5);
    write("the user starts it again after " + view.reason->code);
    mailbox_.emplace_back(sessions::Begin());
    return true;
  }
  if (session_->context().linked() || !connected_) return false;
  const bool scans = *pairing_ == Pair::by_qr || (*pairing_ == Pair::by_code_then_qr && !typed_.empty());
  if (scans) {
    if (!view.qr || view.qr->text == std::exchange(scanned_, view.qr->text)) return false;
    write("the user scans the QR");
    arrive(network_.linking().scan(view.qr->text));
    return true;
  }
  if (view.pairing_code) {
    if (*view.pairing_code == std::exchange(typed_, *view.pairing_code)) return false;
    write("the user types the code");
    arrive(network_.linking().type(typed_));
    return true;
  }
  if (view.status != sessions::Status::qr_ready || code_asked_ || ask_again_at_) return false;
  code_asked_ = true;
  const auto heard = [this, generation = generation_](const protocol::Result<sessions::PairingCode>& code) {
    if (generation != generation_) return;
    code_asked_ = false;
    if (!code) ask_again_at_ = steady_ + 5s;
  };
  tell(sessions::RequestPairingCode{ScriptedNetwork::own_pn.user}, heard);
  return true;
}

void Script::call(std::function<void(sessions::Session&)> run) {
  mailbox_.emplace_back(sessions::WorkDone{[this, run = std::move(run)] { run(*session_); }});
  settle();
}

void Script::ask(std::size_t index) {
  requests_[index].asked = true;
  sessions::SendMessage text;
  text.chat = ScriptedNetwork::contact_pn;
  text.content = requests_[index].text;
  text.idempotency_key = "key of " + requests_[index].text;
  text.request_hash = requests_[index].text;
  const auto heard = [this, index, generation = generation_](const protocol::Result<sessions::SentMessage>& sent) {
    if (generation != generation_) return;
    Request& request = requests_[index];
    request.answered = sent.has_value();
    if (!sent) request.asked = false;  // the client tries again
  };
  tell(std::move(text), heard);
}

void Script::send(const std::string& text) { requests_.push_back({text}); }

void Script::send_at_next_deadline(const std::string& text) {
  settle();
  if (const auto next = session_->next_deadline(); next && *next > steady_) {
    now_ms_ += std::chrono::duration_cast<std::chrono::milliseconds>(*next - steady_).count();
    steady_ = *next;
  }
  send(text);
}

void Script::receive(const std::string& text) {
  received_.push_back(text);
  network_.contact_says("THEIRS" + std::to_string(received_.size()), text);
  if (connected_) arrive(network_.push());
}

void Script::reject_calls(const std::string& text) {
  config_.calls = {true, text};
  session_->context().config = config_;
}

void Script::ring() {
  network_.contact_calls("RING" + std::to_string(++rings_));
  requests_.push_back({config_.calls.text, true, true});  // which nobody asks for but the config
  if (connected_) arrive(network_.push());
}

void Script::receive_unreadable(const std::string& text) {
  received_.push_back(text);
  network_.contact_says_unreadably("THEIRS" + std::to_string(received_.size()), text);
  if (connected_) arrive(network_.push());
}

void Script::pass(std::chrono::milliseconds time) {
  const auto until = steady_ + time;
  for (std::size_t steps = 0; steps < max_steps; ++steps) {
    if (step()) continue;
    const auto next = next_time();
    if (!next || *next > until) break;
    advance();
  }
  if (until > steady_) {
    now_ms_ += std::chrono::duration_cast<std::chrono::milliseconds>(until - steady_).count();
    steady_ = until;
  }
}

bool Script::session_rests() const {
  return session_->context().link.online() && session_->view().queued == 0 &&
         std::all_of(requests_.begin(), requests_.end(), [](const Request& request) { return request.answered; });
}

void Script::settle() {
  const auto until = steady_ + patience;
  for (std::size_t steps = 0; steps < max_steps; ++steps) {
    if (step()) continue;
    if (done() || steady_ > until || !advance()) return;
  }
  FAIL("the session does not come to rest");
}

// --- the promises

std::size_t Script::count_events(std::string_view event) const {
  std::size_t found = 0;
  for (const auto& stored : storage::read_events(store_->reader(), storage::EventFilter()))
    found += stored.name == event;
  return found;
}

/// One line: the second of the script's clock, and what happened.
void Script::write(const std::string& line) {
  transcript_ += std::to_string((now_ms_ - 1'700'000'000'000) / 1000) + " s  " + line + "\n";
}

void Script::check() {
  INFO(transcript_);
  for (const std::string& fault : network_.faults()) FAIL_CHECK(fault);
  for (const Request& request : requests_) {
    INFO("sent: " << request.text);
    REQUIRE(request.answered);
    REQUIRE(network_.contact_read(request.text) == 1);
    REQUIRE(network_.phone_read(request.text) == 1);
  }
  REQUIRE(storage::count_outbox(rows(), id_of_session) == 0);
  REQUIRE(network_.everything_acked());
  REQUIRE(count_events("message.sent") == requests_.size());
  REQUIRE(count_events("message") == received_.size());
  REQUIRE(count_events("call") == 2 * rings_);  // it rang, and was rejected
  const auto page = storage::page_messages(rows(), id_of_session, ScriptedNetwork::contact_lid, 1000, std::nullopt);
  for (const std::string& text : received_) {
    INFO("received: " << text);
    REQUIRE(std::count_if(page.messages.begin(), page.messages.end(),
                          [&](const storage::MessageRow& row) { return !row.from_me && row.body == text; }) == 1);
  }
  const auto device = storage::load_device(rows(), id_of_session);
  const auto& companion = network_.linking().companion();
  REQUIRE((device && companion));
  REQUIRE(device->linked());
  REQUIRE(device->jid.device == companion->device);
  REQUIRE(device->identity.pub == companion->identity);
  REQUIRE(session_->view().status == sessions::Status::ready);
  REQUIRE_FALSE(session_->view().reason);
  REQUIRE_FALSE(session_->view().qr);
  REQUIRE_FALSE(session_->view().pairing_code);
  REQUIRE(network_.faults().empty());
}

void Script::finish() {
  settle();
  if (!session_rests()) {
    INFO(transcript_);
    FAIL("stuck: only a cut would free the session");
  }
  if (!network_.everything_acked()) {
    // Pushed and lost: the session cannot know of it, the server gives such a client up.
    cut();
    settle();
  }
  send("the last text");
  settle();
  receive("the last answer");
  settle();
  check();
}

void fail_at_every_step(const std::function<void(Script&)>& conversation, Script::Begin begin,
                        std::vector<std::size_t> inputs_a_turn) {
  for (const std::size_t inputs_per_turn : inputs_a_turn) {
    std::size_t turns = 0, stanzas = 0, dials = 0;
    {
      INFO("undisturbed, " << inputs_per_turn << " inputs a turn");
      Script script({}, inputs_per_turn, begin);
      conversation(script);
      turns = script.turns();
      stanzas = script.stanzas();
      dials = script.dials();
      script.finish();
    }
    using Kind = Failure::Kind;
    for (const Kind kind : {Kind::commit_lost, Kind::killed, Kind::cut_before_send, Kind::cut_after_send,
                            Kind::answer_lost, Kind::dial_failed}) {
      const std::size_t steps = kind == Kind::answer_lost ? stanzas : kind == Kind::dial_failed ? dials : turns;
      for (std::size_t at = 0; at < steps; ++at) {
        INFO(name(kind) << " at step " << at << ", " << inputs_per_turn << " inputs a turn");
        Script script({kind, at}, inputs_per_turn, begin);
        conversation(script);
        script.finish();
      }
    }
  }
}

}  // namespace wharf::test
