#pragma once
// One linked Session over an inline store, without a socket: inputs go in, turns are committed inline, effects come
// back. Its peers are SignalPeers: independent ends that decrypt what the session really sent.

#include <catch2/catch.hpp>

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sessions/session.h"
#include "storage/events.h"
#include "storage/keys.h"
#include "storage/peers.h"
#include "storage/store.h"
#include "tests/storage/injection.h"
#include "tests/support/signal_peer.h"

namespace wharf::test {

using namespace wharf::sessions;
using namespace std::chrono_literals;

/// A linked session with its store; inputs go in, turns are committed inline, effects come back. Its bodies stand
/// apart: some eighty files of tests include this.
struct SessionFixture {
  SessionFixture();
  ~SessionFixture();
  void reopen();
  /// Runs one turn. `durable` false: the commit is lost, as in a crash before it.
  std::vector<Effect> turn(std::vector<Input> inputs, bool durable = true);
  std::vector<Effect> turn_of(Input input, bool durable = true);
  /// Runs `inside` in a turn, as what a worker brings back.
  std::vector<Effect> call(UniqueFunction<void()> inside, bool durable = true);
  std::vector<Effect> begin();
  template <class Operation>
  static Input asked(Operation operation, Reply<typename Operation::Answer> reply) {
    return as_input(Asked<Operation>{std::move(operation), std::move(reply)});
  }
  /// Asks it in a turn of its own.
  template <class Operation>
  std::vector<Effect> tell(Operation operation, Reply<typename Operation::Answer> reply = {}, bool durable = true) {
    return carry_out(Asked<Operation>{std::move(operation), std::move(reply)}, durable);
  }
  std::vector<Effect> stanza(Node node);
  /// Handshake, success, and the answer to `active`; gives what the session sends on coming online.
  std::vector<Node> go_online();
  /// The connection is lost; go_online() brings it back.
  std::vector<Effect> cut();
  static std::vector<Node> sent(const std::vector<Effect>& effects);
  std::optional<Outcome<SentMessage>> send(SendMessage text, bool durable = true);
  static SendMessage text(std::string body);
  /// Knows the lists of `contact` (its main device only) and of the own account (this device only), and has a session
  /// with the contact, whose other end is the peer that comes back. The contact was given a token in this week.
  SignalPeer befriend(const Jid& contact);
  /// The ciphertexts of the messages among these nodes.
  static std::vector<protocol::Ciphertext> ciphertexts(const std::vector<Node>& nodes);
  std::vector<std::string> event_names();

  static inline int count = 0;
  std::filesystem::path directory;
  protocol::SeededRandom random{99};
  SessionSettings settings;
  storage::SessionRow row;
  std::unique_ptr<storage::Store> store;
  std::unique_ptr<Session> session;
  std::int64_t now_ms = 1'700'000'000'000;
  net::SteadyTime steady = net::SteadyTime{} + 24h;
  std::vector<Effect> last;
  std::vector<std::string> logged;

 private:
  static Input as_input(Command command);
  std::vector<Effect> carry_out(Command command, bool durable);
};

/// What the network hands out for the session: peers begin one with it.
protocol::PreKeyBundle published_bundle(SessionFixture& f);

}  // namespace wharf::test
