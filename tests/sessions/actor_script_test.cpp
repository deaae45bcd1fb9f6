// A real SessionActor, its sockets and its handshake, driven from the first QR to texts both ways against the scripted
// network (script.h does the same with a bare Session and its own clock), and again with a failure at every step: an
// exception in the middle of a turn, a turn whose commit is lost, an actor that is gone and made again from its rows, a
// connection cut before or after a stanza was taken. The runs share one loop, so that the pauses of their actors pass
// together.
#include <spdlog/spdlog.h>

#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>

#include "net/http_server.h"
#include "net/websocket_client.h"
#include "net/worker_pool.h"
#include "protocol/noise/frame.h"
#include "sessions/actor.h"
#include "storage/events.h"
#include "tests/net/loopback.h"
#include "tests/sessions/scripted_network.h"
#include "tests/storage/counts.h"
#include "tests/storage/injection.h"

using namespace wharf;
using namespace wharf::sessions;
using protocol::Node;

namespace {

enum class Kind { none, exception, commit_lost, killed, cut_before, cut_after };

const char* name(Kind kind) {
  switch (kind) {
    case Kind::none: return "undisturbed";
    case Kind::exception: return "an exception at a draw";
    case Kind::commit_lost: return "the commit lost of the turn of a draw";
    case Kind::killed: return "killed after the turn of a draw";
    case Kind::cut_before: return "cut before a stanza was taken";
    case Kind::cut_after: return "cut after a stanza was taken";
  }
  return "?";
}

/// The session's randomness. Every turn draws some, so a draw is where a failure can be put.
class Dice final : public protocol::Random {
 public:
  void fill(std::span<std::uint8_t> out) override {
    source_.fill(out);
    const std::size_t now = draws++;
    if (on_draw) on_draw(now);
  }
  std::size_t draws = 0;
  std::function<void(std::size_t)> on_draw;

