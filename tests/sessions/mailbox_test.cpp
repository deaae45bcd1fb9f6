#include "sessions/mailbox.h"

#include <catch2/catch.hpp>

using namespace wharf;
using namespace wharf::sessions;

namespace {

StanzaArrived stanza(std::size_t bytes) {
  StanzaArrived arrived;
  arrived.node = protocol::Node("message").bytes(protocol::Bytes(bytes));
  arrived.weight = protocol::weight(arrived.node);
  return arrived;
}

constexpr std::size_t quarter = Mailbox::max_bytes_per_turn / 4;

}  // namespace

TEST_CASE("a turn takes so many inputs, the rest waits in order") {
  Mailbox mailbox;
  for (std::uint64_t i = 0; i < Mailbox::max_inputs_per_turn + 2; ++i) mailbox.push(StanzaArrived{{}, i, 0});
  REQUIRE(mailbox.take().size() == Mailbox::max_inputs_per_turn);
  const auto rest = mailbox.take();
  REQUIRE(rest.size() == 2);
  CHECK(std::get<StanzaArrived>(rest[0]).epoch == Mailbox::max_inputs_per_turn);
  CHECK(mailbox.empty());
}

TEST_CASE("a turn ends with the stanza that reaches its bytes; one over them alone is taken all the same") {
  Mailbox mailbox;
  mailbox.push(stanza(4 * Mailbox::max_bytes_per_turn));
  for (int i = 0; i < 6; ++i) mailbox.push(stanza(quarter));
  CHECK(mailbox.take().size() == 1);
  CHECK(mailbox.take().size() == 4);
  CHECK(mailbox.take().size() == 2);
  CHECK(mailbox.take().empty());
}

TEST_CASE("few heavy stanzas fill a mailbox as many light ones do, and it is relieved when both are gone") {
  Mailbox mailbox;
  for (std::size_t bytes = 0; bytes < Mailbox::full_at_bytes; bytes += quarter) {
    CHECK_FALSE(mailbox.full());
    mailbox.push(stanza(quarter));
  }
  CHECK(mailbox.full());
  while (!mailbox.relieved()) REQUIRE_FALSE(mailbox.take().empty());
  CHECK_FALSE(mailbox.full());
  mailbox.drain();
  CHECK(mailbox.empty());
  for (std::size_t i = 0; i < Mailbox::full_at; ++i) mailbox.push(WorkDone{});
  CHECK(mailbox.full());
  mailbox.drain();
  CHECK(mailbox.relieved());
}

TEST_CASE("the weight of a stanza counts what its children hold, whatever holds it") {
  protocol::Node node("message");
  node.set("id", std::string(1000, 'i'));
  node.add(protocol::Node("enc").bytes(protocol::Bytes(5000)));
  CHECK(protocol::weight(node) >= 6000);
  CHECK(protocol::weight(node) < 7000);
}

TEST_CASE("what the server says of sent stanzas can wait for company, until something comes that cannot") {
  const auto says = [](protocol::Node node) { return StanzaArrived{std::move(node), 0, 0}; };
  Mailbox mailbox;
  mailbox.push(says(protocol::Node("ack").set("class", "message")));
  mailbox.push(says(protocol::Node("receipt")));
  mailbox.push(says(protocol::Node("receipt").set("type", "read")));
  CHECK_FALSE(mailbox.urgent());
  CHECK_FALSE(mailbox.empty());
  SECTION("a message") { mailbox.push(says(protocol::Node("message"))); }
  SECTION("a retry receipt: somebody cannot read") {
    mailbox.push(says(protocol::Node("receipt").set("type", "retry")));
  }
  SECTION("a command") { mailbox.push(Begin{}); }
  SECTION("the end of the connection") { mailbox.push(LinkDown{}); }
  SECTION("as much as a turn takes") {
    while (!mailbox.urgent()) mailbox.push(says(protocol::Node("ack")));
    CHECK(mailbox.take().size() == Mailbox::max_inputs_per_turn);
    CHECK(mailbox.empty());
    mailbox.push(says(protocol::Node("ack")));
    CHECK_FALSE(mailbox.urgent());
    return;
  }
  CHECK(mailbox.urgent());
  CHECK(mailbox.take().size() == 4);
  CHECK_FALSE(mailbox.urgent());
  mailbox.push(Begin{});
  mailbox.drain();
  CHECK_FALSE(mailbox.urgent());
}