 private:
  protocol::SeededRandom source_{11};
};

/// The wire of the scripted network: WebSocket, frames, Noise.
class Wire {
 public:
  Wire(net::asio::io_context& loop, protocol::Random& random) : random_(random) {
    authority_ = {protocol::KeyPair::generate(random), protocol::KeyPair::generate(random)};
    key_ = protocol::KeyPair::generate(random);
    chain_ = protocol::issue_certificate_chain(authority_, key_.pub, {0, 4'000'000'000}, random);
    net::HttpServerSettings settings;
    settings.listen = net::HostPort{"127.0.0.1", 0};
    server_ = std::make_unique<net::HttpServer>(loop, settings, [this](net::HttpRequest, net::Responder responder) {
      responder.accept_websocket([this](std::shared_ptr<net::WebSocket> socket) { accept(std::move(socket)); });
    });
    const auto bound = server_->start();
    REQUIRE(bound.has_value());
    url = "ws://127.0.0.1:" + std::to_string(*bound) + "/ws/chat";
  }
  ~Wire() { cut(); }
  const protocol::PublicKey& root() const { return authority_.root.pub; }
  void say(const std::vector<Node>& stanzas) {
    for (const Node& stanza : stanzas) {
      if (open_ && open_->live) frame(open_->outgoing.seal(protocol::encode_node(stanza)));
    }
  }
  void cut() {
    if (!open_) return;
    const auto gone = std::exchange(open_, nullptr);
    gone->socket->abort();
    if (on_gone) on_gone();
  }
  bool live() const { return open_ && open_->live; }

  std::string url;
  std::function<std::vector<Node>(const Link::Settings& hello)> on_up;
  std::function<void(const Node&)> on_stanza;
  std::function<void()> on_gone;

 private:
  struct Open {
    std::shared_ptr<net::WebSocket> socket;
    protocol::PrologueReader prologue;
    protocol::FrameReader frames;
    std::optional<protocol::HandshakeResponder> handshake;
    bool greeted = false, live = false;
    protocol::TransportCipher incoming, outgoing;
  };
  void accept(std::shared_ptr<net::WebSocket> socket) {
    cut();
    open_ = std::make_shared<Open>();
    open_->socket = socket;
    const std::weak_ptr<Open> weak = open_;
    net::WebSocket::Callbacks callbacks;
    callbacks.message = [this, weak](net::MessageType, std::span<const std::uint8_t> bytes) {
      if (const auto open = weak.lock(); open && open == open_) hear(open, bytes);
    };
    callbacks.closed = [this, weak](const std::string&) {
      if (const auto open = weak.lock(); open && open == open_) cut();
    };
    socket->start(std::move(callbacks));
  }
  void hear(const std::shared_ptr<Open>& open, protocol::ByteView bytes) {
    if (!open->handshake) {
      const auto complete = open->prologue.feed(bytes);
      REQUIRE(complete.has_value());
      if (!*complete) return;
      protocol::HandshakeResponder::Settings settings{key_, chain_};
      open->handshake.emplace(settings, protocol::KeyPair::generate(random_), open->prologue.header());
    }
    open->frames.feed(bytes);
    while (open == open_) {
      auto next = open->frames.next();
      REQUIRE(next.has_value());
      if (!*next) return;
      hear_frame(*open, **next);
    }
  }
  void hear_frame(Open& open, protocol::ByteView body) {
    if (open.live) {
      const auto plain = open.incoming.open(body);
      REQUIRE(plain.has_value());
      const auto stanza = protocol::decode_node(*plain);
      REQUIRE(stanza.has_value());
      return on_stanza(*stanza);
    }
    if (open.greeted) {
      const auto peer = open.handshake->on_client_finish(body);
      REQUIRE(peer.has_value());
      return up(open, *peer, false);
    }
    const auto reply = open.handshake->on_client_hello(body);
    REQUIRE(reply.has_value());
    open.greeted = true;
    frame(reply->server_hello);
    if (reply->authenticated) up(open, *reply->authenticated, true);
  }
  void up(Open& open, const protocol::HandshakeResponder::Authenticated& peer, bool resumed) {
    open.incoming = protocol::TransportCipher(peer.keys.client_to_server);
    open.outgoing = protocol::TransportCipher(peer.keys.server_to_client);
    open.live = true;
    Link::Settings hello;
    hello.device_static.pub = peer.client_static;
    hello.payload = peer.client_payload;
    if (resumed) hello.resume.emplace();
    say(on_up(hello));
  }
  void frame(protocol::ByteView body) {
    protocol::Bytes bytes;
    protocol::append_frame(bytes, body);
    open_->socket->send(net::MessageType::binary, std::move(bytes));
  }

  protocol::Random& random_;
  protocol::CertificateAuthority authority_;
  protocol::KeyPair key_;
  protocol::Bytes chain_;
  std::unique_ptr<net::HttpServer> server_;
  std::shared_ptr<Open> open_;
};

/// One run: a session that is not linked yet, its network, and the user who links it and chats.
class Run {
 public:
  Run(net::asio::io_context& loop, net::WorkerPool& workers, net::WebSocketClient& sockets, Kind kind = Kind::none,
      std::size_t at = 0)
      : loop_(loop),
        kind_(kind),
        at_(at),
        scheduler_(loop),
        store_(open_store()),
        network_(random_, id),
        wire_(loop, random_),
        shared_{scheduler_, dice_, *store_, workers, sockets, wire_.url, wire_.root(), true, {}, ConnectGate(100)} {
    shared_.settings.pre_key_batch = 12;
    shared_.settings.pre_key_low_mark = 2;
    storage::Changes changes;
    storage::SessionRow row;
    row.id = id;
    row.name = "s";
    row.status = "initializing";
    changes.add(storage::InsertSession{row});
    changes.add(storage::PutDevice{new_device(id, random_, changes, 1'700'000'000'000)});
    store_->commit(std::move(changes), [](protocol::Result<void> done) { REQUIRE(done.has_value()); });
    wire_.on_up = [this](const Link::Settings& hello) { return network_.on_connected(hello); };
    wire_.on_gone = [this] { network_.on_gone(); };
    wire_.on_stanza = [this](const Node& stanza) {
      const std::size_t now = stanzas_++;
      if (kind_ == Kind::cut_before && now == at_) return wire_.cut();
      const auto answers = network_.take(stanza, store_->reader());
      if (kind_ == Kind::cut_after && now == at_) return wire_.cut();
      wire_.say(answers);
    };
    make();
  }
  ~Run() {
    dice_.on_draw = nullptr;
    actor_->shutdown([] {});
    actor_.reset();
  }

  /// What the user does next. True: everything that was asked for is done.
  bool done() {
    const SessionView view = actor_->view();
    if (view.status == Status::failed && !starting_) {
      starting_ = true;
      tell(StartSession(), [this](const protocol::Result<SessionView>&) { starting_ = false; });
    }
    if (view.qr && view.qr->text != scanned_ && wire_.live()) {
      scanned_ = view.qr->text;
      wire_.say(network_.linking().scan(scanned_));
    }
    if (view.status != Status::ready) return false;
    if (!answered_) {
      ask();
      return false;
    }
    if (network_.contact_read("hello") == 0) return false;
    if (!std::exchange(contact_said_, true)) {
      network_.contact_says("THEIRS1", "hello yourself");
      wire_.say(network_.push());
    }
    return network_.everything_acked() && view.queued == 0 && count_events("message") == 1;
  }
  void check() {
    INFO(name(kind_) << ", at " << at_);
    for (const std::string& fault : network_.faults()) FAIL_CHECK(fault);
    CHECK(network_.contact_read("hello") == 1);
    CHECK(network_.phone_read("hello") == 1);
    CHECK(count_events("message") == 1);
    CHECK(count_events("message.sent") == 1);
    CHECK(storage::count_outbox(store_->reader(), id) == 0);
    const auto device = storage::load_device(store_->reader(), id);
    REQUIRE((device && network_.linking().companion()));
    CHECK(device->identity.pub == network_.linking().companion()->identity);
    CHECK(device->jid.device == network_.linking().companion()->device);
  }
  std::string description() const {
    const SessionView view = actor_->view();
    return std::string(name(kind_)) + ", at " + std::to_string(at_) + ": " + sessions::name(view.status) + " " +
           (view.reason ? view.reason->message : std::string());
  }
  std::size_t draws() const { return dice_.draws; }
  std::size_t stanzas() const { return stanzas_; }

 private:
  static constexpr storage::SessionId id{1};

  static std::unique_ptr<storage::Store> open_store() {
    storage::Store::Settings file;
    file.path = ":memory:";
    file.before_change = test::run_injected;
    auto store = storage::Store::open(std::move(file));
    REQUIRE(store.has_value());
    return std::move(*store);
  }
  void make() {
    ++generation_;
    asked_ = starting_ = false;
    actor_ = std::make_shared<SessionActor>(shared_, *storage::load_session(store_->reader(), id),
                                            *storage::load_device(store_->reader(), id));
    if (generation_ == 1) {  // what a constructor throws is its caller's
      dice_.draws = 0;
      dice_.on_draw = [this](std::size_t now) { fail_at_draw(now); };
    }
    actor_->begin();
  }
  void fail_at_draw(std::size_t now) {
    if (now != at_) return;
    if (kind_ == Kind::exception) throw std::runtime_error("no randomness");
    if (kind_ == Kind::commit_lost && actor_) {
      test::inject_into(actor_->session().context().records, [](storage::Database&) {
        return protocol::Result<void>(protocol::Error(protocol::Errc::storage, "lost"));
      });
    }
    if (kind_ == Kind::killed) {
      net::asio::post(loop_, [this] {
        actor_.reset();
        make();
      });
    }
  }
  /// Again until it is answered, under one key.
  void ask() {
    if (std::exchange(asked_, true)) return;
    SendMessage text;
    text.chat = test::ScriptedNetwork::contact_pn;
    text.content = std::string("hello");
    text.idempotency_key = text.request_hash = "hello";
    const std::uint64_t generation = generation_;
    tell(std::move(text), [this, generation](const protocol::Result<SentMessage>& sent) {
      if (generation != generation_) return;
      answered_ = sent.has_value();
      asked_ = answered_;
    });
  }
  template <class Operation>
  void tell(Operation operation, Reply<typename Operation::Answer> reply) {
    actor_->post(CommandArrived{Asked<Operation>{std::move(operation), std::move(reply)}, {}});
  }
  std::size_t count_events(std::string_view event) const {
    std::size_t found = 0;
    for (const auto& stored : storage::read_events(store_->reader(), storage::EventFilter()))
      found += stored.name == event;
    return found;
  }

  net::asio::io_context& loop_;
  Kind kind_;
  std::size_t at_;
  protocol::SeededRandom random_{7};  // the network's
  Dice dice_;
  net::LoopScheduler scheduler_;
  std::unique_ptr<storage::Store> store_;
  test::ScriptedNetwork network_;
  Wire wire_;
  Shared shared_;
  std::shared_ptr<SessionActor> actor_;
  std::uint64_t generation_ = 0;
  std::string scanned_;
  bool starting_ = false, asked_ = false, answered_ = false, contact_said_ = false;
  std::size_t stanzas_ = 0;
};

/// Thousands of lines about what is meant to fail.
struct Silence {
  Silence() : before(spdlog::get_level()) { spdlog::set_level(spdlog::level::off); }
  ~Silence() { spdlog::set_level(before); }
  spdlog::level::level_enum before;
};

}  // namespace

TEST_CASE("a session actor links, sends and receives, whatever fails on the way", "[long]") {
  const Silence silence;
  net::asio::io_context loop;
  net::WorkerPool workers{loop.get_executor(), 1};
  net::WebSocketClient sockets{loop, {}};
  constexpr std::size_t at_once = 24;  // sockets
  std::size_t draws = 0, stanzas = 0;
  const auto run_all = [&](const std::vector<std::pair<Kind, std::size_t>>& failures) {
    for (std::size_t first = 0; first < failures.size(); first += at_once) {
      std::vector<std::unique_ptr<Run>> runs;
      for (std::size_t i = first; i < std::min(failures.size(), first + at_once); ++i)
        runs.push_back(std::make_unique<Run>(loop, workers, sockets, failures[i].first, failures[i].second));
      std::vector<Run*> open;
      for (const auto& run : runs) open.push_back(run.get());
      // The time of run_until() is for each of them, not for all: sanitizers make the work of many take minutes.
      const auto one_more_done = [&] { return std::erase_if(open, [](Run* run) { return run->done(); }) != 0; };
      while (!open.empty() && test::run_until(loop, one_more_done)) continue;
      for (Run* stuck : open) FAIL_CHECK("stuck: " << stuck->description());
      REQUIRE(open.empty());
      for (const auto& run : runs) run->check();
      draws = runs.front()->draws();
      stanzas = runs.front()->stanzas();
      runs.clear();
      test::run_ready(loop);
    }
  };
  run_all({{Kind::none, 0}});
  std::vector<std::pair<Kind, std::size_t>> failures;
  for (const Kind kind : {Kind::exception, Kind::commit_lost, Kind::killed}) {
    for (std::size_t at = 0; at < draws; ++at) failures.emplace_back(kind, at);
  }
  for (const Kind kind : {Kind::cut_before, Kind::cut_after}) {
    for (std::size_t at = 0; at < stanzas; ++at) failures.emplace_back(kind, at);
  }
  REQUIRE(draws > 30);
  REQUIRE(stanzas > 10);
  run_all(failures);
}
